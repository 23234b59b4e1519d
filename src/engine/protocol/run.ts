/** What page and engine say to each other about runs: started, held, gone on with, and what they tell as they go. */
import type { Evaluation as Measured, TaskEvaluation } from '../../evaluate/metrics.ts';
import type { StepProfile } from '../../train/profile.ts';
import type { CheckpointAbout, KeepSettings, KeptCheckpoint, RunRecord } from './records.ts';
import type { EvaluatedRow } from './results.ts';
import type { Answer, GroundedBox, NoticeEvent, Recipe, Stage } from './words.ts';

export type { OpProfile, StepProfile, TraceEvent } from '../../train/profile.ts';

export type RunState = 'idle' | 'running' | 'paused' | 'stopping' | 'finished' | 'failed';

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
  /** How often the stage is run: once, or once a round. `count` is of all of them. */
  readonly rounds: number;
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

type TaskNumbers = 'n' | 'accAt50' | 'meanIoU' | 'parseFailures';

/** Accuracy of one set of answers: of what evaluate/metrics.ts measures, what every version of Groundwork has told. */
export type Evaluation = Pick<Measured, TaskNumbers | 'accAt30' | 'accAt70' | 'accAt50Interval' | 'imageAccuracy'> & {
  readonly tasks: Readonly<Record<string, Pick<TaskEvaluation, TaskNumbers>>>;
};

export type RunRequest =
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
      /** Code of the recipe that a person has allowed to be run. */
      readonly allowCode?: readonly string[];
    }
  /** One real step of every stage on the longest row, on a policy of its own: what a run of the recipe will take. */
  | {
      readonly type: 'rehearse';
      readonly dataset: string;
      readonly recipe: Recipe;
      readonly allowCode?: readonly string[];
    }
  /** Where the time of the run's next two steps goes. */
  | { readonly type: 'profile' }
  | { readonly type: 'control'; readonly action: 'pause' | 'resume' | 'step' | 'stop' }
  /** Tells all that a run has told, by a `restored` event. */
  | { readonly type: 'show-run'; readonly runId: string }
  /** The points of a stored run's curves, to lay under others. */
  | { readonly type: 'run-curves'; readonly runId: string }
  /**
   * Restores a run's last checkpoint on the model and dataset that are open, and tells what it told (`restored`).
   * `go`: the run goes on; else its policy is there to be looked at and exported.
   */
  | {
      readonly type: 'continue-run';
      readonly runId: string;
      readonly dataset: string;
      readonly go: boolean;
      /** Which of its checkpoints is looked at; absent: the last. A run resumes from its last. */
      readonly checkpoint?: number;
      /** Hold before the first step. */
      readonly paused?: boolean;
      readonly allowCode?: readonly string[];
    }
  /** Those of a run that are kept, the newest first. */
  | { readonly type: 'checkpoints'; readonly runId: string }
  /** Ends an interrupted run: kept as it stands at its last checkpoint, or deleted. */
  | { readonly type: 'settle-run'; readonly runId: string; readonly how: 'keep' | 'discard' }
  /** Settles when a checkpoint is on disk. */
  | { readonly type: 'save-now' };

export interface RunReplies {
  /** Settles when the run has started; the rest comes as events. */
  start: { readonly runId: string };
  rehearse: Rehearsal;
  profile: StepProfile;
  control: { readonly state: RunState };
  'show-run': RunRecord;
  'run-curves': readonly { readonly step: number; readonly values: Readonly<Record<string, number>> }[];
  'continue-run': { readonly runId: string };
  checkpoints: readonly KeptCheckpoint[];
  'settle-run': null;
  'save-now': { readonly step: number };
}

/** What a run tells, and is told by again after an interruption. */
export type ToldEvent =
  | {
      readonly type: 'stage';
      readonly index: number;
      readonly stage: Stage;
      /** Of the part that it is repeated in, from 0; absent: it is not repeated. */
      readonly round?: number;
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
  /** Some of the answers that an evaluation stage was given. They come before its `evaluation`. */
  | { readonly type: 'evaluated'; readonly stageIndex: number; readonly rows: readonly EvaluatedRow[] }
  | { readonly type: 'evaluation'; readonly stageIndex: number; readonly name: string; readonly evaluation: Evaluation }
  | {
      readonly type: 'rejection';
      readonly stageIndex: number;
      readonly rowId: string;
      readonly successRate: number;
      readonly verdict: 'kept' | 'too-easy' | 'too-hard';
    }
  | NoticeEvent;

export type RunEvent =
  | ToldEvent
  | { readonly type: 'state'; readonly state: RunState }
  /** A checkpoint is on disk. */
  | ({ readonly type: 'checkpoint'; readonly bytes: number; readonly at: number } & CheckpointAbout)
  /** All that a run has told so far, instead of whatever was known of it. */
  | {
      readonly type: 'restored';
      readonly runId: string;
      readonly recipe: Recipe;
      readonly events: readonly ToldEvent[];
      /** Which of its checkpoints the tuned policy is; absent: its last, or none. */
      readonly checkpoint?: KeptCheckpoint;
    };
