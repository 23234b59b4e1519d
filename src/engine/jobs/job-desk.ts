/** Writes a plan, with its rows and pictures, as a job for another engine. */
import { fileWords } from '../../base/file-name.ts';
import type { Dataset } from '../../data/dataset.ts';
import { writeZip } from '../../formats/zip.ts';
import { CONVENTIONS } from '../../grounding/convention.ts';
import { ENGINES } from '../../jobs/engines.ts';
import { jobFiles, type JobModel } from '../../jobs/job.ts';
import { parseArchitecture } from '../../models/load.ts';
import { pictureFile } from '../../models/picture-file.ts';
import type { OutputFile } from '../../train/checkpoint-folder.ts';
import type { ModelHolder } from '../model/model-holder.ts';
import type { JobChoice, JobRequest } from '../protocol/jobs.ts';
import type { Handlers } from '../protocol/messages.ts';

export interface JobHost {
  readonly holder: Pick<ModelHolder, 'require'>;
  dataset(id: string): Dataset;
  /** Throws `dataset-unsettled`. */
  requireSettled(id: string): void;
}

export class JobDesk {
  readonly #host: JobHost;

  constructor(host: JobHost) {
    this.#host = host;
  }

  readonly handlers: Handlers<JobRequest> = {
    job: async (choice) => ({
      fileName: `${fileWords(choice.recipe.name)}-${choice.engine}.zip`,
      stream: writeZip((await this.files(choice)) as Parameters<typeof writeZip>[0]),
    }),
  };

  /** The files, each made when it is read. Throws `job-unable`, `dataset-unsettled`, `model-missing`. */
  async files({ engine, dataset: id, recipe, model }: JobChoice): Promise<OutputFile[]> {
    const dataset = this.#host.dataset(id);
    this.#host.requireSettled(id);
    return jobFiles(ENGINES[engine], {
      recipe,
      train: dataset.rows('train'),
      heldout: dataset.rows('heldout'),
      sizeOf: (picture) => dataset.naturalSize(picture),
      picture: (path) => dataset.image(path),
      model: model === null ? this.#loaded() : named(model),
      dataset: dataset.report.id,
    });
  }

  #loaded(): JobModel {
    const { name, processor } = this.#host.holder.require();
    return { id: name, convention: processor.convention, sizes: processor };
  }
}

function named({ id, config, preprocessor, processor }: NonNullable<JobChoice['model']>): JobModel {
  const architecture = parseArchitecture(config);
  return {
    id,
    convention: CONVENTIONS[architecture.modelType as keyof typeof CONVENTIONS] ?? CONVENTIONS.smolvlm,
    sizes: architecture.pictureSizes(pictureFile(preprocessor, processor)),
  };
}
