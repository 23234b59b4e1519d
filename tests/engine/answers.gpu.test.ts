/** Answers to several rows at once, and those kept with a project: found again by the weights that gave them. */
import { describe, expect, test } from 'vitest';
import { ANSWERS_KEPT, AnswerShelf } from '../../src/engine/keep/answer-shelf.ts';
import type { Answer, KnownAnswer } from '../../src/engine/protocol/index.ts';
import { registerDecoder } from '../../src/image/decode.ts';
import { nodeDecode } from '../../src/image/node-decode.ts';
import { memoryStorage } from '../../src/store/storage.ts';
import { PROMPT } from '../../src/train/prompt.ts';
import { lora, optimizer, sftStage } from '../../src/train/stages/index.ts';
import { fewRows, starter } from './few-rows.ts';
import { openEngine } from './open-engine.ts';

registerDecoder(nodeDecode);

const answer = (text: string): Answer => ({
  policy: 'base',
  text,
  think: null,
  boxes: [],
  iou: null,
  rightImage: null,
  parsed: false,
});

describe('answers on the starter', () => {
  test('given together are as given alone, and come back in another visit with the weights that gave them', async () => {
    const storage = memoryStorage();
    const open = async () => {
      const { session } = openEngine(storage);
      await session.handle({ type: 'load-starter', baseUrl: starter });
      const { id } = await session.handle({ type: 'open-dataset', name: 'few', files: await fewRows() });
      const { rows } = await session.handle({ type: 'rows', dataset: id, split: 'heldout', offset: 0, count: 3 });
      return { session, dataset: id, rowIds: rows.map((row) => row.id), images: rows.map((row) => row.images.length) };
    };
    const first = await open();
    const { session, dataset, rowIds } = first;
    const { id: project } = await session.handle({ type: 'save-project', id: null, change: { name: 'p' } });
    const ask = { type: 'answer-rows', dataset, rowIds, project } as const;
    const base = await session.handle({ ...ask, policy: 'base' });
    for (const [i, rowId] of rowIds.entries())
      expect([base[i]]).toEqual(await session.handle({ type: 'answer', dataset, rowId, policies: ['base'] }));
    const known = (of: readonly Answer[]): KnownAnswer[] => of.map((each, i) => ({ rowId: rowIds[i]!, answer: each }));
    // Nothing was learnt: what would be called tuned is the base, and is not told as if it were more.
    await session.handle({ ...ask, policy: 'tuned' });
    expect(await session.handle({ type: 'known-answers', dataset, project })).toEqual(known(base));

    // Asked with a recipe's prompt they are others, which are kept apart and say the form that was asked for.
    const asking = { prompt: { ...PROMPT, answerForm: 'think', thinkWords: 'Think first.' } as const, seed: 3 };
    const planned = await session.handle({ ...ask, policy: 'base', recipe: asking });
    expect(planned.map(({ form }) => form)).toEqual(rowIds.map(() => 'think'));
    expect(base.map(({ form }) => form)).toEqual(rowIds.map(() => undefined));
    expect(await session.handle({ type: 'known-answers', dataset, project, recipe: asking })).toEqual(known(planned));
    expect(await session.handle({ type: 'known-answers', dataset, project, recipe: null })).toEqual(known(base));
    expect(await session.handle({ type: 'known-answers', dataset, project })).toEqual(known(base));

    const stage = sftStage({
      lora: lora(4, 8),
      optimizer: optimizer(3e-2, 0, 'constant'),
      maxSteps: 3,
      perDeviceTrainBatchSize: 2,
    });
    const recipe = { name: 'r', seed: 1, stages: [stage] };
    const { runId } = await session.handle({ type: 'start', dataset, recipe, project });
    await session.running;
    const tuned = await session.handle({ ...ask, policy: 'tuned' });
    expect(tuned.map(({ text }) => text)).not.toEqual(base.map(({ text }) => text));
    const orders = first.images.map((n) => Array.from({ length: n }, (_, i) => n - 1 - i));
    await session.handle({ ...ask, policy: 'tuned', orders });
    expect(await session.handle({ type: 'known-answers', dataset, project })).toEqual([
      ...known(base),
      ...known(tuned),
    ]);
    // Looking for those of other rows costs nothing of what was learnt.
    const other = await session.handle({ type: 'open-sample', baseUrl: starter });
    expect(await session.handle({ type: 'known-answers', dataset: other.id, project })).toEqual([]);
    expect(await session.handle({ type: 'known-answers', dataset, project })).toHaveLength(2 * rowIds.length);
    await session.destroy();

    const second = await open();
    const again = second.session;
    const found = () => again.handle({ type: 'known-answers', dataset: second.dataset, project });
    expect(await found()).toEqual(known(base));
    await again.handle({ type: 'continue-run', runId, dataset: second.dataset, go: false });
    expect(await found()).toEqual([...known(base), ...known(tuned)]);
    // A project that this tab does not have is not written to.
    await again.handle({ ...ask, dataset: second.dataset, policy: 'base' });
    expect(await found()).toHaveLength(2 * rowIds.length);
    await again.handle({ type: 'delete-project', id: project });
    expect(await found()).toEqual([]);
    await again.destroy();
  });
});

test('of more answers than are kept the older ones go, in storage as well', async () => {
  const storage = memoryStorage();
  const shelf = new AnswerShelf(storage);
  const some = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => ({ rowId: `row ${from + i}`, answer: answer(`${from + i}`) }));
  await shelf.add('p', 'd', 'w', some(0, ANSWERS_KEPT));
  await shelf.add('p', 'd', 'w', some(ANSWERS_KEPT, 5));
  for (const one of [shelf, new AnswerShelf(storage)]) {
    const found = await one.known('p', 'd', { base: 'w' });
    expect([found.length, found.at(-1)!.rowId]).toEqual([ANSWERS_KEPT / 2 + 5, `row ${ANSWERS_KEPT + 4}`]);
    expect(await one.known('p', 'd', { base: 'other' })).toEqual([]);
    expect(await one.known('p', 'other', { base: 'w' })).toEqual([]);
  }
});
