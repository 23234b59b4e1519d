/**
 * One change to a row, as plain data, and what the row is after it. The row's file is never touched. A change that does
 * not fit the row gives a reason instead of a row.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { GroundedBox } from '../../grounding/box.ts';
import type { Row, Segment, ThoughtProvenance } from '../row.ts';
import { markedText, segmentsOf } from './marked-text.ts';

/** Boxes are those of the row's answer, by their place in it from 0. */
export type Change =
  | { readonly kind: 'set-box'; readonly index: number; readonly box: GroundedBox }
  | { readonly kind: 'add-box'; readonly box: GroundedBox }
  | { readonly kind: 'delete-box'; readonly index: number }
  /** Of the last turn of the user; `<image>` and `<bbox>` marks stay as they are. */
  | { readonly kind: 'question'; readonly text: string }
  | { readonly kind: 'answer'; readonly text: string }
  /** Null: no thinking part. */
  | { readonly kind: 'thought'; readonly text: string | null; readonly by?: ThoughtProvenance }
  | { readonly kind: 'exclude'; readonly reason: string }
  | { readonly kind: 'include' };

/** A row with what the changes have made of it. */
export interface EditedRow {
  readonly row: Row;
  /** Why it is left out; null: it is not. */
  readonly excluded: string | null;
}

export type Changed = { readonly ok: true; readonly edited: EditedRow } | { readonly ok: false; readonly why: string };

/** Tells a row from the same row of a changed file, or read in another way: 16 hexadecimal digits of SHA-256. */
export function rowDigest({ task, images, prompt, think, nothing, answer, solution }: Row): string {
  // The words around boxes are kept or not by a setting; they are no other row.
  const words = solution.length > 0 ? null : markedText(answer);
  const content = JSON.stringify([task, images, prompt, think ?? null, nothing ?? false, words, solution]);
  return bytesToHex(sha256(utf8ToBytes(content))).slice(0, 16);
}

const EPSILON = 1e-9;

function boxFault({ image, box }: GroundedBox, pictures: number): string | null {
  if (!Number.isInteger(image) || image < 0 || image >= pictures)
    return `picture ${image + 1} is not among the row’s ${pictures}`;
  if (box.length !== 4 || !box.every(Number.isFinite)) return 'the box is not four numbers';
  if (box.some((v) => v < -EPSILON || v > 1 + EPSILON)) return 'the box lies outside its picture';
  return box[0] < box[2] && box[1] < box[3] ? null : 'the box has no area';
}

/** What a person has drawn is certain: no picture of it is guessed any more. */
const stated = ({ image, box, label }: GroundedBox): GroundedBox => ({ image, box, ...(label && { label }) });

const withAnswer = (row: Row, answer: readonly Segment[], nothing = false): Row => {
  const { nothing: _, ...rest } = row;
  const solution = answer.flatMap((segment) => (segment.type === 'box' ? [segment.box] : []));
  return { ...rest, ...(nothing && { nothing: true as const }), answer, solution };
};

/** Place of the box in the answer's segments; -1: there is none. */
function segmentAt(answer: readonly Segment[], index: number): number {
  let box = -1;
  return answer.findIndex((segment) => segment.type === 'box' && ++box === index);
}

const done = (row: Row, excluded: string | null): Changed => ({ ok: true, edited: { row, excluded } });
const refused = (why: string): Changed => ({ ok: false, why });

export function applyChange({ row, excluded }: EditedRow, change: Change): Changed {
  switch (change.kind) {
    case 'set-box': {
      const at = segmentAt(row.answer, change.index);
      const before = row.answer[at];
      if (before?.type !== 'box') return refused(`the row has no box ${change.index + 1}`);
      const fault = boxFault(change.box, row.images.length);
      if (fault) return refused(fault);
      const box = stated(change.box);
      // What JSON says beside the numbers was written for the picture and the name of before.
      const same = box.image === before.box.image && box.label === before.box.label;
      const kept = same && before.spelling !== undefined ? { spelling: before.spelling } : {};
      return done(withAnswer(row, row.answer.with(at, { type: 'box', box, ...kept })), excluded);
    }
    case 'add-box': {
      const fault = boxFault(change.box, row.images.length);
      if (fault) return refused(fault);
      const last = row.answer.at(-1);
      const between: Segment[] =
        last && !row.nothing && !(last.type === 'text' && /\s$/.test(last.text)) ? [{ type: 'text', text: '\n' }] : [];
      // That there was nothing to find is no longer so.
      const before = row.nothing ? [] : [...row.answer, ...between];
      return done(withAnswer(row, [...before, { type: 'box', box: stated(change.box) }]), excluded);
    }
    case 'delete-box': {
      const at = segmentAt(row.answer, change.index);
      if (at < 0) return refused(`the row has no box ${change.index + 1}`);
      const rest = row.answer.toSpliced(at, 1);
      // Without its last box the row teaches that there is nothing to find, and nothing of the words around it.
      return done(row.solution.length === 1 ? withAnswer(row, [], true) : withAnswer(row, rest), excluded);
    }
    case 'question': {
      const turn = row.prompt.findLastIndex(({ role }) => role === 'user');
      if (turn < 0) return refused('the row has no question');
      const content = segmentsOf(change.text, row.prompt[turn]!.content);
      if (!content) return refused('the marks <image> and <bbox> are not those of the question, in their order');
      return done({ ...row, prompt: row.prompt.with(turn, { ...row.prompt[turn]!, content }) }, excluded);
    }
    case 'answer': {
      const answer = segmentsOf(change.text, row.answer);
      if (!answer) return refused('the marks <bbox> are not those of the answer');
      return done(withAnswer(row, answer, row.nothing === true), excluded);
    }
    case 'thought': {
      const { think: _, thoughtBy, ...rest } = row;
      // A person who changes a teacher's words does not become their only author.
      const by = change.by ?? (thoughtBy?.who === 'teacher' ? { ...thoughtBy, edited: true as const } : undefined);
      return done(
        change.text === null ? rest : { ...rest, think: change.text, ...(by && { thoughtBy: by }) },
        excluded,
      );
    }
    case 'exclude':
      return change.reason.trim() === '' ? refused('there is no reason') : done(row, change.reason.trim());
    case 'include':
      return done(row, null);
  }
}

/** The row after all changes; the first that does not fit says why. */
export function applyChanges(row: Row, changes: readonly Change[]): Changed {
  let edited: EditedRow = { row, excluded: null };
  for (const change of changes) {
    const next = applyChange(edited, change);
    if (!next.ok) return next;
    edited = next.edited;
  }
  return { ok: true, edited };
}

/** For the history: what was done, in the past tense. */
export function changeWords(change: Change): string {
  switch (change.kind) {
    case 'set-box':
      return `changed box ${change.index + 1}`;
    case 'add-box':
      return `added a box on picture ${change.box.image + 1}`;
    case 'delete-box':
      return `deleted box ${change.index + 1}`;
    case 'question':
      return 'changed the question';
    case 'answer':
      return 'changed the answer';
    case 'thought':
      if (change.text === null) return 'removed the thought';
      return change.by?.who === 'teacher' ? `took a thought of ${change.by.model}` : 'changed the thought';
    case 'exclude':
      return `left the row out: ${change.reason}`;
    case 'include':
      return 'took the row in again';
  }
}
