/**
 * The edits of a dataset laid over its rows: which rows they fit, what those become, and which are left out. The rows
 * themselves are not kept: an edited row is made when it is read.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { Row } from '../row.ts';
import { wantedOf } from '../wanted.ts';
import { applyChanges, changeWords, rowDigest, type Change } from './change.ts';
import { changesByRow, editsOf, type ChangeEntry, type EditEntry } from './edit-log.ts';

/** What is told of a dataset's edits. */
export interface EditsReport {
  /** Entries of the log, undo and redo among them. */
  readonly entries: number;
  /** Changes that hold and fit. */
  readonly changes: number;
  /** Rows that they change. */
  readonly rows: number;
  /** Of those, left out. */
  readonly excluded: number;
  /** Of the changes that hold and fit: SHA-256, hexadecimal. The same changes of the same rows have the same. */
  readonly digest: string;
  /** Rows whose edits do not fit, none of which is changed. The first UNFIT_LISTED. */
  readonly unfit: readonly { readonly row: string; readonly why: string }[];
  readonly unfitRows: number;
  /** What undo and redo would do next. */
  readonly undo: EditStep | null;
  readonly redo: EditStep | null;
}

export interface EditStep {
  readonly row: string;
  readonly words: string;
}

/** What a run or a file says of the edits that it saw. */
export type EditsSeen = Pick<EditsReport, 'entries' | 'changes' | 'rows' | 'excluded' | 'digest'>;

export const UNFIT_LISTED = 100;

/** What edits make of one row. */
interface Overlaid {
  /** By which it was judged: the same ones are not judged again. */
  readonly entries: readonly ChangeEntry[];
  readonly changes: readonly Change[];
  readonly excluded: boolean;
  readonly judged: boolean;
  readonly thinks: boolean;
  /** Why they do not fit; null: they do. */
  readonly why: string | null;
}

/** What the overlay asks of the dataset below it. */
export interface EditableRows {
  /** −1: there is none. */
  find(id: string): number;
  /** As the files have them. Rows that can no longer be read are left out. */
  read(numbers: readonly number[]): AsyncIterable<{ readonly number: number; readonly row: Row }>;
}

const sameEntries = (a: readonly ChangeEntry[], b: readonly ChangeEntry[]): boolean =>
  a.length === b.length && a.every((entry, i) => entry === b[i]);

const stepOf = (entry: ChangeEntry | undefined): EditStep | null =>
  entry ? { row: entry.row, words: changeWords(entry.change) } : null;

export class Overlay {
  readonly report: EditsReport;
  readonly entries: readonly EditEntry[];
  readonly #rows: ReadonlyMap<number, Overlaid>;

  private constructor(entries: readonly EditEntry[], rows: ReadonlyMap<number, Overlaid>, report: EditsReport) {
    this.entries = entries;
    this.#rows = rows;
    this.report = report;
  }

  /** @param before of the same rows: what it found is not looked up again */
  static async over(rows: EditableRows, entries: readonly EditEntry[], before: Overlay | null): Promise<Overlay> {
    const { active, undone } = editsOf(entries);
    const overlaid = new Map<number, Overlaid>();
    const unfit: { row: string; why: string }[] = [];
    const open = new Map<number, readonly ChangeEntry[]>();
    const judged = before ? before.#rows : new Map<number, Overlaid>();
    for (const [id, own] of changesByRow(active)) {
      const number = rows.find(id);
      const known = judged.get(number);
      if (number < 0) unfit.push({ row: id, why: 'the dataset has no such row' });
      else if (known && sameEntries(known.entries, own)) overlaid.set(number, known);
      else open.set(number, own);
    }
    for await (const { number, row } of rows.read([...open.keys()].sort((a, b) => a - b))) {
      overlaid.set(number, judge(row, open.get(number)!));
      open.delete(number);
    }
    for (const own of open.values()) unfit.push({ row: own[0]!.row, why: 'the row can no longer be read' });
    for (const { entries: own, why } of overlaid.values()) if (why !== null) unfit.push({ row: own[0]!.row, why });
    const fitting = [...overlaid.values()].filter(({ why }) => why === null);
    const fit = new Set(fitting.flatMap(({ entries: own }) => own));
    const holding = active.filter((entry) => fit.has(entry)).map(({ row, digest, change }) => [row, digest, change]);
    return new Overlay(entries, overlaid, {
      entries: entries.length,
      changes: holding.length,
      rows: fitting.length,
      excluded: fitting.filter(({ excluded }) => excluded).length,
      digest: bytesToHex(sha256(utf8ToBytes(JSON.stringify(holding)))),
      unfit: unfit.slice(0, UNFIT_LISTED),
      unfitRows: unfit.length,
      undo: stepOf(active.at(-1)),
      redo: stepOf(undone.at(-1)),
    });
  }

  /** The row as it is after its edits. */
  apply(number: number, row: Row): Row {
    const own = this.#fitting(number);
    const changed = own && applyChanges(row, own.changes);
    if (!changed?.ok) return row;
    const { row: edited, excluded } = changed.edited;
    return { ...edited, edits: { changes: own!.changes.length, ...(excluded !== null && { excluded }) } };
  }

  isExcluded(number: number): boolean {
    return this.#fitting(number)?.excluded ?? false;
  }

  /** Whether a right answer to the row is known after its edits; null: it has none of them. */
  isJudged(number: number): boolean | null {
    return this.#fitting(number)?.judged ?? null;
  }

  /** Whether the row has a thought after its edits; null: it has none of them. */
  thinks(number: number): boolean | null {
    return this.#fitting(number)?.thinks ?? null;
  }

  /** What is true of a row's edits: `edited` ones fit, `unfit` ones do not. */
  is(number: number, what: EditsFilter): boolean {
    const own = this.#rows.get(number);
    if (!own) return false;
    return what === 'unfit' ? own.why !== null : own.why === null && (what === 'edited' || own.excluded);
  }

  #fitting(number: number): Overlaid | null {
    const own = this.#rows.get(number);
    return own && own.why === null ? own : null;
  }
}

export type EditsFilter = 'edited' | 'excluded' | 'unfit';

function judge(row: Row, entries: readonly ChangeEntry[]): Overlaid {
  const changes = entries.map(({ change }) => change);
  const digest = rowDigest(row);
  const changed = applyChanges(row, changes);
  const why = entries.some((entry) => entry.digest !== digest)
    ? 'the row is not what it was when it was edited: its file has changed, or its boxes are read in another way'
    : changed.ok
      ? null
      : changed.why;
  return {
    entries,
    changes,
    why,
    excluded: changed.ok && changed.edited.excluded !== null,
    judged: wantedOf(changed.ok ? changed.edited.row : row) !== null,
    thinks: (changed.ok ? changed.edited.row : row).think !== undefined,
  };
}
