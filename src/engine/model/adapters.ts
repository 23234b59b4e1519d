/**
 * Adapters of a loaded model by name. Their numbers are held on the host; on the GPU are only those in use: the stack,
 * from the bottom up, each folded into the weights except the top, which stays an adapter.
 */
import { GroundworkError } from '../../base/error.ts';
import { blobSource } from '../../formats/byte-source.ts';
import { openSafetensors } from '../../formats/safetensors.ts';
import { weightKey, type LoadedModel } from '../../models/load.ts';
import { readAdapter, type ImportedAdapter } from '../../train/import.ts';
import { combineAdapters } from '../../train/merging/combinations.ts';
import { adapterLikeness, leastLike } from '../../train/merging/likeness.ts';
import { Policy, type MergedAdapter } from '../../train/policy.ts';
import type { AdapterReport, AdaptersReport, AdaptersRequest, MergeReport } from '../protocol/adapters.ts';
import type { NamedFile } from '../protocol/words.ts';
import { adapterFilesOf, notesOnPassedBy } from './adapter-files.ts';

interface Kept {
  readonly report: AdapterReport;
  readonly adapter: MergedAdapter;
}

/** Keys told of those that found no module. */
const UNMATCHED_SHOWN = 8;
/** Modules told of those in which a merge is least like its parts. */
const ODDEST_SHOWN = 5;

export class Adapters {
  readonly #loaded: LoadedModel;
  #kept = new Map<string, Kept>();
  #stack: readonly string[] = [];
  #continueTop = false;
  #tuned: 'run' | 'stack' = 'run';
  #policy: Policy | null = null;
  #next = 1;

  /** @param before those of the same model in a device that is gone: they are taken over */
  constructor(loaded: LoadedModel, before?: Adapters) {
    this.#loaded = loaded;
    if (!before) return;
    this.#kept = new Map(before.#kept);
    this.#stack = before.#stack;
    this.#continueTop = before.#continueTop;
    this.#tuned = before.#tuned;
    this.#next = before.#next;
  }

  get report(): AdaptersReport {
    return {
      adapters: [...this.#kept.values()].map(({ report }) => report),
      stack: this.#stack,
      continueTop: this.#continueTop,
      tuned: this.#tuned,
    };
  }

  /** @throws GroundworkError `adapter-incomplete` and what `readAdapter` and `openSafetensors` throw; nothing is kept then */
  async import(name: string, given: readonly NamedFile[]): Promise<void> {
    const { config, weights, passedBy } = await adapterFilesOf(given);
    const tensors = await openSafetensors(blobSource(weights), 'adapter_model.safetensors');
    const adapter = await readAdapter(this.#loaded.model.linears, await config.text(), tensors, {
      checkpoint: this.#loaded.checkpoint,
      keyOf: (module) => weightKey(this.#loaded, module),
    });
    this.#add(name, 'imported', adapter, { ...adapter, notes: [...notesOnPassedBy(passedBy), ...adapter.notes] });
  }

  keep(name: string, adapter: MergedAdapter): void {
    this.#add(name, 'trained', adapter);
  }

  /** @throws GroundworkError `adapter-unknown`, `adapter-partial`, and what `combineAdapters` throws; nothing is kept then */
  merge({ name, parts, kind, density, rank }: Extract<AdaptersRequest, { type: 'adapter-merge' }>): void {
    const kept = parts.map(({ id }) => this.#find(id));
    refusePartial(kept, 'it is not merged');
    const adapters = kept.map(({ adapter }) => adapter);
    const weights = parts.map(({ weight }) => weight);
    const result = combineAdapters(adapters, { kind, weights, density, ...(rank !== null && { rank }) });
    const likeness = adapterLikeness(adapters, result);
    this.#add(name, 'merged', result, undefined, {
      kind,
      norm: likeness.norm,
      parts: likeness.parts.map((part, i) => ({ ...part, name: kept[i]!.report.name, weight: weights[i]! })),
      oddest: leastLike(likeness, ODDEST_SHOWN),
    });
  }

  /** The adapter of an id. @throws GroundworkError `adapter-unknown` */
  adapter(id: string): MergedAdapter {
    return this.#find(id).adapter;
  }

  remove(id: string): void {
    this.#find(id);
    this.#kept.delete(id);
    if (this.#stack.includes(id))
      this.stack(
        this.#stack.filter((other) => other !== id),
        this.#continueTop,
      );
  }

  /** @throws GroundworkError `adapter-unknown`, `adapter-unsupported`; the stack then stays as it was */
  stack(ids: readonly string[], continueTop: boolean): void {
    checkStack(
      ids.map((id) => this.#find(id)),
      continueTop,
    );
    this.#stack = [...new Set(ids)];
    this.#continueTop = continueTop && ids.length > 0;
    this.#tuned = 'stack';
    this.#dropPolicy();
  }

  /** Adapters whose numbers are about to leave as files. @throws GroundworkError `adapter-partial` for one that was read in part */
  leaving(adapters: readonly MergedAdapter[]): void {
    const kept = [...this.#kept.values()].filter(({ adapter }) => adapters.includes(adapter));
    refusePartial(kept, 'nothing is exported from it');
  }

  /** What the stack has, from the bottom; null while the tuned policy is the run's. */
  get inUse(): readonly MergedAdapter[] | null {
    return this.#tuned === 'stack' ? this.#stacked : null;
  }

  get #stacked(): MergedAdapter[] {
    return this.#stack.map((id) => this.#find(id).adapter);
  }

  /** The policy of the stack, made when first asked for; null while the tuned policy is the run's. */
  async policy(): Promise<Policy | null> {
    const adapters = this.inUse;
    if (!adapters) return null;
    if (!this.#policy) {
      const policy = new Policy(this.#loaded.model);
      try {
        await this.#build(policy, adapters, true);
      } catch (error) {
        policy.destroy();
        throw error;
      }
      this.#policy = policy;
    }
    return this.#policy;
  }

  /** The tuned policy is the run's from now on. */
  leaveToRun(): void {
    this.#tuned = 'run';
    this.#dropPolicy();
  }

  /** Lays the stack into a fresh policy, for a run to stand on. @throws GroundworkError `adapter-unsupported` for DoRA */
  async lay(policy: Policy): Promise<void> {
    const dora = this.#stack.map((id) => this.#find(id)).find(({ adapter }) => adapter.magnitudes);
    if (dora)
      throw new GroundworkError(
        'adapter-unsupported',
        `“${dora.report.name}” is a DoRA adapter, and a run cannot start on one.`,
        'Export it as merged weights (Export room), load those and start the run on them. Or switch it off.',
      );
    refusePartial(
      this.#stack.map((id) => this.#find(id)),
      'no run can stand on it',
    );
    await this.#build(policy, this.#stacked, this.#continueTop);
  }

  destroy(): void {
    this.#dropPolicy();
  }

  async #build(policy: Policy, adapters: readonly MergedAdapter[], openTop: boolean): Promise<void> {
    for (const [i, adapter] of adapters.entries()) {
      if (adapter.magnitudes) {
        await policy.foldIn(adapter, this.#loaded.checkpoint, (module) => weightKey(this.#loaded, module)!);
        continue;
      }
      policy.resume(adapter);
      if (!openTop || i < adapters.length - 1) await policy.merge();
    }
  }

  #add(
    name: string,
    origin: AdapterReport['origin'],
    adapter: MergedAdapter,
    read?: ImportedAdapter,
    merge?: MergeReport,
  ): void {
    const id = `adapter-${this.#next++}`;
    const ranks = adapter.targets.map(({ r }) => r);
    const tensors = adapter.targets.length * (adapter.magnitudes ? 3 : 2);
    const report: AdapterReport = {
      id,
      name: this.#unique(name.trim() || 'Adapter'),
      origin,
      kind: adapter.magnitudes ? 'DoRA' : 'LoRA',
      modules: adapter.targets.length,
      ranks: [Math.min(...ranks), Math.max(...ranks)],
      parameters: adapter.targets.reduce((sum, t) => sum + t.r * (t.inFeatures + t.outFeatures), 0),
      baseName: read?.baseName ?? null,
      matched: read?.matched ?? tensors,
      total: read?.total ?? tensors,
      unmatched: read?.unmatched.slice(0, UNMATCHED_SHOWN) ?? [],
      leftOut: read?.leftOut.length ?? 0,
      notes: read?.notes ?? [],
      ...(merge && { merge }),
    };
    this.#kept.set(id, { report, adapter });
  }

  #unique(name: string): string {
    const taken = new Set([...this.#kept.values()].map(({ report }) => report.name));
    for (let i = 2, free = name; ; free = `${name} ${i++}`) if (!taken.has(free)) return free;
  }

  #find(id: string): Kept {
    const kept = this.#kept.get(id);
    if (!kept)
      throw new GroundworkError('adapter-unknown', `There is no adapter ${id}.`, 'Import it again, or choose another.');
    return kept;
  }

  #dropPolicy(): void {
    this.#policy?.destroy();
    this.#policy = null;
  }
}

function refusePartial(kept: readonly Kept[], consequence: string): void {
  const partial = kept.find(({ report }) => report.leftOut > 0);
  if (partial)
    throw new GroundworkError(
      'adapter-partial',
      `“${partial.report.name}” also changes ${partial.report.leftOut === 1 ? 'a module that was' : `${partial.report.leftOut} modules that were`} left out: ${consequence}.`,
      'Merge it into its base model (npm run merge -- into MODEL ADAPTER --out DIR, or PEFT’s merge_and_unload) and load the merged model here.',
    );
}

function checkStack(kept: readonly Kept[], continueTop: boolean): void {
  const dora = kept.findIndex(({ adapter }) => adapter.magnitudes);
  if (dora > 0)
    throw new GroundworkError(
      'adapter-unsupported',
      `“${kept[dora]!.report.name}” is a DoRA adapter, and its row norms are those of the base model alone.`,
      'Put it at the bottom of the stack.',
    );
  if (continueTop && kept.at(-1)?.adapter.magnitudes)
    throw new GroundworkError(
      'adapter-unsupported',
      `“${kept.at(-1)!.report.name}” is a DoRA adapter, and Groundwork cannot train it further.`,
      'Keep it below and train a new adapter on top.',
    );
}

export function nothingLearnt(): never {
  throw new GroundworkError(
    'adapter-missing',
    'Nothing has been trained yet.',
    'Run a recipe with an SFT or GRPO stage first, or import an adapter.',
  );
}
