/** Answers requests about a Hub and the models kept from it, one loading at a time. Knows nothing of data or training. */
import { GroundworkError } from '../../base/error.ts';
import type { FileStore } from '../../store/file-store.ts';
import { hubAddress, type HubAddress } from '../../store/hub-address.ts';
import {
  addressOf,
  completeModel,
  findModel,
  type DownloadOptions,
  type DownloadProgress,
} from '../../store/hub-download.ts';
import { HubRequests, type HubOptions, type HubTrouble } from '../../store/hub-request.ts';
import { ModelCache, modelKey } from '../../store/model-cache.ts';
import type { HubModel, HubProgressEvent, HubRequest, HubTroubleEvent } from '../protocol/hub.ts';
import { answer, type Typed } from '../protocol/answer.ts';
import type { Handlers, Replies } from '../protocol/messages.ts';
import { Rate } from './rate.ts';

export interface HubHost {
  readonly files: FileStore;
  emit(event: HubProgressEvent | HubTroubleEvent | { readonly type: 'notice'; readonly message: string }): void;
  /** For tests: other ways to fetch and to wait, and smaller parts. */
  readonly options?: Partial<Omit<HubOptions, 'token'>> & { readonly partBytes?: number };
}

/** Between two reports of progress. */
const REPORT_MS = 200;

export class HubSession {
  readonly #host: HubHost;
  readonly #cache: ModelCache;
  #underWay: AbortController | null = null;

  constructor(host: HubHost) {
    this.#host = host;
    this.#cache = new ModelCache(host.files);
  }

  async handle<T extends HubRequest['type']>(request: Typed<T>): Promise<Replies[T]> {
    return answer<T>(this.#handlers, request.type, request);
  }

  readonly #handlers: Handlers<HubRequest> = {
    'hub-load': async ({ token, ...where }) => {
      const requests = this.#requests(hubAddress(where), token);
      return this.#alone(async (options) => {
        const manifest = await findModel(this.#cache, requests, options);
        return named(await completeModel(this.#cache, manifest, requests, options));
      });
    },
    'hub-open': async ({ key, token }) => {
      const manifest = await this.#cache.manifest(key);
      if (!manifest)
        throw new GroundworkError(
          'cache-manifest',
          'The record of this downloaded model is damaged or missing.',
          'Load the model by its id: the files that are there are used again. Or delete it.',
        );
      const requests = this.#requests(addressOf(manifest), token);
      return this.#alone(async (options) => named(await completeModel(this.#cache, manifest, requests, options)));
    },
    'hub-cancel': async () => {
      this.#underWay?.abort(
        new GroundworkError(
          'cancelled',
          'Loading was stopped.',
          'What was downloaded is kept. Load the model again, and the download resumes.',
        ),
      );
      return null;
    },
    'hub-cached': () => this.#cache.list(),
    'hub-delete': async ({ key }) => {
      if (this.#underWay)
        throw new GroundworkError(
          'hub-busy',
          'A model is being loaded.',
          'Stop the loading first, then delete the model.',
        );
      await this.#cache.remove(key);
      return this.#cache.list();
    },
  };

  #requests(address: HubAddress, token: string | null): HubRequests {
    const onTrouble = (trouble: HubTrouble | null) => this.#host.emit({ type: 'hub-trouble', trouble });
    return new HubRequests(address, { ...this.#host.options, token, onTrouble });
  }

  async #alone<T>(work: (options: DownloadOptions) => Promise<T>): Promise<T> {
    if (this.#underWay)
      throw new GroundworkError('hub-busy', 'Another model is being loaded.', 'Wait for it, or stop it first.');
    const underWay = new AbortController();
    this.#underWay = underWay;
    const { partBytes } = this.#host.options ?? {};
    try {
      return await work({
        signal: underWay.signal,
        onProgress: this.#reporter(),
        onNotice: (message) => this.#host.emit({ type: 'notice', message }),
        ...(partBytes !== undefined && { partBytes }),
      });
    } finally {
      this.#underWay = null;
    }
  }

  #reporter(): (progress: DownloadProgress) => void {
    let phase = '';
    let rate = new Rate();
    let last = -Infinity;
    return (progress) => {
      const now = performance.now();
      if (progress.phase !== phase) [phase, rate, last] = [progress.phase, new Rate(), -Infinity];
      else if (now - last < REPORT_MS && progress.done < progress.total) return;
      last = now;
      const bytesPerSecond = rate.add(progress.done, now);
      const etaSeconds = bytesPerSecond ? (progress.total - progress.done) / bytesPerSecond : null;
      this.#host.emit({ type: 'hub-progress', ...progress, bytesPerSecond, etaSeconds });
    };
  }
}

const named = ({ manifest, files }: Awaited<ReturnType<typeof completeModel>>): HubModel => ({
  key: modelKey(manifest.id, manifest.commit),
  id: manifest.id,
  commit: manifest.commit,
  files: files.map(({ path, blob }) => ({ path, file: blob })),
});
