/** The best so far of a stage, as it is told, kept and gone on with. */
import { expect, test } from 'vitest';
import type { BestState } from '../../src/engine/keep/best-state.ts';
import { Best } from '../../src/engine/run/best.ts';
import { NOT_MEASURED } from '../../src/train/stages/heldout.ts';

const byLoss = { ...NOT_MEASURED, metricForBestModel: 'eval_loss', earlyStoppingPatience: 2 } as const;
const stored = (best: Best) => JSON.parse(JSON.stringify(best.state)) as BestState;

test('a loss is better when it falls, an accuracy when it rises, and what is no number is neither', () => {
  const loss = new Best(byLoss);
  loss.see(1, { eval_loss: 2, eval_accuracy: 0.1 });
  loss.see(2, { eval_loss: 3, eval_accuracy: 0.9 });
  loss.see(3, { eval_loss: NaN });
  expect(loss.metric).toEqual({ name: 'eval_loss', value: 2 });
  const accuracy = new Best({ ...byLoss, metricForBestModel: 'eval_accuracy' });
  accuracy.see(1, { eval_loss: 2, eval_accuracy: 0.1 });
  accuracy.see(2, { eval_loss: 3, eval_accuracy: 0.9 });
  expect(accuracy.metric).toEqual({ name: 'eval_accuracy', value: 0.9 });
});

test('what was cut off before its best was kept keeps it still, and once', () => {
  const best = new Best(byLoss);
  best.see(1, { eval_loss: 2 });
  const resumed = new Best(byLoss, stored(best));
  expect(resumed.takeImproved()).toBe(true);
  expect(new Best(byLoss, stored(resumed)).takeImproved()).toBe(false);
  expect(resumed.metric).toEqual(best.metric);
});

test('patience counts on over an interruption', () => {
  const best = new Best(byLoss);
  for (const [i, loss] of [1, 2].entries()) best.see(i + 1, { eval_loss: loss });
  const resumed = new Best(byLoss, stored(best));
  expect(resumed.exhausted).toBe(false);
  resumed.see(3, { eval_loss: 1 });
  expect(resumed.exhausted).toBe(true);
});
