/** Reading the letter of a multiple-choice answer, and counting. Shared by BLINK and MMIU. */
import { mean } from './metrics.ts';

export interface ChoiceAnswer {
  readonly task: string;
  /** The correct letter, 'A'… */
  readonly correct: string;
  /** The letter read in the model's answer; null: none, counted as wrong and apart. */
  readonly given: string | null;
}

export interface ChoiceScores {
  readonly n: number;
  /** Every question alike. */
  readonly micro: number;
  /** Mean over tasks. */
  readonly macro: number;
  readonly parseFailures: number;
  readonly tasks: Readonly<
    Record<string, { readonly n: number; readonly accuracy: number; readonly parseFailures: number }>
  >;
}

/**
 * The letter meant by `text`, of the first `choices` letters, or null. In this order: the text inside
 * <answer>…</answer> where there is one; a bare letter ("B", "(B)", "B.", "B) cat"); the only letter in brackets; the
 * only letter after the word "answer". A sentence that merely begins with A ("An apple") is not an answer.
 */
export function readChoice(text: string, choices: number): string | null {
  const start = text.lastIndexOf('<answer>');
  const body = (start < 0 ? text : text.slice(start + '<answer>'.length).split('</answer>')[0]!).trim();
  const letters = String.fromCharCode(...Array.from({ length: Math.min(26, choices) }, (_, i) => 65 + i));
  const bracketed = new Set(
    [...body.matchAll(new RegExp(`\\(([${letters}])\\)`, 'gi'))].map((m) => m[1]!.toUpperCase()),
  );
  if (bracketed.size > 1) return null; // "(A) or (B)": undecided
  const bare = new RegExp(`^\\(?([${letters}])(?:$|[).:,])`, 'i').exec(body);
  if (bare) return bare[1]!.toUpperCase();
  const after = body.matchAll(new RegExp(`\\banswer(?:\\s+is)?\\s*:?\\s*([${letters}])\\b`, 'gi'));
  const meant = bracketed.size === 1 ? bracketed : new Set([...after].map((m) => m[1]!.toUpperCase()));
  return meant.size === 1 ? [...meant][0]! : null;
}

export function scoreChoices(answers: readonly ChoiceAnswer[]): ChoiceScores {
  const right = (rows: readonly ChoiceAnswer[]) => mean(rows.map((a) => Number(a.given === a.correct)));
  const lost = (rows: readonly ChoiceAnswer[]) => rows.filter((a) => a.given === null).length;
  const names = [...new Set(answers.map((a) => a.task))];
  const tasks = Object.fromEntries(
    names.map((task) => {
      const rows = answers.filter((a) => a.task === task);
      return [task, { n: rows.length, accuracy: right(rows), parseFailures: lost(rows) }];
    }),
  );
  return {
    n: answers.length,
    micro: right(answers),
    macro: mean(Object.values(tasks).map((t) => t.accuracy)),
    parseFailures: lost(answers),
    tasks,
  };
}
