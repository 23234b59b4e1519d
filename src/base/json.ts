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
