/** Answers of both policies to rows: asked for a few rows at a time, kept with the project, found again by the weights. */
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { EngineClient } from '../../engine/client.ts';
import type { Answer, KnownAnswer, PolicyName, Recipe } from '../../engine/protocol/index.ts';
import { problemOf, type Problem } from '../problem.ts';

export type AnswerPair = Readonly<Partial<Record<PolicyName, Answer>>>;

export interface Batch {
  readonly done: number;
  readonly total: number;
  readonly startedAt: number;
  readonly at: number;
}

/** Rows answered together: more is faster where there is room, and what is under way cannot be cancelled. */
export const ROWS_TOGETHER = 4;

/** Whose words rows are asked with: those of the run in view, of the open recipe, or none. */
export type AskedWith = 'run' | 'recipe' | 'none';

export interface Answers {
  readonly asked: AskedWith;
  readonly dataset: string | null;
  readonly byRow: ReadonlyMap<string, AnswerPair>;
  /** Rows that are being answered. */
  readonly pending: readonly string[];
  readonly batch: Batch | null;
  readonly problem: Problem | null;
  ask(dataset: string, rowIds: readonly string[]): Promise<void>;
  /** From now on rows are asked so; answers that were asked otherwise are left, and found again. */
  askWith(asked: AskedWith): void;
  cancel(): void;
  /** What the weights that are there now have answered before, in this visit or another. */
  recall(dataset: string): Promise<void>;
  /** The tuned policy moved on; the base never does. */
  forgetTuned(): void;
  /** Its truth is another now; null: of all rows. */
  forget(rowId: string | null): void;
  dismiss(): void;
}

/**
 * @param projectOf the open project, with which answers are kept
 * @param recipeOf the open recipe
 */
export function createAnswers(
  client: EngineClient,
  projectOf: () => string | null,
  recipeOf: () => Pick<Recipe, 'prompt' | 'seed'> = () => ({ seed: 0 }),
): StoreApi<Answers> {
  let round = 0;
  return createStore<Answers>()((set, get) => {
    const add = (found: readonly KnownAnswer[]) => {
      const byRow = new Map(get().byRow);
      for (const { rowId, answer } of found) byRow.set(rowId, { ...byRow.get(rowId), [answer.policy]: answer });
      set({ byRow });
    };
    const asking = () => {
      const { asked } = get();
      if (asked === 'run') return {};
      const { prompt, seed } = recipeOf();
      return { recipe: asked === 'recipe' && prompt ? { prompt, seed } : null };
    };
    const lacking = (rowIds: readonly string[], policy: PolicyName) =>
      rowIds.filter((rowId) => !get().byRow.get(rowId)?.[policy]);
    /** False: cancelled, or another dataset is open. */
    const askSome = async (mine: number, dataset: string, some: readonly string[]): Promise<boolean> => {
      for (const policy of ['base', 'tuned'] as const) {
        const rowIds = lacking(some, policy);
        if (rowIds.length === 0) continue;
        const project = projectOf();
        const replies = await client.request({ type: 'answer-rows', dataset, rowIds, policy, project, ...asking() });
        if (get().dataset !== dataset) return false;
        add(replies.map((answer, i) => ({ rowId: rowIds[i]!, answer })));
        if (mine !== round) return false;
      }
      return true;
    };
    return {
      asked: 'run',
      dataset: null,
      byRow: new Map(),
      pending: [],
      batch: null,
      problem: null,
      async ask(dataset, rowIds) {
        const mine = ++round;
        if (dataset !== get().dataset) set({ dataset, byRow: new Map() });
        const startedAt = performance.now();
        const total = rowIds.length;
        set({ problem: null });
        try {
          for (let done = 0; done < total; done += ROWS_TOGETHER) {
            const pending = rowIds.slice(done, done + ROWS_TOGETHER);
            set({ pending, batch: { done, total, startedAt, at: performance.now() } });
            if (!(await askSome(mine, dataset, pending))) return;
          }
          set({ pending: [], batch: null });
        } catch (error) {
          if (mine === round) set({ problem: problemOf(error), pending: [], batch: null });
        }
      },
      askWith(asked) {
        if (asked === get().asked) return;
        const { dataset } = get();
        get().cancel();
        set({ asked, byRow: new Map() });
        if (dataset !== null) void get().recall(dataset);
      },
      cancel() {
        round++;
        set({ pending: [], batch: null });
      },
      async recall(dataset) {
        const project = projectOf();
        if (project === null) return;
        if (dataset !== get().dataset) set({ dataset, byRow: new Map() });
        const mine = round;
        // What cannot be found can be asked for again.
        const found = await client.request({ type: 'known-answers', dataset, project, ...asking() }).catch(() => []);
        if (mine === round && get().dataset === dataset) add(found);
      },
      forgetTuned() {
        const byRow = new Map(
          [...get().byRow].flatMap(([id, { base }]): [string, AnswerPair][] => (base ? [[id, { base }]] : [])),
        );
        set({ byRow });
      },
      forget(rowId) {
        if (rowId === null) return set({ byRow: new Map() });
        if (!get().byRow.has(rowId)) return;
        const byRow = new Map(get().byRow);
        byRow.delete(rowId);
        set({ byRow });
      },
      dismiss: () => set({ problem: null }),
    };
  });
}
