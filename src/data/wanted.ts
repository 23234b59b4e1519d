/**
 * What a right answer to a row is, as far as an answer can be told right from wrong: boxes, that there is nothing, or the
 * letter of an option. The one place where rows are told apart so; stages that judge answers read those rows.
 */
import { refuses } from '../grounding/absence.ts';
import type { Message, Row } from './row.ts';

export type Wanted =
  | { readonly kind: 'boxes' }
  | { readonly kind: 'nothing' }
  /** The right letter, of so many from A. */
  | { readonly kind: 'choice'; readonly letter: string; readonly choices: number };

/** What it is told from. */
export type WantingRow = Pick<Row, 'prompt' | 'answer' | 'solution' | 'nothing'>;

/** Options of a choice: a letter and its mark at the begin of a line, or in a row of them. */
const OPTION = /(?:^|[\n;,.?:\s])\(?([A-H])[).:]\s/g;
/** An answer that is an option: its letter alone, or with its mark before the option's words. “A cat” is none. */
const CHOSEN = /^\(?([A-H])(?:[).:]{1,2}(?:\s|$)|$)/;

/** Text of the user's last turn. */
export function questionOf(prompt: readonly Message[]): string {
  const turn = prompt.findLast(({ role }) => role === 'user');
  return turn?.content.map((segment) => (segment.type === 'text' ? segment.text : ' ')).join('') ?? '';
}

/** The letters A, B, … as far as a question offers them in order; none for a single one. */
export function offeredLetters(question: string): string[] {
  const letters = new Set([...question.matchAll(OPTION)].map(([, letter]) => letter!));
  const offered: string[] = [];
  for (const letter of 'ABCDEFGH') {
    if (!letters.has(letter)) break;
    offered.push(letter);
  }
  return offered.length > 1 ? offered : [];
}

const answerOf = ({ answer }: Pick<Row, 'answer'>): string =>
  answer.map((segment) => (segment.type === 'text' ? segment.text : '')).join('');

/** A row whose right answer is that the thing is not there: it has no boxes, and it or its answer says so. */
export const isAbsent = (row: Pick<Row, 'solution' | 'answer' | 'nothing'>): boolean =>
  row.solution.length === 0 && (row.nothing === true || refuses(answerOf(row)));

/** null: an answer to the row cannot be told right from wrong. */
export function wantedOf(row: WantingRow): Wanted | null {
  if (row.solution.length > 0) return { kind: 'boxes' };
  if (isAbsent(row)) return { kind: 'nothing' };
  const offered = offeredLetters(questionOf(row.prompt));
  const letter = CHOSEN.exec(answerOf(row).trim())?.[1];
  return letter !== undefined && offered.includes(letter) ? { kind: 'choice', letter, choices: offered.length } : null;
}
