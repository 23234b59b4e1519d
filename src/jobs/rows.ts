/** Rows as a job carries them: one line of JSON each, pictures by path, and what a reward has to know of the row. */
import type { Row } from '../data/row.ts';
import { promptMessages, targetText } from '../data/target.ts';
import { wantedOf } from '../data/wanted.ts';
import type { Size } from '../grounding/box.ts';
import type { BoxConvention } from '../grounding/convention.ts';
import type { Prompting } from '../train/prompt.ts';
import { askedOf } from '../train/rewards/asked.ts';

/** A part of a message; pictures in the order of the row's list. */
type Part = { readonly type: 'text'; readonly text: string } | { readonly type: 'image' };

export interface JobRow {
  readonly id: string;
  readonly prompt: readonly { readonly role: string; readonly content: readonly Part[] }[];
  /** How it is asked where its own answer is learned, if otherwise: a row without a thought teaches none. */
  readonly taught_prompt?: JobRow['prompt'];
  /** What the model should say; empty where the row has no answer. */
  readonly completion: string;
  /** Paths inside the job, in the order in which the prompt shows them. */
  readonly images: readonly string[];
  /** Which pictures of the row they are, counted from 0. */
  readonly order: readonly number[];
  /** What a reward has to know, as JSON in one string: every engine hands strings through unchanged. */
  readonly truth: string;
  /** It can be judged: stages that sample read it. */
  readonly judged: boolean;
}

/** What rewards.py takes as `truth`. @param sizes of the row's pictures as the model sees them */
export function truthOf(row: Row, sizes: readonly Size[]): string {
  const wanted = wantedOf(row);
  return JSON.stringify({
    id: row.id,
    task: row.task,
    sizes: sizes.map(({ width, height }) => [width, height]),
    solution: row.solution.map(({ image, box, imageGuessed }) => ({ image, box, guessed: imageGuessed === true })),
    wanted,
    asked: askedOf({ ...row, wanted }),
  });
}

/** Pictures of a row in the order in which its prompt shows them, by their place in `row.images`. */
const shownOrder = (row: Row): number[] =>
  row.prompt.flatMap(({ content }) => content.flatMap((segment) => (segment.type === 'image' ? [segment.image] : [])));

/** @param pathOf a picture of the dataset → its path inside the job. @param prompting how the plan asks; null: as it is written */
export function jobRow(
  row: Row,
  convention: BoxConvention,
  sizes: readonly Size[],
  pathOf: (picture: string) => string,
  prompting: Prompting | null = null,
): JobRow {
  const taught = row.answer.length > 0 || row.solution.length > 0 || row.nothing === true;
  const put = (learned: boolean): Row =>
    prompting?.ask(row, prompting.formOf(row, learned), convention.syntax.example) ?? row;
  const messages = (of: Row) =>
    promptMessages(of, convention, sizes).map(({ role, content }) => ({
      role,
      content: content.map((part): Part => (part.type === 'image' ? { type: 'image' } : part)),
    }));
  const [sampled, learned] = [put(false), put(true)];
  const other = taught && prompting !== null && prompting.formOf(row, true) !== prompting.formOf(row, false);
  return {
    id: row.id,
    prompt: messages(sampled),
    ...(other && { taught_prompt: messages(learned) }),
    completion: taught ? targetText(learned, convention, sizes) : '',
    images: shownOrder(row).map((i) => pathOf(row.images[i]!)),
    order: shownOrder(row),
    truth: truthOf(row, sizes),
    judged: wantedOf(row) !== null,
  };
}
