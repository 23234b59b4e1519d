import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { learningRateMultiplier, type ScheduleType } from '../../src/train/schedule.ts';

interface Fixture {
  readonly cases: readonly { schedule: ScheduleType; warmup: number; steps: number; multipliers: readonly number[] }[];
}
const { cases } = JSON.parse(readFileSync(new URL('../golden/schedules.json', import.meta.url), 'utf8')) as Fixture;

test.each(cases)('$schedule with $warmup warm-up steps of $steps is transformers’ at every step', (c) => {
  c.multipliers.forEach((wanted, step) => {
    expect(learningRateMultiplier(c.schedule, step, c.warmup, c.steps)).toBeCloseTo(wanted, 14);
  });
});
