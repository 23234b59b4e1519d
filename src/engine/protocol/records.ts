/** What is remembered of projects and runs. Plain data: the page reads it, and it outlives versions (idb-records.ts). */
import type { DatasetRef } from '../../data/dataset-ref.ts';
import type { EditsSeen } from '../../data/edits/overlay.ts';
import type { Recipe, StorageChoice, WeightDType } from './words.ts';

type ModelSource =
  /** The starter that comes with the app. */
  | { readonly kind: 'starter' }
  /** In the cache of models from a Hub. */
  | { readonly kind: 'hub'; readonly key: string; readonly name: string }
  /** A folder on the user's disk, read in place. The browser may ask for permission again in a later visit. */
  | {
      readonly kind: 'folder';
      readonly name: string;
      readonly handle: FileSystemDirectoryHandle;
      /** `ModelReport.digest` when it was last loaded: another value means that the files have changed. */
      readonly digest: string;
    }
  /** Files given once: to be chosen again. */
  | { readonly kind: 'once'; readonly name: string };

/** How a model can be loaded again. */
export type ModelRef = ModelSource & {
  /** How its weights are to be held. Absent in older records: `auto`. */
  readonly storage?: StorageChoice;
};

export interface ProjectRecord {
  readonly id: string;
  readonly name: string;
  /** A person gave it its name. Else it is named after what it holds. Absent in older records. */
  readonly named?: boolean;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly changedAt: number;
  readonly model: ModelRef | null;
  readonly dataset: DatasetRef | null;
  readonly recipe: Recipe | null;
}

/** How often a run is saved, and what is kept. */
export interface KeepSettings {
  /** Units of work: optimizer steps, batches of rejection sampling and of evaluation. */
  readonly everySteps: number;
  readonly everyMinutes: number;
  /** Newest checkpoints kept, besides the best and those at the ends of stages. */
  readonly keepLast: number;
}

/** What a run was started on; it goes on with nothing else. */
export interface RunIdentity {
  /** Digest of the model's configuration, of its weight files' names and sizes, and of how weights are held. */
  readonly model: string;
  /** Digest of the rows' ids, in order, and of how the user said that they are read. */
  readonly dataset: string;
}

export interface RunRecord {
  readonly id: string;
  readonly project: string | null;
  readonly recipe: Recipe;
  readonly startedAt: number;
  readonly changedAt: number;
  /** `running` or `paused` of a run that nobody runs: it was interrupted. */
  readonly state: 'running' | 'paused' | 'finished' | 'stopped' | 'failed';
  readonly identity: RunIdentity;
  readonly modelName: string;
  /** How the model's weights are held. Absent in older records. */
  readonly weights?: WeightDType;
  readonly datasetName: string;
  /** How much of it there was. Absent in older records. */
  readonly data?: { readonly train: number; readonly heldout: number; readonly images: number };
  /** What people had changed of the rows that it sees. Absent: nothing. */
  readonly edits?: EditsSeen;
  readonly adapter: string;
  readonly keep: KeepSettings;
  /** Rows answered again and again while it learns. */
  readonly watch: { readonly rowIds: readonly string[]; readonly everySteps: number } | null;
  /** Points of curves, and events in the log, as of the last checkpoint. */
  readonly step: number;
  readonly events: number;
  /** Of its checkpoints together. */
  readonly bytes: number;
  readonly failure: { readonly code: string; readonly message: string; readonly hint: string } | null;
}

/** What a person says of a run. It is kept apart from the run's record, which the run itself writes. */
export interface RunLabel {
  /** Empty: the run has its recipe's name. */
  readonly name: string;
  readonly notes: string;
  readonly tags: readonly string[];
  /** Listed before the others. */
  readonly pinned: boolean;
  /** Listed only when asked for. */
  readonly archived: boolean;
  /** The other runs of its project are compared with it. */
  readonly baseline?: boolean;
}

export const NO_LABEL: RunLabel = { name: '', notes: '', tags: [], pinned: false, archived: false };

/** The data that a run stands on, in words. */
export function dataOf({ datasetName, data, edits }: Pick<RunRecord, 'datasetName' | 'data' | 'edits'>): string {
  const rows = data && `${data.train} training and ${data.heldout} held-out rows`;
  const changes = edits && `${edits.changes} ${edits.changes === 1 ? 'edit' : 'edits'}`;
  return [datasetName, rows, changes].filter(Boolean).join(', ');
}

/** A run with what is said of it. */
export interface RunView extends RunRecord {
  readonly label: RunLabel;
}

/** What a run is called. */
export const runName = ({ label, recipe }: Pick<RunView, 'label' | 'recipe'>): string => label.name || recipe.name;

/** Why a checkpoint was written. */
export type SaveReason = 'steps' | 'time' | 'stage' | 'pause' | 'stop' | 'asked' | 'best';

/** What a checkpoint says of itself without being opened. */
export interface CheckpointAbout {
  readonly reason: SaveReason;
  readonly stage: number;
  /** Of the part that the stage is repeated in, from 0; absent: the first, or none. */
  readonly round?: number;
  readonly step: number;
  readonly events: number;
  /** Mean reward, or minus mean loss, since the checkpoint before; null: nothing was trained. */
  readonly score: number | null;
  /** Of a `best` one: what it is the best by. */
  readonly metric?: { readonly name: string; readonly value: number };
}

/** A checkpoint that is kept. */
export interface KeptCheckpoint {
  readonly id: number;
  readonly bytes: number;
  readonly at: number;
  readonly about: CheckpointAbout;
}

/** Whether two checkpoints are of the same stage in the same round: others learn on other weights. */
export const ofOneStage = (
  a: Pick<CheckpointAbout, 'stage' | 'round'>,
  b: Pick<CheckpointAbout, 'stage' | 'round'>,
): boolean => a.stage === b.stage && (a.round ?? 0) === (b.round ?? 0);
