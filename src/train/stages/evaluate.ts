/** Greedy answers to held-out rows, scored (evaluate/run.ts): the same rows every time, whatever the policy. */
import { Random } from '../../base/random.ts';
import { placesWhere, subset, type RowList } from '../../data/row-list.ts';
import type { StageBase, StageDescriptor } from './descriptor.ts';
import { choice, own, text, whole } from './schema.ts';

export interface EvaluateStage extends StageBase {
  readonly kind: 'evaluate';
  /** Rows of the held-out split, at most this many (0: all). */
  readonly limit: number;
  readonly maxCompletionLength: number;
  readonly batchSize: number;
  /** A sentence added to the question, so that the same rows can be asked in another way; empty: as written. */
  readonly instruction: string;
  /** The form that answers are asked for in. `plan`: the plan's. */
  readonly answerForm: (typeof FORMS)[number];
}

const FORMS = ['plan', 'as-written', 'think', 'answer'] as const;

/** Held-out rows with a solution; of more than `limit`, a fixed draw. */
export function evaluationRows(heldout: RowList, limit: number, seed: number): RowList {
  const places = placesWhere(heldout, (i) => heldout.hasSolution(i));
  const drawn = limit > 0 && limit < places.length ? new Random(seed).shuffle(places).slice(0, limit) : places;
  return subset(heldout, drawn);
}

export const evaluate: StageDescriptor<EvaluateStage> = {
  kind: 'evaluate',
  defaults: {
    kind: 'evaluate',
    name: 'Evaluation',
    limit: 0,
    maxCompletionLength: 256,
    batchSize: 8,
    instruction: '',
    answerForm: 'plan',
  },
  schema: {
    limit: whole(0, 1e6, own),
    maxCompletionLength: whole(1, 8192, { theirs: 512 }),
    batchSize: whole(1, 256, { name: 'per_device_eval_batch_size', theirs: 8 }),
    instruction: text(2000, { ...own, later: true }),
    answerForm: choice(FORMS, { ...own, later: true }),
  },
  trains: false,
  reads: 'heldout',
  rowsAtOnce: (stage) => stage.batchSize,
  rowsAPass: (stage) => stage.batchSize,
  rows: ({ limit }, { heldout }, seed) => evaluationRows(heldout, limit, seed),
  units: ({ limit, batchSize }, { heldout }, seed) => ({
    count: Math.ceil(evaluationRows(heldout, limit, seed).length / batchSize),
    unit: 'batch',
  }),
  brief: (stage, units, rows = Infinity) => {
    const batchSize = Math.min(stage.batchSize, Math.max(1, rows));
    return { ...stage, batchSize, limit: units * batchSize };
  },
  plan: ({ batchSize, maxCompletionLength }, planner) => planner.generate(batchSize, 1, maxCompletionLength),
  eased: { 'one-row': (stage) => ({ ...stage, batchSize: 1 }) },
  objections: () => [],
};

export const evaluateStage = (part: Partial<EvaluateStage> = {}): EvaluateStage => ({ ...evaluate.defaults, ...part });
