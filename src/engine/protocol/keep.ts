/** What page and engine say to each other about what outlives them: projects, runs, checkpoints, room on disk. */
import type { Recipe } from '../../train/recipe.ts';
import type { EngineEvent } from './index.ts';
import type { CheckpointAbout, ProjectRecord, RunIdentity, RunRecord } from '../keep/run-record.ts';

export type {
  CheckpointAbout,
  KeepSettings,
  ModelRef,
  ProjectRecord,
  RunIdentity,
  RunRecord,
  SaveReason,
} from '../keep/run-record.ts';

/** A project with its runs, the newest first. */
export interface ProjectView extends ProjectRecord {
  readonly runs: readonly RunRecord[];
  /** Of its runs' checkpoints. */
  readonly bytes: number;
}

/** Room in the browser's storage, bytes; null where it is not told. */
export interface StorageReport {
  readonly used: number | null;
  readonly quota: number | null;
}

export type KeepRequest =
  /** All projects, the last changed first. */
  | { readonly type: 'projects' }
  /** Makes a project (`id` null) or changes one. */
  | {
      readonly type: 'save-project';
      readonly id: string | null;
      readonly change: Partial<Pick<ProjectRecord, 'name' | 'model' | 'dataset' | 'recipe'>>;
    }
  /** Makes a project this tab's: only one tab may change a project or run in it. Gives back the one held before. */
  | { readonly type: 'take-project'; readonly id: string }
  /** Choices are copied, runs are not. */
  | { readonly type: 'duplicate-project'; readonly id: string }
  /** With its runs and their checkpoints. */
  | { readonly type: 'delete-project'; readonly id: string }
  /** Deletes a copy of a dataset (`copied-datasets`). Refused while a run is active, or another tab has a project with it. */
  | { readonly type: 'delete-copy'; readonly location: string }
  /** Tells all that a run has told, by a `restored` event. */
  | { readonly type: 'show-run'; readonly runId: string }
  /** The points of a stored run's curves, to lay under others. */
  | { readonly type: 'run-curves'; readonly runId: string }
  /** Digests of what is open (`dataset`: its id) and loaded, to compare with what a run was started on. */
  | { readonly type: 'identity'; readonly dataset: string | null }
  /**
   * Restores a run's last checkpoint on the model and dataset that are open, and tells what it told (`restored`).
   * `go`: the run goes on; else its policy is there to be looked at and exported.
   */
  | {
      readonly type: 'continue-run';
      readonly runId: string;
      readonly dataset: string;
      readonly go: boolean;
      /** Hold before the first step. */
      readonly paused?: boolean;
    }
  /** Ends an interrupted run: kept as it stands at its last checkpoint, or deleted. */
  | { readonly type: 'settle-run'; readonly runId: string; readonly how: 'keep' | 'discard' }
  /** Settles when a checkpoint is on disk. */
  | { readonly type: 'save-now' }
  | { readonly type: 'storage' };

export interface KeepReplies {
  projects: readonly ProjectView[];
  'save-project': ProjectRecord;
  'take-project': { readonly owned: boolean };
  'duplicate-project': ProjectRecord;
  'delete-project': null;
  'delete-copy': null;
  'show-run': RunRecord;
  'run-curves': readonly { readonly step: number; readonly values: Readonly<Record<string, number>> }[];
  identity: { readonly [part in keyof RunIdentity]: string | null };
  'continue-run': { readonly runId: string };
  'settle-run': null;
  'save-now': { readonly step: number };
  storage: StorageReport;
}

export type KeepEvent =
  /** A checkpoint is on disk. */
  | ({ readonly type: 'checkpoint'; readonly bytes: number; readonly at: number } & CheckpointAbout)
  /** All that a run has told so far, instead of whatever was known of it. */
  | {
      readonly type: 'restored';
      readonly runId: string;
      readonly recipe: Recipe;
      readonly events: readonly EngineEvent[];
    };
