/** What page and engine say to each other about what outlives them: projects, what they stand on, room on disk. */
import type { ProjectRecord, RunIdentity, RunLabel, RunView } from './records.ts';

/** A project with its runs: those that are pinned, then the newest first. */
export interface ProjectView extends ProjectRecord {
  readonly runs: readonly RunView[];
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
      readonly change: Partial<Pick<ProjectRecord, 'name' | 'named' | 'model' | 'dataset' | 'recipe'>>;
    }
  /** Makes a project this tab's: only one tab may change a project or run in it. Gives back the one held before. */
  | { readonly type: 'take-project'; readonly id: string }
  /** Choices and edits are copied; runs only if asked, with their logs and checkpoints. */
  | { readonly type: 'duplicate-project'; readonly id: string; readonly runs?: boolean }
  /** A project as one file. `dataset`: the open one whose files go inside; null: they are only named. */
  | { readonly type: 'project-file'; readonly id: string; readonly dataset: string | null }
  /** Puts the project of such a file beside the others. */
  | { readonly type: 'take-project-file'; readonly file: Blob }
  /** With its runs and their checkpoints. */
  | { readonly type: 'delete-project'; readonly id: string }
  /** Changes what is said of a run. Tags are trimmed, and each stands once. */
  | { readonly type: 'label-run'; readonly runId: string; readonly label: Partial<RunLabel> }
  /** Deletes a copy of a dataset (`copied-datasets`). Refused while a run is active, or another tab has a project with it. */
  | { readonly type: 'delete-copy'; readonly location: string }
  /** Digests of what is open (`dataset`: its id) and loaded, to compare with what a run was started on. */
  | { readonly type: 'identity'; readonly dataset: string | null }
  | { readonly type: 'storage' };

export interface KeepReplies {
  projects: readonly ProjectView[];
  'save-project': ProjectRecord;
  'take-project': { readonly owned: boolean };
  'duplicate-project': ProjectRecord;
  'project-file': { readonly fileName: string; readonly stream: ReadableStream<Uint8Array> };
  'take-project-file': { readonly project: ProjectRecord; readonly renamed: number };
  'delete-project': null;
  'label-run': RunLabel;
  'delete-copy': null;
  identity: { readonly [part in keyof RunIdentity]: string | null };
  storage: StorageReport;
}
