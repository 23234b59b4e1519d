/** Opening datasets: from where they lie, or copied into the browser first; and reading one anew. */
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
