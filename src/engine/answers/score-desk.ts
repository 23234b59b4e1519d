/** The engine's desk for whole benchmarks: answers their rows piece by piece, keeps the answers, scores and writes them. */
import { fileWords } from '../../base/file-name.ts';
import { GroundworkError } from '../../base/error.ts';
import type { Dataset } from '../../data/dataset.ts';
import type { Row } from '../../data/row.ts';
import {
  objectionsTo,
  scoreAll,
  scoreRow,
  type BenchmarkScores,
  type ScoredRow,
} from '../../evaluate/benchmark-scores.ts';
import { tableAsCsv, tableAsLatex, tableAsMarkdown, tableOf, type TableEntry } from '../../evaluate/benchmark-table.ts';
import { consistencyOf } from '../../evaluate/consistency.ts';
import { failuresByTask, outcomeOf } from '../../evaluate/failures.ts';
import { pairedDifference } from '../../evaluate/pairs.ts';
import { asLmmsEval, asVlmEvalKit } from '../../evaluate/prediction-files.ts';
import { headerLine, predictionLine, type Prediction, type PredictionHeader } from '../../evaluate/prediction.ts';
import { longestAnswer, pagesOf, rowsToAnswer } from '../../evaluate/rows-to-answer.ts';
import { agreementOf, traitsOf } from '../../evaluate/traits.ts';
import { writeZip } from '../../formats/zip.ts';
import { groundedBoxes } from '../../grounding/box.ts';
import { textDigest } from '../../store/digest.ts';
import { datasetDigest } from '../keep/identity.ts';
import type { PredictionSetAbout, PredictionShelf } from '../keep/prediction-shelf.ts';
import type { ModelHolder } from '../model/model-holder.ts';
import type { Workbench } from '../model/workbench.ts';
import type { AskedRows } from '../protocol/answers.ts';
import type { Handlers, RequestOf } from '../protocol/messages.ts';
import type {
  BenchmarkAbout,
  BenchmarkResult,
  PredictionSet,
  ScoreFileKind,
  ScoreOptions,
  ScoreRequest,
} from '../protocol/scores.ts';
import type { PolicyName } from '../protocol/words.ts';
import { benchmarksIn } from './benchmarks-in.ts';
import { readPredictionFile } from './prediction-intake.ts';

export interface ScoreHost {
  readonly holder: ModelHolder;
  readonly shelf: PredictionShelf;
  /** Throws `dataset-missing`. */
  dataset(id: string): Dataset;
  /** Work that must not overlap with a step. */
  aside<T>(work: () => Promise<T>): Promise<T>;
  /** Throws `run-active` and `rehearsal-active`. */
  refuseWhileRunning(what: string): void;
  /** Whether this tab has the project. */
  holds(project: string): boolean;
  /** Answers rows by a policy. */
  predict(bench: Workbench, rows: readonly Row[], policy: PolicyName, asked: AskedRows): Promise<Prediction[]>;
}

/** What is kept of a row that is to be answered. */
interface Wanted {
  readonly id: string;
  readonly tokens: number;
}

const WRITERS: Readonly<
  Record<ScoreFileKind, { readonly ending: string; write(table: ReturnType<typeof tableOf>): string }>
> = {
  csv: { ending: 'csv', write: tableAsCsv },
  markdown: { ending: 'md', write: tableAsMarkdown },
  latex: { ending: 'tex', write: tableAsLatex },
};

const textStream = (text: string) => new Blob([text]).stream() as ReadableStream<Uint8Array>;

export class ScoreDesk {
  readonly #host: ScoreHost;
  /** Of a dataset's rows, by how they are asked. */
  readonly #wanted = new WeakMap<Dataset, Map<string, Promise<readonly Wanted[]>>>();
  readonly #abouts = new WeakMap<Dataset, Promise<BenchmarkAbout[]>>();

  constructor(host: ScoreHost) {
    this.#host = host;
  }

  readonly handlers: Handlers<ScoreRequest> = {
    benchmarks: ({ dataset }) => this.#benchmarks(this.#host.dataset(dataset)),
    'predict-next': (request) => this.#host.aside(() => this.#next(request)),
    'prediction-sets': ({ dataset, project }) => this.#sets(dataset, project),
    'import-predictions': (request) => this.#import(request),
    'forget-predictions': async ({ project, set }) => {
      await this.#host.shelf.forget(project, set);
      return null;
    },
    'predictions-file': (request) => this.#predictionsFile(request),
    scores: (request) => this.#scores(request),
    'scores-file': async (request) => {
      const { ending, write } = WRITERS[request.as];
      const tables = (await this.#scores(request)).map(({ table }) => write(table));
      return { fileName: `scores.${ending}`, stream: textStream(tables.join('\n')) };
    },
    'set-answers': (request) => this.#answers(request),
  };

  #benchmarks(dataset: Dataset): Promise<BenchmarkAbout[]> {
    let known = this.#abouts.get(dataset);
    if (!known) this.#abouts.set(dataset, (known = benchmarksIn(dataset)));
    return known;
  }

  #rows(dataset: Dataset, { tokens, limit, seed }: ScoreOptions): Promise<readonly Wanted[]> {
    const key = JSON.stringify([tokens, limit, seed]);
    const of = this.#wanted.get(dataset) ?? new Map<string, Promise<readonly Wanted[]>>();
    this.#wanted.set(dataset, of);
    let known = of.get(key);
    if (!known) {
      const keep = (row: Row): Wanted => ({
        id: row.id,
        tokens: longestAnswer(row, tokens),
      });
      known = rowsToAnswer(pagesOf(dataset.rows('heldout')), limit, seed, keep);
      of.set(key, known);
    }
    return known;
  }

  async #next(request: RequestOf<'predict-next'>): Promise<PredictionSet> {
    const { policy, project, options, count } = request;
    const { prompt, swap } = options;
    const { holder, shelf, refuseWhileRunning, predict } = this.#host;
    refuseWhileRunning('answer a benchmark');
    const dataset = this.#host.dataset(request.dataset);
    const bench = holder.workbench(request.dataset);
    const wanted = await this.#rows(dataset, options);
    if (wanted.length === 0)
      throw new GroundworkError(
        'rows-missing',
        'There is no row to answer.',
        'A benchmark needs its published file; another dataset needs held-out rows with boxes.',
      );
    const about = await this.#setOf(request, bench, dataset, wanted.length);
    const known = await shelf.predictions(project, about.id);
    const left = wanted.filter(({ id }) => !known.has(id));
    const tokens = left[0]?.tokens;
    // Answers of another length are another batch.
    const end = left.findIndex((row) => row.tokens !== tokens);
    const batch = left.slice(0, Math.min(count, end < 0 ? count : end));
    if (batch.length > 0) {
      const rows = await Promise.all(batch.map(({ id }) => dataset.row(id)));
      const present = rows.filter((row) => row !== null);
      await shelf.add(project, about.id, await predict(bench, present, policy, { prompt, tokens: tokens!, swap }));
    }
    return setView(about, known.size);
  }

  /** The set of these weights, rows and settings; begun where there is none. Throws `nothing-tuned`. */
  async #setOf(
    { dataset: id, project, policy, options, label }: RequestOf<'predict-next'>,
    bench: Workbench,
    dataset: Dataset,
    total: number,
  ): Promise<PredictionSetAbout> {
    const { holder, shelf, holds } = this.#host;
    const weights = await holder.weightsOf(bench, policy);
    if (weights === null)
      throw new GroundworkError(
        'nothing-tuned',
        'Nothing was learnt yet: the tuned model is its base.',
        'Train it or put an adapter on it first, or evaluate the base.',
      );
    const rows = await datasetDigest(dataset);
    const { asked, budget, processor } = bench.samples;
    const parts = [rows, weights, policy, options, ...(asked === null ? [] : [asked])];
    const set = (await textDigest(JSON.stringify(parts))).slice(0, 16);
    const known = await shelf.about(project, set);
    if (known) return known;
    const { name } = holder.require();
    const { minPixels, maxPixels } = processor.limits;
    const adapter = policy === 'base' ? null : (this.#adapterName() ?? label ?? 'tuned');
    const header: PredictionHeader = {
      groundwork: 'predictions',
      version: 1,
      model: name,
      adapter,
      dataset: id,
      ...options,
      rows: total,
      pictures: { minPixels, maxPixels },
      ...(budget && { budget }),
    };
    const about: PredictionSetAbout = {
      id: set,
      name: adapter === null ? name : `${name} + ${adapter}`,
      policy,
      dataset: rows,
      header,
      total,
      at: Date.now(),
    };
    await shelf.begin(project, about, project !== null && holds(project));
    return about;
  }

  #adapterName(): string | null {
    const { report, inUse } = this.#host.holder.adapters;
    if (!inUse?.length) return null;
    return report.stack.map((id) => report.adapters.find((adapter) => adapter.id === id)!.name).join(' + ');
  }

  async #sets(id: string, project: string | null) {
    const { holder, shelf } = this.#host;
    const abouts = await shelf.sets(project, await datasetDigest(this.#host.dataset(id)));
    const sets: PredictionSet[] = [];
    for (const about of abouts) sets.push(setView(about, (await shelf.predictions(project, about.id)).size));
    const learnt = holder.loaded !== null && (await holder.weightsOf(holder.benchOf(id), 'tuned')) !== null;
    const policies: PolicyName[] = holder.loaded === null ? [] : learnt ? ['base', 'tuned'] : ['base'];
    return { sets, policies };
  }

  async #import(request: RequestOf<'import-predictions'>) {
    const { dataset: id, project, file, name, space } = request;
    const { shelf, holds } = this.#host;
    const dataset = this.#host.dataset(id);
    const text = await file.file.text();
    const read = await readPredictionFile(text, file.path, dataset, space ?? undefined);
    const rows = await datasetDigest(dataset);
    const about: PredictionSetAbout = {
      id: (await textDigest(JSON.stringify([rows, text, space, name]))).slice(0, 16),
      name,
      policy: null,
      dataset: rows,
      header: read.header,
      total: read.predictions.length,
      at: Date.now(),
    };
    await shelf.begin(project, about, project !== null && holds(project));
    await shelf.add(project, about.id, read.predictions);
    return { set: setView(about, read.predictions.length), strangers: read.strangers, repeated: read.repeated };
  }

  /** Throws `predictions-missing`. */
  async #about(project: string | null, set: string): Promise<PredictionSetAbout> {
    const about = await this.#host.shelf.about(project, set);
    if (about) return about;
    throw new GroundworkError('predictions-missing', 'These answers are no longer kept.', 'Evaluate the model again.');
  }

  async #predictionsFile({ dataset: id, project, set, as }: RequestOf<'predictions-file'>) {
    const about = await this.#about(project, set);
    const predictions = await this.#host.shelf.predictions(project, set);
    const name = fileWords(about.name);
    if (as === 'groundwork') {
      const lines = [...predictions.values()].map(predictionLine);
      const head = about.header ? [headerLine(about.header)] : [];
      return { fileName: `${name}.predictions.jsonl`, stream: new Blob([...head, ...lines]).stream() };
    }
    const rows = await rowsToAnswer(pagesOf(this.#host.dataset(id).rows('heldout')), 0, 0, (row) => row);
    if (as === 'vlmevalkit') return { fileName: `${name}.tsv`, stream: textStream(asVlmEvalKit(rows, predictions)) };
    const files = asLmmsEval(rows, predictions).map(({ task, content }) => ({
      path: `${name}_samples_${task}.jsonl`,
      data: content,
    }));
    const [only, ...more] = files;
    return only && !more.length
      ? { fileName: only.path, stream: textStream(only.data) }
      : { fileName: `${name}_samples.zip`, stream: writeZip(files) };
  }

  /** Sets beside each other: a list a benchmark. */
  async entries(dataset: string, project: string | null, sets: readonly string[]): Promise<TableEntry[][]> {
    const abouts = await this.#benchmarks(this.#host.dataset(dataset));
    const scored = await this.#scored({ dataset, project, sets });
    return abouts.flatMap(({ title }) => {
      const entries = scored.flatMap(({ about: { name, header }, scores }) => {
        const found = scores.find((each) => each.title === title);
        return found && (found.strict ?? found.published) ? [{ name, header, scores: found }] : [];
      });
      return entries.length > 0 ? [entries] : [];
    });
  }

  /** Every set's answers with their rows, scored. */
  async #scored(request: Pick<RequestOf<'scores'>, 'dataset' | 'project' | 'sets'>) {
    const { shelf } = this.#host;
    const sets: { about: PredictionSetAbout; rows: ScoredRow[] }[] = [];
    const answers: ReadonlyMap<string, Prediction>[] = [];
    for (const id of request.sets) {
      sets.push({ about: await this.#about(request.project, id), rows: [] });
      answers.push(await shelf.predictions(request.project, id));
    }
    for await (const page of pagesOf(this.#host.dataset(request.dataset).rows('heldout')))
      for (const row of page)
        for (const [i, { rows }] of sets.entries()) {
          const prediction = answers[i]!.get(row.id);
          if (prediction) rows.push(scoreRow(row, prediction));
        }
    return sets.map(({ about, rows }) => ({ about, scores: scoreAll(rows) }));
  }

  async #scores(request: Pick<RequestOf<'scores'>, 'dataset' | 'project' | 'sets'>): Promise<BenchmarkResult[]> {
    const abouts = await this.#benchmarks(this.#host.dataset(request.dataset));
    const sets = await this.#scored(request);
    return abouts.flatMap((about) => {
      const mine = sets.flatMap(({ about: set, scores }) => {
        const found = scores.find(({ title }) => title === about.title);
        return found && (found.strict ?? found.published) ? [{ set, scores: found }] : [];
      });
      return mine.length > 0 ? [resultOf(about, mine)] : [];
    });
  }

  async #answers({ dataset: id, project, set, rowIds }: RequestOf<'set-answers'>) {
    const dataset = this.#host.dataset(id);
    const predictions = await this.#host.shelf.predictions(project, set);
    const answers = [];
    for (const rowId of rowIds) {
      const [row, prediction] = [await dataset.row(rowId), predictions.get(rowId)];
      if (!row || !prediction) continue;
      const scored = scoreRow(row, prediction);
      answers.push({
        rowId,
        text: prediction.text,
        boxes: groundedBoxes(prediction.boxes ?? []),
        outcome: outcomeOf(scored),
        value: scored.strict?.value ?? null,
      });
    }
    return answers;
  }
}

const setView = ({ id, name, policy, header, total, at }: PredictionSetAbout, answered: number): PredictionSet => ({
  id,
  name,
  policy,
  header,
  total,
  at,
  answered,
});

function resultOf(
  about: BenchmarkAbout,
  sets: readonly { readonly set: PredictionSetAbout; readonly scores: BenchmarkScores }[],
): BenchmarkResult {
  const entries = sets.map(({ set, scores }): TableEntry => ({ name: set.name, header: set.header, scores }));
  const [first] = sets as [(typeof sets)[number]];
  return {
    about,
    table: tableOf(entries),
    sets: sets.map(({ set, scores }) => ({
      id: set.id,
      name: set.name,
      strict: scores.strict,
      published: scores.published,
      objections: objectionsTo(scores, set.header),
      failures: failuresByTask(scores.rows),
      traits: traitsOf(scores.rows),
      consistency: consistencyOf(scores.rows),
    })),
    pairs: sets.slice(1).flatMap(({ set, scores }) => {
      const pair = pairedDifference({ name: first.set.name, scores: first.scores }, { name: set.name, scores });
      return pair ? [{ ...pair, set: set.id, agreement: agreementOf(first.scores.rows, scores.rows) }] : [];
    }),
  };
}
