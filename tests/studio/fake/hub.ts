/** A Hub that only pretends: two models are kept, and any other takes a few seconds to fetch. */
import { GroundworkError } from '../../../src/base/error.ts';
import type { EngineEvent, HubModel } from '../../../src/engine/protocol/index.ts';
import type { HubReplies, HubRequest } from '../../../src/engine/protocol/hub.ts';
import type { CachedModel } from '../../../src/engine/protocol/index.ts';

const GB = 1e9;
const kept = (id: string, bytes: number, totalBytes: number): CachedModel => ({
  key: `${encodeURIComponent(id)}/0123456789abcdef0123456789abcdef01234567`,
  id,
  revision: 'main',
  commit: '0123456789abcdef0123456789abcdef01234567',
  endpoint: 'https://huggingface.co',
  bytes,
  totalBytes,
  complete: bytes >= totalBytes,
});

export class FakeHub {
  readonly #emit: (event: EngineEvent) => void;
  #models = [
    kept('HuggingFaceTB/SmolVLM2-256M-Video-Instruct', 0.53 * GB, 0.53 * GB),
    kept('Qwen/Qwen3-VL-2B-Instruct', 1.9 * GB, 4.27 * GB),
  ];
  #stopped = false;

  constructor(emit: (event: EngineEvent) => void) {
    this.#emit = emit;
  }

  async answer(request: HubRequest): Promise<HubReplies[HubRequest['type']]> {
    if (request.type === 'hub-cancel') {
      this.#stopped = true;
      return null;
    }
    if (request.type === 'hub-delete') this.#models = this.#models.filter(({ key }) => key !== request.key);
    if (request.type === 'hub-load') return this.#fetch(request.id);
    if (request.type === 'hub-open') return this.#fetch(this.#models.find(({ key }) => key === request.key)!.id);
    return { models: this.#models, space: { used: 3.1 * GB, quota: 64 * GB } };
  }

  async #fetch(id: string): Promise<HubModel> {
    if (id.includes('gated'))
      throw new GroundworkError(
        'hub-gated',
        `${id} is gated: its owners ask who loads it.`,
        `Open https://huggingface.co/${id}, sign in and ask for access; then make a token that may read it and give it here.`,
      );
    this.#stopped = false;
    const total = 4.27 * GB;
    for (let done = 0.4 * GB; done < total; done += 0.11 * GB) {
      if (this.#stopped) throw new GroundworkError('cancelled', 'Loading was stopped.', 'What was downloaded is kept.');
      const file = done < total / 2 ? 'model-00001-of-00002.safetensors' : 'model-00002-of-00002.safetensors';
      const rate = 38e6;
      this.#emit({
        type: 'hub-progress',
        phase: 'fetching',
        file,
        done,
        total,
        bytesPerSecond: rate,
        etaSeconds: (total - done) / rate,
      });
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return { key: kept(id, 0, 0).key, id, commit: '', files: [] };
  }
}
