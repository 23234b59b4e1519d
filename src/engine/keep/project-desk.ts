/** Answers what the page asks of projects, of what they stand on, and of room on disk. */
import type { Dataset } from '../../data/dataset.ts';
import type { Source } from '../../data/file-set.ts';
import type { LoadedModel } from '../../models/load.ts';
import { copyIntoStore, placeFor, removeStoredDataset, sourceFiles } from '../../store/dataset-files.ts';
import type { Storage } from '../../store/storage.ts';
import type { KeepRequest } from '../protocol/keep.ts';
import type { Handlers } from '../protocol/messages.ts';
import { datasetDigest, modelDigest } from './identity.ts';
import { takeProjectFile } from './project-file.ts';
import type { Projects } from './projects.ts';

export interface ProjectHost {
  readonly projects: Projects;
  readonly storage: Storage;
  /** The model that is loaded now. */
  loaded(): LoadedModel | null;
  /** Throws `dataset-missing`. */
  dataset(id: string): Dataset;
  /** What the files of an open dataset come from. Throws `dataset-missing`. */
  sources(dataset: string): readonly Source[];
  /** Tells how far files were copied. */
  tell(what: string, done: number, total: number): void;
  /** Throws `run-active` and `rehearsal-active`. */
  refuseWhileRunning(what: string): void;
}

export function projectDesk({
  projects,
  storage,
  loaded,
  dataset,
  sources,
  tell,
  refuseWhileRunning,
}: ProjectHost): Handlers<KeepRequest> {
  return {
    projects: () => projects.list(),
    'save-project': ({ id, change }) => projects.save(id, change),
    'take-project': async ({ id }) => ({ owned: await projects.take(id) }),
    'duplicate-project': async ({ id, runs }) => {
      // The checkpoints of a run under way change while they are copied.
      if (runs) refuseWhileRunning('copy runs');
      return projects.duplicate(id, runs);
    },
    'project-file': async ({ id, dataset: open }) => {
      refuseWhileRunning('write a project to a file');
      return projects.write(id, open === null ? null : sourceFiles(sources(open)));
    },
    'take-project-file': ({ file }) =>
      takeProjectFile(storage, file, async (name, files) => {
        const location = placeFor(name);
        await copyIntoStore(location, files, { tell });
        return location;
      }),
    'delete-project': async ({ id }) => {
      await projects.remove(id);
      return null;
    },
    'label-run': ({ runId, label }) => projects.label(runId, label),
    'delete-copy': async ({ location }) => {
      refuseWhileRunning('delete the copy of a dataset');
      await projects.removeCopy(location, () => removeStoredDataset(location));
      return null;
    },
    identity: async (request) => {
      const model = loaded();
      return {
        model: model && (await modelDigest(model)),
        dataset: request.dataset === null ? null : await datasetDigest(dataset(request.dataset)),
      };
    },
    storage: async () => (await storage.files.space()) ?? { used: null, quota: null },
  };
}
