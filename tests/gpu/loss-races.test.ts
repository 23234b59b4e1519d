/** The policy losses on the emulator: every objective at every level that it can have, with all that can be asked of it. */
import { expect, test } from 'vitest';
import { Recorder } from '../../src/gpu/recorder.ts';
import { kernelOf } from '../../src/ops/objective-kernels.ts';
import { OBJECTIVES, RATIO_LEVELS, type ObjectiveName } from '../../src/ops/objectives.ts';
import { needsSpans, policyLoss, type PolicySettings } from '../../src/ops/policy-loss.ts';
import { Tape } from '../../src/ops/tape.ts';
import { drySession } from './dry-session.ts';
import { checkProgram } from './race-check.ts';
import { Inputs } from './training-step.ts';

const variants = (Object.keys(OBJECTIVES) as ObjectiveName[]).flatMap((objective) => {
  const { sequence, constants = [] } = kernelOf(objective);
  return (sequence ? (['token'] as const) : RATIO_LEVELS).map((level): [string, PolicySettings] => [
    `${objective}, ratio of a ${level}`,
    {
      epsilon: 0.2,
      epsilonHigh: 0.28,
      beta: 0.04,
      klRatio: true,
      delta: 1.5,
      offPolicyThreshold: 0.1,
      objective,
      level,
      constants: Object.fromEntries(constants.map((name) => [name, 1.5])),
    },
  ]);
});

test.each(variants)('%s: no race, no stray index and no undefined read', (_, settings) => {
  const inputs = new Inputs(new Recorder(drySession({ profile: 'software', subgroupSize: 8 }), 'races'));
  const { rec } = inputs;
  const n = 70;
  const values = (label: string) => inputs.normal(label, n);
  const spans = [0, 3, 24, 0, 1, 26, 20, 0, 2, 45, 26, 0, ...new Array<number>(4 * (n - 3)).fill(0)];
  policyLoss(
    new Tape(rec),
    values('logps'),
    {
      weight: values('weight'),
      advantage: values('advantage'),
      old: values('old'),
      reference: values('reference'),
      kept: inputs.float(
        'kept',
        Float32Array.from({ length: n }, (__, i) => Number(i % 3 > 0)),
      ),
      ...(needsSpans(settings) && { spans: inputs.whole('spans', [n, 4], spans) }),
    },
    settings,
  );
  const program = rec.finish();
  expect(program.commands.filter(({ type }) => type === 'dispatch')).toHaveLength(2);
  expect(checkProgram(program, inputs.list).findings).toEqual([]);
});
