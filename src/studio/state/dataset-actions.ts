/** Opening datasets: from where they lie, or copied into the browser first; and reading one anew. */
import { beside } from '../../base/beside.ts';
import type { EngineClient } from '../../engine/client.ts';
import type {
  DatasetOptions,
  DatasetRef,
  DatasetReport,
  NamedFile,
  NamedHandle,
  SourceRef,
} from '../../engine/protocol/index.ts';

/** What a person dropped or picked. */
export interface Intake {
  readonly name: string;
  readonly files: readonly NamedFile[];
  /** Files and folders that the browser lets us read in place, also in a later visit. */
  readonly handles: readonly NamedHandle[];
  /** Paths of files are those inside a folder of this name. */
  readonly folder?: true;
}

/** Where the bytes stay: on the user's disk, or in the browser's own storage. */
export type Keeping = 'in-place' | 'copy';

export interface OpenedDataset {
  readonly dataset: DatasetReport;
  readonly sources: readonly SourceRef[];
}

const sourcesOf = ({ files, handles }: Intake): SourceRef[] => [
  ...handles.map(({ path, handle }): SourceRef => ({ kind: 'handle', path, handle })),
  ...files.map(({ path, file }): SourceRef => ({
    kind: 'once',
    path,
    bytes: file.size,
    lastModified: file instanceof File ? file.lastModified : 0,
  })),
];

/** A new folder of the browser's storage for a dataset of this name. */
const placeFor = (name: string): string =>
  `datasets/${name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40)}-${Date.now().toString(36)}`;

/** @param project whose edits are laid over the rows */
export async function openIntake(
  client: EngineClient,
  intake: Intake,
  keeping: Keeping,
  project: string | null,
): Promise<OpenedDataset> {
  const { name, files, handles } = intake;
  if (keeping === 'in-place')
    return {
      dataset: await client.request({ type: 'open-dataset', name, files, handles, project }),
      sources: sourcesOf(intake),
    };
  const location = placeFor(name);
  await client.request({ type: 'copy-dataset', location, files, handles });
  const stored = [{ path: '', location }];
  try {
    const dataset = await client.request({ type: 'open-dataset', name, files: [], stored, project });
    return { dataset, sources: [{ kind: 'opfs', path: '', location }] };
  } catch (error) {
    await client.request({ type: 'delete-copy', location });
    throw error;
  }
}

/** What is added, at paths that leave those of `sources` as they are. */
export function besides({ name, files, handles, folder }: Intake, sources: readonly SourceRef[]): Intake {
  const inFolder = folder === true || handles.some(({ path }) => path === '');
  const there = sources.map(({ path }) => path);
  return {
    name,
    files: beside(name, files, inFolder, there),
    handles: beside(name, handles, inFolder, there),
  };
}

/** Between the names of datasets that are open as one. */
const AND = ' + ';

/** The datasets that one of this name is made of. */
export const partsOf = (name: string): readonly string[] => name.split(AND);

/**
 * Adds a dataset to the one that is open. Its files come under paths of their own, so rows and pictures of the first
 * keep theirs, and with them edits, readings and shares. Rows to be skipped are asked about anew.
 * @param baseUrl where the sample is, if it is a part
 */
export async function addIntake(
  client: EngineClient,
  intake: Intake,
  keeping: Keeping,
  project: string | null,
  open: OpenedDataset,
  baseUrl: string,
): Promise<OpenedDataset> {
  const order = { added: 1 + Math.max(0, ...open.sources.map(({ added = 0 }) => added)) };
  const more = besides(intake, open.sources);
  const { skipped: _, ...options } = open.dataset.options;
  const request = {
    type: 'open-dataset',
    name: `${open.dataset.name}${AND}${intake.name}`,
    onto: open.dataset.id,
    options,
    project,
    ...(open.sources.some(({ kind }) => kind === 'sample') && { baseUrl }),
  } as const;
  if (keeping === 'in-place') {
    const files = more.files.map((file) => ({ ...file, ...order }));
    const handles = more.handles.map((handle) => ({ ...handle, ...order }));
    return {
      dataset: await client.request({ ...request, files, handles }),
      sources: [...open.sources, ...sourcesOf(more).map((source) => ({ ...source, ...order }))],
    };
  }
  const location = placeFor(intake.name);
  await client.request({ type: 'copy-dataset', location, files: more.files, handles: more.handles });
  try {
    const stored = [{ path: '', location, ...order }];
    return {
      dataset: await client.request({ ...request, files: [], stored }),
      sources: [...open.sources, { kind: 'opfs', path: '', location, ...order }],
    };
  } catch (error) {
    await client.request({ type: 'delete-copy', location });
    throw error;
  }
}

export async function openSample(
  client: EngineClient,
  baseUrl: string,
  project: string | null,
  options?: DatasetOptions,
): Promise<OpenedDataset> {
  const request = { type: 'open-sample', baseUrl, project } as const;
  return {
    dataset: await client.request(options ? { ...request, options } : request),
    sources: [{ kind: 'sample', path: '' }],
  };
}

/** What to remember of an open dataset. */
export const refOf = (dataset: DatasetReport, sources: readonly SourceRef[]): DatasetRef => ({
  version: 1,
  name: dataset.name,
  sources,
  options: dataset.options,
  fingerprint: dataset.id,
});
