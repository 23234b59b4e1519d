/** What page and engine say to each other about a model: loading one, and what a plan would need of one. */
import type { UnfitRow } from '../../data/dataset-ref.ts';
import type { ServedPictures } from '../../train/serve-snippets.ts';
import type { MemoryPlan } from '../../train/memory-plan.ts';
import type { NamedFile, Recipe, StorageChoice, WeightDType } from './words.ts';

/** How weights are held, and what quantising lost of them. */
export interface WeightsReport {
  readonly storage: WeightDType;
  readonly quantised: {
    readonly parameters: number;
    /** ‖ŵ − w‖ / ‖w‖ over all of them. */
    readonly relativeRms: number;
    /** max |ŵ − w| */
    readonly largest: number;
    /** By tensor, the one that lost most first. */
    readonly tensors: readonly {
      readonly name: string;
      readonly format: WeightDType;
      readonly relativeRms: number;
      readonly largest: number;
    }[];
  } | null;
}

export interface ModelReport extends WeightsReport {
  readonly name: string;
  /** Of its files: another value for the same folder means that they have changed. */
  readonly digest: string;
  readonly modelType: string;
  readonly parameters: number;
  readonly weightBytes: number;
  readonly hiddenSize: number;
  readonly layers: number;
  readonly vocabSize: number;
  /** Older versions of transformers name its modules differently: an adapter can be written for either. */
  readonly renamed: boolean;
  /** How the model writes boxes, in words for the user. */
  readonly boxConvention: string;
  /** A box as it writes one, in an answer about two pictures. */
  readonly boxExample: string;
  /** How large it sees pictures, and how large one token of them is: in pixels. */
  readonly pictures: ServedPictures;
  /** What was skipped or assumed in its files, in whole sentences. */
  readonly notes: readonly string[];
}

/** A row for planning where no dataset is open: pictures of one size, and tokens of text. */
export interface MemoryRow {
  readonly pictures: number;
  readonly width: number;
  readonly height: number;
  readonly promptTokens: number;
  readonly targetTokens: number;
}

/** What a run would allocate, at its largest moment. */
export interface MemoryReport extends MemoryPlan {
  /** How matrices are held. */
  readonly storage: WeightDType;
  /** Tokens of the longest row; image tokens are part of the prompt. */
  readonly longest: { readonly promptTokens: number; readonly targetTokens: number; readonly imageTokens: number };
  /** The least change after which it fits, none where it fits as it is; null: nothing known here makes it fit. */
  readonly fits: {
    readonly changes: readonly string[];
    readonly totalBytes: number;
    readonly recipe: Recipe;
    readonly storage: WeightDType;
  } | null;
}

/** How far the reckoning of memory has come. */
export interface ReckoningEvent {
  readonly type: 'reckoning';
  /** Of memory: rows of the dataset are measured first; then pieces of plans are counted. Of pictures: rows alone. */
  readonly what: 'rows' | 'plans' | 'row lengths';
  readonly done: number;
  /** At most: the reckoning ends where something fits. */
  readonly total: number;
}

export type ModelRequest =
  /** The embedded starter: model/ and sample.zip are fetched from below `baseUrl`, which ends in a slash. */
  | { readonly type: 'load-starter'; readonly baseUrl: string; readonly storage?: StorageChoice }
  /** `name`: instead of the folder's. */
  | {
      readonly type: 'load-model';
      readonly files: readonly NamedFile[];
      readonly name?: string;
      readonly storage?: StorageChoice;
    }
  /** Rows of a dataset that the loaded model cannot take; a run does not start with any. */
  | { readonly type: 'unfit-rows'; readonly dataset: string }
  /** Ends the loading of a model; the one loaded before stays. */
  | { readonly type: 'cancel-load' }
  /**
   * Reckoned beside other work, which goes first; told by `reckoning`. A newer one ends it, with `superseded`.
   * `model`: the id of a published one, or null for the one loaded; any other name with the `config` (config.json) of a
   * model that is not here. `row` is used where `dataset` is null.
   */
  | {
      readonly type: 'memory-plan';
      readonly model: string | null;
      readonly config?: Readonly<Record<string, unknown>>;
      readonly dataset: string | null;
      readonly row: MemoryRow;
      readonly recipe: Recipe;
      readonly availableBytes: number;
    };

export interface ModelReplies {
  'load-starter': ModelReport;
  'load-model': ModelReport;
  'unfit-rows': readonly UnfitRow[];
  'cancel-load': null;
  'memory-plan': MemoryReport;
}
