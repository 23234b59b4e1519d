/** What is known of projects and their runs, and what can be asked for. */
import type { StoreApi } from 'zustand/vanilla';
import type { KeepSettings, ProjectView, RunLabel, RunRecord, StorageReport } from '../../engine/protocol/index.ts';
import type { Need } from './reopen.ts';
import type { Fit } from './resumable.ts';
import { until } from './until.ts';

/** Whether a dataset begins a project of its own, or takes the place of the one that the open project holds. */
export interface PlaceQuestion {
  readonly dataset: string;
  readonly holds: string;
  readonly project: string;
  /** What stands on the dataset that it holds. */
  readonly runs: number;
  readonly edits: number;
  /** A run is active: another project cannot be opened. */
  readonly active: boolean;
  /** It can be added to the dataset that is open. */
  readonly addable: boolean;
  answer(where: Place | null): void;
}

/** In a project of its own, in place of the dataset that is open, or beside it as one dataset. */
export type Place = 'new' | 'here' | 'add';

export interface Keeping {
  /** The last changed first; null until they were read. */
  readonly projects: readonly ProjectView[] | null;
  /** The one that is open; null before anything was chosen. */
  readonly current: string | null;
  /** False: another tab has it, and here it can only be looked at. */
  readonly owned: boolean;
  readonly storage: StorageReport | null;
  /** Whether the browser promised not to clear it when the disk is short; null: not told. */
  readonly persisted: boolean | null;
  /** What of the project waits for a click before it is open again. */
  readonly needs: { readonly dataset: Need | null; readonly model: Need | null };
  /** Whether what is open is what the interrupted run needs; null: no run was interrupted, or it is not known yet. */
  readonly fit: Fit | null;
  /** Steps that the interrupted run will make again. */
  readonly lost: number;
  /** A dataset is about to be opened in a project that holds another; null: nothing is asked. */
  readonly asked: PlaceQuestion | null;
  /** How often runs are saved, and how many checkpoints stay. */
  readonly settings: KeepSettings;
  readonly busy: boolean;
  set(settings: KeepSettings): void;
  begin(): Promise<void>;
  /**
   * Asks where a dataset of this name is to be opened, if the open project holds another. null: nowhere.
   * @param of what it is, if not files that a person gave
   */
  makeRoom(dataset: string, of?: 'sample' | 'copy'): Promise<Place | null>;
  open(id: string): Promise<void>;
  create(): Promise<void>;
  rename(id: string, name: string): Promise<void>;
  /** @param runs copies its runs, too */
  duplicate(id: string, runs?: boolean): Promise<void>;
  /** Puts the project of a file beside the others, and opens it. */
  take(file: File): Promise<void>;
  remove(id: string): Promise<void>;
  /** Changes what is said of a run. */
  label(runId: string, label: Partial<RunLabel>): Promise<void>;
  /** In a click: asks for folders, and opens what is missing. */
  reopen(): Promise<boolean>;
  resume(run: RunRecord): Promise<void>;
  /** Curves, groups and evaluations of a run, and its policy if it fits what is open. */
  show(run: RunRecord): Promise<void>;
  settle(run: RunRecord, how: 'keep' | 'discard'): Promise<void>;
  saveNow(): Promise<void>;
  persist(): Promise<void>;
  refresh(): Promise<void>;
  /** The project of a run that starts now, and how it is kept. */
  forRun(): Promise<{ readonly project?: string; readonly keep: KeepSettings }>;
}

export const isInterrupted = (run: RunRecord): boolean => run.state === 'running' || run.state === 'paused';

/** The open project. */
export const currentProject = ({ projects, current }: Keeping): ProjectView | null =>
  projects?.find(({ id }) => id === current) ?? null;

/** A run of the open project that ended without having been ended. */
export const interruptedRun = (keeping: Keeping): RunRecord | null =>
  currentProject(keeping)?.runs.find(isInterrupted) ?? null;

/** The project that is open, once it is known: a page that has just begun is still looking for its last one. */
export async function projectOpened(keeping: StoreApi<Keeping>): Promise<string | null> {
  await until(() => keeping.getState().current !== null || !keeping.getState().busy, keeping);
  return keeping.getState().current;
}
