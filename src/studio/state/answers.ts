/** Answers of both policies to rows, asked for one at a time; forgotten when the policy changed. */
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { EngineClient } from '../../engine/client.ts';
import type { Answer, PolicyName } from '../../engine/protocol.ts';
import { problemOf, type Problem } from './problem.ts';

export type AnswerPair = Readonly<Partial<Record<PolicyName, Answer>>>;

export interface Batch {
  readonly done: number;
  readonly total: number;
  readonly startedAt: number;
  readonly at: number;
}

export interface Answers {
  readonly dataset: string | null;
  readonly byRow: ReadonlyMap<string, AnswerPair>;
  readonly pending: string | null;
  readonly batch: Batch | null;
  readonly problem: Problem | null;
  ask(dataset: string, rowIds: readonly string[]): Promise<void>;
  cancel(): void;
  /** The tuned policy moved on; the base never does. */
  forgetTuned(): void;
  dismiss(): void;
}

export function createAnswers(client: EngineClient): StoreApi<Answers> {
  let round = 0;
  return createStore<Answers>()((set, get) => ({
    dataset: null,
    byRow: new Map(),
    pending: null,
    batch: null,
    problem: null,
    async ask(dataset, rowIds) {
      const mine = ++round;
      if (dataset !== get().dataset) set({ dataset, byRow: new Map() });
      const now = performance.now();
      set({ problem: null, batch: { done: 0, total: rowIds.length, startedAt: now, at: now } });
      for (const [i, rowId] of rowIds.entries()) {
        if (mine !== round) return;
        const known = get().byRow.get(rowId);
        const policies = (['base', 'tuned'] as const).filter((policy) => !known?.[policy]);
        set((answers) => ({
          pending: rowId,
          batch: answers.batch && { ...answers.batch, done: i, at: performance.now() },
        }));
        if (policies.length === 0) continue;
        try {
          const replies = await client.request({ type: 'answer', dataset, rowId, policies });
          if (mine !== round && get().dataset !== dataset) return;
          const pair = {
            ...get().byRow.get(rowId),
            ...Object.fromEntries(replies.map((answer) => [answer.policy, answer])),
          };
          set({ byRow: new Map(get().byRow).set(rowId, pair) });
        } catch (error) {
          if (mine === round) set({ problem: problemOf(error), pending: null, batch: null });
          return;
        }
      }
      if (mine === round) set({ pending: null, batch: null });
    },
    cancel() {
      round++;
      set({ pending: null, batch: null });
    },
    forgetTuned() {
      const byRow = new Map(
        [...get().byRow].flatMap(([id, { base }]): [string, AnswerPair][] => (base ? [[id, { base }]] : [])),
      );
      set({ byRow });
    },
    dismiss: () => set({ problem: null }),
  }));
}
