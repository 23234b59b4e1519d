/** Words that several parts of the protocol share. Those of the layers below are named here once for all of them. */
import type { RowForm } from '../../train/prompt.ts';
import type { GroundedBox } from '../../grounding/box.ts';

export type { NamedFile, NamedHandle } from '../../data/file-set.ts';
export type { KeyStyle } from '../../formats/peft.ts';
export type { GroundedBox, Size } from '../../grounding/box.ts';
export type { PictureBudget } from '../../models/picture-budget.ts';
export type { StorageChoice, WeightDType } from '../../models/storage.ts';
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
  SamplingSettings,
} from '../../train/recipe.ts';

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
  /** The form that a recipe's prompt has asked it in; absent: it was asked as it is written, or before this was told. */
  readonly form?: RowForm;
}

/** Work that takes long: how far it is. */
export interface LoadingEvent {
  readonly type: 'loading';
  readonly what: string;
  readonly done: number;
  readonly total: number;
}

/** Someone has not answered for ten seconds, or answers again. It may be busy; nothing stops by itself. */
export interface SilenceEvent {
  readonly type: 'silence';
  readonly of: 'engine' | 'device';
  readonly silent: boolean;
}

/** What the user is told of someone who has not answered for ten seconds (`SilenceEvent`). */
export const SILENT = {
  engine: {
    code: 'engine-silent',
    message: 'The engine has not answered for 10 seconds.',
    hint: 'It may be busy with one long piece of work, or it hangs. What was saved is safe. If it does not come back, start it anew: the run resumes from the last checkpoint.',
  },
  device: {
    code: 'device-silent',
    message: 'The graphics device has finished nothing for 10 seconds.',
    hint: 'Another program may keep it busy, or its driver hangs. What was saved is safe. If it does not come back, start the engine anew: the run resumes from the last checkpoint.',
  },
} as const;

/** Something to know of, in a sentence. Nothing stops. */
export interface NoticeEvent {
  readonly type: 'notice';
  readonly message: string;
}

/** Nothing is lost: `hint` says what is safe and what to do. */
export interface FailureEvent {
  readonly type: 'failure';
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  /** Of defects: the places in our code. */
  readonly trace?: string;
}
