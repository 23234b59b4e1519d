import { describe, expect, it } from 'vitest';
import { KINDS, newStage } from '../../src/engine/presets.ts';
import { defaultsOf, same, written } from '../../src/studio/recipe/defaults.ts';
import { fieldsOf, getAt } from '../../src/studio/recipe/fields.ts';

const fields = KINDS.flatMap((kind) =>
  fieldsOf(kind).flatMap((group) => group.fields.map((field) => ({ kind, field }))),
);

describe('defaults', () => {
  it.each(fields)('$kind $field.path has one here, of the kind that its input takes', ({ kind, field }) => {
    const { ours, theirs } = defaultsOf(kind, field);
    expect(ours).toEqual(getAt(newStage(kind), field.path));
    expect(ours).not.toBeUndefined();
    if (theirs !== undefined) expect(typeof theirs).toBe(typeof ours);
    if (field.kind === 'choice') expect(field.choices).toContain(theirs ?? ours);
    if (field.kind === 'number' && typeof theirs === 'number') {
      expect(theirs).toBeGreaterThanOrEqual(field.min);
      expect(theirs).toBeLessThanOrEqual(field.max);
    }
  });

  it('are those of TRL and PEFT where a setting bears their name', () => {
    const of = (kind: 'sft' | 'grpo', path: string) =>
      defaultsOf(kind, fields.find(({ kind: k, field }) => k === kind && field.path === path)!.field).theirs;
    expect([of('sft', 'optimizer.learningRate'), of('grpo', 'optimizer.learningRate')]).toEqual([2e-5, 1e-6]);
    expect([of('grpo', 'beta'), of('grpo', 'numGenerations'), of('grpo', 'sampling.maxCompletionLength')]).toEqual([
      0, 8, 512,
    ]);
    expect([of('sft', 'lora.r'), of('sft', 'lora.targetModules')]).toEqual([8, undefined]);
    // Ours alone.
    expect(of('grpo', 'promptsPerStep')).toBeUndefined();
  });

  it('every number says what it counts, unless it is a bare number', () => {
    const counted = fields.filter(({ field }) => field.kind === 'number' && field.integer && field.unit === undefined);
    expect(counted.map(({ field }) => field.path)).toEqual(expect.arrayContaining(['lora.r', 'lora.r']));
    expect(counted.length).toBeLessThanOrEqual(4);
  });

  it('are written as people write them', () => {
    expect([true, 1e-6, 0.03, 0, ['a', 'b'], 'dapo'].map(written)).toEqual(['on', '1e-6', '0.03', '0', 'a, b', 'dapo']);
    expect(same(['a'], ['a'])).toBe(true);
  });
});
