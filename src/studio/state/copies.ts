/** Copies of datasets in the browser's own storage: what they take, who reads them, and the way to be rid of them. */
import { createStore, type StoreApi } from 'zustand/vanilla';
import { sequence } from '../../base/sequence.ts';
import type { EngineClient } from '../../engine/client.ts';
import type { DatasetRef, ProjectView, StoredDataset } from '../../engine/protocol/index.ts';
import type { Keeping } from './kept.ts';
import { busyWork } from './busy-work.ts';
import { problemOf } from '../problem.ts';
import type { Project } from './project.ts';

export interface Copies {
  /** The last one made first; null until they were listed. */
  readonly list: readonly StoredDataset[] | null;
  readonly busy: boolean;
  refresh(): Promise<void>;
  /** Opens a copy as the dataset. False: it was not opened. */
  open(location: string): Promise<boolean>;
  /** A dataset that is open from it is closed. */
  remove(location: string): Promise<void>;
}

const reads = ({ sources }: Pick<DatasetRef, 'sources'>, location: string): boolean =>
  sources.some((source) => source.kind === 'opfs' && source.location === location);

/** Projects whose dataset is this copy. */
export const readersOf = (location: string, projects: readonly ProjectView[] | null): ProjectView[] =>
  (projects ?? []).filter(({ dataset }) => dataset && reads(dataset, location));

/** How a copy is opened: as the project that reads it does, else as its files suggest. */
export function copyRef(location: string, projects: readonly ProjectView[] | null): DatasetRef {
  const known = readersOf(location, projects)[0]?.dataset;
  const sources = [{ kind: 'opfs', path: '', location }] as const;
  return known ?? { version: 1, name: copyName(location), sources, options: {}, fingerprint: '' };
}

/** `datasets/my-set-zip-m4k2x9`: what was dropped, and when. */
const copyName = (location: string): string => location.replace(/^.*\//, '').replace(/-[a-z0-9]+$/, '');

export function createCopies(
  client: EngineClient,
  project: StoreApi<Project>,
  keeping: StoreApi<Keeping>,
): StoreApi<Copies> {
  return createStore<Copies>()((set) => {
    const oneByOne = sequence();
    const read = () => oneByOne(async () => set({ list: await client.request({ type: 'copied-datasets' }) }));
    const guarded = busyWork({
      busy: (busy) => set({ busy }),
      failed: (error) => project.getState().report(problemOf(error)),
    });
    return {
      list: null,
      busy: false,
      refresh: () => guarded(read),
      async open(location) {
        const ref = copyRef(location, keeping.getState().projects);
        if (!(await keeping.getState().makeRoom(ref.name, 'copy'))) return false;
        // After a reload the project may just be opening this very copy.
        return project.getState().reopenDataset(ref, () => {
          const { dataset, sources } = project.getState();
          return dataset !== null && reads({ sources }, location);
        });
      },
      remove: (location) =>
        guarded(async () => {
          await client.request({ type: 'delete-copy', location });
          if (reads(project.getState(), location)) {
            project.setState({ dataset: null, sources: [] });
            keeping.setState(({ needs }) => ({ needs: { ...needs, dataset: 'copy-deleted' } }));
          }
          await Promise.all([read(), keeping.getState().refresh()]);
        }),
    };
  });
}
