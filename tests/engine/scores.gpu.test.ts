/** Answers to a benchmark, piece by piece: kept with the project, gone on with in another visit, compared with others'. */
import { expect, test } from 'vitest';
import { madeMigBench } from '../data/make-benchmark.ts';
import { registerDecoder } from '../../src/image/decode.ts';
import { nodeDecode } from '../../src/image/node-decode.ts';
import { memoryStorage } from '../../src/store/storage.ts';
import { readPredictions } from '../../src/evaluate/prediction.ts';
import { turned } from '../../src/grounding/picture-swap.ts';
import { fewRows, starter } from './few-rows.ts';
import { openEngine } from './open-engine.ts';

registerDecoder(nodeDecode);

const OPTIONS = { prompt: 'published', tokens: 24, limit: 0, seed: 42 } as const;

test('answers to a benchmark are gone on with in another visit, scored under both readings, beside another model’s', async () => {
  const storage = memoryStorage();
  const zip = new Blob([await madeMigBench(5)]);
  const open = async () => {
    const { session } = openEngine(storage);
    const { id } = await session.handle({
      type: 'open-dataset',
      name: 'bench',
      files: [{ path: 'bench.zip', file: zip }],
    });
    return { session, dataset: id };
  };
  const first = await open();
  const { id: project } = await first.session.handle({ type: 'save-project', id: null, change: { name: 'p' } });
  const [about] = await first.session.handle({ type: 'benchmarks', dataset: first.dataset });
  expect(about).toMatchObject({ name: 'migBench', rows: 5, complete: false, answerTokens: 128 });
  expect(about!.prompt).toMatch(/question 1\?Format:<\|box_start\|>/);
  const asked = { type: 'predict-next', policy: 'base', options: OPTIONS, label: null, project } as const;
  await first.session.handle({ type: 'load-starter', baseUrl: starter });
  const begun = await first.session.handle({ ...asked, dataset: first.dataset, count: 2 });
  expect([begun.answered, begun.total]).toEqual([2, 5]);
  // What was not learnt is not evaluated as if it were.
  await expect(
    first.session.handle({ ...asked, dataset: first.dataset, policy: 'tuned', count: 1 }),
  ).rejects.toMatchObject({ code: 'nothing-tuned' });
  await first.session.destroy();

  const { session, dataset } = await open();
  await session.handle({ type: 'take-project', id: project });
  const kept = { dataset, project } as const;
  const { sets } = await session.handle({ type: 'prediction-sets', ...kept });
  expect(sets.map(({ id, answered }) => [id, answered])).toEqual([[begun.id, 2]]);
  await session.handle({ type: 'load-starter', baseUrl: starter });
  const done = await session.handle({ ...asked, dataset, count: 8 });
  expect([done.id, done.answered]).toEqual([begun.id, 5]);

  const { rows } = await session.handle({ type: 'rows', dataset, split: 'heldout', offset: 0, count: 5 });
  const right = rows.map(({ id, benchmark }) => {
    const [x1, y1, x2, y2] = benchmark!.boxes[0]!.corners.map((v) => Math.round(1000 * v));
    return JSON.stringify({ id, text: `Image-2: (${x1},${y1}),(${x2},${y2})` });
  });
  const file = { path: 'theirs.jsonl', file: new Blob([[...right, '{"id":"no such","text":"x"}'].join('\n')]) };
  const taken = await session.handle({
    type: 'import-predictions',
    ...kept,
    file,
    name: 'Oracle',
    space: 'thousandths',
  });
  expect([taken.strangers, taken.set.answered]).toEqual([1, 5]);

  const both = [begun.id, taken.set.id];
  const [result] = await session.handle({ type: 'scores', ...kept, sets: both });
  expect(result!.sets.map(({ name }) => name)).toEqual([begun.name, 'Oracle']);
  const [, oracle] = result!.sets;
  expect(oracle!.strict!.main.value).toBe(1);
  expect(oracle!.published!.main.value).toBe(1);
  expect(oracle!.objections.join()).toContain('not all questions were answered');
  expect(result!.pairs[0]).toMatchObject({ before: begun.name, after: 'Oracle', n: 5, lost: [] });
  expect(result!.table.rows.map(({ model }) => model)).toContain('Migician');
  expect(oracle!.traits.curve.at(-1)!.hits).toBe(5);

  const answers = await session.handle({ type: 'set-answers', ...kept, set: taken.set.id, rowIds: [rows[0]!.id] });
  expect(answers).toMatchObject([{ outcome: 'right', boxes: [{ image: 1 }] }]);
  const table = await session.handle({ type: 'scores-file', ...kept, sets: both, as: 'markdown' });
  expect(await new Response(table.stream).text()).toContain('| Oracle | strict |');

  await session.handle({ type: 'forget-predictions', ...kept, set: taken.set.id });
  expect((await session.handle({ type: 'prediction-sets', ...kept })).sets).toHaveLength(1);
  // A project takes its answers along when it goes.
  await session.handle({ type: 'delete-project', id: project });
  expect((await session.handle({ type: 'prediction-sets', ...kept })).sets).toEqual([]);
  await session.destroy();
}, 600_000);

test('rows are asked again with their pictures swapped, as the test of one row asks them, and the share that follows is scored', async () => {
  const { session } = openEngine(memoryStorage());
  await session.handle({ type: 'load-starter', baseUrl: starter });
  const { id: dataset } = await session.handle({ type: 'open-dataset', name: 'few', files: await fewRows() });
  const options = { prompt: 'own', tokens: 128, limit: 6, seed: 1, swap: true } as const;
  const asked = { type: 'predict-next', dataset, policy: 'base', options, label: null, project: null } as const;
  const set = await session.handle({ ...asked, count: 6 });
  expect(set.header).toMatchObject({ swap: true });
  const { swap: _, ...plain } = options;
  expect((await session.handle({ ...asked, options: plain, count: 0 })).id).not.toBe(set.id);

  const kept = { dataset, project: null } as const;
  const [result] = await session.handle({ type: 'scores', ...kept, sets: [set.id] });
  const { swap } = result!.sets[0]!.consistency;
  expect(swap!.n).toBeGreaterThan(0);
  expect(Object.values(swap!.rows).flat()).toHaveLength(swap!.n);
  expect(swap!.held).toBe(swap!.rows.follows?.length ?? 0);

  const file = await session.handle({ type: 'predictions-file', ...kept, set: set.id, as: 'groundwork' });
  const { answers } = readPredictions(await new Response(file.stream).text());
  const swapped = [...answers].flatMap(([row, [answer]]) => (answer!.swapped ? [{ row, answer: answer! }] : []));
  expect(swapped).toHaveLength(swap!.n);
  const { row: rowId, answer } = swapped[0]!;
  const row = await session.handle({ type: 'row', dataset, rowId });
  const order = turned(row.images.length);
  const [alone] = await session.handle({ type: 'answer', dataset, rowId, policies: ['base'], order });
  expect(answer.swapped!.text).toBe(alone!.text);
  await session.destroy();
}, 600_000);
