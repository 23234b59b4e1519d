/** What a setting is when nobody sets it: here, and at its namesake in TRL or PEFT. */
import { getAt, STAGES, type StageKind } from '../../engine/presets.ts';
import type { Field } from './fields.ts';

export interface Defaults {
  readonly ours: unknown;
  /** undefined: the namesake has none, or there is no namesake. */
  readonly theirs: unknown;
}

export const defaultsOf = (kind: StageKind, { path, theirs }: Pick<Field, 'path' | 'theirs'>): Defaults => ({
  ours: getAt(STAGES[kind].defaults, path),
  theirs,
});

/** A value as it is written in a sentence. */
export function written(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (typeof value === 'number') return value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential() : String(value);
  return Array.isArray(value) ? value.join(', ') : String(value);
}

export const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
