/** The part of the protocol for adapters kept by name: imported, trained here, stacked, continued, switched off. */
import type { CombinationKind } from '../../train/merging/combinations.ts';
import type { Likeness } from '../../train/merging/likeness.ts';
import type { NamedFile } from './words.ts';

export interface AdapterReport {
  readonly id: string;
  readonly name: string;
  readonly origin: 'imported' | 'trained' | 'merged';
  /** DoRA is read and folded in; it cannot be trained further, nor exported as an adapter. */
  readonly kind: 'LoRA' | 'DoRA';
  readonly modules: number;
  /** Smallest and largest rank. */
  readonly ranks: readonly [number, number];
  readonly parameters: number;
  /** What adapter_config.json names as its base. */
  readonly baseName: string | null;
  /** Tensors of the file that found their module, of all. */
  readonly matched: number;
  readonly total: number;
  /** The first of those that did not. */
  readonly unmatched: readonly string[];
  /** Modules that it changes and that stay as they are here: no run stands on such an adapter, and it is not exported. */
  readonly leftOut: number;
  /** What the adapter is, where it is not what it seems, in whole sentences. */
  readonly notes: readonly string[];
  /** Of what it was merged, and how like its parts it is. */
  readonly merge?: MergeReport;
}

export interface MergeReport {
  readonly kind: CombinationKind;
  /** Length of the result's change. */
  readonly norm: number;
  readonly parts: readonly (Likeness & { readonly name: string; readonly weight: number })[];
  /** The modules in which it is least like its parts: cosines in the order of the parts, null where one changes nothing. */
  readonly oddest: readonly { readonly module: string; readonly cosines: readonly (number | null)[] }[];
}

export interface AdaptersReport {
  readonly adapters: readonly AdapterReport[];
  /** Ids of those in use, from the bottom: each is added to what those below it leave. Empty: all are switched off. */
  readonly stack: readonly string[];
  /** A run trains the top of the stack further, instead of a new adapter above it. */
  readonly continueTop: boolean;
  /** Whose answers the tuned policy gives: those of the last run, or the stack's. */
  readonly tuned: 'run' | 'stack';
}

export type AdaptersRequest =
  | { readonly type: 'adapters' }
  /** A PEFT folder's files, or a zip of them. */
  | { readonly type: 'adapter-import'; readonly name: string; readonly files: readonly NamedFile[] }
  /** What was learnt so far, everything as one adapter, under a name. */
  | { readonly type: 'adapter-keep'; readonly name: string }
  /** Some that are kept, as one more (PEFT's add_weighted_adapter). */
  | {
      readonly type: 'adapter-merge';
      readonly name: string;
      readonly parts: readonly { readonly id: string; readonly weight: number }[];
      readonly kind: CombinationKind;
      /** Looked at only where the kind drops numbers, or cuts back to a rank. null: the largest rank of the parts. */
      readonly density: number;
      readonly rank: number | null;
    }
  | { readonly type: 'adapter-remove'; readonly id: string }
  | { readonly type: 'adapter-stack'; readonly stack: readonly string[]; readonly continueTop: boolean };

export interface AdaptersReplies {
  adapters: AdaptersReport;
  'adapter-import': AdaptersReport;
  'adapter-keep': AdaptersReport;
  'adapter-merge': AdaptersReport;
  'adapter-remove': AdaptersReport;
  'adapter-stack': AdaptersReport;
}

/** What is kept or in use has changed. */
export interface AdaptersEvent {
  readonly type: 'adapters';
  readonly report: AdaptersReport;
}
