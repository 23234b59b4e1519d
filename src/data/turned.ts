/** Boxes that are turned about their middle: an upright box of the same numbers is another one, so they are not read. */
import { isObject } from '../base/json.ts';
import { isAngleKey } from '../grounding/box-values.ts';

type Fields = Readonly<Record<string, unknown>>;

const isSome = (value: unknown): boolean =>
  Array.isArray(value) ? value.some(isSome) : typeof value === 'number' && value !== 0;

/** Whether fields beside a box, or its attributes, give it an angle that is not zero. */
export function isTurned(value: Fields): boolean {
  const own = Object.entries(value).some(([key, each]) => isAngleKey(key) && isSome(each));
  return own || (isObject(value.attributes) && isTurned({ ...value.attributes, attributes: null }));
}

export const TURNED_FIX = 'Write the upright box around it: angles are not taught.';
