/** What the page says to the worker that fetches models from a Hub, and what it answers. It is never told anything else. */
import type { HubPhase } from '../../store/hub-download.ts';
import type { HubTrouble } from '../../store/hub-request.ts';
import type { CacheListing } from '../../store/model-cache.ts';
import type { NamedFile } from './words.ts';

export type { CachedModel, CacheListing } from '../../store/model-cache.ts';
export { DEFAULT_ENDPOINT, DEFAULT_REVISION } from '../../store/hub-address.ts';

export type HubRequest =
  /** Finds the model on the Hub and brings its files into the cache. `token` is used for this request only. */
  | {
      readonly type: 'hub-load';
      readonly id: string;
      readonly revision: string;
      readonly endpoint: string;
      readonly token: string | null;
    }
  /** A model of the cache; what is missing or damaged is fetched. */
  | { readonly type: 'hub-open'; readonly key: string; readonly token: string | null }
  /** Ends the fetching under way; what was fetched is kept. */
  | { readonly type: 'hub-cancel' }
  | { readonly type: 'hub-cached' }
  | { readonly type: 'hub-delete'; readonly key: string };

/** A model whose files are whole, for `load-model`. */
export interface HubModel {
  readonly key: string;
  readonly id: string;
  readonly commit: string;
  readonly files: readonly NamedFile[];
}

export interface HubReplies {
  'hub-load': HubModel;
  'hub-open': HubModel;
  'hub-cancel': null;
  'hub-cached': CacheListing;
  'hub-delete': CacheListing;
}

/** The Hub refused or is silent and is asked again; null: it answers again. */
export interface HubTroubleEvent {
  readonly type: 'hub-trouble';
  readonly trouble: HubTrouble | null;
}

export interface HubProgressEvent {
  readonly type: 'hub-progress';
  readonly phase: HubPhase;
  readonly file: string;
  /** Bytes of this phase. */
  readonly done: number;
  readonly total: number;
  /** By the last seconds; null until there is something to go by. */
  readonly bytesPerSecond: number | null;
  readonly etaSeconds: number | null;
}
