/**
 * A dataset as it can be remembered: where its bytes are and what was decided about them. Small, and a plain value that
 * structured cloning (IndexedDB, a worker) carries; without `handle` sources it is JSON as well. Opening the same bytes
 * with the same options gives the same rows, ids and split.
 */
import type { BoxLayout } from '../grounding/numbers.ts';
import type { RowFormatName } from './formats/table.ts';

export type { BoxLayout } from '../grounding/numbers.ts';

/** Where a dataset's files are. `path` is the folder they are mounted at inside the dataset; '' is its root. */
export type SourceRef = SourcePlace & {
  /** Of the how manieth dataset that was added to the first; absent: of the first. */
  readonly added?: number;
};

type SourcePlace =
  /** On the user's disk, read in place. The browser may ask for permission again in a later visit. */
  | {
      readonly kind: 'handle';
      readonly path: string;
      readonly handle: FileSystemFileHandle | FileSystemDirectoryHandle;
    }
  /** Copied into the origin-private file system: a file or a folder, by its path there. */
  | { readonly kind: 'opfs'; readonly path: string; readonly location: string }
  /** The dataset that comes with the app. */
  | { readonly kind: 'sample'; readonly path: string }
  /** Given by a file input: readable in this visit only, then to be chosen again. Size and date tell whether it is the same. */
  | { readonly kind: 'once'; readonly path: string; readonly bytes: number; readonly lastModified: number };

/**
 * What the numbers of a box are measured in. `natural`: pixels of the picture as shown; `stored`: of the picture before
 * its EXIF turning; `listed`: of the size that the rows themselves give for it; `model`: of the picture after a resize.
 */
export type CoordinateSpace = 'fraction' | 'percent' | 'thousand' | 'natural' | 'stored' | 'listed' | 'model';

/** How pictures were resized before their boxes were written. */
export type Resize =
  /** As Qwen's processors do: sides are multiples of `factor`, the area within the limits. No `maxPixels`: no limit. */
  | { readonly kind: 'budget'; readonly factor: number; readonly minPixels: number; readonly maxPixels?: number }
  /** All to one size. */
  | { readonly kind: 'size'; readonly width: number; readonly height: number };

export interface Convention {
  readonly space: CoordinateSpace;
  readonly layout: BoxLayout;
  /** Of `model`. Default: Qwen2.5-VL's own limits. */
  readonly resize?: Resize;
}

/**
 * How boxes are written: `(x1,y1),(x2,y2)`; a list of four numbers; or in a field whose meaning the format declares
 * (COCO's annotations, ms-swift's objects), which may be doubted like the others.
 */
export type WayOfWriting = 'pairs' | 'list' | 'declared';

/** How the boxes of one file that are written in one way are read, because the user said so. */
export interface Reading extends Convention {
  readonly file: string;
  readonly way: WayOfWriting;
}

/**
 * Rows made of detection annotations (COCO): `find` a thing that is in one of several pictures; the kind of thing
 * `common` to all of them; `count` a kind of thing over all of them.
 */
export type ComposedKind = 'find' | 'common' | 'count';

/** The same values over the same files make the same rows. */
export interface Compose {
  readonly kinds: readonly ComposedKind[];
  /** Pictures a row, from 2 to MAX_COMPOSED_PICTURES. */
  readonly pictures: number;
  readonly rows: number;
  readonly seed: number;
}

export const COMPOSED_KINDS: readonly ComposedKind[] = ['find', 'common', 'count'];
export const MAX_COMPOSED_PICTURES = 8;

/** What is made of the boxes of one file for which no word says in which of several pictures they lie. */
export interface UnsaidPictures {
  readonly file: string;
  readonly as: 'last' | 'first' | 'leave-out';
}

/** What the user said of rows that could be a benchmark's or their own; one answer settles one file. */
export interface SaidBenchmark {
  readonly file: string;
  readonly as: 'benchmark' | 'own';
}

/** A row that a model cannot take, and why. */
export interface UnfitRow {
  readonly file: string;
  readonly line: number;
  readonly reason: string;
  /** What can be done about it. */
  readonly fix: string;
}

export interface DatasetOptions {
  /** Read every row so, whatever its keys suggest. */
  readonly format?: RowFormatName;
  /** Confirmed by the user, who may overrule what the numbers suggest. One answer settles one file. */
  readonly readings?: readonly Reading[];
  /** As `readings`, for all files at once: of projects stored by versions that asked so. Becomes `readings` on opening. */
  readonly conventions?: Readonly<Partial<Record<'pairs' | 'list', Convention>>>;
  /**
   * What is taught of an answer with boxes: the boxes alone in the model's own form, or with the words around them.
   * Default boxes.
   */
  readonly answers?: 'boxes' | 'words';
  /** Which answers of a conversation are taught: every one, as LLaMA-Factory, ms-swift and TRL do, or the last. Default all. */
  readonly turns?: 'all' | 'last';
  /** Said by the user; one answer settles one file. */
  readonly unsaidPictures?: readonly UnsaidPictures[];
  /** Whether rows that look like a benchmark's are its. Until it is said they are held out. */
  readonly benchmarks?: readonly SaidBenchmark[];
  /** Make rows of several pictures of annotations (COCO), in place of a question a picture and class. */
  readonly compose?: Compose;
  /** Pictures a question, for annotations that are no questions yet (COCO). Default 1. */
  readonly imagesPerRow?: number;
  /** `files`: by the files' names and folders. `draw`: by a draw over groups of rows that share pictures. Default: files where they say so. */
  readonly split?: 'files' | 'draw';
  /** Of the draw. Default 0. */
  readonly seed?: number;
  /** Rows to draw. Default 0.1. */
  readonly heldoutShare?: number;
  /** Rows that the model cannot take, to be left out. */
  readonly unfit?: readonly UnfitRow[];
  /** The user agreed to leave these rows out; a run records them. */
  readonly skipped?: SkippedRows;
}

/** Rows that were left out because they cannot be used, and why. */
export interface SkippedRows {
  readonly rows: number;
  /** In file order. Of more than MAX_SKIPPED_LISTED the first ones. */
  readonly list: readonly SkippedRow[];
}

export interface SkippedRow {
  readonly file: string;
  readonly line: number;
  readonly field: string;
  readonly reason: string;
}

export const MAX_SKIPPED_LISTED = 10_000;

export interface DatasetRef {
  readonly version: 1;
  readonly name: string;
  readonly sources: readonly SourceRef[];
  readonly options: DatasetOptions;
  /** `DatasetReport.id` when it was last opened: another value means that the files have changed. */
  readonly fingerprint: string;
}
