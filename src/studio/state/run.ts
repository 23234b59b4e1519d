/** The run as the engine tells it. Points of curves go to the series book; everything else is a small plain state. */
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { EngineClient } from '../../engine/client.ts';
import type {
  EngineEvent,
  KeepSettings,
  KeptCheckpoint,
  Recipe,
  RunState,
  Watch,
} from '../../engine/protocol/index.ts';
import { codeOf, visitsOf } from '../../engine/presets.ts';
import type { SeriesBook } from '../charts/series-book.ts';
import type { PastRuns } from './past-runs.ts';
import { problemIn, problemOf, type Problem } from '../problem.ts';
import type { RunMatch } from './run-match.ts';
import type {
  EvaluationRecord,
  GroupRecord,
  OpenedRun,
  SnapshotRecord,
  StageView,
  Tried,
  Verdict,
} from './run-records.ts';

export type * from './run-records.ts';

/** Groups kept in memory; older ones make room. */
export const GROUPS_KEPT = 300;
/** Snapshots kept in memory; beyond that every second step is let go. */
export const SNAPSHOTS_KEPT = 2000;

export interface Run {
  readonly runId: string | null;
  readonly dataset: string | null;
  readonly recipe: Recipe | null;
  readonly state: RunState;
  readonly stages: readonly StageView[];
  readonly current: number;
  readonly groups: readonly GroupRecord[];
  readonly snapshots: readonly SnapshotRecord[];
  readonly opened: OpenedRun | null;
  /** Which of its checkpoints the tuned model is, where one was chosen; null: the last. */
  readonly checkpoint: KeptCheckpoint | null;
  /** Checkpoints that were written while it was watched: their list has changed. */
  readonly saved: number;
  /** Of an opened run with what is open; null before they were compared. */
  readonly match: RunMatch | null;
  readonly evaluations: readonly EvaluationRecord[];
  readonly rejection: Readonly<Record<Verdict, readonly Tried[]>>;
  readonly failure: Problem | null;
  readonly notices: readonly string[];
  readonly asking: boolean;
  start(dataset: string, recipe: Recipe, paused?: boolean): Promise<boolean>;
  /** Shows a run from a file; its pictures come when its dataset is open (run-match.ts). */
  open(opened: OpenedRun): void;
  control(action: 'pause' | 'resume' | 'step' | 'stop'): Promise<void>;
  dismiss(): void;
  /** Nothing is in view any more. */
  clear(): void;
  notice(message: string): void;
  receive(events: readonly EngineEvent[]): void;
}

const EMPTY = {
  current: -1,
  groups: [],
  snapshots: [],
  opened: null,
  checkpoint: null,
  saved: 0,
  match: null,
  evaluations: [],
  rejection: { kept: [], 'too-easy': [], 'too-hard': [] },
  failure: null,
  notices: [],
} as const;

export const isActive = (state: RunState): boolean => state === 'running' || state === 'paused' || state === 'stopping';

interface RunSurroundings {
  /** Takes the curves of the run that makes room for the next. */
  readonly past?: StoreApi<PastRuns>;
  /** The rows to answer while it learns. */
  readonly watch?: (dataset: string) => Promise<Watch | undefined>;
  /** Where a run that starts now belongs, and how it is kept. */
  readonly kept?: () => Promise<{ readonly project?: string; readonly keep: KeepSettings }>;
  /** Code of a recipe that may be run. Rejects where a person says no. */
  readonly allowed?: (recipe: Recipe) => Promise<readonly string[]>;
}

/** Of a run among others of the same plan. */
export const nameOf = (plan: string, runId: string): string => `${plan}, ${runId}`;

export function createRun(client: EngineClient, book: SeriesBook, surroundings: RunSurroundings = {}): StoreApi<Run> {
  /** The curves in view make room; they are kept for comparison. */
  const retire = ({ runId, recipe, opened }: Run) => {
    if (book.lastStep === 0 || !surroundings.past) return book.clear();
    const name = recipe?.name ?? 'Earlier run';
    const key = opened ? opened.fileName : (runId ?? name);
    surroundings.past
      .getState()
      .add({ key, name: runId && !opened ? nameOf(name, runId) : name, book: book.handOver(), recipe });
  };
  const waiting = (recipe: Recipe): StageView[] =>
    recipe.stages.map((stage, i) => ({
      stage,
      status: 'waiting',
      seconds: 0,
      rounds: visitsOf(recipe.stages).filter(({ index }) => index === i).length,
      roundsDone: 0,
      firstStep: null,
      progress: null,
    }));
  return createStore<Run>()((set, get) => ({
    runId: null,
    dataset: null,
    recipe: null,
    state: 'idle',
    stages: [],
    asking: false,
    ...EMPTY,
    async start(dataset, recipe, paused = false) {
      let allowCode: readonly string[] = [];
      try {
        if (surroundings.allowed && codeOf(recipe).length > 0) allowCode = await surroundings.allowed(recipe);
      } catch (error) {
        set({ failure: problemOf(error) });
        return false;
      }
      retire(get());
      set({ ...EMPTY, asking: true, dataset, recipe, runId: null, stages: waiting(recipe) });
      try {
        const watch = await surroundings.watch?.(dataset).catch(() => undefined);
        const kept = await surroundings.kept?.();
        const { runId } = await client.request({
          type: 'start',
          dataset,
          recipe,
          paused,
          ...(allowCode.length > 0 && { allowCode }),
          ...(watch && { watch }),
          ...kept,
        });
        set({ runId, asking: false });
        return true;
      } catch (error) {
        set({ failure: problemOf(error), asking: false });
        return false;
      }
    },
    open(opened) {
      retire(get());
      const { file } = opened;
      book.fill(file.curves);
      set({
        ...EMPTY,
        opened,
        dataset: null,
        recipe: file.recipe,
        runId: file.runId,
        state: file.state === 'failed' ? 'failed' : 'finished',
        asking: false,
        stages: waiting(file.recipe).map((view, i) => ({
          ...view,
          ...file.stages[i],
          roundsDone: file.stages[i]?.status === 'finished' ? view.rounds : 0,
        })),
        groups: file.groups.map((group, i) => ({ key: i + 1, ...group })),
        snapshots: file.snapshots,
        evaluations: file.evaluations,
        rejection: file.rejection,
      });
    },
    async control(action) {
      set({ asking: true });
      try {
        const { state } = await client.request({ type: 'control', action });
        // What held the run is told again if it is still there.
        set({ state, asking: false, failure: null });
      } catch (error) {
        set({ failure: problemOf(error), asking: false });
      }
    },
    dismiss: () => set({ failure: null }),
    clear() {
      set({ ...EMPTY, runId: null, recipe: null, state: 'idle', stages: [] });
      book.clear();
    },
    notice: (message) => set(({ notices }) => ({ notices: [...notices, message].slice(-50) })),
    receive(all) {
      let events = all;
      const at = all.findLastIndex(({ type }) => type === 'restored');
      const restored = all[at];
      if (restored?.type === 'restored') {
        const { recipe, runId, checkpoint = null } = restored;
        const { notices } = get();
        set({ ...EMPTY, recipe, runId, checkpoint, stages: waiting(recipe), notices });
        book.clear();
        events = [...restored.events, ...all.slice(at + 1)];
      }
      const before = get();
      const after = fold(before, events, book);
      if (after !== before) set(after);
      if (events.some((event) => event.type === 'metrics')) book.notify();
    },
  }));
}

/** A point of a run's curves, with its speed. */
export function addPoint(book: SeriesBook, step: number, values: Readonly<Record<string, number>>): void {
  book.push(step, withSpeed(values, book.last('num_tokens')));
}

/** Tokens a second, from the running count of tokens (which a new stage begins anew) and the step's time. */
function withSpeed(values: Readonly<Record<string, number>>, before: number | null): Readonly<Record<string, number>> {
  const { num_tokens: tokens, step_time: seconds } = values;
  if (tokens === undefined || seconds === undefined || !(seconds > 0)) return values;
  return { ...values, tokens_per_second: (before !== null && before <= tokens ? tokens - before : tokens) / seconds };
}

/** Applies a batch in one go; copies a list at most once a batch, whatever the number of events. */
function fold(before: Run, events: readonly EngineEvent[], book: SeriesBook): Run {
  let run: Run = before;
  const change = (part: Partial<Run>) => void (run = { ...run, ...part });
  const changeStage = (index: number, part: Partial<StageView>) =>
    change({ stages: run.stages.map((view, i) => (i === index ? { ...view, ...part } : view)) });
  const groups: GroupRecord[] = [];
  const snapshots: SnapshotRecord[] = [];
  const tried: Record<Verdict, Tried[]> = { kept: [], 'too-easy': [], 'too-hard': [] };
  let key = (before.groups.at(-1)?.key ?? 0) + 1;
  for (const event of events) {
    if (event.type === 'metrics') {
      addPoint(book, event.step, event.values);
      if (run.stages[event.stageIndex]?.firstStep === null) changeStage(event.stageIndex, { firstStep: event.step });
    } else if (event.type === 'group') groups.push({ key: key++, ...event });
    else if (event.type === 'snapshot') snapshots.push(event);
    else if (event.type === 'rejection') tried[event.verdict].push(event);
    else if (event.type === 'progress')
      changeStage(event.stageIndex, event.preparing ? { preparing: event } : { progress: event, preparing: null });
    else if (event.type === 'state') change({ state: event.state });
    else if (event.type === 'checkpoint') change({ saved: run.saved + 1 });
    else if (event.type === 'stage') {
      const { index, status, round = 0 } = event;
      if (status === 'started') {
        // Those after it were run in an earlier round, and will be again.
        const again = (view: StageView, i: number): StageView =>
          i > index && view.status === 'finished' ? { ...view, status: 'waiting', progress: null } : view;
        change({ current: index, ...(round > 0 && { stages: run.stages.map(again) }) });
        changeStage(index, { status: 'running', roundsDone: round, ...(round > 0 && { progress: null }) });
      } else
        changeStage(index, {
          status,
          seconds: (round > 0 ? (run.stages[index]?.seconds ?? 0) : 0) + event.seconds,
          roundsDone: status === 'finished' ? round + 1 : round,
        });
    } else if (event.type === 'evaluation') change({ evaluations: [...run.evaluations, event] });
    else if (event.type === 'failure') change({ failure: problemIn(event) });
    else if (event.type === 'notice') change({ notices: [...run.notices, event.message].slice(-50) });
  }
  if (groups.length > 0) change({ groups: [...run.groups, ...groups].slice(-GROUPS_KEPT) });
  if (snapshots.length > 0) change({ snapshots: thinned([...run.snapshots, ...snapshots]) });
  if (tried.kept.length + tried['too-easy'].length + tried['too-hard'].length > 0) {
    const join = (verdict: Verdict) =>
      tried[verdict].length > 0 ? [...run.rejection[verdict], ...tried[verdict]] : run.rejection[verdict];
    change({ rejection: { kept: join('kept'), 'too-easy': join('too-easy'), 'too-hard': join('too-hard') } });
  }
  return run;
}

/** Every second step goes when there are too many; the first and the last stay. */
function thinned(snapshots: readonly SnapshotRecord[]): readonly SnapshotRecord[] {
  if (snapshots.length <= SNAPSHOTS_KEPT) return snapshots;
  const steps = [...new Set(snapshots.map(({ step }) => step))];
  const kept = new Set(steps.filter((_, i) => i % 2 === 0 || i === steps.length - 1));
  return snapshots.filter(({ step }) => kept.has(step));
}
