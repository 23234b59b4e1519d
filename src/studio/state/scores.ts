/** What models are worth on the held-out rows: sets of answers, given a few rows at a time, and their scores. */
import { createStore, type StoreApi } from 'zustand/vanilla';
import { sequence } from '../../base/sequence.ts';
import type { EngineClient } from '../../engine/client.ts';
import type {
  BenchmarkAbout,
  BenchmarkResult,
  ForeignSpace,
  PolicyName,
  PredictionSet,
  ScoreOptions,
} from '../../engine/protocol/index.ts';
import { busyWork } from './busy-work.ts';
import { problemOf, type Problem } from '../problem.ts';
import type { Batch } from './answers.ts';

/** Rows under way, of which policy. */
export interface Evaluating extends Batch {
  readonly policy: PolicyName;
  /** Rows that were answered before it began. */
  readonly before: number;
  /** It ends after the rows that are being answered. */
  readonly stopping: boolean;
}

/** Rows by what they have in common. */
export interface Selection {
  readonly words: string;
  readonly rowIds: readonly string[];
}

export interface Scores {
  readonly dataset: string | null;
  /** null: not known yet. */
  readonly abouts: readonly BenchmarkAbout[] | null;
  readonly sets: readonly PredictionSet[];
  /** Policies that are loaded and differ. */
  readonly policies: readonly PolicyName[];
  readonly results: readonly BenchmarkResult[];
  readonly options: ScoreOptions;
  readonly evaluating: Evaluating | null;
  readonly busy: boolean;
  readonly problem: Problem | null;
  /** Something to know of the last import. */
  readonly told: string | null;
  /** The set whose answers are a layer in Inspect. */
  readonly layer: string | null;
  /** Rows that Inspect is to show, and what they are; null: all. */
  readonly selection: Selection | null;
  /** Looks at a dataset. */
  show(dataset: string): Promise<void>;
  choose(options: { readonly [K in keyof ScoreOptions]?: ScoreOptions[K] | undefined }): void;
  /** Both policies in turn, the base first; goes on where it was interrupted. */
  evaluate(): Promise<void>;
  stop(): void;
  take(file: File, name: string, space: ForeignSpace | null): Promise<void>;
  forget(set: string): Promise<void>;
  showLayer(set: string | null): void;
  /** Rows of a set, with its answers as the layer. */
  select(set: string, selection: Selection): void;
  selectAll(): void;
  dismiss(): void;
}

/** Rows answered together, as in the command. */
const ROWS_TOGETHER = 4;

export const DEFAULT_OPTIONS: ScoreOptions = { prompt: 'published', tokens: null, limit: 0, seed: 42 };

export interface ScoresWorld {
  readonly client: EngineClient;
  /** The open project, with which answers are kept. */
  readonly projectOf: () => string | null;
  /** The open project, made if there is none. */
  readonly ensureProject: () => Promise<string | null>;
  /** What the policy that was trained here is called. */
  readonly label: () => string | null;
}

export function createScores({ client, projectOf, ensureProject, label }: ScoresWorld): StoreApi<Scores> {
  return createStore<Scores>()((set, get) => {
    /** Asks again only of what is still in view. */
    const oneByOne = sequence();
    const refresh = (dataset: string, project = projectOf()) =>
      oneByOne(async () => {
        const { sets, policies } = await client.request({ type: 'prediction-sets', dataset, project });
        const answered = sets.filter((each) => each.answered > 0);
        const results = answered.length
          ? await client.request({ type: 'scores', dataset, project, sets: answered.map(({ id }) => id) })
          : [];
        if (get().dataset !== dataset) return;
        const { layer } = get();
        const kept = answered.some(({ id }) => id === layer) ? layer : (answered.findLast(isForeign)?.id ?? null);
        set({ sets, policies, results, layer: kept });
      });
    const tracked = busyWork({ busy: (busy) => set({ busy }), failed: (error) => set({ problem: problemOf(error) }) });
    const guarded = (work: () => Promise<void>) => {
      set({ problem: null });
      return tracked(work);
    };
    /** False: stopped. */
    const answerAll = async (dataset: string, project: string | null, policy: PolicyName): Promise<boolean> => {
      const startedAt = performance.now();
      let before: number | null = null;
      for (;;) {
        const { options, evaluating } = get();
        if (evaluating?.stopping || get().dataset !== dataset) return false;
        // First nothing is answered, only counted.
        const count: number = before === null ? 0 : ROWS_TOGETHER;
        const request = { type: 'predict-next', dataset, project, policy, options, label: label(), count } as const;
        const { answered, total }: PredictionSet = await client.request(request);
        before ??= answered;
        const stopping = get().evaluating?.stopping ?? false;
        const at = performance.now();
        set({ evaluating: { policy, done: answered, total, before, startedAt, at, stopping } });
        if (answered >= total) return true;
      }
    };
    return {
      dataset: null,
      abouts: null,
      sets: [],
      policies: [],
      results: [],
      options: DEFAULT_OPTIONS,
      evaluating: null,
      busy: false,
      problem: null,
      told: null,
      layer: null,
      selection: null,
      show: (dataset) =>
        guarded(async () => {
          if (get().dataset !== dataset)
            set({ dataset, abouts: null, sets: [], results: [], layer: null, selection: null, told: null });
          const abouts = await client.request({ type: 'benchmarks', dataset });
          if (get().dataset === dataset) set({ abouts });
          if (!get().evaluating) await refresh(dataset);
        }),
      choose(chosen) {
        const { swap, ...options } = { ...get().options, ...chosen } as ScoreOptions;
        set({ options: swap ? { ...options, swap } : options });
      },
      async evaluate() {
        const { dataset, policies } = get();
        if (!dataset || get().evaluating) return;
        set({ problem: null, told: null });
        try {
          const project = await ensureProject();
          for (const policy of policies) {
            const whole = await answerAll(dataset, project, policy);
            await refresh(dataset, project);
            if (!whole) break;
          }
        } catch (error) {
          set({ problem: problemOf(error) });
        }
        set({ evaluating: null });
      },
      stop() {
        const { evaluating } = get();
        if (evaluating) set({ evaluating: { ...evaluating, stopping: true } });
      },
      take: (file, name, space) =>
        guarded(async () => {
          const { dataset } = get();
          if (!dataset) return;
          const project = await ensureProject();
          const given = { path: file.name, file };
          const {
            set: taken,
            strangers,
            repeated,
          } = await client.request({
            type: 'import-predictions',
            dataset,
            project,
            file: given,
            name,
            space,
          });
          const left = strangers ? ` ${strangers} answers belong to rows that this dataset does not have.` : '';
          const last = repeated ? ` ${repeated} rows have several answers that differ: the last of each counts.` : '';
          set({ told: `${taken.answered} answers of ${taken.name} were taken.${left}${last}`, layer: taken.id });
          await refresh(dataset, project);
        }),
      forget: (id) =>
        guarded(async () => {
          const { dataset } = get();
          if (!dataset) return;
          await client.request({ type: 'forget-predictions', dataset, project: projectOf(), set: id });
          await refresh(dataset);
        }),
      showLayer: (layer) => set({ layer }),
      select: (layer, selection) => set({ layer, selection }),
      selectAll: () => set({ selection: null }),
      dismiss: () => set({ problem: null }),
    };
  });
}

/** Of a model that is not here. */
export const isForeign = ({ policy }: PredictionSet): boolean => policy === null;

/** Rows a second since it began; null until some were answered. */
export function rateOf({ done, before, startedAt, at }: Evaluating): number | null {
  const seconds = (at - startedAt) / 1000;
  return done > before && seconds > 0 ? (done - before) / seconds : null;
}
