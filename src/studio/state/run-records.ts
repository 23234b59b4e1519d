/** What is kept of a run: the records that views show, and the file that holds them all. */
import type {
  EditsSeen,
  Answer,
  DatasetOptions,
  Evaluation,
  GroupCompletion,
  Recipe,
  Row,
  RunIdentity,
  RunState,
  Stage,
} from '../../engine/protocol/index.ts';

export interface StageProgress {
  readonly done: number;
  readonly total: number;
  readonly unit: string;
  readonly preparing?: true;
  readonly etaSeconds: number | null;
  readonly gpuBytes?: number;
}

export interface StageView {
  readonly stage: Stage;
  readonly status: 'waiting' | 'running' | 'finished' | 'stopped';
  /** Of all rounds so far. */
  readonly seconds: number;
  /** How often it is run in all, and how often it has been. */
  readonly rounds: number;
  readonly roundsDone: number;
  /** First step with a point, for the marks on the curves. */
  readonly firstStep: number | null;
  readonly progress: StageProgress | null;
  /** What is done before its next unit of work, while that is under way. */
  readonly preparing?: StageProgress | null;
}

export interface GroupRecord {
  readonly key: number;
  readonly stageIndex: number;
  readonly step: number;
  readonly rowId: string;
  readonly completions: readonly GroupCompletion[];
}

export interface EvaluationRecord {
  readonly stageIndex: number;
  readonly name: string;
  readonly evaluation: Evaluation;
}

/** A watched row's answer by the policy as it was after a step. */
export interface SnapshotRecord {
  readonly stageIndex: number;
  readonly step: number;
  readonly rowId: string;
  readonly answer: Answer;
}

/** A run that came from a file: to look at, not to control. */
export interface OpenedRun {
  readonly fileName: string;
  readonly file: RunFile;
}

export interface Tried {
  readonly rowId: string;
  readonly successRate: number;
}
export type Verdict = 'kept' | 'too-easy' | 'too-hard';

export const FORMAT = 'groundwork-run';

/** What is known of a dataset, to tell whether one that is open is the same. */
export interface DatasetName {
  readonly name: string;
  readonly format: string;
  readonly train: number;
  readonly heldout: number;
  readonly images: number;
}

/** What was said of how a dataset is to be read and split: with the same words the same files give the same rows. */
export type DatasetReading = Omit<DatasetOptions, 'skipped'>;

/** What a run was started on: names for people, digests to compare with. */
export type MadeOn = { readonly [part in keyof RunIdentity]: { readonly name: string; readonly digest: string } };

export interface RunFile {
  readonly format: typeof FORMAT;
  readonly version: 2;
  /** Version of Groundwork that wrote it. */
  readonly groundwork: string;
  readonly written: string;
  readonly runId: string | null;
  readonly state: RunState;
  readonly recipe: Recipe;
  readonly model: { readonly name: string; readonly modelType: string; readonly parameters: number } | null;
  readonly dataset:
    | (DatasetName & {
        /** Rows that the user agreed to leave out: of very many the first, each with its reason. */
        readonly leftOut?: readonly unknown[];
        readonly leftOutRows?: number;
        /** Absent in older files. */
        readonly reading?: DatasetReading;
      })
    | null;
  /** Absent in older files, and for a run of which nothing was stored. */
  readonly madeOn?: MadeOn;
  /** What people had changed of the rows that it saw. Absent: nothing, and in older files. */
  readonly edits?: EditsSeen;
  readonly device: { readonly name: string; readonly vendor: string; readonly software: boolean } | null;
  readonly stages: readonly Pick<StageView, 'status' | 'seconds' | 'firstStep'>[];
  readonly evaluations: readonly EvaluationRecord[];
  readonly rejection: Readonly<Record<Verdict, readonly Tried[]>>;
  readonly groups: readonly Omit<GroupRecord, 'key'>[];
  readonly snapshots: readonly SnapshotRecord[];
  readonly rows: readonly Row[];
  readonly curves: Readonly<
    Record<string, { readonly step: readonly number[]; readonly value: readonly (number | null)[] }>
  >;
}

/** Whether an open dataset is, by name and size, the one of a run. */
export const sameDataset = (a: DatasetName, b: DatasetName): boolean =>
  a.name === b.name && a.train === b.train && a.heldout === b.heldout && a.images === b.images;
