/** An opened dataset: what the engine serves rows and pictures from. Rows are read when asked for; few are kept. */
import { GroundworkError } from '../base/error.ts';
import { Lru } from '../base/lru.ts';
import { pipelined } from '../base/pipelined.ts';
import type { Size } from '../grounding/box.ts';
import type { Numbers } from '../grounding/convention.ts';
import { resolveHint } from '../grounding/image-hint.ts';
import type { Decision } from './conventions.ts';
import type { Convention, DatasetOptions, UnfitRow, WayOfWriting } from './dataset-ref.ts';
import { fileOf, keyOf, report, type DatasetReport } from './dataset-report.ts';
import type { EditEntry } from './edits/edit-log.ts';
import { Overlay } from './edits/overlay.ts';
import { FileSet, type Source } from './file-set.ts';
import { bitOf, findingsOf, type Health } from './health.ts';
import { interpretRow, searchRow } from './interpret.ts';
import type { IssueLog } from './issue-log.ts';
import { openShelf, shapeOf, type Opened } from './open-shelf.ts';
import { PartLooks } from './look-alikes.ts';
import { placesIn, type BoxPlace } from './places.ts';
import { conventionKey, type PictureFacts } from './reading.ts';
import { optionsWith, readingOf } from './settled.ts';
import type { RawRow } from './raw-row.ts';
import { wordsOf, type Row } from './row.ts';
import { rawOf } from './raw-of.ts';
import type { RowFilter, RowList } from './row-list.ts';
import {
  checkAborted,
  conventionFrom,
  decisionKey,
  layoutFrom,
  scan,
  taughtOf,
  type Progress,
  type Scanned,
} from './scan.ts';
import type { Split } from './split.ts';

export type { RowFilter } from './row-list.ts';

/** Rows kept parsed. A page of the browser and a few batches; not a dataset. */
export const ROWS_KEPT = 512;
/** Pictures that are read to their end at once: while one is unpacked, the next is fetched. */
const CHECKED_AT_ONCE = 4;
/** Places of a file that are read together if some rows between them are wanted. */
const TOGETHER = 64;

/** A box as its file has it. */
export interface LooseNumbers {
  readonly way: WayOfWriting;
  readonly numbers: Numbers;
  readonly image: number;
  readonly picture: PictureFacts | null;
}

export class Dataset {
  readonly report: DatasetReport;
  readonly #opened: Opened;
  readonly #scanned: Scanned;
  readonly #options: DatasetOptions;
  /** As the files have them. Shared by what differs only in its edits. */
  readonly #rows: Lru<number, Row>;
  readonly #overlay: Overlay | null;
  readonly #parts: Readonly<Record<Split, Uint32Array>>;
  readonly #looks: PartLooks;
  #selection: { readonly key: string; readonly rows: Promise<Uint32Array> } | null = null;

  constructor(
    opened: Opened,
    scanned: Scanned,
    options: DatasetOptions,
    overlay: Overlay | null = null,
    rows = new Lru<number, Row>(ROWS_KEPT),
  ) {
    this.#opened = opened;
    this.#scanned = scanned;
    this.#overlay = overlay;
    this.#rows = rows;
    // Every answer that holds, each for its file, whatever form it was given in.
    this.#options = optionsWith(
      options,
      [...scanned.decisions].map(([key, decision]) => [fileOf(key), decision]),
    );
    const numbers = (part: Split) =>
      Uint32Array.from(
        scanned.index.splits.flatMap((split, i) => (split === part && !overlay?.isExcluded(i) ? [i] : [])),
      );
    this.#parts = { train: numbers('train'), heldout: numbers('heldout') };
    this.#looks = new PartLooks(scanned.index, this.#parts, opened.pictures);
    this.report = report(opened, scanned, this.#options, this.#parts, overlay);
  }

  /** As the rows showed; with the pictures that were found broken since. */
  get health(): Health {
    const { index, health } = this.#scanned;
    this.#markBroken();
    const looks = this.#looks.compared();
    const { pictures } = this.#opened;
    const used = this.#usedPictures();
    const unchecked = used.filter((picture) => !pictures.isChecked(picture));
    return {
      ...health,
      findings: findingsOf(index.flags.view()),
      pictures: {
        total: used.length,
        unchecked: unchecked.length,
        uncheckedBytes: unchecked.reduce((sum, picture) => sum + pictures.fileSize(picture), 0),
      },
      looks,
    };
  }

  /** Compares the pictures of the two parts by their looks (look-alikes.ts). Throws `cancelled`, `file-unreadable`. */
  compareLooks(progress: Progress): Promise<void> {
    return this.#looks.see(() => checkAborted(progress), progress.tell);
  }

  /**
   * Reads to its end every picture of which only the beginning was read. What was found until it is cancelled stays
   * known. Throws `cancelled`, `file-unreadable`.
   */
  async checkPictures(progress: Progress): Promise<void> {
    const { pictures } = this.#opened;
    const unchecked = this.#usedPictures().filter((picture) => !pictures.isChecked(picture));
    const total = unchecked.reduce((sum, picture) => sum + pictures.fileSize(picture), 0);
    let done = 0;
    await pipelined(unchecked, CHECKED_AT_ONCE, async (picture) => {
      checkAborted(progress);
      await pictures.check(picture);
      done += pictures.fileSize(picture);
      progress.tell('pictures read to their end', done, total);
    });
  }

  #usedPictures(): number[] {
    return [...new Set(this.#scanned.index.pictures.view())];
  }

  #markBroken(): void {
    const { pictures } = this.#opened;
    if (pictures.broken > 0) this.#scanned.index.mark('cut-picture', (picture) => pictures.isBroken(picture));
  }

  get log(): IssueLog {
    return this.#scanned.log;
  }

  /** What is in memory: for tests, and for who wonders. */
  get held(): { readonly rows: number; readonly indexBytes: number } {
    const { files, pictures, tables } = this.#opened;
    return {
      rows: this.#rows.size,
      indexBytes: [files, pictures, this.#scanned.index, this.#scanned.log, ...tables].reduce(
        (sum, { bytes }) => sum + bytes,
        0,
      ),
    };
  }

  /** In the order of the files. */
  rows(split: Split): RowList {
    return this.#list(this.#parts[split]);
  }

  /** The rows of a part that a filter lets through. Looking for text reads them all; the last selection is remembered. */
  async select(split: Split, filter: RowFilter, signal?: AbortSignal): Promise<RowList> {
    if (filter.finding === 'cut-picture') this.#markBroken();
    if (filter.finding === 'picture-alike') this.#looks.compared();
    const key = JSON.stringify([split, filter, this.#opened.pictures.broken]);
    if (this.#selection?.key !== key) {
      const part = filter.edits === undefined ? this.#parts[split] : this.#wholePart(split);
      const rows = this.#select(part, filter, signal);
      this.#selection = { key, rows };
      rows.catch(() => {
        if (this.#selection?.key === key) this.#selection = null;
      });
    }
    return this.#list(await this.#selection!.rows);
  }

  async row(id: string): Promise<Row | null> {
    const number = this.#scanned.index.ids.find(id);
    return number < 0 ? null : (await this.#read([number]))[0]!;
  }

  /** As its file has it, whatever was edited. */
  async untouchedRow(id: string): Promise<Row | null> {
    const number = this.#scanned.index.ids.find(id);
    return number < 0 ? null : (await this.#readFiles([number]))[0]!;
  }

  /** What was edited, in the order it was. */
  get edits(): readonly EditEntry[] {
    return this.#overlay?.entries ?? [];
  }

  /** The same rows with these edits over them, and none of those before. This one stays as it is. */
  async withEdits(entries: readonly EditEntry[]): Promise<Dataset> {
    const rows = {
      find: (id: string) => this.#scanned.index.ids.find(id),
      read: (numbers: readonly number[]) => this.#readable(numbers),
    };
    const overlay = entries.length > 0 ? await Overlay.over(rows, entries, this.#overlay) : null;
    return new Dataset(this.#opened, this.#scanned, this.#options, overlay, this.#rows);
  }

  /** A picture's file. Throws `image-missing`. */
  image(path: string): Promise<Blob> {
    return this.#opened.pictures.open(path);
  }

  /** A picture's size as shown; null if it cannot be told. */
  naturalSize(path: string): Promise<Size | null> {
    return this.#opened.pictures.measure(path);
  }

  /** The same files, read in another way. Throws `cancelled`. */
  async reread(options: DatasetOptions, progress: Progress): Promise<Dataset> {
    if (keyOf(options, this.#scanned) === keyOf(this.#options, this.#scanned))
      return new Dataset(this.#opened, confirmed(this.#scanned, options), options, this.#overlay, this.#rows);
    const opened =
      shapeOf(options) === this.#opened.shape
        ? this.#opened
        : await openShelf(this.#opened.name, this.#opened.files, options, progress);
    const read = new Dataset(opened, await scan(opened, options, opened.issues, progress), options);
    return this.#overlay ? read.withEdits(this.#overlay.entries) : read;
  }

  /** The share of a file's boxes that would lie inside their pictures if they were read so; null if it cannot be told. */
  fits(file: string, way: WayOfWriting, convention: Convention): number | null {
    const { decisions, evidence } = this.#scanned;
    const key = decisionKey(file, way);
    const counted = decisions.get(key)?.candidates.find((each) => conventionKey(each) === conventionKey(convention));
    if (counted) return counted.fits;
    const score = evidence.get(key)?.estimate(convention);
    return score?.seen ? score.inside / score.seen : null;
  }

  /** Rows whose boxes are of one file and one way of writing, for trying conventions on. */
  async samplesOf(file: string, way: WayOfWriting, limit: number): Promise<Row[]> {
    const found: Row[] = [];
    const table = this.#opened.tables.findIndex((each) => each.file === file);
    const { index } = this.#scanned;
    for (let row = 0; row < index.length && found.length < limit; row++) {
      if (index.table(row) !== table) continue;
      const [read] = await this.#readFiles([row]);
      if (read!.solution.length && (await this.loose(read!)).some((box) => box.way === way)) found.push(read!);
    }
    return found;
  }

  /** The numbers of a row's solution as its file has them; null where the file gives none, or the row was edited. */
  async numbersInFile(row: Row): Promise<readonly Numbers[] | null> {
    if (row.edits) return null;
    const { target } = await this.#target(row);
    return target.length === row.solution.length ? target.map(({ numbers }) => numbers) : null;
  }

  async #target(row: Row): Promise<{ readonly raw: RawRow; readonly target: readonly BoxPlace[] }> {
    const number = this.#scanned.index.ids.find(row.id);
    const { value } = await this.#raws([number]).next();
    const raw = (value as { raw: RawRow | null } | undefined)?.raw;
    if (!raw) throw changed(row.id);
    const searched = searchRow(raw, this.#opened.pictures, this.#opened.counting);
    const target = placesIn(searched.texts.at(-1)!, layoutFrom(this.#scanned.decisions, raw.source.file)).boxes;
    return { raw, target };
  }

  /** The numbers of a row's boxes as its file has them, for those whose convention is not declared. */
  async loose(row: Row): Promise<LooseNumbers[]> {
    const { raw, target } = await this.#target(row);
    const found: LooseNumbers[] = [];
    for (const [i, { written, numbers, image: stated }] of target.entries()) {
      if (written === 'stated') continue;
      const image = resolveHint(stated ?? -2, row.images.length) ?? row.solution[i]?.image ?? 0;
      const facts = await this.#opened.pictures.facts(row.images[image]!);
      found.push({ way: written, numbers, image, picture: facts && { ...facts, listed: raw.sizes?.[image] ?? null } });
    }
    return found;
  }

  /**
   * Rows that a model refuses, in file order. Only those are read whose pictures it refuses, and those with words in the
   * form of control tokens. Both give what is wrong, or null.
   */
  async unfit(
    ofPicture: (natural: Size) => Omit<UnfitRow, 'file' | 'line'> | null,
    ofRow: (row: Row) => Promise<Omit<UnfitRow, 'file' | 'line'> | null>,
  ): Promise<UnfitRow[]> {
    const { index } = this.#scanned;
    const { pictures } = this.#opened;
    const refused = new Map<number, Omit<UnfitRow, 'file' | 'line'>>();
    for (const picture of this.#usedPictures()) {
      const size = await pictures.measure(pictures.path(picture));
      const fault = size && ofPicture(size);
      if (fault) refused.set(picture, { ...fault, reason: `${pictures.path(picture)}: ${fault.reason}` });
    }
    const doubtful: number[] = [];
    for (let row = 0; row < index.length; row++)
      if (index.wasDone(row, 'control-tokens') || index.picturesOf(row).some((each) => refused.has(each)))
        doubtful.push(row);
    const found: UnfitRow[] = [];
    for await (const { number, row } of this.#parse(doubtful)) {
      const picture = index.picturesOf(number).find((each) => refused.has(each));
      const fault = picture === undefined ? await ofRow(row) : refused.get(picture)!;
      if (fault) found.push({ ...fault, file: row.source.file, line: row.source.line });
    }
    return found;
  }

  #list(numbers: Uint32Array): RowList {
    const { index } = this.#scanned;
    return {
      length: numbers.length,
      id: (i) => index.ids.get(numbers[i]!),
      task: (i) => index.task(numbers[i]!),
      file: (i) => this.#opened.tables[index.table(numbers[i]!)]!.file,
      hasSolution: (i) => this.#overlay?.isJudged(numbers[i]!) ?? index.isJudged(numbers[i]!),
      pictures: (i) => index.picturesOf(numbers[i]!),
      read: (places) => this.#read(places.map((i) => numbers[i]!)),
    };
  }

  async #select(
    numbers: Uint32Array,
    { task, finding, done, edits, text }: RowFilter,
    signal?: AbortSignal,
  ): Promise<Uint32Array> {
    const { index } = this.#scanned;
    const bit = finding === undefined ? 0 : bitOf(finding);
    const likely = numbers.filter(
      (row) =>
        (task === undefined || index.task(row) === task) &&
        (bit === 0 || (index.flags.get(row) & bit) !== 0) &&
        (done === undefined || index.wasDone(row, done)) &&
        (edits === undefined || this.#overlay?.is(row, edits) === true),
    );
    if (!text) return likely;
    const wanted = text.toLowerCase();
    const found: number[] = [];
    // Not through the cache: a search would wash out what is in sight.
    for await (const { number, row } of this.#parse([...likely])) {
      if (signal?.aborted) break;
      if (wordsOf(this.#edited(number, row)).toLowerCase().includes(wanted)) found.push(number);
    }
    return Uint32Array.from(found);
  }

  /** Those that can be read, as their files have them; one by one, so that none keeps the others from being found. */
  async *#readable(numbers: readonly number[]): AsyncGenerator<{ number: number; row: Row }> {
    for (const number of numbers)
      try {
        yield* this.#parse([number]);
      } catch (error) {
        if ((error as Partial<GroundworkError>).code !== 'dataset-changed') throw error;
      }
  }

  /** Rows of a part, also those that edits leave out. */
  #wholePart(split: Split): Uint32Array {
    return Uint32Array.from(this.#scanned.index.splits.flatMap((each, i) => (each === split ? [i] : [])));
  }

  #edited(number: number, row: Row): Row {
    return this.#overlay?.apply(number, row) ?? row;
  }

  async #read(numbers: readonly number[]): Promise<Row[]> {
    const rows = await this.#readFiles(numbers);
    return this.#overlay ? rows.map((row, i) => this.#edited(numbers[i]!, row)) : rows;
  }

  async #readFiles(numbers: readonly number[]): Promise<Row[]> {
    const rows = new Map<number, Row>();
    for (const number of numbers) {
      const known = this.#rows.get(number);
      if (known) rows.set(number, known);
    }
    const missing = [...new Set(numbers)].filter((number) => !rows.has(number));
    for await (const { number, row } of this.#parse(missing)) {
      rows.set(number, row);
      this.#rows.set(number, row);
    }
    return numbers.map((number) => rows.get(number)!);
  }

  /** Rows as their files have them; neighbours are read together. */
  async *#raws(numbers: readonly number[]): AsyncGenerator<{ number: number; raw: RawRow | null }> {
    const { index } = this.#scanned;
    for (let i = 0; i < numbers.length;) {
      const [first, table] = [index.place(numbers[i]!), this.#opened.tables[index.table(numbers[i]!)]!];
      let last = i;
      const follows = (k: number) =>
        this.#opened.tables[index.table(numbers[k]!)] === table &&
        index.place(numbers[k]!) - index.place(numbers[k - 1]!) >= 1 &&
        index.place(numbers[k]!) - first < TOGETHER;
      while (last + 1 < numbers.length && follows(last + 1)) last++;
      let place = first;
      for await (const row of table.read(first, index.place(numbers[last]!) + 1)) {
        // Between the rows that are wanted lie some that are not.
        if (i <= last && place === index.place(numbers[i]!))
          yield {
            number: numbers[i++]!,
            raw: rawOf(row, table.file, this.#options, this.#opened).raw,
          };
        place++;
      }
      while (i <= last) yield { number: numbers[i++]!, raw: null };
    }
  }

  async *#parse(numbers: readonly number[]): AsyncGenerator<{ number: number; row: Row }> {
    const { index, decisions } = this.#scanned;
    const { pictures, counting } = this.#opened;
    for await (const { number, raw } of this.#raws(numbers)) {
      const { row } =
        raw === null
          ? { row: null }
          : await interpretRow(searchRow(raw, pictures, counting), {
              layout: layoutFrom(decisions, raw.source.file),
              orderAssumed: false,
              conventionOf: conventionFrom(decisions, raw.source.file),
              factsOf: (path) => pictures.facts(path),
              counting,
              ...taughtOf(this.#options, raw.source.file),
            });
      if (!row) throw changed(index.ids.get(number));
      yield { number, row: { id: index.ids.get(number), split: index.splits[number]!, ...row } };
    }
  }
}

const changed = (id: string) =>
  new GroundworkError(
    'dataset-changed',
    `Row ${id} can no longer be read.`,
    'Its file has changed since the dataset was opened. Open the dataset again.',
  );

/** Conventions that were guessed and are now agreed to. */
function confirmed(scanned: Scanned, options: DatasetOptions): Scanned {
  const decisions = new Map(
    [...scanned.decisions].map(([key, decision]): [string, Decision] => [
      key,
      readingOf(options, fileOf(key), decision.way)
        ? { ...decision, reason: 'you said so', ambiguous: false, settled: true }
        : decision,
    ]),
  );
  return { ...scanned, decisions };
}

const SILENT: Progress = { tell: () => undefined };

/** Opens what was given. Bad content is in the report; throws `cancelled` only, never for what the files contain. */
export async function openDataset(
  name: string,
  sources: readonly Source[],
  options: DatasetOptions = {},
  progress: Progress = SILENT,
): Promise<Dataset> {
  const files = new FileSet();
  await files.add(sources, (found) => {
    checkAborted(progress);
    progress.tell('Listing files', found, 0);
  });
  const opened = await openShelf(name, files, options, progress);
  return new Dataset(opened, await scan(opened, options, opened.issues, progress), options);
}
