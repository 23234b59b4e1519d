/** The run as the engine tells it. Points of curves go to the series book; everything else is a small plain state. */
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { EngineClient } from '../../engine/client.ts';
import type { EngineEvent, Evaluation, GroupCompletion, Recipe, RunState, Stage } from '../../engine/protocol.ts';
import type { SeriesBook } from '../charts/series-book.ts';
import { problemOf, type Problem } from './problem.ts';

export interface StageProgress {
  readonly done: number;
  readonly total: number;
  readonly unit: string;
  readonly etaSeconds: number | null;
}

export interface StageView {
  readonly stage: Stage;
  readonly status: 'waiting' | 'running' | 'finished' | 'stopped';
  readonly seconds: number;
  /** First step with a point, for the marks on the curves. */
  readonly firstStep: number | null;
  readonly progress: StageProgress | null;
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

export interface Tried {
  readonly rowId: string;
  readonly successRate: number;
}
export type Verdict = 'kept' | 'too-easy' | 'too-hard';

/** Groups kept in memory; older ones make room. */
export const GROUPS_KEPT = 300;

export interface Run {
  readonly runId: string | null;
  readonly dataset: string | null;
  readonly recipe: Recipe | null;
  readonly state: RunState;
  readonly stages: readonly StageView[];
  readonly current: number;
  readonly groups: readonly GroupRecord[];
  readonly evaluations: readonly EvaluationRecord[];
  readonly rejection: Readonly<Record<Verdict, readonly Tried[]>>;
  readonly failure: Problem | null;
  readonly notices: readonly string[];
  readonly asking: boolean;
  start(dataset: string, recipe: Recipe, paused?: boolean): Promise<boolean>;
  control(action: 'pause' | 'resume' | 'step' | 'stop'): Promise<void>;
  dismiss(): void;
  receive(events: readonly EngineEvent[]): void;
}

const EMPTY = {
  current: -1,
  groups: [],
  evaluations: [],
  rejection: { kept: [], 'too-easy': [], 'too-hard': [] },
  failure: null,
  notices: [],
} as const;

export const isActive = (state: RunState): boolean => state === 'running' || state === 'paused' || state === 'stopping';

export function createRun(client: EngineClient, book: SeriesBook): StoreApi<Run> {
  return createStore<Run>()((set, get) => ({
    runId: null,
    dataset: null,
    recipe: null,
    state: 'idle',
    stages: [],
    asking: false,
    ...EMPTY,
    async start(dataset, recipe, paused = false) {
      set({
        ...EMPTY,
        asking: true,
        dataset,
        recipe,
        runId: null,
        stages: recipe.stages.map((stage) => ({
          stage,
          status: 'waiting',
          seconds: 0,
          firstStep: null,
          progress: null,
        })),
      });
      book.clear();
      try {
        const { runId } = await client.request({ type: 'start', dataset, recipe, paused });
        set({ runId, asking: false });
        return true;
      } catch (error) {
        set({ failure: problemOf(error), asking: false });
        return false;
      }
    },
    async control(action) {
      set({ asking: true });
      try {
        const { state } = await client.request({ type: 'control', action });
        set({ state, asking: false });
      } catch (error) {
        set({ failure: problemOf(error), asking: false });
      }
    },
    dismiss: () => set({ failure: null }),
    receive(events) {
      const before = get();
      const after = fold(before, events, book);
      if (after !== before) set(after);
      if (events.some((event) => event.type === 'metrics')) book.notify();
    },
  }));
}

/** Applies a batch in one go; copies a list at most once a batch, whatever the number of events. */
function fold(before: Run, events: readonly EngineEvent[], book: SeriesBook): Run {
  let run: Run = before;
  const change = (part: Partial<Run>) => void (run = { ...run, ...part });
  const changeStage = (index: number, part: Partial<StageView>) =>
    change({ stages: run.stages.map((view, i) => (i === index ? { ...view, ...part } : view)) });
  const groups: GroupRecord[] = [];
  const tried: Record<Verdict, Tried[]> = { kept: [], 'too-easy': [], 'too-hard': [] };
  let key = (before.groups.at(-1)?.key ?? 0) + 1;
  for (const event of events) {
    if (event.type === 'metrics') {
      book.push(event.step, event.values);
      if (run.stages[event.stageIndex]?.firstStep === null) changeStage(event.stageIndex, { firstStep: event.step });
    } else if (event.type === 'group') groups.push({ key: key++, ...event });
    else if (event.type === 'rejection') tried[event.verdict].push(event);
    else if (event.type === 'progress') changeStage(event.stageIndex, { progress: event });
    else if (event.type === 'state') change({ state: event.state });
    else if (event.type === 'stage') {
      changeStage(event.index, {
        status: event.status === 'started' ? 'running' : event.status,
        seconds: event.seconds,
      });
      if (event.status === 'started') change({ current: event.index });
    } else if (event.type === 'evaluation') change({ evaluations: [...run.evaluations, event] });
    else if (event.type === 'failure') change({ failure: { code: event.code, what: event.message, hint: event.hint } });
    else if (event.type === 'notice') change({ notices: [...run.notices, event.message].slice(-50) });
  }
  if (groups.length > 0) change({ groups: [...run.groups, ...groups].slice(-GROUPS_KEPT) });
  if (tried.kept.length + tried['too-easy'].length + tried['too-hard'].length > 0) {
    const join = (verdict: Verdict) =>
      tried[verdict].length > 0 ? [...run.rejection[verdict], ...tried[verdict]] : run.rejection[verdict];
    change({ rejection: { kept: join('kept'), 'too-easy': join('too-easy'), 'too-hard': join('too-hard') } });
  }
  return run;
}
