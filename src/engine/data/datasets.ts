/** The engine's desk for datasets: opens them, reads them anew, answers what the page asks of them. */
import { plural } from '../../base/counts.ts';
import { fileWords } from '../../base/file-name.ts';
import { GroundworkError } from '../../base/error.ts';
import { openDataset, type Dataset } from '../../data/dataset.ts';
import type { EditEntry } from '../../data/edits/edit-log.ts';
import type { Source } from '../../data/file-set.ts';
import type { Row } from '../../data/row.ts';
import { boxOf } from '../../data/reading.ts';
import { span, type RowList } from '../../data/row-list.ts';
import type { Progress } from '../../data/scan.ts';
import { clampBox01 } from '../../grounding/convert.ts';
import { shown } from '../../image/shrink.ts';
import { copyIntoStore, storeFolder, storedDatasets } from '../../store/dataset-files.ts';
import { ROW_FILE_FORMATS } from '../../data/row-file-formats.ts';
import { ROW_FILES } from '../../data/row-files.ts';
import { writtenRows } from '../../data/written-rows.ts';
import type {
  ComposedPreview,
  ConventionSample,
  ConventionTrial,
  DatasetReport,
  DatasetRequest,
} from '../protocol/dataset.ts';
import type { NamedFile } from '../protocol/words.ts';
import type { Handlers } from '../protocol/messages.ts';
import { EditDesk, textStream, type EditRequest } from './edit-desk.ts';
import { Thumbnails } from './thumbnails.ts';

export interface DatasetHost {
  tell(what: string, done: number, total: number): void;
  /** The files of the sample dataset. */
  fetchSample(baseUrl: string): Promise<readonly NamedFile[]>;
  /** The dataset that a run works on, which stays open. */
  inUse(): string | null;
  /** Edits that are kept with projects. */
  readonly edits: EditKeeper;
}

export interface EditKeeper {
  read(project: string): Promise<readonly EditEntry[]>;
  append(project: string, after: number, entries: readonly EditEntry[]): Promise<void>;
  /** Throws `project-busy`. */
  requireOwned(project: string): void;
}

/** Progress is told at most so often, in milliseconds. */
const TELL_EVERY = 100;

/** Datasets, and readings of one, that stay open: an index of a few megabytes each. */
const KEPT_OPEN = 4;

export class Datasets {
  readonly #host: DatasetHost;
  readonly #open = new Map<string, Dataset>();
  readonly #thumbnails = new Thumbnails();
  readonly #edits: EditDesk;
  readonly handlers: Handlers<DatasetRequest>;
  #work: AbortController | null = null;
  /** Of the open datasets, by the part of their ids that their files give. */
  readonly #sources = new Map<string, readonly Source[]>();
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(host: DatasetHost) {
    this.#host = host;
    this.#edits = new EditDesk(
      (id) => this.get(id),
      // It takes the place of the one before; what works on that one goes on with it.
      (dataset) => void this.#open.set(dataset.report.id, dataset),
      host.edits,
    );
    this.handlers = { ...this.#own, ...this.#edits.handlers };
  }

  /** What the files of an open dataset come from; none for the sample. */
  sources(id: string): readonly Source[] {
    return this.#sources.get(filesPart(this.get(id).report.id)) ?? [];
  }

  /** Settles when nothing is being opened or read. */
  async quiet(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
  }

  get(id: string): Dataset {
    const dataset = this.#open.get(id);
    if (!dataset) throw new GroundworkError('dataset-missing', 'This dataset is no longer open.', 'Open it again.');
    return dataset;
  }

  async row(dataset: string, id: string): Promise<Row> {
    const row = await this.get(dataset).row(id);
    if (!row)
      throw new GroundworkError(
        'row-missing',
        `There is no row ${id}.`,
        'The dataset may have changed. Open it again.',
      );
    return row;
  }

  /** Throws `dataset-unsettled` while the user has not said what only the user can know. */
  requireSettled(id: string): void {
    const { questions } = this.get(id).report;
    const [first] = questions;
    if (!first) return;
    if (first.kind === 'picture')
      throw new GroundworkError(
        'dataset-unsettled',
        `${plural(first.rows, 'row')} of ${first.file} ${first.rows === 1 ? 'does' : 'do'} not say in which picture the box lies.`,
        'Say it in the Data room. A box in the wrong picture trains a wrong model.',
      );
    if (first.kind === 'benchmark')
      throw new GroundworkError(
        'dataset-unsettled',
        `${plural(first.rows, 'row')} of ${first.file} could be ${first.title}’s, or your own.`,
        'Say it in the Data room. Until then they are held out. Training on a benchmark would make it worthless.',
      );
    throw new GroundworkError(
      'dataset-unsettled',
      first.kind === 'convention'
        ? `It is not certain how ${first.file} writes its boxes: ${first.words} is a guess.`
        : `${plural(first.rows, 'row')} of the dataset cannot be used.`,
      first.kind === 'convention'
        ? 'Look at the boxes in the Data room and confirm the reading. Wrong coordinates train a wrong model.'
        : 'Confirm in the Data room that they are skipped, or correct them and open the dataset again.',
    );
  }

  readonly #own: Handlers<Exclude<DatasetRequest, EditRequest>> = {
    'open-sample': ({ baseUrl, options, project }) =>
      this.#opened(async (progress) =>
        this.#edits.over(
          await openDataset('Sample dataset', await this.#host.fetchSample(baseUrl), options, progress),
          project,
        ),
      ),
    'open-dataset': ({ name, stored = [], baseUrl, onto, options, project, ...given }) =>
      this.#opened(async (progress) => {
        const before = onto === undefined ? null : this.get(onto).report;
        const sources = inOrder([
          ...(before ? this.sources(before.id) : []),
          ...sourcesOf(given),
          ...(await storedSources(stored)),
        ]);
        const sample = baseUrl === undefined ? [] : await this.#host.fetchSample(baseUrl);
        const opened = withRows(await openDataset(name, [...sample, ...sources], options, progress));
        if (before) requireMore(before, opened.report);
        this.#sources.set(filesPart(opened.report.id), sources);
        return this.#edits.over(opened, project);
      }),
    'reread-dataset': ({ dataset, options }) => this.#opened((progress) => this.get(dataset).reread(options, progress)),
    'cancel-dataset': async () => {
      this.#work?.abort();
      return null;
    },
    'copy-dataset': ({ location, ...given }) =>
      this.#working((progress) => copyIntoStore(location, sourcesOf(given), progress)),
    'copied-datasets': storedDatasets,
    rows: async ({ dataset, split, filter, offset, count }) => {
      const rows = await this.#rows(this.get(dataset), split, filter);
      return { total: rows.length, rows: await rows.read(span(rows, offset, offset + count)) };
    },
    row: ({ dataset, rowId }) => this.row(dataset, rowId),
    image: async ({ dataset, path }) => shown(await this.get(dataset).image(path)),
    thumbnail: async ({ dataset, path, height }) => this.#thumbnails.make(dataset, this.get(dataset), path, height),
    issues: async ({ dataset, offset, count, severity }) => this.get(dataset).log.page(offset, count, severity),
    'issues-file': async ({ dataset, as }) => {
      const { log, report } = this.get(dataset);
      return {
        fileName: `${fileWords(report.name)}-issues.${as}`,
        stream: textStream(log.write(as)),
      };
    },
    'compose-preview': (request) =>
      this.#working(({ signal }) =>
        composePreview(this.get(request.dataset), request, { tell: () => undefined, ...(signal && { signal }) }),
      ),
    'composed-file': async ({ dataset, split }) => {
      const open = this.get(dataset);
      if (!open.report.options.compose)
        throw new GroundworkError(
          'not-composed',
          'These rows are as their files have them.',
          'Compose rows of several pictures first.',
        );
      return {
        fileName: split === 'train' ? 'train.jsonl' : 'heldout.jsonl',
        stream: textStream(writtenRows(open.rows(split))),
      };
    },
    'rows-file': async ({ dataset, split, format }) => {
      const open = this.get(dataset);
      return {
        fileName: `${split}.${ROW_FILE_FORMATS[format].ending}`,
        stream: textStream(ROW_FILES[format](open.rows(split), open)),
      };
    },
    skipped: async ({ dataset }) => this.get(dataset).log.skipped(),
    health: async ({ dataset }) => this.get(dataset).health,
    'check-pictures': async ({ dataset }) => {
      await this.#working((progress) => this.get(dataset).checkPictures(progress));
      return null;
    },
    'compare-looks': async ({ dataset }) => {
      await this.#working((progress) => this.get(dataset).compareLooks(progress));
      return null;
    },
    'try-convention': (request) => tryConvention(this.get(request.dataset), request),
  };

  #rows(dataset: Dataset, split: Row['split'], filter: Parameters<Dataset['select']>[1] | undefined): Promise<RowList> {
    const all = !filter || Object.values(filter).every((value) => value === undefined || value === '');
    return all ? Promise.resolve(dataset.rows(split)) : dataset.select(split, filter);
  }

  async #opened(open: (progress: Progress) => Promise<Dataset>): Promise<DatasetReport> {
    const dataset = await this.#working(open);
    this.#open.delete(dataset.report.id);
    this.#open.set(dataset.report.id, dataset);
    const inUse = this.#host.inUse();
    for (const id of this.#open.keys()) {
      if (this.#open.size <= KEPT_OPEN) break;
      if (id !== inUse) this.#open.delete(id);
    }
    const parts = new Set([...this.#open.keys()].map(filesPart));
    for (const part of this.#sources.keys()) if (!parts.has(part)) this.#sources.delete(part);
    this.#thumbnails.clear();
    return dataset.report;
  }

  /** One piece of work at a time: a new one ends the one before. */
  #working<T>(work: (progress: Progress) => Promise<T>): Promise<T> {
    const done = this.#one(work);
    this.#underWay.add(done);
    const end = () => void this.#underWay.delete(done);
    done.then(end, end);
    return done;
  }

  async #one<T>(work: (progress: Progress) => Promise<T>): Promise<T> {
    this.#work?.abort();
    const controller = (this.#work = new AbortController());
    let told = 0;
    try {
      return await work({
        signal: controller.signal,
        tell: (what, done, total) => {
          const now = performance.now();
          if (now - told < TELL_EVERY && done !== total) return;
          told = now;
          this.#host.tell(what, done, total);
        },
      });
    } finally {
      if (this.#work === controller) this.#work = null;
    }
  }
}

/** Of a dataset's id what its files give, whatever was answered about them. */
const filesPart = (id: string): string => id.split('-', 1)[0]!;

const sourcesOf = ({
  files,
  handles = [],
}: Pick<Extract<DatasetRequest, { type: 'copy-dataset' }>, 'files' | 'handles'>): Source[] => [...files, ...handles];

/** As they were added, whichever way the browser has opened them. */
const inOrder = (sources: readonly Source[]): Source[] => sources.toSorted((a, b) => (a.added ?? 0) - (b.added ?? 0));

/** Throws `no-rows` where what was added holds neither rows nor pictures. */
function requireMore(before: DatasetReport, { name, train, heldout, leftOut, images }: DatasetReport): void {
  const rows = (report: Pick<DatasetReport, 'train' | 'heldout' | 'leftOut'>) =>
    report.train + report.heldout + report.leftOut;
  if (rows({ train, heldout, leftOut }) > rows(before) || images > before.images) return;
  throw new GroundworkError(
    'no-rows',
    `Nothing of what you added to ${before.name} can be used: ${name} has no row and no picture more.`,
    'Drop rows in a format that the Data room names, with their pictures. The dataset is open as it was.',
  );
}

/** Throws `no-rows` for what holds no rows at all, usable or not: it takes no dataset's place. */
function withRows(dataset: Dataset): Dataset {
  const { name, train, heldout, leftOut } = dataset.report;
  if (train + heldout + leftOut > 0) return dataset;
  const [first] = dataset.log.page(0, 1);
  const reason = first?.reason.replace(`${name}: `, '').replace(/\.$/, '') ?? 'there are no rows';
  throw new GroundworkError(
    'no-rows',
    `Nothing in ${name} can be used: ${reason}.`,
    first?.fix ?? 'Drop JSON, JSONL, CSV or Parquet rows together with their pictures, as a folder or in a zip.',
  );
}

async function storedSources(stored: readonly { path: string; location: string; added?: number }[]): Promise<Source[]> {
  const sources: Source[] = [];
  for (const { path, location, ...order } of stored) {
    const folder = await storeFolder(location, false);
    // A path names the one file or folder of the copy that is opened, without what is around it.
    sources.push({ path, handle: path === '' ? folder : await inside(folder, path), ...order });
  }
  return sources;
}

/** Throws `NotFoundError`. */
async function inside(
  folder: FileSystemDirectoryHandle,
  path: string,
): Promise<FileSystemFileHandle | FileSystemDirectoryHandle> {
  const parts = path.split('/');
  const name = parts.pop()!;
  let at = folder;
  for (const part of parts) at = await at.getDirectoryHandle(part);
  try {
    return await at.getFileHandle(name);
  } catch (error) {
    if ((error as { name?: unknown }).name !== 'TypeMismatchError') throw error;
    return at.getDirectoryHandle(name);
  }
}

/** Rows of both parts, the first ones of each. */
async function composePreview(
  dataset: Dataset,
  { compose, count }: Extract<DatasetRequest, { type: 'compose-preview' }>,
  progress: Progress,
): Promise<ComposedPreview> {
  const composed = await dataset.reread({ ...dataset.report.options, compose }, progress);
  const { train, heldout, issues } = composed.report;
  const few = async (split: Row['split'], n: number) => composed.rows(split).read(span(composed.rows(split), 0, n));
  const held = await few('heldout', Math.floor(count / 4));
  return { train, heldout, rows: [...(await few('train', count - held.length)), ...held], issues: issues.slice(0, 5) };
}

/** Some rows of a file with their boxes as a convention has them. */
async function tryConvention(
  dataset: Dataset,
  { file, way, convention, count }: Extract<DatasetRequest, { type: 'try-convention' }>,
): Promise<ConventionTrial> {
  const samples: ConventionSample[] = [];
  for (const row of await dataset.samplesOf(file, way, count)) {
    const loose = (await dataset.loose(row)).filter((box) => box.way === way);
    samples.push({
      rowId: row.id,
      images: row.images,
      numbers: loose.map(({ numbers }) => numbers),
      boxes: loose.flatMap(({ numbers, image, picture }) => {
        const box = boxOf(numbers, convention, picture);
        return box ? [{ image, box: clampBox01(box) }] : [];
      }),
    });
  }
  return { samples, fits: dataset.fits(file, way, convention) };
}
