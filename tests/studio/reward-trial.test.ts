/** A reward of one's own on recorded groups: what it gives, what it would have moved, and what is wrong with it. */
import { expect, test } from 'vitest';
import { box01 } from '../../src/grounding/box.ts';
import type { GroupCompletion, Row } from '../../src/engine/protocol/index.ts';
import { MOST_TRIED, tryReward } from '../../src/studio/state/reward-trial.ts';
import type { GroupRecord } from '../../src/studio/state/run-records.ts';

const answer = (image: number, words: string, iou: number): GroupCompletion => ({
  text: `<think>${words}</think><answer>there</answer>`,
  think: words,
  boxes: [{ image, box: box01(0, 0, 0.5, 0.5) }],
  rewards: { iou },
  reward: iou,
  advantage: 0,
  tokens: 5,
  truncated: false,
});
const group = (key: number, rowId: string, ...completions: GroupCompletion[]): GroupRecord => ({
  key,
  stageIndex: 0,
  step: key,
  rowId,
  completions,
});
const row = (id: string): Row => ({
  id,
  task: 'find',
  split: 'train',
  images: ['a.png', 'b.png'],
  prompt: [{ role: 'user', content: [{ type: 'text', text: 'Where?' }] }],
  answer: [],
  solution: [{ image: 1, box: box01(0, 0, 0.5, 0.5) }],
  source: { file: 'rows.jsonl', line: 1 },
});
const rowOf = async (id: string) => (id === 'gone' ? null : row(id));

const CODE = `function reward(completion, row) {
  if (completion.answer !== 'there') return null;
  return completion.boxes[0].image === row.solution[0].image ? 1 : 0;
}`;

test('gives each answer its value, the newest group first, and tells what it would have moved', async () => {
  const groups = [
    group(1, 'even', answer(0, 'one', 0.5), answer(1, 'two', 0.5)),
    group(2, 'same', answer(1, 'one', 0.2), answer(1, 'two', 0.4)),
    group(3, 'gone', answer(1, 'one', 0), answer(1, 'two', 0)),
  ];
  const trial = await tryReward(CODE, groups, rowOf, { iou: 1, own: 2 });
  expect(trial.groups.map(({ rowId, values, tells }) => [rowId, values, tells])).toEqual([
    ['same', [1, 1], false],
    ['even', [0, 1], true],
  ]);
  expect(trial.without).toBe(1);
  // A tie of the run is broken by it, and the other group keeps its order.
  expect(trial.ledger).toMatchObject({ groups: 2, signalBefore: 1, signalAfter: 2, reordered: 0.5 });
});

test('at weight 0 it moves nothing', async () => {
  const groups = [group(1, 'even', answer(0, 'one', 0.5), answer(1, 'two', 0.5))];
  expect((await tryReward(CODE, groups, rowOf, { iou: 1, own: 0 })).ledger).toMatchObject({
    signalAfter: 0,
    reordered: 0,
  });
});

test('looks at the newest groups only, so that a long run is tried in a moment', async () => {
  const many = Array.from({ length: MOST_TRIED + 5 }, (_, i) => group(i, `row ${i}`, answer(1, 'x', 0)));
  const { groups } = await tryReward('function reward() { return 1; }', many, rowOf, { own: 1 });
  expect([groups.length, groups[0]!.key, groups.at(-1)!.key]).toEqual([MOST_TRIED, MOST_TRIED + 4, 5]);
});

test('code that is wrong, that never ends, or that gives no number says so with its row', async () => {
  const groups = [group(1, 'even', answer(0, 'one', 0.5))];
  const failing = (code: string) => tryReward(code, groups, rowOf, { own: 1 });
  await expect(failing('function reward( {')).rejects.toThrow(/SyntaxError/);
  await expect(failing('function reward() { for (;;); }')).rejects.toThrow(/stopped after .* \(row even\)/);
  await expect(failing("function reward() { return 'much'; }")).rejects.toThrow(/no number/);
});

test('without groups, or without their rows, it says where they come from', async () => {
  await expect(tryReward(CODE, [], rowOf, {})).rejects.toMatchObject({ hint: expect.stringContaining('GRPO') });
  const lost = [group(1, 'gone', answer(0, 'one', 0.5))];
  await expect(tryReward(CODE, lost, rowOf, {})).rejects.toMatchObject({ hint: expect.stringContaining('dataset') });
});
