/** JSON that keeps every number: NaN and the infinities, for which it has no words, come back as they were. */

/** What stands for such a number: a loss that became NaN has to be found again as one. */
const UNWRITABLE = 'groundwork:number';

export const writeJson = (value: unknown): string =>
  JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'number' && !Number.isFinite(each) ? { [UNWRITABLE]: String(each) } : each,
  );

/** Throws `SyntaxError` for text that is no JSON. */
export const parseJson = (text: string): unknown =>
  JSON.parse(text, (_, each: unknown) =>
    typeof each === 'object' && each !== null && UNWRITABLE in each ? Number(each[UNWRITABLE]) : each,
  );

/** A value from outside in words. `String` calls what an object names `toString`, whatever that is. */
export const printed = (value: unknown): string =>
  typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);

/** An object with fields: no list, and not null. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Levels of lists and objects inside each other that any file of ours or of others needs, many times over. */
const MOST_LEVELS = 128;

/**
 * `JSON.parse` for text from outside. Values that are nested thousands of levels deep would break everything that walks
 * them. Throws `SyntaxError` for those, too.
 */
export function parseShallow(text: string): unknown {
  const levels = depthOf(text);
  if (levels > MOST_LEVELS) throw new SyntaxError(`lists and objects are nested ${levels} levels deep`);
  return JSON.parse(text);
}

/** How deep brackets are nested outside strings, whether or not they close. */
function depthOf(text: string): number {
  let [level, deepest] = [0, 0];
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === QUOTE) i = endOfString(text, i);
    else if (c === OPEN_LIST || c === OPEN_OBJECT) deepest = Math.max(deepest, ++level);
    else if (c === CLOSE_LIST || c === CLOSE_OBJECT) level--;
  }
  return deepest;
}

const [QUOTE, BACKSLASH, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x22, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d];

/** Where the string that opens at `start` closes. */
function endOfString(text: string, start: number): number {
  let i = start + 1;
  while (i < text.length && text.charCodeAt(i) !== QUOTE) i += text.charCodeAt(i) === BACKSLASH ? 2 : 1;
  return i;
}
