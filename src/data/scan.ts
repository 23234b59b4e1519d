/**
 * One pass over all rows of a dataset: each is read, checked and counted, its pictures measured, and a few numbers of
 * it kept. A batch of rows is in memory at a time.
 */
import { subject } from '../base/counts.ts';
import { GroundworkError } from '../base/error.ts';
import type { Size } from '../grounding/box.ts';
import { sizeComplaint } from '../image/size.ts';
import type { FileOfBenchmark } from '../benchmarks/file-of-benchmark.ts';
import { decide, type Decision } from './conventions.ts';
import type { BoxLayout, Convention, DatasetOptions, UnfitRow, WayOfWriting } from './dataset-ref.ts';
import { Evidence } from './evidence.ts';
import { HealthTally, type RowHealth } from './health.ts';
import type { Counting } from './counting.ts';
import { interpretRow, looseBoxes, searchRow, type SearchedRow } from './interpret.ts';
import { IssueLog } from './issue-log.ts';
import { Ledger } from './ledger.ts';
import type { Pictures } from './pictures.ts';
import { BenchmarkRows, type Doubt } from './benchmark-rows.ts';
import { rawOf } from './raw-of.ts';
import { isBarred, rowIssue, type FormatName, type RawRow } from './raw-row.ts';
import type { Written } from './places.ts';
import { conventionKey, conventionWords } from './reading.ts';
import { settled } from './settled.ts';
import type { RowIssue } from './row.ts';
import { RowIndex } from './row-index.ts';
import { drawSplit, splitByName, splitByWord, type Split } from './split.ts';
import type { Table } from './tables/table.ts';
import { sidesIn } from './order-votes.ts';
import { wantedOf } from './wanted.ts';

/** What a dataset consists of before anything is decided about it. */
export interface Shelf {
  readonly name: string;
  readonly tables: readonly Table[];
  readonly pictures: Pictures;
  /** From which number each file counts its pictures; learned as rows are read. */
  readonly counting: Counting;
  /** What was done before any row was read. */
  readonly ledger: Ledger;
  /** Of each file, which benchmarks' rows it has; learned as rows are read. */
  readonly benchmarks: Map<string, FileOfBenchmark>;
  /** Names of the pictures in a folder. */
  picturesIn(folder: string): readonly string[];
}

export interface Progress {
  /** What is being done, done and total in `unit`. */
  tell(what: string, done: number, total: number): void;
  readonly signal?: AbortSignal;
}

/** Decisions by file and way of writing. */
export type Decisions = ReadonlyMap<string, Decision>;
export const decisionKey = (file: string, way: WayOfWriting): string => `${way}\n${file}`;

export interface Scanned {
  readonly index: RowIndex;
  readonly log: IssueLog;
  readonly health: RowHealth;
  /** What was done to the rows as they were read. */
  readonly ledger: Ledger;
  readonly decisions: Decisions;
  /** What they rest on. */
  readonly evidence: ReadonlyMap<string, Evidence>;
  /** Rows by the format they were read in, left-out ones not counted. */
  readonly formats: ReadonlyMap<FormatName, number>;
  /** Titles of the benchmarks of which rows are there, or were. */
  readonly benchmarks: readonly string[];
  /** Rows that could be a benchmark's or the user's own. */
  readonly doubts: readonly Doubt[];
  /** Rows with several answers. */
  readonly conversations: number;
  readonly notes: readonly string[];
}

/** Rows read together; their pictures are measured side by side. */
const BATCH = 64;
const MEASURED_AT_ONCE = 8;
/** Rows looked at before anything is decided, evenly over a file. */
const SAMPLE = 400;
const SAMPLE_RUN = 20;

const rows = (n: number, one: string, many: string): string => subject(n, 'row', one, many);

const NARROW = 8;

const WAY_WORDS: Readonly<Record<WayOfWriting, string>> = {
  pairs: '(x1,y1),(x2,y2)',
  list: 'as four numbers',
  declared: 'in fields of their own',
};

async function measureAll(paths: readonly string[], pictures: Pictures): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < paths.length) await pictures.measure(paths[next++]!);
  };
  await Promise.all(Array.from({ length: Math.min(MEASURED_AT_ONCE, paths.length) }, worker));
}

/** Adds what a row's boxes show about their convention. */
async function weigh(
  searched: SearchedRow,
  { pictures, counting }: Shelf,
  evidence: Map<WayOfWriting, Evidence>,
): Promise<void> {
  const { said, sizes } = searched.raw;
  const loose = looseBoxes(searched, counting);
  // A question asks for one thing; words around several boxes say nothing of each.
  const sides = loose.length === 1 && loose[0]!.place.unordered ? sidesIn(searched.texts.at(-2)?.text ?? '') : null;
  for (const { way, place, image } of loose) {
    const path = image === null ? undefined : searched.images[image];
    let mine = evidence.get(way);
    if (!mine) evidence.set(way, (mine = new Evidence(way, way === 'declared' ? said : null)));
    const facts = path === undefined ? null : await pictures.facts(path);
    const picture = facts && { ...facts, listed: sizes?.[image!] ?? null };
    mine.add(place.numbers, place.tokens, picture);
    if (sides) mine.order.add(place.numbers, sides, picture);
  }
}

/** Whether all rows are of one file. */
const alone = ({ tables }: Shelf): boolean => tables.length === 1;

async function sampleDecisions(shelf: Shelf, options: DatasetOptions, progress: Progress): Promise<Decisions> {
  const decisions = new Map<string, Decision>();
  for (const table of shelf.tables) {
    const evidence = new Map<WayOfWriting, Evidence>();
    const runs = Math.max(1, Math.min(Math.ceil(table.length / SAMPLE_RUN), SAMPLE / SAMPLE_RUN));
    for (let run = 0; run < runs; run++) {
      checkAborted(progress);
      const from = Math.floor((table.length * run) / runs);
      for await (const row of table.read(from, Math.min(table.length, from + SAMPLE_RUN))) {
        const { raw } = rawOf(row, table.file, options, shelf);
        if (raw) await weigh(searchRow(raw, shelf.pictures, shelf.counting), shelf, evidence);
      }
    }
    for (const [way, each] of evidence)
      decisions.set(decisionKey(table.file, way), settled(decide(each), table.file, options, alone(shelf)));
  }
  return decisions;
}

export function checkAborted({ signal }: Progress): void {
  if (signal?.aborted)
    throw new GroundworkError(
      'cancelled',
      'Reading the dataset was cancelled.',
      'Nothing was changed. You can open it again.',
    );
}

/** How lists of four numbers are laid out. */
export const layoutFrom = (decisions: Decisions, file: string): BoxLayout =>
  decisions.get(decisionKey(file, 'list'))?.layout ?? 'xyxy';

/** What the user said of a file's rows beyond their coordinates. */
export const taughtOf = (options: DatasetOptions, file: string) => ({
  words: options.answers === 'words',
  lastOnly: options.turns === 'last',
  unsaid: options.unsaidPictures?.find((each) => each.file === file)?.as,
});

/** How boxes written in a way are to be read. */
export const conventionFrom =
  (decisions: Decisions, file: string) =>
  (written: Written, raw: RawRow): Convention =>
    written === 'stated'
      ? raw.said!
      : (decisions.get(decisionKey(file, written)) ?? raw.said ?? { space: 'thousand', layout: 'xyxy' });

class Pass {
  readonly index = new RowIndex();
  readonly log = new IssueLog();
  readonly health = new HealthTally();
  readonly ledger = new Ledger();
  readonly formats = new Map<FormatName, number>();
  readonly benchmarks = new BenchmarkRows();
  conversations = 0;
  readonly evidence = new Map<string, Map<WayOfWriting, Evidence>>();
  readonly #shelf: Shelf;
  readonly #options: DatasetOptions;
  readonly #decisions: Decisions;
  readonly #unfit: ReadonlyMap<string, UnfitRow>;

  constructor(shelf: Shelf, options: DatasetOptions, decisions: Decisions) {
    this.#shelf = shelf;
    this.#options = options;
    this.#decisions = decisions;
    this.#unfit = new Map(options.unfit?.map((row) => [`${row.line} ${row.file}`, row]));
  }

  async table(number: number, progress: Progress, before: number, total: number): Promise<void> {
    const table = this.#shelf.tables[number]!;
    const evidence = new Map<WayOfWriting, Evidence>();
    this.evidence.set(table.file, evidence);
    for (let from = 0; from < table.length; from += BATCH) {
      checkAborted(progress);
      const { pictures, counting } = this.#shelf;
      const batch: { place: number; searched: SearchedRow | null; issues: readonly RowIssue[] }[] = [];
      let place = from;
      for await (const row of table.read(from, Math.min(table.length, from + BATCH))) {
        if (row.kind === 'value') this.benchmarks.look(table.file, row.value);
        const { raw, issues } = rawOf(row, table.file, this.#options, this.#shelf);
        batch.push({ place, searched: raw && searchRow(raw, pictures, counting), issues });
        place++;
      }
      await measureAll([...new Set(batch.flatMap(({ searched }) => searched?.images ?? []))], pictures);
      for (const { place: at, searched, issues } of batch) {
        if (!searched) {
          this.#leaveOut(issues);
          continue;
        }
        await weigh(searched, this.#shelf, evidence);
        await this.#row(number, at, searched);
      }
      progress.tell('Checking rows', before + Math.min(table.length, from + BATCH), total);
    }
  }

  #leaveOut(issues: readonly RowIssue[]): void {
    this.log.add(issues);
    this.log.leftOut++;
    this.health.leaveOut(issues);
  }

  async #row(table: number, place: number, searched: SearchedRow): Promise<void> {
    const { pictures } = this.#shelf;
    const { raw } = searched;
    const { file } = raw.source;
    const unfit = this.#unfit.get(`${raw.source.line} ${file}`);
    if (unfit) return this.#leaveOut([rowIssue(raw.source, '', unfit.reason, unfit.fix)]);
    const sizes: Size[] = [];
    const unreadable: RowIssue[] = [];
    const heavy: RowIssue[] = [];
    for (const [i, path] of searched.images.entries()) {
      const size = await pictures.measure(path);
      if (size) {
        sizes.push(size);
        const large = sizeComplaint(size);
        if (large) heavy.push(rowIssue(raw.source, `images[${i}]`, `${path} ${large.reason}`, large.fix, 'warning'));
      } else {
        const { reason, fix } = await pictures.complaint(path);
        unreadable.push({
          ...rowIssue(raw.source, `images[${i}]`, `${path} ${reason}`, fix),
          fault: 'picture-unreadable',
        });
      }
    }
    // Without the picture nothing can be said of its boxes.
    if (unreadable.length) return this.#leaveOut([...searched.issues, ...unreadable]);
    const { row, issues, clipped, done } = await interpretRow(searched, {
      layout: layoutFrom(this.#decisions, file),
      conventionOf: conventionFrom(this.#decisions, file),
      factsOf: (path) => pictures.facts(path),
      counting: this.#shelf.counting,
      orderAssumed: this.#decisions.get(decisionKey(file, 'list'))?.orderAssumed ?? false,
      ...taughtOf(this.#options, raw.source.file),
    });
    const all = [...issues, ...heavy];
    if (!row) return this.#leaveOut(all);
    const facts = new Set(done);
    for (const [i, path] of searched.images.entries()) {
      const { shown, orientation } = (await pictures.facts(path))!;
      const listed = raw.sizes?.[i];
      if (listed && (listed.width !== shown.width || listed.height !== shown.height)) facts.add('other-size');
      if (orientation > 1 && row.solution.some(({ image }) => image === i)) facts.add('turned-picture');
    }
    for (const key of facts) this.ledger.add(key, raw.source);
    if (row.prompt.some(({ role }) => role === 'assistant')) this.conversations++;
    this.formats.set(raw.format, (this.formats.get(raw.format) ?? 0) + 1);
    this.benchmarks.keep(raw);
    const wanted = raw.id ?? `${file}:${raw.source.line}`;
    const id = this.index.freeId(wanted);
    if (id !== wanted)
      all.push(
        rowIssue(
          raw.source,
          'id',
          `the id “${wanted}” is used twice`,
          `Here it is called “${id}”. Give each row its own id.`,
          'warning',
        ),
      );
    this.log.add(all);
    const narrow = sizes.some((s) => Math.max(s.width, s.height) > NARROW * Math.min(s.width, s.height));
    const named = (raw.split === undefined ? null : splitByWord(raw.split)) ?? splitByName(file);
    this.index.add({
      id,
      table,
      place,
      task: row.task,
      flags: this.health.add(row, clipped, narrow),
      pictures: row.images.map((path) => pictures.number(path)),
      named: isBarred(raw) ? 3 : named === null ? 0 : named === 'train' ? 1 : 2,
      judged: wantedOf(row) !== null,
      thinks: row.think !== undefined,
      question: raw.turns
        .slice(0, -1)
        .map(({ text }) => text)
        .join('\n'),
      done: facts,
    });
  }
}

/** Parts by the files, or by a draw; says which. */
function splitRows(index: RowIndex, pictures: Pictures, options: DatasetOptions, notes: string[]): Split[] {
  const named = index.named.view();
  const benchmark = named.filter((n) => n === 3).length;
  if (benchmark)
    notes.push(
      `${rows(benchmark, 'is', 'are')} of a benchmark and always held out. Training on a benchmark would make it worthless.`,
    );
  const byFiles = named.some((n) => n >= 2);
  // Composed rows have their part from their pictures: a draw would find them all joined.
  if (index.length && !options.compose && (options.split === 'draw' || (options.split === undefined && !byFiles))) {
    const { splits, note } = drawSplit(
      { ends: index.pictureEnds.view(), pictures: index.pictures.view().map((picture) => pictures.sameAs(picture)) },
      options.seed ?? 0,
      options.heldoutShare,
      index.taskNumbers(),
    );
    notes.push(byFiles ? note : `No file name says that it is held out. ${note}`);
    return splits.map((split, i): Split => (named[i] === 3 ? 'heldout' : split));
  }
  const splits = Array.from(named, (n): Split => (n >= 2 ? 'heldout' : 'train'));
  if (index.length && !splits.includes('train') && benchmark < index.length)
    notes.push('All rows are held out, by the names of their files. Add a file named train.jsonl to train on.');
  return splits;
}

/** Where all boxes of a file show something else than the sample did. */
function corrected(
  pass: Pass,
  decisions: Decisions,
  options: DatasetOptions,
  onlyFile: boolean,
): { decisions: Decisions; evidence: ReadonlyMap<string, Evidence>; changed: boolean } {
  const next = new Map<string, Decision>();
  const all = new Map<string, Evidence>();
  let changed = false;
  for (const [file, ways] of pass.evidence)
    for (const [way, evidence] of ways) {
      const key = decisionKey(file, way);
      const decision = settled(decide(evidence), file, options, onlyFile);
      const before = decisions.get(key);
      if (!before || conventionKey(before) !== conventionKey(decision) || before.orderAssumed !== decision.orderAssumed)
        changed = true;
      next.set(key, decision);
      all.set(key, evidence);
    }
  return { decisions: next, evidence: all, changed };
}

/** Without those of files none of whose rows is left, and none of whose pictures was found: their answer changes nothing. */
function worthAsking(
  decisions: Decisions,
  evidence: ReadonlyMap<string, Evidence>,
  index: RowIndex,
  { tables }: Shelf,
): Decisions {
  const used = new Set<string>();
  for (let row = 0; row < index.length; row++) used.add(tables[index.table(row)]!.file);
  return new Map(
    [...decisions].filter(
      ([key]) => used.has(key.slice(key.indexOf('\n') + 1)) || (evidence.get(key)?.measured ?? 0) > 0,
    ),
  );
}

/** `issues`: found before any row was read. Throws `cancelled`; never for what the files contain. */
export async function scan(
  shelf: Shelf,
  options: DatasetOptions,
  issues: readonly RowIssue[],
  progress: Progress,
): Promise<Scanned> {
  let decisions = await sampleDecisions(shelf, options, progress);
  const total = shelf.tables.reduce((sum, { length }) => sum + length, 0);
  for (let attempt = 0; ; attempt++) {
    const known = shelf.counting.version;
    const pass = new Pass(shelf, options, decisions);
    pass.log.add(issues);
    let before = 0;
    for (const [number, table] of shelf.tables.entries()) {
      await pass.table(number, progress, before, total);
      before += table.length;
    }
    const all = corrected(pass, decisions, options, alone(shelf));
    decisions = all.decisions;
    const others = pass.benchmarks.learn(shelf);
    if ((all.changed || others || shelf.counting.version !== known) && attempt === 0) continue;
    decisions = worthAsking(decisions, all.evidence, pass.index, shelf);
    const notes = [...decisions].map(([key, decision]) => {
      const doubt = decision.ambiguous ? '. This is a guess: confirm it' : '';
      return `${key.slice(key.indexOf('\n') + 1)}: boxes written ${WAY_WORDS[decision.way]} are read as ${conventionWords(decision)}, because ${decision.reason}${doubt}.`;
    });
    notes.push(...pass.benchmarks.notes());
    const { index } = pass;
    index.splits = splitRows(index, shelf.pictures, options, notes);
    index.compare((picture) => shelf.pictures.sameAs(picture));
    index.mark('cut-picture', (picture) => shelf.pictures.isBroken(picture));
    const health = pass.health.finish(index.flags.view(), index.splits, index.taskNumbers(), index.tasks);
    const leaks = health.findings.find(({ key }) => key === 'picture-leak');
    if (leaks)
      notes.push(
        `${rows(leaks.rows, 'uses', 'use')} pictures that are both in training and held out. The measured accuracy will be too high.`,
      );
    return {
      index,
      log: pass.log,
      health,
      ledger: pass.ledger,
      decisions,
      evidence: all.evidence,
      formats: pass.formats,
      benchmarks: pass.benchmarks.titles(shelf),
      doubts: pass.benchmarks.doubts(),
      conversations: pass.conversations,
      notes,
    };
  }
}
