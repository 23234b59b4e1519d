/**
 * What the page and the engine's worker say to each other: plain data, discriminated by `type`. A request carries an
 * id and gets exactly one reply; events come unasked. The same session answers under Node, without a worker.
 */
import type { GroundedBox, Size } from '../../grounding/box.ts';
import type { AdaptersReplies, AdaptersReport, AdaptersRequest } from './adapters.ts';
import type { CoordinateHeat } from '../answers/heat.ts';
import type { ChatEvent, ChatReplies, ChatRequest } from './chat.ts';
import type { ExportEvent, ExportReplies, ExportRequest } from './export.ts';
import type { Profile } from '../../gpu/tuning.ts';
import type { Contender } from '../../ops/trial.ts';
import type { StorageChoice, WeightDType } from '../../models/storage.ts';
import type { MemoryPlan } from '../../train/memory-plan.ts';
import type { StepProfile } from '../../train/profile.ts';
import type { Recipe, Stage } from '../../train/recipe.ts';
import type { DatasetReplies, DatasetRequest, NamedFile } from './dataset.ts';
import type { KeepEvent, KeepReplies, KeepRequest, KeepSettings } from './keep.ts';
import type { HubProgressEvent, HubReplies, HubRequest } from './hub.ts';

export { DEFAULT_ENDPOINT, DEFAULT_REVISION } from './hub.ts';
export type { CachedModel, CacheListing, HubModel, HubProgressEvent } from './hub.ts';
export type { ChatAnswer, ChatPicture, ChatRequest } from './chat.ts';
export type { BoxHeat, CoordinateHeat, DigitHeat } from '../answers/heat.ts';
export type { ExportCheck, ExportChoice } from './export.ts';
export type { AdapterReport, AdaptersReport, KeyStyle } from './adapters.ts';
export type {
  Recipe,
  Stage,
  SftStage,
  GrpoStage,
  RejectionStage,
  EvaluateStage,
  MergeStage,
  LoraSettings,
  OptimizerSettings,
} from '../../train/recipe.ts';
export type { OpProfile, StepProfile, TraceEvent } from '../../train/profile.ts';
export type * from './dataset.ts';
export type * from './keep.ts';

export interface DeviceReport {
  readonly name: string;
  readonly vendor: string;
  readonly software: boolean;
  readonly features: { readonly f16: boolean; readonly subgroups: boolean; readonly timestamps: boolean };
  /** Largest storage binding, bytes. */
  readonly maxBindingBytes: number;
  readonly tuning: TuningReport;
}

export type { Profile } from '../../gpu/tuning.ts';
export type ProfileChoice = Profile | 'auto';

/** How kernels are tuned to the adapter. */
export interface TuningReport {
  /** Now in use. */
  readonly profile: Profile;
  /** For when a device is opened next. */
  readonly choice: ProfileChoice;
  readonly supported: readonly Profile[];
  /** Median milliseconds of each profile that was tried; null where none had to be. */
  readonly trial: readonly Contender[] | null;
}

export interface SelfProof {
  readonly adapter: string;
  readonly rows: readonly {
    readonly op: string;
    readonly what: string;
    /** Largest difference over the largest value. */
    readonly error: number;
    readonly tolerance: number;
    readonly passed: boolean;
  }[];
}

export type { StorageChoice } from '../../models/storage.ts';

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
  /** How the model writes boxes, in words for the user. */
  readonly boxConvention: string;
}

/** Rows to answer again and again while a run learns. */
export interface Watch {
  readonly rowIds: readonly string[];
  /** Optimizer steps from one answer to the next. */
  readonly everySteps: number;
}

/** What one stage took in the rehearsal, and what it will therefore take. */
export interface RehearsedStage {
  readonly index: number;
  readonly name: string;
  /** Seconds of one `unit`, measured after a first one that warmed up. null: nothing to measure. */
  readonly secondsEach: number | null;
  readonly count: number;
  /** In the singular: step, batch, merge. */
  readonly unit: string;
  /** secondsEach × count. */
  readonly seconds: number;
  /** What makes this more or less than the run will take. */
  readonly note: string | null;
}

export interface Rehearsal {
  readonly stages: readonly RehearsedStage[];
  /** Every picture passes the vision tower once; seconds for all the run will meet, and how many those are. */
  readonly pictures: { readonly count: number; readonly seconds: number };
  readonly totalSeconds: number;
  readonly longest: {
    readonly rowId: string;
    readonly promptTokens: number;
    readonly targetTokens: number;
    /** Rows looked at to find it. */
    readonly among: number;
  };
  /** Bytes at the largest moment: as the memory plan had it, and as the device was asked for. */
  readonly memory: {
    readonly plannedBytes: number;
    readonly plannedStage: string | null;
    readonly allocatedBytes: number;
  };
}

/** A policy to answer with: the loaded weights, or the current one (adapters and merges included). */
export type PolicyName = 'base' | 'tuned';

export interface Answer {
  readonly policy: PolicyName;
  readonly text: string;
  readonly think: string | null;
  readonly boxes: readonly GroundedBox[];
  /** Against the row's solution: IoU in the right image, 0 if the image is wrong; null without a solution. */
  readonly iou: number | null;
  readonly rightImage: boolean | null;
  readonly parsed: boolean;
}

/** An answer that was given before, by the weights that are there now. */
export interface KnownAnswer {
  readonly rowId: string;
  readonly answer: Answer;
}

/** A row as the model sees it. */
export interface EncodedPreview {
  readonly sizes: readonly { readonly natural: Size; readonly model: Size; readonly tokens: number }[];
  readonly promptText: string;
  readonly targetText: string;
  readonly tokens: readonly { readonly text: string; readonly inLoss: boolean }[];
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

export type Request = EngineRequest | HubRequest;

/** What the engine itself answers. */
export type EngineRequest =
  | DatasetRequest
  | KeepRequest
  | ChatRequest
  | AdaptersRequest
  | ExportRequest
  | { readonly type: 'device' }
  /** Small cases of every kernel against f64, on this adapter. */
  | { readonly type: 'self-proof' }
  /** Takes effect when a device is opened next. */
  | { readonly type: 'choose-profile'; readonly choice: ProfileChoice }
  /** The embedded starter: model/ and sample.zip are fetched from below `baseUrl`, which ends in a slash. */
  | { readonly type: 'load-starter'; readonly baseUrl: string; readonly storage?: StorageChoice }
  /** `name`: instead of the folder's. */
  | {
      readonly type: 'load-model';
      readonly files: readonly NamedFile[];
      readonly name?: string;
      readonly storage?: StorageChoice;
    }
  /** Ends the loading of a model; the one loaded before stays. */
  | { readonly type: 'cancel-load' }
  | { readonly type: 'preview'; readonly dataset: string; readonly rowId: string }
  | {
      readonly type: 'answer';
      readonly dataset: string;
      readonly rowId: string;
      readonly policies: readonly PolicyName[];
      /** Pictures in another order: place i shows picture `order[i]`. Boxes and score come in that order, too. */
      readonly order?: readonly number[];
    }
  /** Loss of every digit of the solution's coordinates under a policy, the target being given. */
  | {
      readonly type: 'coordinate-heat';
      readonly dataset: string;
      readonly rowId: string;
      readonly policy: PolicyName;
    }
  /**
   * Rows answered together, one answer each, in their order. `orders`: as in `answer`, by row. Answers to rows as they are
   * are kept with `project`, if this tab has it, and while no run changes the weights.
   */
  | {
      readonly type: 'answer-rows';
      readonly dataset: string;
      readonly rowIds: readonly string[];
      readonly policy: PolicyName;
      readonly orders?: readonly (readonly number[])[];
      readonly project?: string | null;
    }
  /** What the weights that are there now have answered before. Of the tuned policy nothing, where it is the base. */
  | { readonly type: 'known-answers'; readonly dataset: string; readonly project: string }
  /** `paused`: hold before the first step, so that the run can be walked through step by step. */
  | {
      readonly type: 'start';
      readonly dataset: string;
      readonly recipe: Recipe;
      readonly paused?: boolean;
      readonly watch?: Watch;
      /** The project it belongs to. */
      readonly project?: string;
      readonly keep?: Partial<KeepSettings>;
    }
  /** One real step of every stage on the longest row, on a policy of its own: what a run of the recipe will take. */
  | { readonly type: 'rehearse'; readonly dataset: string; readonly recipe: Recipe }
  /** Where the time of the run's next two steps goes. */
  | { readonly type: 'profile' }
  | { readonly type: 'control'; readonly action: 'pause' | 'resume' | 'step' | 'stop' }
  /**
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

export interface Replies extends DatasetReplies, KeepReplies, HubReplies, ChatReplies, AdaptersReplies, ExportReplies {
  device: DeviceReport;
  'self-proof': SelfProof;
  'choose-profile': DeviceReport;
  'load-starter': ModelReport;
  'load-model': ModelReport;
  'cancel-load': null;
  preview: EncodedPreview;
  answer: readonly Answer[];
  'answer-rows': readonly Answer[];
  'known-answers': readonly KnownAnswer[];
  'coordinate-heat': CoordinateHeat;
  /** Settles when the run has started; the rest comes as events. */
  start: { readonly runId: string };
  rehearse: Rehearsal;
  profile: StepProfile;
  control: { readonly state: RunState };
  'memory-plan': MemoryReport;
}

export type RunState = 'idle' | 'running' | 'paused' | 'stopping' | 'finished' | 'failed';

/** One completion of a GRPO group, as the group view shows it. */
export interface GroupCompletion {
  readonly text: string;
  readonly think: string | null;
  readonly boxes: readonly GroundedBox[];
  readonly rewards: Readonly<Record<string, number>>;
  readonly reward: number;
  readonly advantage: number;
  readonly tokens: number;
  readonly truncated: boolean;
}

/** Accuracy of one set of answers. Interval: 95 % bootstrap. */
export interface Evaluation {
  readonly n: number;
  readonly accAt30: number;
  readonly accAt50: number;
  readonly accAt70: number;
  readonly accAt50Interval: readonly [number, number];
  readonly meanIoU: number;
  readonly imageAccuracy: number;
  readonly parseFailures: number;
  readonly tasks: Readonly<
    Record<
      string,
      { readonly n: number; readonly accAt50: number; readonly meanIoU: number; readonly parseFailures: number }
    >
  >;
}

export type EngineEvent =
  | KeepEvent
  | HubProgressEvent
  | ChatEvent
  | ExportEvent
  | { readonly type: 'adapters'; readonly report: AdaptersReport }
  | { readonly type: 'state'; readonly state: RunState }
  | { readonly type: 'loading'; readonly what: string; readonly done: number; readonly total: number }
  | {
      readonly type: 'stage';
      readonly index: number;
      readonly stage: Stage;
      readonly status: 'started' | 'finished' | 'stopped';
      readonly seconds: number;
    }
  /**
   * Progress inside a stage. `etaSeconds` is null until a first step was timed. `preparing`: it counts what comes before
   * the stage's own work (kernels compiled, rows encoded). `gpuBytes`: what the run holds on the device.
   */
  | {
      readonly type: 'progress';
      readonly stageIndex: number;
      readonly done: number;
      readonly total: number;
      readonly unit: string;
      readonly preparing?: true;
      readonly etaSeconds: number | null;
      /** Absent in older logs. */
      readonly gpuBytes?: number;
    }
  /** One point of every curve at a step; names are TRL's (loss, reward, kl, completions/mean_length, …). `step` counts over the whole run. */
  | {
      readonly type: 'metrics';
      readonly stageIndex: number;
      readonly step: number;
      readonly values: Readonly<Record<string, number>>;
    }
  | {
      readonly type: 'group';
      readonly stageIndex: number;
      readonly step: number;
      readonly rowId: string;
      readonly completions: readonly GroupCompletion[];
    }
  /** A watched row's answer by the policy as it was after `step`. */
  | {
      readonly type: 'snapshot';
      readonly stageIndex: number;
      readonly step: number;
      readonly rowId: string;
      readonly answer: Answer;
    }
  | { readonly type: 'evaluation'; readonly stageIndex: number; readonly name: string; readonly evaluation: Evaluation }
  | {
      readonly type: 'rejection';
      readonly stageIndex: number;
      readonly rowId: string;
      readonly successRate: number;
      readonly verdict: 'kept' | 'too-easy' | 'too-hard';
    }
  /** Nothing is lost: `hint` says what is safe and what to do. */
  | { readonly type: 'failure'; readonly code: string; readonly message: string; readonly hint: string }
  | { readonly type: 'notice'; readonly message: string };

export type ToEngine = { readonly id: number; readonly request: Request };
export type FromEngine =
  /** The worker holds the lock of its name, and lives for as long as it does (life.ts). */
  | { readonly kind: 'alive' }
  | { readonly kind: 'reply'; readonly id: number; readonly value: unknown }
  | {
      readonly kind: 'error';
      readonly id: number;
      readonly code: string;
      readonly message: string;
      readonly hint: string;
    }
  | { readonly kind: 'event'; readonly event: EngineEvent };
