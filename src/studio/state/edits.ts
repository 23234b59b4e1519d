/** Editing rows: which one is open, and each edit on its way to the engine, which keeps them. */
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { EngineClient } from '../../engine/client.ts';
import type { Change, DatasetReport, HistoryLine, NamedFile, RowEdit } from '../../engine/protocol/index.ts';
import { problemOf, type Problem } from '../problem.ts';
import type { Project } from './project.ts';
import type { RowCache } from './row-cache.ts';

export interface Editing {
  /** The row that is open for editing. */
  readonly rowId: string | null;
  /** Edits that are on their way. */
  readonly pending: number;
  readonly problem: Problem | null;
  /** Of the open dataset, in order; null until it is asked for. */
  readonly history: readonly HistoryLine[] | null;
  open(rowId: string): void;
  close(): void;
  /** False: it was refused, and `problem` says why. */
  change(rowId: string, change: Change): Promise<boolean>;
  /** Takes back the last change, or makes it again; the id of its row, null if there was none. */
  step(kind: 'undo' | 'redo'): Promise<string | null>;
  /** Puts the edits of a file behind those that are there. */
  take(file: NamedFile): Promise<boolean>;
  readHistory(): Promise<void>;
  /** The project that edits are kept with, made if there is none. */
  keep(): Promise<string | null>;
  /** Shows the dataset with edits that were made elsewhere: of one row, or of several (null). */
  shown(report: DatasetReport, rowId: string | null): Promise<void>;
  dismiss(): void;
}

export interface EditingWorld {
  readonly client: EngineClient;
  readonly project: StoreApi<Project>;
  readonly rows: RowCache;
  /** The open project, made if there is none: edits are kept with it. */
  readonly keep: () => Promise<string | null>;
  /** Answers are compared with the truth, and that is another now. Null: of all rows. */
  readonly forgetAnswers: (rowId: string | null) => void;
}

export function createEditing({ client, project, rows, keep, forgetAnswers }: EditingWorld): StoreApi<Editing> {
  return createStore<Editing>()((set, get) => {
    /** Shows what the engine has made of it: one row anew, or all, where rows came or went. */
    const show = async (report: DatasetReport, rowId: string | null) => {
      const before = project.getState().dataset;
      if (before?.id !== report.id) return;
      const same = before.train === report.train && before.heldout === report.heldout;
      if (rowId !== null) rows.replace(report.id, await client.request({ type: 'row', dataset: report.id, rowId }));
      if (!same || rowId === null) rows.forgetPages();
      if (rowId === null) rows.forget();
      forgetAnswers(rowId);
      project.setState({ dataset: report });
      if (get().history) await get().readHistory();
    };
    const send = async (
      work: (dataset: string, project: string | null) => Promise<DatasetReport>,
      rowId: string | null,
    ) => {
      const { dataset } = project.getState();
      if (!dataset) return false;
      set({ pending: get().pending + 1, problem: null });
      try {
        await show(await work(dataset.id, await keep()), rowId);
        return true;
      } catch (error) {
        set({ problem: problemOf(error) });
        return false;
      } finally {
        set({ pending: get().pending - 1 });
      }
    };
    const edit = (edits: readonly RowEdit[], rowId: string | null) =>
      send((dataset, kept) => client.request({ type: 'edit-rows', dataset, project: kept, edits }), rowId);
    return {
      rowId: null,
      pending: 0,
      problem: null,
      history: null,
      open: (rowId) => set({ rowId, problem: null, history: null }),
      close: () => set({ rowId: null, problem: null, history: null }),
      change: (row, change) => edit([{ kind: 'change', row, change }], row),
      async step(kind) {
        const next = project.getState().dataset?.edits?.[kind];
        return next && (await edit([{ kind }], next.row)) ? next.row : null;
      },
      take: (file) =>
        send((dataset, kept) => client.request({ type: 'take-edits', dataset, project: kept, file }), null),
      async readHistory() {
        const { dataset } = project.getState();
        if (dataset) set({ history: await client.request({ type: 'edit-history', dataset: dataset.id }) });
      },
      keep,
      shown: show,
      dismiss: () => set({ problem: null }),
    };
  });
}
