/** Answers what the page asks of projects, of what they stand on, and of room on disk. */
import type { Dataset } from '../../data/dataset.ts';
import type { LoadedModel } from '../../models/load.ts';
import { removeStoredDataset } from '../../store/dataset-files.ts';
import type { Storage } from '../../store/storage.ts';
import type { KeepRequest } from '../protocol/keep.ts';
import type { Handlers } from '../protocol/messages.ts';
import { datasetDigest, modelDigest } from './identity.ts';
import type { Projects } from './projects.ts';

export interface ProjectHost {
  readonly projects: Projects;
  readonly storage: Storage;
  /** The model that is loaded now. */
  loaded(): LoadedModel | null;
  /** Throws `dataset-missing`. */
  dataset(id: string): Dataset;
  /** Throws `run-active` and `rehearsal-active`. */
  refuseWhileRunning(what: string): void;
}

export function projectDesk({
  projects,
  storage,
  loaded,
  dataset,
  refuseWhileRunning,
}: ProjectHost): Handlers<KeepRequest> {
  return {
    projects: () => projects.list(),
    'save-project': ({ id, change }) => projects.save(id, change),
    'take-project': async ({ id }) => ({ owned: await projects.take(id) }),
    'duplicate-project': ({ id }) => projects.duplicate(id),
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
