/** Which weights answer, as a digest: the model's files and everything learnt on top, wherever it came from. */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { LoadedModel } from '../../models/load.ts';
import type { MergedAdapter, Policy } from '../../train/policy.ts';
import { modelDigest } from '../keep/identity.ts';

export class WeightsDigests {
  readonly #base: Promise<string>;
  readonly #adapters = new WeakMap<MergedAdapter, string>();
  readonly #policies = new WeakMap<Policy, { readonly version: number; readonly digest: string }>();

  constructor(loaded: LoadedModel) {
    this.#base = modelDigest(loaded);
  }

  base(): Promise<string> {
    return this.#base;
  }

  /** Of adapters on the base, in the order in which they are laid. */
  async stack(adapters: readonly MergedAdapter[]): Promise<string> {
    return [await this.#base, ...adapters.map((adapter) => this.#of(adapter))].join(' ');
  }

  /** Of a policy that is not training; what it has learnt is read back once. */
  async policy(policy: Policy): Promise<string> {
    if (!policy.changed) return this.#base;
    const known = this.#policies.get(policy);
    if (known?.version === policy.version) return known.digest;
    const { version } = policy;
    const digest = await this.stack(await policy.learnt());
    this.#policies.set(policy, { version, digest });
    return digest;
  }

  #of(adapter: MergedAdapter): string {
    const known = this.#adapters.get(adapter);
    if (known !== undefined) return known;
    const hash = sha256.create();
    for (const target of adapter.targets) {
      const { a, b } = adapter.matrices.get(target.module)!;
      const magnitudes = adapter.magnitudes?.get(target.module) ?? new Float32Array();
      hash.update(new TextEncoder().encode(`${target.module} ${target.scaling} ${magnitudes.length}`));
      for (const { buffer, byteOffset, byteLength } of [a, b, magnitudes])
        hash.update(new Uint8Array(buffer, byteOffset, byteLength));
    }
    const digest = bytesToHex(hash.digest());
    this.#adapters.set(adapter, digest);
    return digest;
  }
}
