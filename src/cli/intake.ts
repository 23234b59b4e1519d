/**
 * A dataset on the command line: what was done to its rows is printed, and what only its owner knows is asked for.
 * Nobody is there to answer, so a question ends the command with exit code 2 and the flag that answers it.
 *
 *   --coordinates FILE[#WAY]=SPACE[,LAYOUT]   (several times) how a file's boxes are read. SPACE: pixels, thousandths,
 *       fractions, percent, listed-pixels, stored-pixels, resized:MAX[:MIN[:MULTIPLE]] (MAX in pixels, or none),
 *       resized:WIDTHxHEIGHT. LAYOUT: xyxy, xywh, cxcywh, yxyx. WAY: list, pairs, declared
 *   --unsaid-picture FILE=last|first|leave-out   (several times) boxes of which no word says in which picture they lie
 *   --benchmark FILE=yes|own   (several times) whether rows that look like a benchmark's are its, or rows of your own
 *   --answers boxes|words   what is taught of an answer with boxes: the boxes, or the words around them as well
 *   --turns all|last   which answers of a conversation are taught
 *   --skip-unusable   leave out rows that cannot be used
 *   --edits FILE      lay edits over the rows, as the Data room saves them
 */
import { plural, subject } from '../base/counts.ts';
import { GroundworkError } from '../base/error.ts';
import { existing, flag, oneOf, texts } from './arguments.ts';
import type {
  Convention,
  DatasetOptions,
  DatasetReport,
  LedgerEntry,
  OpenQuestion,
  Reading,
  Resize,
  SaidBenchmark,
  SkippedRows,
  UnfitRow,
  UnsaidPictures,
} from '../engine/protocol/index.ts';

export const INTAKE_FLAGS = {
  coordinates: texts,
  'unsaid-picture': texts,
  benchmark: texts,
  answers: oneOf(['boxes', 'words']),
  turns: oneOf(['all', 'last']),
  'skip-unusable': flag,
  edits: existing(),
} as const;

export interface IntakeAnswers {
  readonly coordinates?: readonly string[] | undefined;
  readonly 'unsaid-picture'?: readonly string[] | undefined;
  readonly benchmark?: readonly string[] | undefined;
  readonly answers?: 'boxes' | 'words' | undefined;
  readonly turns?: 'all' | 'last' | undefined;
  readonly 'skip-unusable'?: boolean | undefined;
  readonly edits?: string | undefined;
}

const SPACES: Readonly<Record<string, Convention['space']>> = {
  pixels: 'natural',
  natural: 'natural',
  thousandths: 'thousand',
  thousand: 'thousand',
  fractions: 'fraction',
  fraction: 'fraction',
  percent: 'percent',
  'listed-pixels': 'listed',
  listed: 'listed',
  'stored-pixels': 'stored',
  stored: 'stored',
};
/** Rows whose edits do not fit that are printed. */
const UNFIT_PRINTED = 5;
const LAYOUTS: readonly string[] = ['xyxy', 'xywh', 'cxcywh', 'yxyx'] satisfies Convention['layout'][];
const WAYS: readonly string[] = ['list', 'pairs', 'declared'] satisfies Reading['way'][];

/** A question that ends a command: exit code 2. */
class Unanswered extends GroundworkError {
  readonly exitCode = 2;
}

const wrong = (text: string, why: string): Unanswered =>
  new Unanswered(
    'flag-wrong',
    `--coordinates ${text}: ${why}.`,
    'Write FILE=SPACE or FILE=SPACE,LAYOUT, such as train.json=pixels or "train.json=resized:1003520,xyxy".',
  );

function resizeOf(text: string, words: string): Resize {
  const size = /^(\d{1,6})x(\d{1,6})$/.exec(words);
  if (size) return { kind: 'size', width: Number(size[1]), height: Number(size[2]) };
  const limits = /^(\d{1,12}|none)(?::(\d{1,12}))?(?::(\d{1,4}))?$/.exec(words);
  if (!limits) throw wrong(text, `“${words}” is no limit of pixels and no size`);
  const [, max, min, factor] = limits;
  return {
    kind: 'budget',
    factor: Number(factor ?? 28),
    minPixels: Number(min ?? 56 * 56),
    ...(max === 'none' ? {} : { maxPixels: Number(max) }),
  };
}

/** One `--coordinates`. `way` undefined: the file's only one in doubt. Throws `flag-wrong`. */
export function readCoordinates(text: string): Convention & { readonly file: string; readonly way?: Reading['way'] } {
  const at = text.lastIndexOf('=');
  if (at <= 0) throw wrong(text, 'there is no FILE=');
  const [place, words] = [text.slice(0, at), text.slice(at + 1).split(',')];
  const hash = place.lastIndexOf('#');
  const way = hash > 0 && WAYS.includes(place.slice(hash + 1)) ? (place.slice(hash + 1) as Reading['way']) : undefined;
  const file = way ? place.slice(0, hash) : place;
  const [spaceWords = '', layout = 'xyxy'] = words.map((word) => word.trim());
  if (words.length > 2 || !LAYOUTS.includes(layout)) throw wrong(text, `“${words.slice(1).join(',')}” is no layout`);
  const common = { file, layout: layout as Convention['layout'], ...(way && { way }) };
  if (spaceWords.startsWith('resized:'))
    return { ...common, space: 'model', resize: resizeOf(text, spaceWords.slice('resized:'.length)) };
  const space = Object.hasOwn(SPACES, spaceWords) ? SPACES[spaceWords]! : null;
  if (!space) throw wrong(text, `“${spaceWords}” is no space: ${Object.keys(SPACES).join(', ')} or resized:MAX`);
  return { ...common, space };
}

const flagOf = ({ space, layout, resize }: Convention): string => {
  const words = Object.entries(SPACES).find(([, each]) => each === space)?.[0];
  const resized = !resize
    ? 'resized:12845056'
    : resize.kind === 'size'
      ? `resized:${resize.width}x${resize.height}`
      : `resized:${resize.maxPixels ?? 'none'}:${resize.minPixels}:${resize.factor}`;
  return `${words ?? resized},${layout}`;
};

/** The readings that the flags give for an open dataset. Throws `flag-wrong` for a file that has no boxes to read. */
export function readingsFrom(flags: readonly string[], { conventions }: DatasetReport): Reading[] {
  return flags.map((text) => {
    const { file, way, ...convention } = readCoordinates(text);
    const mine = conventions.filter((each) => each.file === file && (way === undefined || each.way === way));
    if (!mine.length)
      throw wrong(
        text,
        `${file} has no such boxes; files with boxes: ${conventions.map((each) => each.file).join(', ')}`,
      );
    const open = mine.filter(({ ambiguous }) => ambiguous);
    const meant = mine.length === 1 ? mine[0]! : open.length === 1 ? open[0]! : null;
    if (!meant)
      throw wrong(
        text,
        `${file} writes boxes in several ways; say ${mine.map((each) => `${file}#${each.way}`).join(' or ')}`,
      );
    return { file, way: meant.way, ...convention };
  });
}

/** Answers to questions about files, `FILE=WORD` each. Throws `flag-wrong` for another word and for a file of which nobody asks. */
function answersByFile<T extends string>(
  flag: string,
  given: readonly string[],
  asked: readonly string[],
  words: Readonly<Record<string, T>>,
  settled: (file: string) => string,
): { readonly file: string; readonly as: T }[] {
  return given.map((text) => {
    const at = text.lastIndexOf('=');
    const [file, word] = [text.slice(0, at), text.slice(at + 1)];
    const as = at > 0 && Object.hasOwn(words, word) ? words[word] : undefined;
    if (as !== undefined && asked.includes(file)) return { file, as };
    const forms = Object.keys(words).map((each) => `FILE=${each}`);
    throw new Unanswered(
      'flag-wrong',
      `--${flag} ${text}: ${as === undefined ? `it is not ${forms.slice(0, -1).join(', ')} or ${forms.at(-1)}` : settled(file)}.`,
      asked.length ? `Files that leave it open: ${asked.join(', ')}.` : 'Leave the flag out.',
    );
  });
}

const filesAsked = ({ questions }: DatasetReport, kind: 'picture' | 'benchmark'): string[] =>
  questions.flatMap((each) => (each.kind === kind ? [each.file] : []));

/** Throws `flag-wrong` for a file that leaves no picture unsaid. */
export const unsaidFrom = (flags: readonly string[], dataset: DatasetReport): UnsaidPictures[] =>
  answersByFile(
    'unsaid-picture',
    flags,
    filesAsked(dataset, 'picture'),
    { last: 'last', first: 'first', 'leave-out': 'leave-out' } as const,
    (file) => `every box of ${file} says where it lies`,
  );

/** Throws `flag-wrong` for a file whose rows are not in doubt. */
export const saidBenchmarks = (flags: readonly string[], dataset: DatasetReport): SaidBenchmark[] =>
  answersByFile(
    'benchmark',
    flags,
    filesAsked(dataset, 'benchmark'),
    { yes: 'benchmark', own: 'own' } as const,
    (file) => `what the rows of ${file} are is not in doubt`,
  );

/** The questions that are left, each with the flag that answers it. Throws `dataset-unsettled` with exit code 2. */
export function requireAnswers({ questions, conventions }: DatasetReport): void {
  if (!questions.length) return;
  const several = (file: string) => conventions.filter((each) => each.file === file).length > 1;
  const line = (question: OpenQuestion): string => {
    if (question.kind === 'skip')
      return `${plural(question.rows, 'row')} cannot be used. Mend them, or leave them out: --skip-unusable`;
    if (question.kind === 'benchmark')
      return `${question.file}: ${subject(question.rows, 'row', 'looks', 'look')} like ${question.title}, and could be your own. A benchmark is never trained on. Say what they are: --benchmark "${question.file}=yes" (or own)`;
    if (question.kind === 'picture')
      return `${question.file}: ${subject(question.rows, 'row', 'does', 'do')} not say in which of several pictures the box lies. Say it: --unsaid-picture "${question.file}=last" (or first, or leave-out)`;
    const found = conventions.find(({ file, way }) => file === question.file && way === question.way)!;
    const place = several(question.file) ? `${question.file}#${question.way}` : question.file;
    return `${question.file}: ${question.words} is a guess, because ${found.reason}. Confirm it or say another: --coordinates "${place}=${flagOf(found)}"`;
  };
  throw new Unanswered(
    'dataset-unsettled',
    `The dataset leaves ${questions.length === 1 ? 'a question' : `${questions.length} questions`} open:\n${questions.map((each) => `  ${line(each)}`).join('\n')}`,
    questions.some(({ kind }) => kind === 'convention')
      ? 'Spaces: pixels, thousandths, fractions, percent, listed-pixels, stored-pixels, resized:MAX, resized:WIDTHxHEIGHT. Layouts: xyxy, xywh, cxcywh, yxyx.'
      : 'Run the command again with the flags.',
  );
}

/** Places that are named of one thing that was done. */
const PLACES_NAMED = 5;

/** “(a.json:3, 8, b.json:1, …)”; a file as a whole by its name. */
function placesOf({ places, count }: LedgerEntry): string {
  let last = '';
  const words = places.slice(0, PLACES_NAMED).map(({ file, line }) => {
    const word = file === last ? `${line}` : line > 0 ? `${file}:${line}` : file;
    last = file;
    return word;
  });
  return `(${words.join(', ')}${count > words.length ? ', …' : ''})`;
}

export interface IntakeDesk {
  /** Rows that the model cannot take; none where no model is loaded. */
  unfit?(dataset: string): Promise<readonly UnfitRow[]>;
  reread(options: DatasetOptions): Promise<DatasetReport>;
  skipped(dataset: string): Promise<SkippedRows>;
  /** Lays the edits of a file over the dataset. */
  edit(dataset: string, file: string): Promise<DatasetReport>;
  note(line: string): void;
}

/** What the edits of a dataset come to, and those that fit no row. */
function* editLines({ edits }: DatasetReport): Generator<string> {
  if (!edits) return;
  yield `${plural(edits.changes, 'edit')} of ${plural(edits.rows, 'row')}, ${edits.excluded} of them left out (edits ${edits.digest.slice(0, 12)})`;
  if (edits.unfitRows > 0) yield `The edits of ${plural(edits.unfitRows, 'row')} do not fit and change nothing:`;
  for (const { row, why } of edits.unfit.slice(0, UNFIT_PRINTED)) yield `  ${row}: ${why}`;
}

/** Prints what was done, and settles a dataset by the flags. Throws `flag-wrong` and `dataset-unsettled`, exit code 2. */
export async function settleByFlags(
  opened: DatasetReport,
  answers: IntakeAnswers,
  desk: IntakeDesk,
): Promise<DatasetReport> {
  let dataset = opened;
  const readings = readingsFrom(answers.coordinates ?? [], dataset);
  const unsaidPictures = unsaidFrom(answers['unsaid-picture'] ?? [], dataset);
  const benchmarks = saidBenchmarks(answers.benchmark ?? [], dataset);
  const taught = {
    ...(benchmarks.length && { benchmarks }),
    ...(readings.length && { readings }),
    ...(unsaidPictures.length && { unsaidPictures }),
    ...(answers.answers === 'words' && { answers: answers.answers }),
    ...(answers.turns === 'last' && { turns: answers.turns }),
  };
  if (Object.keys(taught).length) dataset = await desk.reread({ ...dataset.options, ...taught });
  const unfit = (await desk.unfit?.(dataset.id)) ?? [];
  for (const { file, line, reason } of unfit.slice(0, PLACES_NAMED))
    desk.note(`  ${file}:${line}: the model cannot take it: ${reason}`);
  if (unfit.length && answers['skip-unusable']) dataset = await desk.reread({ ...dataset.options, unfit });
  if (answers['skip-unusable'] && dataset.questions.some(({ kind }) => kind === 'skip'))
    dataset = await desk.reread({ ...dataset.options, skipped: await desk.skipped(dataset.id) });
  if (answers.edits !== undefined) {
    dataset = await desk.edit(dataset.id, answers.edits);
    for (const line of editLines(dataset)) desk.note(`  ${line}`);
  }
  for (const shortfall of dataset.shortfalls) desk.note(`  ${shortfall}`);
  for (const entry of dataset.ledger) desk.note(`  ${entry.sentence} ${placesOf(entry)}`);
  for (const note of dataset.notes) desk.note(`  ${note}`);
  requireAnswers(dataset);
  if (unfit.length && !answers['skip-unusable'])
    throw new Unanswered(
      'rows-unfit',
      `The model cannot take ${plural(unfit.length, 'row')}, such as ${unfit[0]!.file}:${unfit[0]!.line}: ${unfit[0]!.reason}.`,
      `${unfit[0]!.fix} Or leave such rows out: --skip-unusable`,
    );
  return dataset;
}
