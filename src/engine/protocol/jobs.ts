/** What page and engine say to each other about a plan that leaves as a job for another engine. */
import type { EngineName } from '../../jobs/engines.ts';
import type { Json } from '../../models/fields.ts';
import type { Recipe } from '../../train/recipe.ts';

export type { EngineName } from '../../jobs/engines.ts';

/** A model that is only named: what its folder says of its kind and of pictures. */
export interface NamedModelFiles {
  /** Id on a Hub, or a folder. */
  readonly id: string;
  readonly config: Json;
  readonly preprocessor: Json | null;
  readonly processor: Json | null;
}

export interface JobChoice {
  readonly engine: EngineName;
  readonly dataset: string;
  readonly recipe: Recipe;
  /** null: the model that is loaded. */
  readonly model: NamedModelFiles | null;
}

/** A zip, streamed. Refuses before its first byte. */
export type JobRequest = { readonly type: 'job' } & JobChoice;

export interface JobReplies {
  job: { readonly fileName: string; readonly stream: ReadableStream<Uint8Array> };
}
