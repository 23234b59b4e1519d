/**
 * A project as one file: a zip with what was chosen, the edits, the answers, and every run with its log and its
 * checkpoints, byte for byte. Pictures are inside if that is wanted; else they are named, and asked for again.
 */
import { GroundworkError } from '../../base/error.ts';
import { isObject, parseJson, parseShallow, printed, writeJson } from '../../base/json.ts';
import { openZip, writeZip, type FileToZip, type ZipEntry } from '../../formats/zip.ts';
import type { FileStore } from '../../store/file-store.ts';
import type { LogPiece, StoredRecord } from '../../store/records.ts';
import type { Storage } from '../../store/storage.ts';
import { readRecipe } from '../../train/recipe-schema.ts';
import type { DatasetRef, SourceRef } from '../../data/dataset-ref.ts';
import { NO_LABEL, type ModelRef, type ProjectRecord, type RunLabel, type RunRecord } from '../protocol/records.ts';

const FORMAT = 'groundwork-project';
const VERSION = 1;

interface Head {
  readonly format: typeof FORMAT;
  readonly version: number;
  readonly project: Pick<ProjectRecord, 'name' | 'createdAt' | 'model' | 'dataset' | 'recipe'>;
  readonly runs: readonly string[];
  /** The dataset's files are inside. */
  readonly data: boolean;
}

/** A file of the dataset, by its path. */
export interface DataFile {
  readonly path: string;
  readonly open: () => Promise<Blob>;
}

/** Lists that a project keeps beside its runs. */
const LISTS = ['edits', 'answers'] as const;
const logOf = (list: (typeof LISTS)[number], project: string): string => `${list} of ${project}`;

const checkpointsOf = (run: string): string => `runs/${run}/`;

/** @param data the dataset's files, to go inside; null: they are only named */
export function writeProjectFile(
  storage: Storage,
  project: ProjectRecord,
  runs: readonly RunRecord[],
  data: AsyncIterable<DataFile> | null,
): ReadableStream<Uint8Array> {
  return writeZip(files(storage, project, runs, data));
}

async function* files(
  { records, files: store }: Storage,
  project: ProjectRecord,
  runs: readonly RunRecord[],
  data: AsyncIterable<DataFile> | null,
): AsyncGenerator<FileToZip> {
  const { name, createdAt, model, dataset, recipe } = project;
  const head: Head = {
    format: FORMAT,
    version: VERSION,
    project: { name, createdAt, recipe, model: model && portableModel(model), dataset: dataset && portable(dataset) },
    runs: runs.map(({ id }) => id),
    data: data !== null,
  };
  yield { path: 'project.json', data: writeJson(head) };
  for (const list of LISTS) yield { path: `${list}.json`, data: await entriesOf(records.log(logOf(list, project.id))) };
  const stored = await store.list();
  for (const { id, ...run } of runs) {
    yield { path: `runs/${id}/run.json`, data: writeJson({ id, ...run }) };
    const { id: _, ...label } = (await records.get<StoredRecord & RunLabel>('labels', id)) ?? { id, ...NO_LABEL };
    yield { path: `runs/${id}/label.json`, data: writeJson(label) };
    yield { path: `runs/${id}/log.json`, data: await entriesOf(records.log(id)) };
    for (const { path } of stored.filter((file) => file.path.startsWith(checkpointsOf(id)))) {
      const blob = await store.blob(path);
      if (blob) yield { path, data: blob };
    }
  }
  if (data) for await (const { path, open } of data) yield { path: `data/${path}`, data: await open() };
}

const entriesOf = async (log: Promise<readonly LogPiece[]>): Promise<string> =>
  writeJson((await log).flatMap(({ entries }) => entries));

/** What the browser lets a page open belongs to that browser. */
const portableModel = (model: ModelRef): ModelRef =>
  model.kind === 'folder'
    ? { kind: 'once', name: model.name, ...(model.storage && { storage: model.storage }) }
    : model;

const portable = (dataset: DatasetRef): DatasetRef => ({
  ...dataset,
  sources: dataset.sources.map((source): SourceRef =>
    source.kind === 'handle' ? { kind: 'once', path: source.path, bytes: 0, lastModified: 0 } : source,
  ),
});

export interface TakenProject {
  readonly project: ProjectRecord;
  /** Runs that had to be given other names, because theirs are taken here. */
  readonly renamed: number;
}

/**
 * Puts the project of a file beside those that are there. Nothing is left behind where that fails.
 * @param keepData copies the dataset's files into the browser and says where; asked only where they are inside
 * @throws GroundworkError `project-unreadable`, `zip-invalid`, `zip-entry-damaged`, `storage-full`
 */
export async function takeProjectFile(
  storage: Storage,
  file: Blob,
  keepData: (name: string, files: readonly { readonly path: string; readonly file: Blob }[]) => Promise<string>,
): Promise<TakenProject> {
  const { entries } = await openZip(file, 'The project file');
  const byPath = new Map(entries.map((entry) => [entry.path, entry]));
  const head = await readHead(byPath);
  const id = crypto.randomUUID();
  const { records } = storage;
  const undo: (() => Promise<unknown>)[] = [];
  try {
    const taken = new Set((await records.all('runs')).map((run) => run.id));
    let renamed = 0;
    for (const from of head.runs) {
      const to = taken.has(from) ? crypto.randomUUID().slice(0, 8) : from;
      if (to !== from) renamed++;
      undo.push(async () => {
        await records.remove('runs', to);
        await records.remove('labels', to);
        await storage.files.remove(`runs/${to}`);
      });
      await takeRun(storage, byPath, from, { to, project: id });
    }
    for (const list of LISTS) {
      const listed = await listOf(byPath, `${list}.json`);
      if (listed.length === 0) continue;
      undo.push(() => records.cut(logOf(list, id), 0));
      await records.append(logOf(list, id), { from: 0, entries: listed });
    }
    const { name, createdAt, model, recipe } = head.project;
    let { dataset } = head.project;
    if (head.data && dataset) {
      const inside = entries.filter(({ path }) => path.startsWith('data/'));
      const unpacked: { path: string; file: Blob }[] = [];
      for (const entry of inside) unpacked.push({ path: entry.path.slice('data/'.length), file: await entry.blob() });
      const location = await keepData(dataset.name, unpacked);
      const paths = new Set(unpacked.map(({ path }) => path));
      dataset = { ...dataset, sources: sourcesInside(dataset.sources, paths, location) };
    }
    const project = { id, name, named: true, createdAt, changedAt: Date.now(), model, dataset, recipe };
    await records.put('projects', project);
    return { project, renamed };
  } catch (error) {
    for (const step of undo.toReversed()) await step().catch(() => undefined);
    throw error;
  }
}

/**
 * Where the sources of a dataset are in the copy of all their files. One packed file alone is opened as what is in it,
 * and one in a folder under its name: it stays what it was. What was added is told apart from it where that matters.
 */
function sourcesInside(sources: readonly SourceRef[], paths: ReadonlySet<string>, location: string): SourceRef[] {
  const isSample = (source: SourceRef) => source.kind === 'sample';
  const first = sources.filter((source) => !source.added && !isSample(source));
  const added = sources.filter((source) => source.added);
  const place = (path: string, more: Pick<SourceRef, 'added'> = {}): SourceRef => ({
    kind: 'opfs',
    path,
    location,
    ...more,
  });
  const [only] = first;
  const packed = first.length === 1 && paths.has(only!.path) && !only!.path.includes('/');
  const apart = packed || sources.some(isSample);
  if (!apart || (packed && added.length === 0 && paths.size > 1)) return [place('')];
  return [
    ...sources.filter(isSample),
    ...(packed ? [place(only!.path)] : []),
    // Loose files of one addition are listed each; a folder is one.
    ...added.map(({ path, added: order }) => place(path, { added: order! })),
  ];
}

/** A copy of a run under another name, in another project: its record, its log, what is said of it, its checkpoints. */
export async function copyRun({ records, files: store }: Storage, run: RunRecord, project: string): Promise<void> {
  const to = crypto.randomUUID().slice(0, 8);
  const entries = (await records.log(run.id)).flatMap((piece) => piece.entries);
  if (entries.length > 0) await records.append(to, { from: 0, entries });
  const label = await records.get<StoredRecord & RunLabel>('labels', run.id);
  if (label) await records.put('labels', { ...label, id: to });
  for (const { path } of await store.list()) {
    if (!path.startsWith(checkpointsOf(run.id))) continue;
    const blob = await store.blob(path);
    if (blob) await copyInto(store, checkpointsOf(to) + path.slice(checkpointsOf(run.id).length), blob);
  }
  const copy: RunRecord = { ...run, id: to, project };
  await records.put('runs', copy);
}

async function takeRun(
  { records, files: store }: Storage,
  entries: ReadonlyMap<string, ZipEntry>,
  from: string,
  { to, project }: { readonly to: string; readonly project: string },
): Promise<void> {
  const run = readRun(await jsonOf(entries, `runs/${from}/run.json`), from);
  const log = await listOf(entries, `runs/${from}/log.json`);
  if (log.length > 0) await records.append(to, { from: 0, entries: log });
  const label = (await jsonOf(entries, `runs/${from}/label.json`)) as Partial<RunLabel> | null;
  if (label && JSON.stringify(label) !== JSON.stringify(NO_LABEL))
    await records.put('labels', { id: to, ...readLabel(label) } as StoredRecord);
  for (const [path, entry] of entries) {
    if (!path.startsWith(checkpointsOf(from))) continue;
    const rest = path.slice(checkpointsOf(from).length);
    if (/^checkpoints\/\d+\.(?:bin|json)$/.test(rest))
      await copyInto(store, checkpointsOf(to) + rest, await entry.blob());
  }
  const taken: RunRecord = { ...run, id: to, project };
  await records.put('runs', taken);
}

async function copyInto(store: FileStore, path: string, blob: Blob): Promise<void> {
  const writer = await store.open(path);
  try {
    let at = 0;
    const reader = blob.stream().getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      await writer.write(at, next.value);
      at += next.value.byteLength;
    }
    await writer.flush();
  } finally {
    await writer.close();
  }
}

const unreadable = (what: string) =>
  new GroundworkError(
    'project-unreadable',
    `This is no project file that can be read: ${what}.`,
    'Choose a file that Groundwork wrote for a project, whole and unchanged. Nothing was changed here.',
  );

async function jsonOf(entries: ReadonlyMap<string, ZipEntry>, path: string): Promise<unknown> {
  const entry = entries.get(path);
  if (!entry) throw unreadable(`${path} is missing`);
  const text = await (await entry.blob()).text();
  try {
    // Its depth is judged before numbers that JSON has no words for are put back.
    parseShallow(text);
    return parseJson(text);
  } catch {
    throw unreadable(`${path} is no JSON`);
  }
}

async function listOf(entries: ReadonlyMap<string, ZipEntry>, path: string): Promise<readonly unknown[]> {
  const value = await jsonOf(entries, path);
  if (!Array.isArray(value) || !value.every(isObject)) throw unreadable(`${path} is no list of entries`);
  return value;
}

const RUN_NAME = /^[\w-]{1,64}$/;

async function readHead(entries: ReadonlyMap<string, ZipEntry>): Promise<Head> {
  const head = await jsonOf(entries, 'project.json');
  if (!isObject(head) || head['format'] !== FORMAT) throw unreadable('project.json describes something else');
  if (head['version'] !== VERSION)
    throw unreadable(`it has version ${printed(head['version'])}, and this Groundwork reads version ${VERSION}`);
  const { project, runs } = head;
  if (!isObject(project) || typeof project['name'] !== 'string') throw unreadable('the project has no name');
  if (!Array.isArray(runs) || !runs.every((run) => typeof run === 'string' && RUN_NAME.test(run)))
    throw unreadable('its list of runs is damaged');
  const { dataset, model, recipe } = project;
  if (dataset !== null && !(isObject(dataset) && typeof dataset['name'] === 'string' && readSources(dataset)))
    throw unreadable('what it says of its dataset is damaged');
  if (model !== null && !(isObject(model) && ['starter', 'hub', 'once'].includes(printed(model['kind']))))
    throw unreadable('what it says of its model is damaged');
  if (recipe !== null && 'faults' in readRecipe(recipe, 'default')) throw unreadable('its recipe is damaged');
  return head as unknown as Head;
}

const readSources = ({ sources, options }: Record<string, unknown>): boolean =>
  Array.isArray(sources) &&
  isObject(options) &&
  sources.every(
    (source) =>
      isObject(source) &&
      typeof source['path'] === 'string' &&
      ['sample', 'once', 'opfs'].includes(String(source['kind'])) &&
      (source['kind'] !== 'opfs' || /^datasets\/[^/]+$/.test(String(source['location']))),
  );

const STATES: readonly unknown[] = ['running', 'paused', 'finished', 'stopped', 'failed'];

function readRun(value: unknown, id: string): RunRecord {
  const run = isObject(value) ? value : {};
  const { identity, keep } = run;
  const sound =
    run['id'] === id &&
    STATES.includes(run['state']) &&
    ['startedAt', 'changedAt', 'step', 'events', 'bytes'].every((key) => Number.isFinite(run[key])) &&
    ['modelName', 'datasetName', 'adapter'].every((key) => typeof run[key] === 'string') &&
    isObject(identity) &&
    typeof identity['model'] === 'string' &&
    typeof identity['dataset'] === 'string' &&
    isObject(keep) &&
    isObject(run['recipe']);
  if (!sound) throw unreadable(`the record of the run ${id} is damaged`);
  return run as unknown as RunRecord;
}

const readLabel = ({ name, notes, tags, pinned, archived, baseline }: Partial<RunLabel>): RunLabel => ({
  name: typeof name === 'string' ? name : '',
  notes: typeof notes === 'string' ? notes : '',
  tags: Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : [],
  pinned: pinned === true,
  archived: archived === true,
  ...(baseline === true && { baseline }),
});
