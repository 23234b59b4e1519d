/** What page and engine say to each other about a report of one file. */

/** Galleries that a report may have, in their order: rows of the last answers, and of the last against the first. */
export const GALLERIES = {
  worst: 'Missed, the worst first',
  best: 'Hit, the best first',
  gained: 'Hit by the last, not by the first',
  lost: 'Hit by the first, not by the last',
} as const;

export type GalleryKind = keyof typeof GALLERIES;

/** Rows that a gallery shows unless more are asked for. */
export const GALLERY_ROWS = 12;

/** A report of a run, of answers to benchmarks, or of both, as one HTML file. */
export interface ReportRequest {
  readonly type: 'report-file';
  /** null: none is open; then there are no pictures. */
  readonly dataset: string | null;
  readonly project: string | null;
  readonly runId: string | null;
  /** Sets of answers, the first being what the others are compared with. */
  readonly sets: readonly string[];
  readonly galleries: readonly GalleryKind[];
  /** Rows a gallery. */
  readonly rows: number;
}

export interface ReportReplies {
  'report-file': { readonly fileName: string; readonly stream: ReadableStream<Uint8Array> };
}
