/** What page and engine say to each other about what leaves the studio: adapters and merged weights. */
import type { KeyStyle } from './words.ts';

/** The forms in which a model or an adapter leaves the studio (export/formats). */
export type ExportKind = 'adapter' | 'merged' | 'gguf' | 'gguf-adapter';

/** In what a GGUF holds its matrices. */
export type GgufPrecision = 'f16' | 'bf16' | 'q8_0' | 'q4_0';

/** Why a form cannot be written, in whole sentences; empty: it can. */
export type ExportObstacles = Readonly<Record<ExportKind, readonly string[]>>;

export interface ExportChoice {
  readonly what: ExportKind;
  /** One that is kept; else all that the tuned policy has learnt. */
  readonly adapter?: string;
  /** How an adapter names its modules. */
  readonly style?: KeyStyle;
  /** In what a GGUF is written; q8_0 if left out. */
  readonly precision?: GgufPrecision;
  /** The run that it was learnt in, for the card. */
  readonly runId?: string;
}

export type ExportRequest =
  | ({ readonly type: 'export' } & ExportChoice)
  /** Writes the files into a folder, which must hold no model and none of them; `exporting` tells how far it is. */
  | ({ readonly type: 'export-folder'; readonly folder: FileSystemDirectoryHandle } & ExportChoice)
  /** What speaks against each form, before anything is written. */
  | { readonly type: 'export-obstacles' }
  /** Ends the writing into a folder; what was written is removed. */
  | { readonly type: 'cancel-export' }
  /** Reads the last export of its kind back from where it was written: a zip, or a folder. */
  | {
      readonly type: 'check-export';
      readonly what: ExportChoice['what'];
      readonly written: Blob | FileSystemDirectoryHandle;
    };

export interface ExportReplies {
  /** A zip, streamed. `weightBytes`: of all tensors in it. */
  export: { readonly fileName: string; readonly stream: ReadableStream<Uint8Array>; readonly weightBytes: number };
  'export-folder': { readonly bytes: number };
  'export-obstacles': ExportObstacles;
  'cancel-export': null;
  'check-export': ExportCheck;
}

/** A folder is being written: bytes so far, the bytes of all tensors that go there, and the file that is begun. */
export interface ExportEvent {
  readonly type: 'exporting';
  readonly bytes: number;
  readonly weightBytes: number;
  /** Told before it is made, so that whoever outlives the engine can take it away. */
  readonly path: string;
}

/** An export as it was read back. */
export interface ExportCheck {
  readonly files: readonly { readonly path: string; readonly bytes: number; readonly sha256: string }[];
  /** Tensors found with the name and shape they should have. */
  readonly tensors: number;
  /** Adapted modules, of an adapter. */
  readonly modules: number | null;
  /** Empty: all is as it was meant. */
  readonly problems: readonly string[];
}
