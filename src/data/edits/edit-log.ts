/**
 * All edits of a dataset in the order they were made. The list only grows: undo and redo are entries of it, so it is
 * also the history. Plain data: it is kept with a project, sent between page and worker, and written as JSON Lines.
 */
import * as v from 'valibot';
import { GroundworkError } from '../../base/error.ts';
import { box01, type GroundedBox } from '../../grounding/box.ts';
import { changeWords, type Change } from './change.ts';

export interface ChangeEntry {
  readonly kind: 'change';
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly row: string;
  /** Of the row as its file has it (`rowDigest`). */
  readonly digest: string;
  readonly change: Change;
}

/** Undo takes back the last change that holds; redo makes the last one that was taken back. */
export type EditEntry = ChangeEntry | { readonly kind: 'undo' | 'redo'; readonly at: number };

/** What a log comes to. */
export interface Edits {
  /** Changes that hold, in order. */
  readonly active: readonly ChangeEntry[];
  /** Changes that were taken back and can be made again, the next one last. */
  readonly undone: readonly ChangeEntry[];
}

export function editsOf(entries: readonly EditEntry[]): Edits {
  const active: ChangeEntry[] = [];
  let undone: ChangeEntry[] = [];
  for (const entry of entries)
    if (entry.kind === 'change') {
      active.push(entry);
      undone = [];
    } else {
      const moved = (entry.kind === 'undo' ? active : undone).pop();
      if (moved) (entry.kind === 'undo' ? undone : active).push(moved);
    }
  return { active, undone };
}

/** A line of the history. */
export interface HistoryLine {
  readonly at: number;
  readonly row: string;
  readonly words: string;
}

/** What was done, in order; of undo and redo, to what. */
export function historyOf(entries: readonly EditEntry[]): HistoryLine[] {
  const lines: HistoryLine[] = [];
  const active: ChangeEntry[] = [];
  let undone: ChangeEntry[] = [];
  for (const entry of entries) {
    const { at } = entry;
    if (entry.kind === 'change') {
      active.push(entry);
      undone = [];
      lines.push({ at, row: entry.row, words: changeWords(entry.change) });
      continue;
    }
    const moved = (entry.kind === 'undo' ? active : undone).pop();
    if (!moved) continue;
    (entry.kind === 'undo' ? undone : active).push(moved);
    const how = entry.kind === 'undo' ? 'took back' : 'made again';
    lines.push({ at, row: moved.row, words: `${how}: ${changeWords(moved.change)}` });
  }
  return lines;
}

/** Changes that hold, by row. */
export function changesByRow(active: readonly ChangeEntry[]): Map<string, ChangeEntry[]> {
  const rows = new Map<string, ChangeEntry[]>();
  for (const entry of active) {
    const own = rows.get(entry.row);
    if (own) own.push(entry);
    else rows.set(entry.row, [entry]);
  }
  return rows;
}

const text = v.string();
const whole = v.pipe(v.number(), v.integer(), v.minValue(0));
const finite = v.pipe(v.number(), v.finite());
const box = v.pipe(
  v.object({ image: whole, box: v.tuple([finite, finite, finite, finite]), label: v.optional(text) }),
  v.transform(({ image, box: [x1, y1, x2, y2], label }): GroundedBox => ({
    image,
    box: box01(x1, y1, x2, y2),
    ...(label !== undefined && { label }),
  })),
);
const by = v.variant('who', [
  v.object({ who: v.literal('itself'), hinted: v.boolean(), stage: text, seed: finite }),
  v.object({
    who: v.literal('teacher'),
    hinted: v.boolean(),
    model: text,
    endpoint: text,
    temperature: finite,
    sample: whole,
    edited: v.optional(v.literal(true)),
  }),
]);
const change = v.variant('kind', [
  v.object({ kind: v.literal('set-box'), index: whole, box }),
  v.object({ kind: v.literal('add-box'), box }),
  v.object({ kind: v.literal('delete-box'), index: whole }),
  v.object({ kind: v.literal('question'), text }),
  v.object({ kind: v.literal('answer'), text }),
  v.object({ kind: v.literal('thought'), text: v.nullable(text), by: v.optional(by) }),
  v.object({ kind: v.literal('exclude'), reason: text }),
  v.object({ kind: v.literal('include') }),
]);
const entry = v.variant('kind', [
  v.object({ kind: v.literal('change'), at: finite, row: text, digest: text, change }),
  v.object({ kind: v.picklist(['undo', 'redo']), at: finite }),
]);
const head = v.object({ format: v.literal('groundwork-edits'), version: v.literal(1) });

/** The log as JSON Lines: a line that says what it is, then an entry a line. */
export const writeEdits = (dataset: string, entries: readonly EditEntry[]): string =>
  [{ format: 'groundwork-edits', version: 1, dataset }, ...entries].map((line) => `${JSON.stringify(line)}\n`).join('');

/** Throws `edits-unreadable`: a part of the edits would be another dataset. */
export function readEdits(content: string, file: string): EditEntry[] {
  const entries: EditEntry[] = [];
  for (const [i, line] of content.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      throw unreadable(file, `line ${i + 1} is not JSON`);
    }
    if (i === 0) {
      if (!v.is(head, value)) throw unreadable(file, 'its first line does not say that it holds edits of version 1');
      continue;
    }
    const parsed = v.safeParse(entry, value);
    if (!parsed.success)
      throw unreadable(
        file,
        `line ${i + 1}: ${v.getDotPath(parsed.issues[0]) ?? 'the entry'} is not as edits are written`,
      );
    entries.push(parsed.output as EditEntry);
  }
  if (content.trim() === '') throw unreadable(file, 'it is empty');
  return entries;
}

const unreadable = (file: string, why: string) =>
  new GroundworkError(
    'edits-unreadable',
    `The edits in ${file} cannot be read: ${why}.`,
    'Nothing was changed. Give a file that the Data room has saved under Edits.',
  );
