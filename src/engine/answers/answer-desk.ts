/** The engine's desk for answers to rows: given one by one or together, kept with a project, found again. */
import { describeError } from '../../base/error.ts';
import type { Row } from '../../data/row.ts';
import type { Dataset } from '../../data/dataset.ts';
import { withImageOrder } from './answer.ts';
import type { AnswerShelf } from '../keep/answer-shelf.ts';
import type { CoordinateHeat } from '../protocol/answers.ts';
import { datasetDigest } from '../keep/identity.ts';
import type { ModelDesk } from '../model/model-desk.ts';
import type { KnownAnswer } from '../protocol/answers.ts';
import type { EngineEvent, EngineRequest } from '../protocol/messages.ts';
import type { Answer } from '../protocol/words.ts';
import type { Workbench } from '../model/workbench.ts';

export interface AnswerHost {
  readonly shelf: AnswerShelf;
  /** Throws `model-missing`. */
  desk(): ModelDesk;
  /** The workbench of a dataset; what was learnt on another is forgotten. Throws `run-active` rather than in a run. */
  bench(dataset: string): Workbench;
  /** The workbench that is there, if it is the dataset's. */
  benchOf(dataset: string): Workbench | null;
  dataset(id: string): Dataset;
  row(dataset: string, id: string): Promise<Row>;
  /** Whether a run changes the weights. */
  active(): boolean;
  /** Whether this tab has the project. */
  holds(project: string): boolean;
  emit(event: EngineEvent): void;
}

type Of<T extends EngineRequest['type']> = Extract<EngineRequest, { type: T }>;

export class AnswerDesk {
  readonly #host: AnswerHost;

  constructor(host: AnswerHost) {
    this.#host = host;
  }

  async one({ dataset, rowId, policies, order = [] }: Of<'answer'>): Promise<Answer[]> {
    const bench = this.#host.bench(dataset);
    const row = withImageOrder(await this.#host.row(dataset, rowId), order);
    const answers: Answer[] = [];
    for (const policy of policies) answers.push(...(await this.#host.desk().answer(bench, [row], policy)));
    return answers;
  }

  async heat({ dataset, rowId, policy }: Of<'coordinate-heat'>): Promise<CoordinateHeat> {
    const bench = this.#host.bench(dataset);
    return this.#host.desk().heat(bench, await this.#host.row(dataset, rowId), policy);
  }

  async several(request: Of<'answer-rows'>): Promise<Answer[]> {
    const { dataset, rowIds, policy, orders = [] } = request;
    const bench = this.#host.bench(dataset);
    const rows: Row[] = [];
    for (const [i, id] of rowIds.entries())
      rows.push(withImageOrder(await this.#host.row(dataset, id), orders[i] ?? []));
    const answers = await this.#host.desk().answer(bench, rows, policy);
    if (orders.length === 0)
      await this.#keep(request, answers).catch((error: unknown) => {
        const { message, hint } = describeError(error);
        this.#host.emit({ type: 'notice', message: `These answers are not kept with the project: ${message} ${hint}` });
      });
    return answers;
  }

  async known(dataset: string, project: string): Promise<KnownAnswer[]> {
    const { desk, benchOf, active, shelf } = this.#host;
    const base = await desk().weightsOf(null, 'base');
    const tuned = active() ? null : await desk().weightsOf(benchOf(dataset), 'tuned');
    return shelf.known(project, await datasetDigest(this.#host.dataset(dataset)), {
      ...(base !== null && { base }),
      ...(tuned !== null && { tuned }),
    });
  }

  async #keep({ dataset, rowIds, policy, project }: Of<'answer-rows'>, answers: readonly Answer[]): Promise<void> {
    const { desk, benchOf, active, holds, shelf } = this.#host;
    // In a run the weights are others at every step.
    if (!project || active() || !holds(project)) return;
    const weights = await desk().weightsOf(benchOf(dataset), policy);
    if (weights === null) return;
    const known = answers.map((answer, i) => ({ rowId: rowIds[i]!, answer }));
    await shelf.add(project, await datasetDigest(this.#host.dataset(dataset)), weights, known);
  }
}
