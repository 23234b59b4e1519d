/**
 * What a model is worth on a benchmark, or on a dataset's held-out rows: answers every row, keeps the answers, and
 * prints both readings of them per task, with n and intervals. Continues where it was interrupted.
 *
 *   npm run evaluate -- --data PATH --model DIR|ID [--adapter DIR] [--predictions OUT] [--limit N] [--seed S]
 *     [--prompt published|own] [--recipe NAME|FILE] [--tokens N] [--batch N] [--storage HOW] [--samples N] [--temperature T] [--swap]
 *     [--min-pixels N] [--max-pixels N] [--longest-edge N] [--tiles on|off]
 *   npm run evaluate -- --data PATH --from-predictions FILE [--space thousandths|pixels]
 *   both: [--name NAME] [--against FILE] [--table FILE.csv|.md|.tex] [--vlmevalkit FILE] [--lmms-eval FILE] [--report FILE [--gallery KIND…] [--gallery-rows N]]
 *
 * FILE of --from-predictions: ours, lmms-eval's samples, VLMEvalKit's TSV, or JSON with an id and a text a row.
 */
import { fileWords } from '../base/file-name.ts';
import { basename, resolve } from 'node:path';
import { count } from '../base/counts.ts';
import { GroundworkError } from '../base/error.ts';
import { heldAs } from '../engine/model/weight-storage.ts';
import type { DatasetReport, RequestOf, Row } from '../engine/protocol/index.ts';
import { EngineSession } from '../engine/session.ts';
import { scoredItems } from '../engine/report/report-desk.ts';
import { galleriesOf, reportPage } from '../engine/report/report.ts';
import { scoreAll, scoreRow, type BenchmarkScores } from '../evaluate/benchmark-scores.ts';
import { printPairs, printScores } from '../evaluate/benchmark-print.ts';
import { tableAsCsv, tableAsLatex, tableAsMarkdown, tableOf, type TableEntry } from '../evaluate/benchmark-table.ts';
import { asLmmsEval, asVlmEvalKit } from '../evaluate/prediction-files.ts';
import { firstAnswers, type Prediction, type PredictionHeader } from '../evaluate/prediction.ts';
import { printSampled, type Sampling } from '../evaluate/sampled.ts';
import type { PictureBudget } from '../engine/protocol/words.ts';
import { registerDecoder } from '../image/decode.ts';
import { nodeDecode } from '../image/node-decode.ts';
import { nodeShrink } from './node-shrink.ts';
import { registerShrinker } from '../image/shrink.ts';
import {
  existing,
  flag,
  oneOf,
  outFile,
  plan,
  readArguments,
  real,
  text,
  texts,
  UsageError,
  whole,
} from './arguments.ts';
import { findModel } from './find-model.ts';
import { INTAKE_FLAGS, settleByFlags } from './intake.ts';
import { filesUnder, writeFiles } from './node-files.ts';
import { tellLookAlikes } from './look-alikes.ts';
import { openPredictions, readPredictionFile } from './prediction-log.ts';
import { asksOf, rowsToAnswer } from './rows-to-answer.ts';
import { drawRows } from '../evaluate/rows-to-answer.ts';
import { GALLERY_FLAGS, galleryKinds } from './report-flags.ts';
import { PICTURE_FLAGS, pictureBudget } from './picture-flags.ts';
import { runCommand } from './run-command.ts';
import { storage as heldHow } from './storage-option.ts';
import { takeEdits } from './take-edits.ts';
import { openTunedGpu } from './tuned-gpu.ts';

const USAGE =
  'usage: npm run evaluate -- --data PATH (--model DIR|ID | --from-predictions FILE) [--adapter DIR] [--predictions OUT] [--limit N] [--seed S]';

const TOLD_EVERY_MS = 5000;
/** npm run dataset and the studio tell more. */
const ISSUES_PRINTED = 10;
const OPTIONS = {
  model: text(),
  data: existing(),
  adapter: existing(),
  predictions: outFile,
  'from-predictions': existing(),
  limit: whole(0, 0),
  seed: whole(0, 42),
  prompt: oneOf(['published', 'own']),
  tokens: whole(1),
  batch: whole(1, 4),
  samples: whole(1),
  temperature: real,
  swap: flag,
  recipe: plan,
  space: oneOf(['thousandths', 'pixels']),
  name: text(),
  against: texts,
  table: texts,
  vlmevalkit: outFile,
  'lmms-eval': outFile,
  report: outFile,
  ...GALLERY_FLAGS,
  storage: heldHow,
  ...PICTURE_FLAGS,
  ...INTAKE_FLAGS,
} as const;

const note = (line: string): void => console.log(line);

async function openData(
  session: EngineSession,
  path: string,
  flags: Parameters<typeof settleByFlags>[1],
): Promise<DatasetReport> {
  const opened = await session.handle({ type: 'open-dataset', name: basename(path), files: await filesUnder(path) });
  note(`${opened.format}: ${opened.heldout} held-out rows, ${opened.leftOut} left out, ${opened.images} pictures`);
  const faults = opened.issues.filter(({ severity }) => severity === 'error');
  for (const { file, line, field, reason, fix } of faults.slice(0, ISSUES_PRINTED))
    note(`  error: ${[file, line || '', field].filter(Boolean).join(' ')}: ${reason}. ${fix}`);
  return settleByFlags(opened, flags, {
    reread: (options) => session.handle({ type: 'reread-dataset', dataset: opened.id, options }),
    skipped: (id) => session.handle({ type: 'skipped', dataset: id }),
    edit: (id, file) => takeEdits(session, id, file),
    note,
  });
}

/** Tells rows, rate and time left, no more often than every few seconds. */
function progressOf(total: number, before: number): (done: number) => void {
  const start = performance.now();
  let told = start;
  return (done) => {
    const now = performance.now();
    if (now - told < TOLD_EVERY_MS && done < total) return;
    told = now;
    const rate = (done - before) / Math.max((now - start) / 1000, 1e-3);
    const left = Math.round((total - done) / rate);
    const time =
      left < 90 ? `${left} s` : left < 5400 ? `${Math.round(left / 60)} min` : `${(left / 3600).toFixed(1)} h`;
    note(
      `${done} of ${total} rows, ${rate < 1 ? `${(60 * rate).toFixed(1)} a minute` : `${rate.toFixed(1)} a second`}, ${time} left`,
    );
  };
}

async function main(): Promise<number | void> {
  const { values } = await readArguments(USAGE, OPTIONS);
  const { data, model, 'from-predictions': from } = values;
  if (data === undefined) throw new UsageError('No dataset is named.', USAGE);
  if ((model === undefined) === (from === undefined))
    throw new UsageError('Give either --model or --from-predictions.', USAGE);
  if (values.swap && model === undefined)
    throw new UsageError('--swap asks a model again.', 'Leave it out, or give --model.');
  if (values.recipe && model === undefined)
    throw new UsageError('--recipe says how a model is asked.', 'Leave it out, or give --model.');
  const budget = pictureBudget(values, values.recipe?.pictures);
  if (budget && model === undefined)
    throw new UsageError('The picture budget says how a model sees pictures.', 'Leave it out, or give --model.');
  const wanted = samplingOf(values);
  registerDecoder(nodeDecode);
  registerShrinker(nodeShrink);
  const session = new EngineSession({
    openGpu: () => openTunedGpu({ onError: (message) => note(`GPU error: ${message}`) }),
    fetchFile: () => Promise.reject(new Error('the command line reads files from disk')),
    emit: (event) => {
      if (event.type === 'notice') note(event.message);
    },
  });
  const dataset = await openData(session, data, values);
  await tellLookAlikes(session, dataset, false);
  const all = await rowsToAnswer(session, dataset, 0, values.seed);
  const rows = drawRows(all, values.limit, values.seed);
  if (!rows.length)
    throw new GroundworkError(
      'rows-missing',
      'There is no row to answer.',
      'A benchmark needs its published file; another dataset needs held-out rows with boxes.',
    );
  const answered =
    from === undefined
      ? await answer(session, dataset, rows, values, wanted, budget)
      : await readPredictionFile(from, session, dataset, rows, all, values.space);
  if (answered.stopped) {
    note(`Stopped after ${answered.rows} of ${rows.length} rows. The same command continues from there.`);
    return 130;
  }
  const name = values.name ?? answered.header?.model ?? basename(from ?? model!);
  note('');
  const sampling = drawnWith(answered.header);
  if (sampling) {
    refuseForSamples(values);
    note(printSampled(rows, answered.answers, sampling));
    return;
  }
  const predictions = firstAnswers(answered.answers);
  const scores = scoresOf(rows, predictions);
  for (const each of scores) note(printScores(each, answered.header));
  const entries = new Map(
    scores.map((each): [string, TableEntry[]] => [each.title, [{ name, header: answered.header, scores: each }]]),
  );
  for (const file of values.against) {
    const other = await readPredictionFile(file, session, dataset, rows, all, values.space);
    if (drawnWith(other.header))
      throw new UsageError(`${file} holds several samples a row.`, 'Give a file with one answer a row to --against.');
    const otherName = other.header?.model ?? basename(file);
    for (const theirs of scoresOf(rows, firstAnswers(other.answers))) {
      const mine = scores.find(({ title }) => title === theirs.title);
      if (mine) note(printPairs({ name: otherName, scores: theirs }, { name, scores: mine }));
      entries.get(theirs.title)?.push({ name: otherName, header: other.header, scores: theirs });
    }
  }
  for (const file of values.table) {
    const write = /\.csv$/i.test(file)
      ? tableAsCsv
      : /\.md$/i.test(file)
        ? tableAsMarkdown
        : /\.tex$/i.test(file)
          ? tableAsLatex
          : null;
    if (!write) throw new UsageError(`--table ${file} says no form.`, 'Name it .csv, .md or .tex.');
    await save(file, [...entries.values()].map((each) => write(tableOf(each))).join('\n'));
  }
  if (values.vlmevalkit) await save(values.vlmevalkit, asVlmEvalKit(all, predictions));
  if (values.report) {
    const byId = new Map(rows.map((row) => [row.id, row]));
    // The models that it is set against come first: what is gained is gained by this one.
    const benchmarks = [...entries.values()].map(([own, ...others]) => [...others, own!]);
    const galleries = await galleriesOf(scoredItems(benchmarks), galleryKinds(values.gallery), {
      rows: values['gallery-rows'],
      row: async (id) => byId.get(id) ?? null,
      picture: async (path, height) =>
        (await session.handle({ type: 'thumbnail', dataset: dataset.id, path, height })).blob,
    });
    const { header } = answered;
    const page = reportPage({
      title: `Scores on ${dataset.name}`,
      facts: [
        ['Model', name],
        ...(header?.adapter ? [['Adapter', header.adapter] as const] : []),
        ['Rows', `${rows.length}, ${values.limit > 0 ? `drawn with seed ${values.seed}` : 'all that can be answered'}`],
        ['Made', new Date().toISOString()],
      ],
      data: { report: dataset, health: await session.handle({ type: 'health', dataset: dataset.id }) },
      benchmarks: [...entries.values()],
      galleries,
    });
    await save(values.report, page);
  }
  if (values['lmms-eval']) {
    const files = asLmmsEval(all, predictions);
    // A file a task, as lmms-eval writes them.
    for (const { task, content } of files)
      await save(
        files.length === 1
          ? values['lmms-eval']
          : values['lmms-eval'].replace(/(?:_samples)?(\.[a-z]+)?$/i, `_samples_${task}.jsonl`),
        content,
      );
  }
}

async function save(file: string, content: string): Promise<void> {
  const path = resolve(file);
  await writeFiles(resolve(path, '..'), [{ path: basename(path), data: content }]);
  note(`written: ${file}`);
}

function scoresOf(rows: readonly Row[], predictions: ReadonlyMap<string, Prediction>): BenchmarkScores[] {
  const scored = rows.flatMap((row) => {
    const prediction = predictions.get(row.id);
    return prediction ? [scoreRow(row, prediction)] : [];
  });
  if (scored.length < rows.length)
    note(`${rows.length - scored.length} of ${rows.length} rows have no answer and are not counted.`);
  return scoreAll(scored);
}

type Values = Awaited<ReturnType<typeof readArguments<typeof OPTIONS>>>['values'];

/** What holds one answer a row, and so cannot be made of samples. */
function refuseForSamples(values: Values): void {
  const given = [
    ...(values.against.length ? ['--against'] : []),
    ...(values.table.length ? ['--table'] : []),
    ...(values.swap ? ['--swap'] : []),
    ...(['report', 'vlmevalkit', 'lmms-eval'] as const).flatMap((key) => (values[key] === undefined ? [] : `--${key}`)),
  ];
  if (given.length)
    throw new UsageError(
      `${given.join(', ')} cannot be used with samples.`,
      'Each needs one answer a row. Leave them out, or evaluate without --samples.',
    );
}

/** How answers are to be drawn; null: each row's likeliest answer. */
function samplingOf(values: Values): Sampling | null {
  const { samples, temperature } = values;
  if (samples === undefined && temperature === undefined) return null;
  if (values.model === undefined)
    throw new UsageError('--samples and --temperature draw answers of a model.', 'Leave them out, or give --model.');
  if (temperature !== undefined && !(temperature > 0 && temperature <= 5))
    throw new UsageError(
      `--temperature is “${temperature}”.`,
      'Give a number above 0 and up to 5. Without --samples and --temperature each row gets its likeliest answer.',
    );
  refuseForSamples(values);
  return { samples: samples ?? 1, temperature: temperature ?? 1 };
}

const drawnWith = (header: PredictionHeader | null): Sampling | null =>
  header?.samples === undefined ? null : { samples: header.samples, temperature: header.temperature ?? 1 };

/** Answers the rows that have no answer yet, and keeps each batch at once. */
async function answer(
  session: EngineSession,
  dataset: DatasetReport,
  rows: readonly Row[],
  values: Values,
  sampling: Sampling | null,
  budget: PictureBudget | null,
) {
  const device = await session.handle({ type: 'device' });
  const { name, files } = await findModel(values.model!, note);
  const model = await session.handle({ type: 'load-model', files, name, storage: values.storage });
  note(`${device.name}\n${count(model.parameters)} parameters, ${heldAs(model)}`);
  for (const line of model.notes) note(line);
  if (values.adapter !== undefined) {
    const adapter = { name: basename(resolve(values.adapter)), files: await filesUnder(values.adapter) };
    const { adapters } = await session.handle({ type: 'adapter-import', ...adapter });
    const { id, matched, total, baseName, notes } = adapters.at(-1)!;
    note(
      `adapter ${adapter.name}${baseName ? `, made for ${baseName}` : ''}: ${matched} of ${total} tensors found their module`,
    );
    for (const line of notes) note(line);
    await session.handle({ type: 'adapter-stack', stack: [id], continueTop: false });
  }
  const prompt = values.prompt ?? 'published';
  const asking = values.recipe && {
    name: values.recipe.name,
    seed: values.recipe.seed,
    prompt: values.recipe.prompt ?? null,
  };
  const { prompt: words, seed: drawn = values.seed } = values.recipe ?? {};
  const asked = { seed: drawn, ...(words && { prompt: words }), ...(budget && { pictures: budget }) };
  const ask = (given: Pick<RequestOf<'predict-rows'>, 'rowIds' | 'tokens' | 'sampling'>) =>
    session.handle({
      type: 'predict-rows',
      dataset: dataset.id,
      policy: values.adapter === undefined ? 'base' : 'tuned',
      prompt,
      ...(values.swap && { swap: true }),
      ...((values.recipe || budget) && { recipe: asked }),
      ...given,
    });
  const header = {
    groundwork: 'predictions',
    version: 1,
    model: name,
    adapter: values.adapter === undefined ? null : basename(resolve(values.adapter)),
    dataset: dataset.id,
    prompt,
    tokens: values.tokens ?? null,
    limit: values.limit,
    seed: values.seed,
    rows: rows.length,
    pictures: null,
    ...sampling,
    ...(values.swap && { swap: true }),
    ...(asking && { recipe: asking }),
    ...(budget && { budget }),
  } as const satisfies PredictionHeader;
  const file = values.predictions ?? `${fileWords(name)}.predictions.jsonl`;
  let stopped = false;
  process.once('SIGINT', () => (stopped = true));
  const log = await openPredictions(
    file,
    header,
    async () => (await ask({ rowIds: [rows[0]!.id], tokens: 1 })).pictures,
  );
  const { seed, batch } = values;
  const asks = asksOf(rows, log.answers, {
    seed,
    batch,
    tokens: values.tokens ?? null,
    samples: sampling?.samples ?? null,
  });
  const left = new Set(asks.flatMap(({ rowIds }) => rowIds));
  const before = rows.length - left.size;
  note(before > 0 ? `${file}: ${before} of ${rows.length} rows are answered already` : `answers go to ${file}`);
  const tell = progressOf(rows.length, before);
  for (const [i, { rowIds, tokens, drawn }] of asks.entries()) {
    if (stopped) break;
    const drawing = drawn && sampling ? { sampling: { ...drawn, temperature: sampling.temperature } } : {};
    const { predictions } = await ask({ rowIds, tokens, ...drawing });
    await log.add(drawn ? predictions.map((each, s) => ({ ...each, sample: drawn.first + s })) : predictions);
    // A row is done with the last that is asked of it.
    if (asks[i + 1]?.rowIds[0] !== rowIds[0]) for (const id of rowIds) left.delete(id);
    tell(rows.length - left.size);
  }
  await log.close();
  return {
    header: log.header,
    answers: log.answers,
    rows: rows.length - left.size,
    stopped: stopped && left.size > 0,
  };
}

runCommand(main);
