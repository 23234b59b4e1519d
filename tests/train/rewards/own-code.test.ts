import { beforeAll, describe, expect, test } from 'vitest';
import { CODE_EXAMPLE, ownInput, ownRule, type OwnInput } from '../../../src/train/rewards/own-code.ts';
import { rewardFaults, usesCode, weightedRewards } from '../../../src/train/rewards/index.ts';
import { box01 } from '../../../src/grounding/box.ts';

const INPUT: OwnInput = ownInput(
  {
    text: '<think>The cup.</think><answer>…</answer>',
    tokens: 9,
    answer: { think: 'The cup.', answer: '…', boxes: [{ image: 1, box: box01(0, 0, 0.5, 0.5) }] },
  },
  {
    id: 'r7',
    task: 'find',
    images: ['a.png', 'b.png'],
    prompt: [{ role: 'user', content: [{ type: 'text', text: 'Find the cup.' }] }],
    solution: [{ image: 1, box: box01(0, 0, 0.5, 1) }],
  },
);
const rule = (body: string) => ownRule(`function reward(completion, row) { ${body} }`);
const failure = (body: string) => rule(body).then((run) => run(INPUT));

describe('a reward of one’s own', () => {
  // The interpreter is a megabyte of script that is compiled once.
  beforeAll(() => rule('return 0;').then(() => undefined), 60_000);

  test('is given the answer and its row, pictures counted from 1', async () => {
    const run = await rule(
      'return row.solution[0].image === 2 && completion.boxes[0].image === 2 && row.question === "Find the cup." && completion.think === "The cup." ? completion.tokens / 2 : -1;',
    );
    expect(run(INPUT)).toBe(4.5);
    expect((await ownRule(CODE_EXAMPLE))(INPUT)).toBeCloseTo(1 - 2 / 200, 12);
  });

  test('may not apply, and may say yes or no', async () => {
    expect((await rule('return null;'))(INPUT)).toBeNull();
    expect((await rule('if (row.id === "other") return 1;'))(INPUT)).toBeNull();
    expect((await rule('return row.nothing === false;'))(INPUT)).toBe(1);
  });

  test('remembers nothing between two answers', async () => {
    const run = await ownRule(
      'let calls = 0; function reward() { globalThis.more = (globalThis.more ?? 0) + 1; return ++calls + globalThis.more; }',
    );
    expect([run(INPUT), run(INPUT), run(INPUT)]).toEqual([2, 2, 2]);
  });

  test.each([
    'fetch',
    'XMLHttpRequest',
    'WebSocket',
    'Date',
    'performance',
    'setTimeout',
    'localStorage',
    'indexedDB',
    'process',
    'require',
    'importScripts',
    'WeakRef',
    'navigator',
  ])('has no %s', async (name) => {
    expect((await rule(`return typeof ${name} === 'undefined';`))(INPUT)).toBe(1);
  });

  test('rolls no dice and imports nothing', async () => {
    expect((await rule('return typeof Math.random === "undefined";'))(INPUT)).toBe(1);
    await expect(rule('import("https://example.org/a.js"); return 0;').then((run) => run(INPUT))).resolves.toBe(0);
  });

  test.each([
    ['while (true) {}', 'stopped after 5,000,000 steps'],
    ['const a = []; while (true) a.push(new Array(1e5).fill(1));', 'needs more than 32 MiB'],
    ['let s = "x"; while (true) s += s;', 'needs more than 32 MiB'],
    ['return (function f() { return f(); })();', 'Your own reward failed: '],
    ['return completion.nothing.there;', 'TypeError'],
    ['return "much";', 'of type string, which is no number'],
    ['return 0 / 0;', 'NaN, which is no number'],
    ['try { while (true) {} } catch { return 1; }', 'stopped after'],
  ])(
    'is stopped and told: %s',
    async (body, said) => {
      const error = await failure(body).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: 'own-reward', message: expect.stringContaining(said) });
      expect(String(error)).toContain('row r7');
    },
    60_000,
  );

  test('a pattern that takes for ever is stopped, too', async () => {
    await expect(failure('return /^(a+)+$/.test("a".repeat(30) + "b");')).rejects.toThrow('row r7');
  }, 60_000);

  test.each([
    ['function reward( {', 'SyntaxError'],
    ['const x = 1;', 'no function called reward'],
    ['throw new Error("no");', 'Error: no'],
  ])('code that cannot be run is told before the run: %s', async (code, said) => {
    await expect(ownRule(code)).rejects.toThrow(said);
  });
});

test('a weight without code is told, and code without a weight is not run', () => {
  const limits = { maxCompletionLength: 10 };
  expect(rewardFaults({ rewardWeights: { own: 1 } }, limits)).toEqual(['Your own reward has a weight, but no code.']);
  expect(usesCode({ rewardWeights: { own: 0 }, rewardCode: CODE_EXAMPLE })).toBe(false);
  expect(usesCode({ rewardWeights: { own: 1 }, rewardCode: CODE_EXAMPLE })).toBe(true);
  const weighed = weightedRewards({ rewardWeights: { own: 2 }, rewardCode: CODE_EXAMPLE }, limits, () => 0.5);
  expect(weighed.find(({ name }) => name === 'own')).toMatchObject({ weight: 2 });
});
