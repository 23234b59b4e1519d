/** Answers what the page asks of what came of runs. */
import { isObject } from '../../base/json.ts';
import type { Storage } from '../../store/storage.ts';
import { keptCheckpoints } from '../keep/keeper.ts';
import type { Handlers } from '../protocol/messages.ts';
import type { RunRecord } from '../protocol/records.ts';
import type { ResultRequest, RunResults } from '../protocol/results.ts';
import type { ToldEvent } from '../protocol/run.ts';
import { toldBy } from './driver.ts';
import { compare, evaluationsOf, resultsOf, type AnsweredEvaluation } from './results.ts';

const isEvaluated = (row: unknown): boolean =>
  isObject(row) &&
  ['rowId', 'task', 'text', 'same'].every((key) => typeof row[key] === 'string') &&
  typeof row['value'] === 'number' &&
  Array.isArray(row['boxes']);

/** Logs come from project files, too: what is not of its form counts for nothing, and the rest still does. */
export const soundOf = (told: readonly ToldEvent[]): ToldEvent[] =>
  told.filter((event) => {
    if (event.type === 'metrics') return isObject(event.values);
    if (event.type === 'evaluation')
      return isObject(event.evaluation) && Array.isArray(event.evaluation.accAt50Interval);
    return event.type !== 'evaluated' || (Array.isArray(event.rows) && event.rows.every(isEvaluated));
  });

/** Figures are counted again only where a run has told more since. */
interface Counted {
  readonly changedAt: number;
  readonly results: RunResults;
}

export class ResultDesk {
  readonly #storage: Storage;
  readonly #counted = new Map<string, Counted>();

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  readonly handlers: Handlers<ResultRequest> = {
    'run-results': async ({ project }) => {
      const runs = await this.#storage.records.all<RunRecord>('runs');
      const results: RunResults[] = [];
      // One after the other: logs are long, and only their figures stay.
      for (const run of runs) if (run.project === project) results.push(await this.#results(run));
      return results;
    },
    'run-differences': async ({ baseline, runs }) => {
      const before = await this.#evaluation(baseline);
      const differences = [];
      for (const run of runs) differences.push([run, compare(before, await this.#evaluation(run)).difference] as const);
      return Object.fromEntries(differences);
    },
    'compare-runs': async ({ before, after }) => compare(await this.#evaluation(before), await this.#evaluation(after)),
  };

  async #results({ id, changedAt }: RunRecord): Promise<RunResults> {
    const known = this.#counted.get(id);
    if (known?.changedAt === changedAt) return known.results;
    const kept = await keptCheckpoints(this.#storage, id);
    const results = resultsOf(id, soundOf(await toldBy(this.#storage, id)), kept);
    this.#counted.set(id, { changedAt, results });
    return results;
  }

  async #evaluation(run: string): Promise<AnsweredEvaluation | null> {
    return evaluationsOf(soundOf(await toldBy(this.#storage, run))).at(-1) ?? null;
  }
}
