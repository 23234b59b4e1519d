/**
 * The kernels themselves on the emulator: one small training step that passes through every op, in each tuning, with
 * subgroups of 4, 8 and 32 lanes and without. No device is opened: a dry one hands out the kernels' sources.
 */
import { describe, expect, test } from 'vitest';
import { Recorder } from '../../src/gpu/recorder.ts';
import { PROFILES } from '../../src/gpu/tuning.ts';
import { drySession, type DryTraits } from './dry-session.ts';
import { checkProgram } from './race-check.ts';
import { LONG_ROW, RACE_CASES, type RaceCase } from './race-cases.ts';
import { Inputs, trainingStep } from './training-step.ts';

/** 4 as on SwiftShader, 8 as on lavapipe, 32 as on most GPUs; 0 is an adapter without subgroups. */
const LANES = [4, 8, 32, 0];

const tunings = PROFILES.flatMap((profile) =>
  LANES.map((subgroupSize): readonly [string, number, DryTraits] => [profile, subgroupSize, { profile, subgroupSize }]),
);

/** Findings by all that decides them: two tunings often share kernels, and inputs are those of one seed. */
const checked = new Map<string, readonly string[]>();

/** Records a program on a device of the given tuning, and runs it on the emulator. */
function findings(
  { profile, subgroupSize }: DryTraits,
  record: RaceCase,
  edit: (source: string) => string = (source) => source,
): readonly string[] {
  const inputs = new Inputs(new Recorder(drySession({ profile, subgroupSize }), 'races'));
  record(inputs, inputs.rec.session);
  const program = inputs.rec.finish();
  const codes = program.commands.flatMap((c) =>
    c.type === 'dispatch' ? [edit(c.kernel.code), c.groups, c.params, c.tensors.map((t) => [t.offset, t.bytes])] : [],
  );
  const lanes = codes.some((code) => String(code).includes('subgroup')) ? subgroupSize || 8 : 8;
  const key = JSON.stringify([lanes, ...codes]);
  const known = checked.get(key) ?? checkProgram(program, inputs.list, { subgroupSize: lanes, edit }).findings;
  checked.set(key, known);
  return known;
}

describe.each(tunings)(
  'kernels of profile %s, %i lanes, have no race, no stray index and no undefined read',
  (_, __, traits) => {
    test.each(Object.entries(RACE_CASES))('in %s', (_name, record) => {
      expect(findings(traits, record)).toEqual([]);
    });
  },
);

test('kernels that share a long row of logits have no race, no stray index and no undefined read', () => {
  expect(findings({ profile: 'shared', subgroupSize: 8 }, LONG_ROW)).toEqual([]);
});

test('with the barriers taken out of the kernels the emulator finds races', () => {
  const found = findings({ profile: 'shared', subgroupSize: 0 }, trainingStep, (source) =>
    source.replaceAll('workgroupBarrier();', ''),
  );
  for (const kernel of ['rms-norm', 'attention/forward', 'matmul'])
    expect(
      found.filter((f) => f.startsWith(`race in ${kernel}`)),
      kernel,
    ).not.toEqual([]);
});
