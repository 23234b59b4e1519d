/** What a rehearsal would have reported. */
import type { Recipe, Rehearsal } from '../../../src/engine/protocol/index.ts';

export function fakeRehearsal({ stages }: Recipe): Rehearsal {
  const rehearsed = stages.map((stage, index) => {
    const secondsEach = stage.kind === 'merge' ? 0.4 : stage.kind === 'sft' ? 1.7 : 4.2;
    const count = stage.kind === 'sft' || stage.kind === 'grpo' ? Math.max(1, stage.maxSteps) : 1;
    const note = stage.kind === 'sft' ? 'Every row is taken to be as long as the longest.' : null;
    const seconds = secondsEach * count;
    return { index, name: stage.name, secondsEach, count, unit: 'step', rounds: 1, seconds, note };
  });
  return {
    stages: rehearsed,
    pictures: { count: 900, seconds: 12 },
    totalSeconds: rehearsed.reduce((sum, { seconds }) => sum + seconds, 12),
    longest: { rowId: 'train-0007', promptTokens: 356, targetTokens: 42, among: 320 },
    memory: { plannedBytes: 310e6, plannedStage: stages.at(-1)?.name ?? null, allocatedBytes: 302e6 },
  };
}
