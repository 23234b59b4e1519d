/** Answers that were judged, as rejection sampling hands them on, and the items that preference stages learn from. */

/** Token ids, the end of the turn included. */
type Tokens = readonly number[];

/** Of one prompt: each list has no answer twice. */
export interface JudgedAnswers {
  readonly rowId: string;
  readonly right: readonly Tokens[];
  readonly wrong: readonly Tokens[];
}

/** What one pass scores: answers to one prompt. */
export interface PreferenceItem {
  readonly rowId: string;
  readonly answers: readonly Uint32Array[];
}

/** The preferred answer and the other: each prompt gives as many pairs as it has answers on both sides. */
export const pairsOf = (judged: readonly JudgedAnswers[]): PreferenceItem[] =>
  judged.flatMap(({ rowId, right, wrong }) =>
    right
      .slice(0, wrong.length)
      .map((answer, i) => ({ rowId, answers: [Uint32Array.from(answer), Uint32Array.from(wrong[i]!)] })),
  );

export interface SingleItem extends PreferenceItem {
  readonly desirable: boolean;
}

export const singlesOf = (judged: readonly JudgedAnswers[]): SingleItem[] =>
  judged.flatMap(({ rowId, right, wrong }) => [
    ...right.map((answer) => ({ rowId, answers: [Uint32Array.from(answer)], desirable: true })),
    ...wrong.map((answer) => ({ rowId, answers: [Uint32Array.from(answer)], desirable: false })),
  ]);

/** Items whose answers are all short enough. */
export const within = <I extends PreferenceItem>(items: readonly I[], most: number): I[] =>
  items.filter(({ answers }) => answers.every(({ length }) => length <= most));

/** The first `most` answers of each side, none twice. Of those that were cut off only wrong ones count: nothing is to learn to stop there. */
export function keepAnswers(
  rowId: string,
  answers: readonly { readonly tokens: Uint32Array; readonly truncated: boolean; readonly right: boolean }[],
  most: number,
): JudgedAnswers {
  const side = (right: boolean) => {
    const distinct = new Map(
      answers
        .filter((answer) => answer.right === right && !(right && answer.truncated) && answer.tokens.length > 0)
        .map(({ tokens }) => [tokens.join(), [...tokens]]),
    );
    return [...distinct.values()].slice(0, most);
  };
  return { rowId, right: side(true), wrong: side(false) };
}
