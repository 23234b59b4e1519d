/** The engine's desk for answers to rows: given one by one or together, kept with a project, found again. */
import { describeError } from '../../base/error.ts';
import type { Dataset } from '../../data/dataset.ts';
import type { Row } from '../../data/row.ts';
import type { Prediction } from '../../evaluate/prediction.ts';
import { Generator } from '../../train/generate.ts';
import { promptingOf } from '../../train/prompt.ts';
import { waysOf } from '../../train/samples.ts';
import { Scorer } from '../../train/scorer.ts';
import { textDigest } from '../../store/digest.ts';
import type { AnswerShelf } from '../keep/answer-shelf.ts';
import { datasetDigest } from '../keep/identity.ts';
import type { ModelHolder } from '../model/model-holder.ts';
import type { Workbench } from '../model/workbench.ts';
import type { AnswerRequest, CoordinateHeat, KnownAnswer, Predicted } from '../protocol/answers.ts';
import type { Handlers, RequestOf } from '../protocol/messages.ts';
import type { Answer, NoticeEvent, PolicyName } from '../protocol/words.ts';
import { answerRows, withImageOrder } from './answer.ts';
import { boxNumbers } from './box-numbers.ts';
import { heatRow } from './heat.ts';
import type { AskedRows, AskingRecipe } from '../protocol/answers.ts';
import { askedAsPublished, predictRows } from './predict.ts';
import { drawReport, previewDraw, previewRow } from './preview.ts';

export interface AnswerHost {
  readonly holder: ModelHolder;
  readonly shelf: AnswerShelf;
  /** Throws `dataset-missing`. */
  dataset(id: string): Dataset;
  /** Throws `row-missing`. */
  row(dataset: string, id: string): Promise<Row>;
  /** Work that must not overlap with a step. */
  aside<T>(work: () => Promise<T>): Promise<T>;
  /** Whether a run changes the weights. */
  active(): boolean;
  /** Whether this tab has the project. */
  holds(project: string): boolean;
  emit(event: NoticeEvent): void;
}

export class AnswerDesk {
  readonly #host: AnswerHost;

  constructor(host: AnswerHost) {
    this.#host = host;
  }

  readonly handlers: Handlers<AnswerRequest> = {
    'box-numbers': async ({ dataset, rowId, pictures }) => {
      const { holder } = this.#host;
      const processor = holder.loaded?.processor.under(holder.seenUnder(pictures, dataset).budget) ?? null;
      return boxNumbers(this.#host.dataset(dataset), await this.#host.row(dataset, rowId), processor);
    },
    preview: async ({ dataset, rowId, recipe, taught = false, draw }) => {
      const bench = this.#host.holder.workbench(dataset);
      const row = await this.#host.row(dataset, rowId);
      const options = { taught, ...waysOf(recipe ?? { seed: 0 }) };
      return draw !== undefined && recipe?.draw
        ? previewDraw(bench, row, options, recipe.draw, recipe.seed, draw)
        : previewRow(bench, row, options);
    },
    'draw-report': ({ dataset, recipe }) => drawReport(this.#host.dataset(dataset), recipe),
    answer: (request) => this.#host.aside(() => this.#one(request)),
    'answer-rows': (request) => this.#host.aside(() => this.#several(request)),
    'predict-rows': (request) => this.#host.aside(() => this.#predict(request)),
    'known-answers': ({ dataset, project, recipe }) => this.#host.aside(() => this.#known(dataset, project, recipe)),
    'coordinate-heat': (request) => this.#host.aside(() => this.#heat(request)),
  };

  async #one({ dataset, rowId, policies, order = [], recipe }: RequestOf<'answer'>): Promise<Answer[]> {
    const bench = this.#host.holder.workbench(dataset);
    const row = withImageOrder(await this.#host.row(dataset, rowId), order);
    const answers: Answer[] = [];
    for (const policy of policies) answers.push(...(await this.#answer(bench, [row], policy, recipe)));
    return answers;
  }

  async #several(request: RequestOf<'answer-rows'>): Promise<Answer[]> {
    const { dataset, rowIds, policy, orders = [] } = request;
    const bench = this.#host.holder.workbench(dataset);
    const rows: Row[] = [];
    for (const [i, id] of rowIds.entries())
      rows.push(withImageOrder(await this.#host.row(dataset, id), orders[i] ?? []));
    const answers = await this.#answer(bench, rows, policy, request.recipe);
    if (orders.length === 0)
      await this.#keep(request, answers).catch((error: unknown) => {
        const { message, hint } = describeError(error);
        this.#host.emit({
          type: 'notice',
          message: `These answers could not be saved with the project: ${message} ${hint}`,
        });
      });
    return answers;
  }

  async #predict(request: RequestOf<'predict-rows'>): Promise<Predicted> {
    const { dataset, rowIds, policy, prompt, tokens, sampling, swap, recipe } = request;
    const bench = this.#host.holder.workbench(dataset);
    const rows: Row[] = [];
    for (const id of rowIds) rows.push(await this.#host.row(dataset, id));
    const predictions = await this.predict(bench, rows, policy, { prompt, tokens, swap, sampling, recipe });
    const { budget } = recipe ? waysOf(recipe) : bench.samples;
    const { minPixels, maxPixels } = bench.loaded.processor.under(budget).limits;
    return { predictions, pictures: { minPixels, maxPixels } };
  }

  predict(
    bench: Workbench,
    rows: readonly Row[],
    policy: PolicyName,
    { prompt, tokens, swap, sampling, recipe }: AskedRows,
  ): Promise<Prediction[]> {
    const asked = prompt === 'published' ? rows.map(askedAsPublished) : rows;
    return this.#with(bench, policy, (generator) =>
      predictRows(bench, asked, policy, tokens, sampling, {
        generator,
        swap: swap ?? false,
        ...(recipe && { options: waysOf(recipe) }),
      }),
    );
  }

  #answer(
    bench: Workbench,
    rows: readonly Row[],
    policy: PolicyName,
    recipe: AskingRecipe | undefined,
  ): Promise<Answer[]> {
    const options = recipe === undefined ? {} : { prompting: recipe && promptingOf(recipe) };
    return this.#with(bench, policy, (generator) => answerRows(bench, rows, policy, generator, options));
  }

  /** Something with the policy's generator; the tuned policy is the run's or the stack's. */
  async #with<T>(
    bench: Workbench,
    policy: PolicyName,
    work: (generator: Workbench['generator']) => Promise<T>,
  ): Promise<T> {
    const { holder } = this.#host;
    const stack = policy === 'tuned' ? await holder.adapters.policy() : null;
    if (!stack) return work(bench.generator);
    const generator = new Generator(stack, holder.require().processor, bench.samples);
    try {
      return await work(generator);
    } finally {
      generator.destroy();
    }
  }

  /** Loss of every digit of the row's boxes; the tuned policy is the run's or the stack's. */
  async #heat({ dataset, rowId, policy }: RequestOf<'coordinate-heat'>): Promise<CoordinateHeat> {
    const { holder } = this.#host;
    const bench = holder.workbench(dataset);
    const row = await this.#host.row(dataset, rowId);
    const tuned = policy === 'tuned' ? ((await holder.adapters.policy()) ?? bench.policy) : null;
    const scorer = new Scorer(holder.require().model, tuned?.adapter ?? null, tuned?.weights);
    try {
      return await heatRow(bench, row, policy, scorer);
    } finally {
      scorer.destroy();
    }
  }

  async #known(dataset: string, project: string, recipe: AskingRecipe | undefined): Promise<KnownAnswer[]> {
    const { holder, active, shelf } = this.#host;
    const base = await holder.weightsOf(null, 'base');
    const tuned = active() ? null : await holder.weightsOf(holder.benchOf(dataset), 'tuned');
    return shelf.known(project, await this.#rowsAsked(dataset, recipe), {
      ...(base !== null && { base }),
      ...(tuned !== null && { tuned }),
    });
  }

  async #keep(
    { dataset, rowIds, policy, project, recipe }: RequestOf<'answer-rows'>,
    answers: readonly Answer[],
  ): Promise<void> {
    const { holder, active, holds, shelf } = this.#host;
    // In a run the weights are others at every step.
    if (!project || active() || !holds(project)) return;
    const weights = await holder.weightsOf(holder.benchOf(dataset), policy);
    if (weights === null) return;
    const known = answers.map((answer, i) => ({ rowId: rowIds[i]!, answer }));
    await shelf.add(project, await this.#rowsAsked(dataset, recipe), weights, known);
  }

  /** Tells rows, and how they are asked, from all others. */
  async #rowsAsked(dataset: string, recipe: AskingRecipe | undefined): Promise<string> {
    const digest = await datasetDigest(this.#host.dataset(dataset));
    const samples = this.#host.holder.benchOf(dataset)?.samples;
    const given = recipe === undefined ? (samples?.prompting ?? null) : recipe && promptingOf(recipe);
    const asked = samples ? samples.askedBy(given) : (given?.key ?? null);
    return asked === null ? digest : `${digest} ${await textDigest(asked)}`;
  }
}
