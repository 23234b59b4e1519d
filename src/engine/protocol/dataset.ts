/** What the page may ask of an opened dataset. A part of the protocol. */
import type { Compose, Convention, DatasetOptions, SkippedRows, WayOfWriting } from '../../data/dataset-ref.ts';
import type { RowFilter } from '../../data/dataset.ts';
import type { DatasetReport } from '../../data/dataset-report.ts';
import type { Change } from '../../data/edits/change.ts';
import type { HistoryLine } from '../../data/edits/edit-log.ts';
import type { Health } from '../../data/health.ts';
import type { Row, RowIssue } from '../../data/row.ts';
import type { RowFileFormat } from '../../data/row-file-formats.ts';
import type { StoredDataset } from '../../store/dataset-files.ts';
import type { GroundedBox, NamedFile, NamedHandle, Size } from './words.ts';

export type {
  BoxLayout,
  Compose,
  ComposedKind,
  Convention,
  CoordinateSpace,
  DatasetOptions,
  DatasetRef,
  Reading,
  Resize,
  SaidBenchmark,
  SkippedRows,
  SourceRef,
  UnfitRow,
  UnsaidPictures,
  WayOfWriting,
} from '../../data/dataset-ref.ts';
export type { Change } from '../../data/edits/change.ts';
export type { HistoryLine } from '../../data/edits/edit-log.ts';
export type { EditsReport, EditsSeen } from '../../data/edits/overlay.ts';
export type { RowFilter } from '../../data/dataset.ts';
export type { ConventionReport, DatasetReport, OpenQuestion } from '../../data/dataset-report.ts';
export type { LedgerEntry, LedgerKey } from '../../data/ledger.ts';
export type { Finding, FindingKey, Health } from '../../data/health.ts';
export type { RowFormatName } from '../../data/formats/table.ts';
export type { Message, Row, RowIssue, Segment } from '../../data/row.ts';
export type { StoredDataset } from '../../store/dataset-files.ts';

/** What a person does: a change to a row, or one step back or forth. */
export type RowEdit =
  | { readonly kind: 'change'; readonly row: string; readonly change: Change }
  | { readonly kind: 'undo' | 'redo' };

type Part = 'train' | 'heldout';

/** A row's boxes as they would lie under one convention. */
export interface ConventionSample {
  readonly rowId: string;
  readonly images: readonly string[];
  /** As the file has them. */
  readonly numbers: readonly (readonly number[])[];
  readonly boxes: readonly GroundedBox[];
}

export interface ConventionTrial {
  readonly samples: readonly ConventionSample[];
  /** Share of the file's boxes that would lie inside their pictures; null if it cannot be told. */
  readonly fits: number | null;
}

/** What composing would give: nothing is kept of it. */
export interface ComposedPreview {
  readonly train: number;
  readonly heldout: number;
  /** Rows of training, then of the held-out part; a few. */
  readonly rows: readonly Row[];
  /** What keeps it from giving more, or what is wrong with some of the rows. */
  readonly issues: readonly RowIssue[];
}

/** A picture no larger than it is shown. */
export interface Thumbnail {
  readonly blob: Blob;
  /** Of the whole picture. */
  readonly natural: Size;
}

export type DatasetRequest =
  | {
      readonly type: 'open-dataset';
      readonly name: string;
      readonly files: readonly NamedFile[];
      /** Read in place, as long as the browser allows it. */
      readonly handles?: readonly NamedHandle[];
      /** Copied before: folders of the origin-private file system. */
      readonly stored?: readonly { readonly path: string; readonly location: string; readonly added?: number }[];
      /** The sample is its first part, fetched from here. */
      readonly baseUrl?: string;
      /** What is given is added to the files of this open dataset. */
      readonly onto?: string;
      readonly options?: DatasetOptions;
      /** Whose edits are laid over the rows. */
      readonly project?: string | null;
    }
  | {
      readonly type: 'open-sample';
      readonly baseUrl: string;
      readonly options?: DatasetOptions;
      readonly project?: string | null;
    }
  /** The same files read in another way, or questions answered. Gives a report with another id if rows changed. */
  | { readonly type: 'reread-dataset'; readonly dataset: string; readonly options: DatasetOptions }
  /** Ends an opening, rereading, copying or checking under way. */
  | { readonly type: 'cancel-dataset' }
  /** Copies files into the origin-private file system, at `location`; then they are opened from there. */
  | {
      readonly type: 'copy-dataset';
      readonly location: string;
      readonly files: readonly NamedFile[];
      readonly handles?: readonly NamedHandle[];
    }
  /** Every copy, the last one made first. */
  | { readonly type: 'copied-datasets' }
  | {
      readonly type: 'rows';
      readonly dataset: string;
      readonly split: Part;
      readonly offset: number;
      readonly count: number;
      readonly filter?: RowFilter;
    }
  /** One row by its id: events name rows, and views show them. */
  | { readonly type: 'row'; readonly dataset: string; readonly rowId: string }
  /**
   * Adds to the edits of a dataset, and keeps them with a project if one is given. What is open from before, a run's
   * rows above all, stays as it is. Refused as a whole if a change does not fit its row: `edit-refused`.
   */
  | {
      readonly type: 'edit-rows';
      readonly dataset: string;
      readonly project: string | null;
      readonly edits: readonly RowEdit[];
    }
  /** What was edited, in order: for the history. */
  | { readonly type: 'edit-history'; readonly dataset: string }
  /** As JSON Lines, for another project, another browser or the command line. */
  | { readonly type: 'edits-file'; readonly dataset: string }
  /** Puts the edits of such a file behind those that are there. Throws `edits-unreadable`. */
  | { readonly type: 'take-edits'; readonly dataset: string; readonly project: string | null; readonly file: NamedFile }
  | { readonly type: 'image'; readonly dataset: string; readonly path: string }
  /** `height`: device pixels in which it is shown. */
  | { readonly type: 'thumbnail'; readonly dataset: string; readonly path: string; readonly height: number }
  | {
      readonly type: 'issues';
      readonly dataset: string;
      readonly offset: number;
      readonly count: number;
      readonly severity?: RowIssue['severity'];
    }
  | { readonly type: 'issues-file'; readonly dataset: string; readonly as: 'csv' | 'json' }
  /** Rows composed of annotations, as `DatasetOptions.compose` would give them. */
  | { readonly type: 'compose-preview'; readonly dataset: string; readonly compose: Compose; readonly count: number }
  /** The rows of a part of a composed dataset, as JSON Lines that name their pictures by path. Throws `not-composed`. */
  | { readonly type: 'composed-file'; readonly dataset: string; readonly split: Part }
  /** The rows of a part as they are now, edits among them, beside whose files they can be laid. Pictures by their paths. */
  | {
      readonly type: 'rows-file';
      readonly dataset: string;
      readonly split: Part;
      readonly format: RowFileFormat;
    }
  | { readonly type: 'skipped'; readonly dataset: string }
  | { readonly type: 'health'; readonly dataset: string }
  /** Reads pictures to their end of which only the beginning was read; what it finds is in `health`. */
  | { readonly type: 'check-pictures'; readonly dataset: string }
  /** Compares the pictures of the two parts by their looks; `health` then tells what was found. */
  | { readonly type: 'compare-looks'; readonly dataset: string }
  | {
      readonly type: 'try-convention';
      readonly dataset: string;
      readonly file: string;
      readonly way: WayOfWriting;
      readonly convention: Convention;
      readonly count: number;
    };

export interface DatasetReplies {
  'open-dataset': DatasetReport;
  'open-sample': DatasetReport;
  'reread-dataset': DatasetReport;
  'cancel-dataset': null;
  'copy-dataset': { readonly bytes: number; readonly files: number };
  'copied-datasets': readonly StoredDataset[];
  rows: { readonly total: number; readonly rows: readonly Row[] };
  row: Row;
  'edit-rows': DatasetReport;
  'edit-history': readonly HistoryLine[];
  'edits-file': { readonly fileName: string; readonly stream: ReadableStream<Uint8Array> };
  'take-edits': DatasetReport;
  image: Blob;
  thumbnail: Thumbnail;
  issues: readonly RowIssue[];
  'issues-file': { readonly fileName: string; readonly stream: ReadableStream<Uint8Array> };
  'compose-preview': ComposedPreview;
  'composed-file': { readonly fileName: string; readonly stream: ReadableStream<Uint8Array> };
  'rows-file': { readonly fileName: string; readonly stream: ReadableStream<Uint8Array> };
  skipped: SkippedRows;
  health: Health;
  'check-pictures': null;
  'compare-looks': null;
  'try-convention': ConventionTrial;
}
