/** The table of a project's runs: what came of each, how it differs from the baseline, and how the table is looked at. */
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { EngineClient } from '../../engine/client.ts';
import type { ProjectView, RunDifference, RunResults, RunView } from '../../engine/protocol/index.ts';
import { problemOf, type Problem } from '../problem.ts';

export const RUN_COLUMNS = [
  'started',
  'data',
  'model',
  'plan',
  'seed',
  'state',
  'steps',
  'time',
  'loss',
  'reward',
  'heldoutLoss',
  'heldoutAccuracy',
  'accuracy',
  'meanIoU',
  'difference',
  'best',
  'size',
] as const;

export type RunColumn = (typeof RUN_COLUMNS)[number];

/** The runs' names can be sorted by, too. */
export interface RunOrder {
  readonly by: RunColumn | 'name';
  readonly down: boolean;
}

export interface RunList {
  /** Those that are shown, in the order of `RUN_COLUMNS`. */
  readonly columns: readonly RunColumn[];
  /** null: pinned ones, then the newest first. */
  readonly order: RunOrder | null;
  /** By run. */
  readonly results: ReadonlyMap<string, RunResults>;
  /** Of each run to the baseline; null: one of the two has no evaluation. */
  readonly differences: Readonly<Record<string, RunDifference | null>>;
  readonly problem: Problem | null;
  show(column: RunColumn, shown: boolean): void;
  /** First up, then down, then no longer. */
  sortBy(by: RunOrder['by']): void;
  /** Asks the engine what came of a project's runs. */
  read(project: ProjectView): Promise<void>;
}

const KEPT_AT = 'groundwork.runs';
const USUAL: readonly RunColumn[] = [
  'data',
  'state',
  'steps',
  'time',
  'loss',
  'accuracy',
  'difference',
  'best',
  'size',
];

type Local = Pick<Storage, 'getItem' | 'setItem'> | null;

export const baselineOf = ({ runs }: ProjectView): RunView | null => runs.find(({ label }) => label.baseline) ?? null;

export function createRunList(client: EngineClient, local: Local): StoreApi<RunList> {
  let round = 0;
  return createStore<RunList>()((set, get) => {
    const remember = (kept: Pick<RunList, 'columns' | 'order'>) => {
      set(kept);
      local?.setItem(KEPT_AT, JSON.stringify(kept));
    };
    return {
      ...readKept(local),
      results: new Map(),
      differences: {},
      problem: null,
      show(column, shown) {
        const { columns, order } = get();
        const chosen = RUN_COLUMNS.filter((each) => (each === column ? shown : columns.includes(each)));
        remember({ columns: chosen, order: order?.by === column && !shown ? null : order });
      },
      sortBy(by) {
        const { columns, order } = get();
        const next = order?.by !== by ? { by, down: false } : order.down ? null : { by, down: true };
        remember({ columns, order: next });
      },
      async read(project) {
        const mine = ++round;
        const baseline = baselineOf(project);
        try {
          const results = await client.request({ type: 'run-results', project: project.id });
          const others = project.runs.map(({ id }) => id).filter((id) => id !== baseline?.id);
          const differences = baseline
            ? await client.request({ type: 'run-differences', baseline: baseline.id, runs: others })
            : {};
          if (mine !== round) return;
          set({ results: new Map(results.map((each) => [each.runId, each])), differences, problem: null });
        } catch (error) {
          if (mine === round) set({ problem: problemOf(error) });
        }
      },
    };
  });
}

/** Whatever is no column and no order takes its usual value. */
function readKept(local: Local): Pick<RunList, 'columns' | 'order'> {
  try {
    const { columns, order } = JSON.parse(local?.getItem(KEPT_AT) ?? '{}') as { columns?: unknown; order?: unknown };
    const by = (order as Partial<RunOrder> | null | undefined)?.by;
    const known = by === 'name' || RUN_COLUMNS.some((each) => each === by);
    return {
      columns: Array.isArray(columns) ? RUN_COLUMNS.filter((each) => columns.includes(each)) : USUAL,
      order: known ? { by: by!, down: (order as Partial<RunOrder>).down === true } : null,
    };
  } catch {
    return { columns: USUAL, order: null };
  }
}
