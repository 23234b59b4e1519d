import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { getAt, KINDS, newStage } from '../../src/engine/presets.ts';
import { defaultsOf, same, written } from '../../src/studio/recipe/defaults.ts';
import { fieldsOf } from '../../src/studio/recipe/fields.ts';

type Config = Readonly<Record<string, unknown>>;
/** As the installed Python libraries declare them (tools/reference/fixtures/defaults.py). */
const golden = JSON.parse(readFileSync('tests/golden/defaults.json', 'utf8')) as Readonly<
  Record<'sft' | 'grpo' | 'distill' | 'dpo' | 'kto' | 'lora', Config>
>;

const fields = KINDS.flatMap((kind) =>
  fieldsOf(kind).flatMap((group) => group.fields.map((field) => ({ kind, field }))),
);

describe('defaults', () => {
  it.each(fields)('$kind $field.path has one here, of the kind that its input takes', ({ kind, field }) => {
    const { ours, theirs } = defaultsOf(kind, field);
    expect(ours).toEqual(getAt(newStage(kind), field.path));
    expect(ours).not.toBeUndefined();
    if (theirs !== undefined) expect(typeof theirs).toBe(typeof ours);
    if (field.type === 'choice') expect(field.choices).toContain(theirs ?? ours);
    // −1 is TRL's word for steps that the epochs decide.
    if (field.type === 'number' && typeof theirs === 'number' && field.path !== 'maxSteps') {
      expect(theirs).toBeGreaterThanOrEqual(field.min);
      expect(theirs).toBeLessThanOrEqual(field.max);
    }
  });

  it.each(fields.filter(({ field }) => field.origin !== 'Groundwork'))(
    '$kind $field.path has the name and the default of the installed $field.origin: $field.name',
    ({ kind, field }) => {
      const { theirs } = defaultsOf(kind, field);
      const config = field.origin === 'PEFT' ? golden.lora : kind in golden ? golden[kind as 'sft'] : golden.grpo;
      const name = field.name.replace(/\[\d+\]$/, '');
      expect(Object.keys(config)).toContain(name);
      // What the classes leave open until they know more: these sentences are of their documentation.
      const open: Readonly<Record<string, unknown>> = {
        epsilon_high: config.epsilon,
        reward_weights: 1,
        delta: undefined,
        off_policy_mask_threshold: undefined,
        target_modules: undefined,
        eval_steps: undefined,
      };
      expect(theirs).toEqual(name in open ? open[name] : config[name]);
      if (name in open) expect(config[name]).toBeNull();
    },
  );

  it('there are none of theirs for what is ours alone', () => {
    const own = fields.filter(({ field }) => field.origin === 'Groundwork');
    expect(own.length).toBeGreaterThan(5);
    for (const { kind, field } of own) expect(defaultsOf(kind, field).theirs).toBeUndefined();
  });

  it('every number says what it counts, unless it is a bare number', () => {
    const counted = fields.filter(({ field }) => field.type === 'number' && field.integer && field.unit === undefined);
    expect([...new Set(counted.map(({ field }) => field.path))]).toEqual(['lora.r']);
  });

  it('are written as people write them', () => {
    expect([true, 1e-6, 0.03, 0, ['a', 'b'], 'dapo'].map(written)).toEqual(['on', '1e-6', '0.03', '0', 'a, b', 'dapo']);
    expect(same(['a'], ['a'])).toBe(true);
  });
});
