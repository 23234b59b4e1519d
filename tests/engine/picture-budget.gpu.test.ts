/** A plan's picture budget reaches everything that sees pictures: previews, training, answers, checkpoints, exports. */
import { expect, test } from 'vitest';
import { registerDecoder } from '../../src/image/decode.ts';
import { nodeDecode } from '../../src/image/node-decode.ts';
import { memoryStorage } from '../../src/store/storage.ts';
import { evaluateStage, lora, optimizer, sftStage } from '../../src/train/stages/index.ts';
import { fewRows, starter } from './few-rows.ts';
import { openEngine } from './open-engine.ts';

registerDecoder(nodeDecode);

const BUDGET = { minPixels: 784, maxPixels: 3136 };
const stage = sftStage({
  lora: lora(4, 8),
  optimizer: optimizer(1e-2, 0, 'constant'),
  maxSteps: 2,
  perDeviceTrainBatchSize: 2,
});
const plan = (part: object = {}) => ({
  name: 'r',
  seed: 1,
  stages: [stage, evaluateStage({ limit: 4, maxCompletionLength: 24 })],
  ...part,
});

async function opened(storage = memoryStorage()) {
  const engine = openEngine(storage);
  await engine.session.handle({ type: 'load-starter', baseUrl: starter });
  const { id: dataset } = await engine.session.handle({ type: 'open-dataset', name: 'few', files: await fewRows() });
  const { rows } = await engine.session.handle({ type: 'rows', dataset, split: 'heldout', offset: 0, count: 3 });
  return { ...engine, dataset, rows };
}

/** Text of a file that is made when it is read. */
async function textOf(data: string | AsyncIterable<Uint8Array>): Promise<string> {
  if (typeof data === 'string') return data;
  let text = '';
  for await (const part of data) text += new TextDecoder().decode(part);
  return text;
}

test(
  'a run under a budget is another run, is seen so afterwards, and its export says so',
  { timeout: 600_000 },
  async () => {
    const { session, dataset, rows, of } = await opened();
    const [row] = rows;
    const preview = (pictures?: typeof BUDGET) =>
      session.handle({ type: 'preview', dataset, rowId: row!.id, recipe: { seed: 1, ...(pictures && { pictures }) } });
    const [plain, small] = [await preview(), await preview(BUDGET)];
    for (const [i, { natural, model, tokens }] of small.sizes.entries()) {
      expect(natural).toEqual(plain.sizes[i]!.natural);
      expect(model.width * model.height).toBeLessThanOrEqual(BUDGET.maxPixels);
      expect(tokens).toBeLessThan(plain.sizes[i]!.tokens);
    }
    expect(small.tokens.length).toBeLessThan(plain.tokens.length);

    const numbers = async (pictures?: typeof BUDGET) =>
      (await session.handle({ type: 'box-numbers', dataset, rowId: row!.id, pictures })).model!;
    // The starter writes pixels after resizing.
    expect(await numbers(BUDGET)).not.toEqual(await numbers());

    const memory = async (pictures?: typeof BUDGET) =>
      session.handle({
        type: 'memory-plan',
        model: null,
        dataset,
        row: { pictures: 1, width: 64, height: 64, promptTokens: 10, targetTokens: 10 },
        recipe: plan(pictures && { pictures }),
        availableBytes: 2 ** 40,
      });
    const [large, less] = [await memory(), await memory(BUDGET)];
    expect(less.longest.imageTokens).toBeLessThan(large.longest.imageTokens);
    expect(less.totalBytes).toBeLessThan(large.totalBytes);

    const losses = () => of('metrics').flatMap(({ values }) => ('loss' in values ? [values['loss']] : []));
    await session.handle({ type: 'start', dataset, recipe: plan() });
    await session.running;
    const before = losses();
    const { runId } = await session.handle({ type: 'start', dataset, recipe: plan({ pictures: BUDGET }) });
    await session.running;
    const under = losses().slice(before.length);
    expect(before).toHaveLength(2);
    expect(under).toHaveLength(2);
    expect(under).not.toEqual(before);

    // The run in view goes before the plan of the page.
    expect(await numbers({ minPixels: 3136, maxPixels: 50_176 })).toEqual(await numbers(BUDGET));
    const chat = (policy: 'base' | 'tuned') =>
      session.handle({
        type: 'chat',
        chatId: policy,
        policy,
        messages: [
          {
            role: 'user',
            content: [
              { type: 'image', image: 0 },
              { type: 'text', text: 'What is it?' },
            ],
          },
        ],
        pictures: [{ id: 'p', file: picture }],
        sampling: { temperature: 0, topK: 0, topP: 1, maxCompletionLength: 4 },
        seed: 0,
      });
    const picture = await session.handle({ type: 'image', dataset, path: row!.images[0]! });
    const answer = await chat('tuned');
    expect(answer.budgetOf).toBe('run');
    expect(answer.sizes).toEqual([{ natural: small.sizes[0]!.natural, model: small.sizes[0]!.model }]);

    const predicted = await session.handle({
      type: 'predict-rows',
      dataset,
      rowIds: [row!.id],
      policy: 'tuned',
      prompt: 'own',
      tokens: 4,
    });
    expect(predicted.pictures).toEqual(BUDGET);

    const files = new Map((await session.exportFiles({ what: 'merged', runId })).map(({ path, data }) => [path, data]));
    const said = JSON.parse(await textOf(files.get('preprocessor_config.json')!)) as Record<string, unknown>;
    expect(said).toMatchObject({
      min_pixels: 784,
      max_pixels: 3136,
      size: { shortest_edge: 784, longest_edge: 3136 },
      patch_size: 14,
    });
    const card = await textOf(files.get('README.md')!);
    expect(card).toContain('"maxPixels": 3136');
    expect(card).toContain('min_pixels=784, max_pixels=3136');
    const adapter = await session.exportFiles({ what: 'adapter', runId });
    expect(await textOf(adapter.find(({ path }) => path === 'README.md')!.data)).toContain('max_pixels=3136');
    await session.destroy();
  },
);

test('a run under a budget resumes under it, to the last bit', { timeout: 600_000 }, async () => {
  const whole = await opened();
  await whole.session.handle({ type: 'start', dataset: whole.dataset, recipe: plan({ pictures: BUDGET }) });
  await whole.session.running;
  const expected = whole.of('metrics').map(({ step, values }) => ({ step, loss: values['loss'] }));
  await whole.session.destroy();

  const storage = memoryStorage();
  const first = await opened(storage);
  const keep = { everySteps: 1 };
  first.once(
    (event) => event.type === 'metrics',
    () => void first.session.handle({ type: 'control', action: 'stop' }),
  );
  const { runId } = await first.session.handle({
    type: 'start',
    dataset: first.dataset,
    recipe: plan({ pictures: BUDGET }),
    keep,
  });
  await first.session.running;
  const done = first.of('metrics').map(({ step, values }) => ({ step, loss: values['loss'] }));
  await first.session.destroy();

  const second = await opened(storage);
  await second.session.handle({ type: 'continue-run', runId, dataset: second.dataset, go: true });
  await second.session.running;
  const rest = second.of('metrics').map(({ step, values }) => ({ step, loss: values['loss'] }));
  expect([...done, ...rest]).toEqual(expected);
  await second.session.destroy();

  // In another visit, what it has measured is known from its log.
  const third = await opened(storage);
  await third.session.handle({ type: 'continue-run', runId, dataset: third.dataset, go: false });
  const files = await third.session.exportFiles({ what: 'adapter', runId });
  const card = await textOf(files.find(({ path }) => path === 'README.md')!.data);
  expect(card).toMatch(/Held-out rows of few, answered greedily/);
  expect(card).toMatch(/\| Evaluation \| 4 \| [\d.]+ % \|/);
  await third.session.destroy();
});

test('a budget that the family lacks is refused before a run begins', async () => {
  const { session, dataset } = await opened();
  await expect(
    session.handle({ type: 'start', dataset, recipe: plan({ pictures: { longestEdge: 512 } }) }),
  ).rejects.toThrow(/sets longestEdge/);
  await expect(
    session.handle({ type: 'start', dataset, recipe: plan({ pictures: { maxPixels: 784 } }) }),
  ).rejects.toThrow(/at least 3136 and at most 784/);
  await session.destroy();
});

test(
  'what a budget makes of the rows is told, and one is found under which every row fits',
  { timeout: 600_000 },
  async () => {
    const { session, dataset } = await opened();
    const ask = (part: object = {}, maxLength = 0) =>
      session.handle({
        type: 'picture-report',
        dataset,
        recipe: { seed: 1, stages: [{ ...stage, maxLength }], ...part },
      });
    const own = await ask();
    const small = await ask({ pictures: BUDGET });
    expect(own.looked).toBe(own.total);
    expect(own).toMatchObject({ tooLong: 0, fitting: null, context: { of: null } });
    expect(small.pictureTokens!.most).toBe(4);
    expect(small.rowTokens!.most).toBeLessThan(own.rowTokens!.most);
    expect(small.belowToken).toBeGreaterThan(own.belowToken);
    const side = ({ smallest }: typeof own) => Math.min(smallest!.width, smallest!.height);
    expect(side(small)).toBeLessThan(side(own));

    // Rows are as long as they are then encoded.
    const { rows } = await session.handle({ type: 'rows', dataset, split: 'train', offset: 0, count: 100 });
    const lengths = async (pictures?: object) => {
      const found: number[] = [];
      for (const { id } of rows) {
        const recipe = { seed: 1, ...(pictures && { pictures }) };
        const preview = await session.handle({ type: 'preview', dataset, rowId: id, recipe, taught: true });
        found.push(preview.tokens.length);
      }
      return found.sort((a, b) => b - a);
    };
    const [longest] = await lengths();
    const limited = await ask({}, longest! - 20);
    expect(limited.context).toEqual({ tokens: longest! - 20, of: stage.name });
    expect(limited.tooLong).toBe((await lengths()).filter((n) => n > longest! - 20).length);
    expect((await lengths(limited.fitting!))[0]).toBeLessThanOrEqual(longest! - 20);
    expect((await ask({ pictures: limited.fitting! }, longest! - 20)).tooLong).toBe(0);
    // It is the largest that does: a block more, and a row is too long.
    const more = { ...limited.fitting!, maxPixels: limited.fitting!.maxPixels! + 784 };
    expect((await ask({ pictures: more }, longest! - 20)).tooLong).toBeGreaterThan(0);
    // Text alone is too long for a few tokens, whatever the pictures are.
    expect(await ask({}, 8)).toMatchObject({ fitting: null, tooLong: rows.length });
    await expect(ask({ pictures: { longestEdge: 64 } })).rejects.toThrow(/sets longestEdge/);
    // Of two questions the newer is answered; the rows are read once for both.
    const again = await Promise.allSettled([ask({ seed: 2, pictures: BUDGET }, longest! - 20), ask({ seed: 2 })]);
    expect(again[1]).toMatchObject({ status: 'fulfilled', value: own });
    await session.destroy();
  },
);
