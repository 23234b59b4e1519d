/**
 * The policy in training: frozen weights, adapters folded into them so far, and the adapter now learning. Switching the
 * adapter off gives the reference policy of RL for free; leaving the folds out too gives the base model.
 */
import { GroundworkError, invariant } from '../base/error.ts';
import { Random } from '../base/random.ts';
import type { CheckpointWeights } from '../formats/checkpoint-files.ts';
import { f32ArrayToF16 } from '../formats/half.ts';
import { Recorder } from '../gpu/recorder.ts';
import type { PolicyWeights, VisionLanguageModel } from '../models/model.ts';
import { Adapter, type AdapterTarget } from '../nn/adapter.ts';
import { fold } from '../ops/fold.ts';
import { blocksOf } from '../ops/matrix.ts';
import { releaseFolded, roomForFold, wholeWeights, writeFrozen, type FoldedWeights } from './folded-weights.ts';
import { sideBySide } from './combine.ts';
import { resolveLoraTargets, unmatchedTargets, VISION_MODULES } from './peft-targets.ts';
import { mergedRows, type MergedAdapter } from './merged-rows.ts';
import type { LoraSettings } from './recipe.ts';

export type { MergedAdapter } from './merged-rows.ts';

export class Policy {
  readonly model: VisionLanguageModel;
  #merged: MergedAdapter[] = [];
  #weights: Map<string, FoldedWeights> = new Map();
  #adapter: Adapter | null = null;
  /** The adapter was read from elsewhere and waits for a stage that trains it. */
  #resumed = false;
  /** Grows whenever programs recorded for the policy become stale. */
  version = 0;

  constructor(model: VisionLanguageModel) {
    this.model = model;
  }

  get adapter(): Adapter | null {
    return this.#adapter;
  }

  /** Weights of folded linears, over the model's own. */
  get weights(): PolicyWeights {
    return this.#weights;
  }

  get mergedAdapters(): readonly MergedAdapter[] {
    return this.#merged;
  }

  /** True once anything differs from the base model. */
  get changed(): boolean {
    return this.#merged.length > 0 || this.#adapter !== null;
  }

  /**
   * The adapter of a stage that trains: fresh (A random, B zero) on the modules the settings choose, or the one that was
   * resumed, with its own modules and ranks. Throws what `resolveLoraTargets` throws.
   */
  attach(settings: LoraSettings, seed: number): Adapter {
    if (this.#adapter && this.#resumed) {
      this.#resumed = false;
      return this.#adapter;
    }
    if (this.#adapter) throw attached();
    const adapter = new Adapter(this.model.session, adapterTargets(this.model, settings));
    adapter.initialise(new Random(seed));
    this.#adapter = adapter;
    this.version++;
    return adapter;
  }

  /** The adapter now learning. Throws `internal` without one. */
  learning(): Adapter {
    invariant(this.#adapter, 'a stage goes on without its adapter');
    this.#resumed = false;
    return this.#adapter;
  }

  /** Takes an adapter made elsewhere; whoever made it destroys it. */
  adopt(adapter: Adapter): void {
    this.#adapter = adapter;
    this.version++;
  }

  /** Forgets the adapter that is learning; what was merged before stays. */
  detach(): void {
    if (this.#adapter) this.#dropAdapter();
  }

  /** An adapter read from elsewhere, to be trained further. Throws `adapter-attached`; `adapter-unsupported` for DoRA. */
  resume(adapter: MergedAdapter): Adapter {
    if (this.#adapter) throw attached();
    if (adapter.magnitudes)
      throw new GroundworkError(
        'adapter-unsupported',
        'Groundwork cannot train a DoRA adapter further.',
        'Fold it into the model and train a new adapter on top.',
      );
    const mine = new Adapter(this.model.session, adapter.targets);
    for (const { module } of adapter.targets) mine.write(module, adapter.matrices.get(module)!);
    this.#adapter = mine;
    this.#resumed = true;
    this.version++;
    return mine;
  }

  /**
   * Folds an adapter read from elsewhere, LoRA or DoRA, from the original weights in f32, rounded once to what the GPU
   * holds. Only onto the base model: a DoRA row norm is that of the weights it was trained on.
   * @throws GroundworkError `adapter-attached` when something was trained or merged before
   */
  async foldIn(
    adapter: MergedAdapter,
    checkpoint: CheckpointWeights,
    keyOf: (module: string) => string,
  ): Promise<void> {
    if (this.changed) throw attached();
    const { session } = this.model;
    const next = new Map<string, FoldedWeights>();
    try {
      for (const { module } of adapter.targets) {
        const now = this.model.weights(module);
        const folded = adapter.magnitudes
          ? wholeWeights(session, module, now)
          : roomForFold(session, module, now, adapter.targets.find((t) => t.module === module)!.r);
        next.set(module, folded);
        if (folded.frozen) {
          writeFrozen(session, folded.frozen, sideBySide([adapter], module));
          continue;
        }
        const { weight } = folded;
        const { columns, format } = weight;
        for await (const { first, values } of mergedRows(checkpoint, keyOf(module), module, [adapter]))
          for (const [block, at] of blocksOf(weight, first, values.length / columns)) {
            const part = values.subarray(at * columns, at * columns + block.size);
            session.write(block, format === 'f16' ? halves(part, module) : part);
          }
      }
    } catch (error) {
      releaseFolded(session, next.values());
      throw error;
    }
    this.#merged.push(adapter);
    this.#weights = next;
    this.version++;
  }

  /** Folds the adapter into the policy's weights, on the GPU; the base weights stay as they are. */
  async merge(): Promise<void> {
    const adapter = this.#adapter;
    if (!adapter)
      throw new GroundworkError(
        'adapter-missing',
        'There is no adapter to merge.',
        'Put a merge after a stage that trains.',
      );
    const { session } = this.model;
    this.#merged.push({ targets: adapter.targets, matrices: await adapter.read() });
    const rec = new Recorder(session, 'merge');
    const next = this.#roomForFold(adapter.targets);
    for (const { module } of adapter.targets) {
      const { weight, frozen } = next.get(module)!;
      if (frozen) writeFrozen(session, frozen, sideBySide(this.#merged, module));
      else fold(rec, this.#now(module).weight, adapter.lora(module)!, weight);
    }
    const program = rec.finish();
    program.run();
    await program.readBytes();
    program.destroy();
    this.#replace(adapter.targets, next);
  }

  /**
   * The policy as it was with the first `count` of what was merged: folded again by what folded them first, so bit for bit
   * the same. The adapter that is learning goes.
   */
  async back(count: number): Promise<void> {
    this.detach();
    if (count >= this.#merged.length) return;
    const kept = this.#merged.slice(0, Math.max(0, count));
    releaseFolded(this.model.session, this.#weights.values());
    [this.#weights, this.#merged] = [new Map(), []];
    this.version++;
    for (const adapter of kept) {
      this.resume(adapter);
      await this.merge();
    }
  }

  /** Memory as after `merge`, with nothing in it: for planning. `look` is called when most is held. */
  reserveMerge(look: () => void): void {
    const { targets } = this.#adapter!;
    this.#merged.push({ targets, matrices: new Map() });
    const next = this.#roomForFold(targets);
    look();
    this.#replace(targets, next);
  }

  /** Everything learnt, adapter by adapter in the order in which they were folded in. Throws `adapter-missing`. */
  async learnt(): Promise<readonly MergedAdapter[]> {
    const parts = [...this.#merged];
    if (this.#adapter) parts.push({ targets: this.#adapter.targets, matrices: await this.#adapter.read() });
    if (parts.length === 0)
      throw new GroundworkError(
        'adapter-missing',
        'Nothing has been trained yet.',
        'Run a recipe with an SFT or GRPO stage first.',
      );
    return parts;
  }

  destroy(): void {
    this.#dropAdapter();
    releaseFolded(this.model.session, this.#weights.values());
    this.#weights.clear();
  }

  #now(module: string) {
    return this.#weights.get(module) ?? this.model.weights(module);
  }

  /** The policy's weights with room for the adapter that was merged last. */
  #roomForFold(targets: readonly AdapterTarget[]): Map<string, FoldedWeights> {
    const next = new Map(this.#weights);
    for (const { module } of targets) {
      const ranks = this.#merged.map((m) => m.targets.find((t) => t.module === module)?.r ?? 0);
      const rank = ranks.reduce((sum, r) => sum + r, 0);
      next.set(module, roomForFold(this.model.session, module, this.#now(module), rank));
    }
    return next;
  }

  /** Takes the folded weights and lets go of the adapter and of earlier folds. */
  #replace(targets: readonly AdapterTarget[], next: Map<string, FoldedWeights>): void {
    const before = targets.flatMap(({ module }) => this.#weights.get(module) ?? []);
    releaseFolded(this.model.session, before);
    this.#weights = next;
    this.#dropAdapter();
  }

  #dropAdapter(): void {
    this.#adapter?.destroy();
    this.#adapter = null;
    this.#resumed = false;
    this.version++;
  }
}

const attached = () =>
  new GroundworkError(
    'adapter-attached',
    'The policy already has an adapter.',
    'Merge it before a stage that trains a new one.',
  );

function halves(values: Float32Array, module: string): Uint16Array {
  const { bits, overflowed } = f32ArrayToF16(values);
  if (overflowed)
    throw new GroundworkError(
      'half-overflow',
      `${overflowed} merged values of ${module} are too large for 16-bit floats.`,
      'Load this model with f32 weights.',
    );
  return bits;
}

/** PEFT's matching over the model's linears; the vision tower is left out unless the settings say otherwise. */
export function adapterTargets(model: VisionLanguageModel, settings: LoraSettings): AdapterTarget[] {
  const chosen = resolveLoraTargets(
    model.linears.map(({ name, outputHead }) => ({ name, linear: true, ...(outputHead && { outputHead }) })),
    {
      r: settings.r,
      loraAlpha: settings.loraAlpha,
      useRslora: settings.useRslora,
      targetModules: settings.targetModules,
      excludeModules: settings.excludeModules ?? VISION_MODULES,
    },
  );
  const [unmet] = unmatchedTargets(
    chosen.map(({ module }) => ({ name: module, linear: true })),
    settings.targetModules,
  );
  if (unmet !== undefined) throw unmetTarget(model, unmet);
  return chosen.map((target) => {
    const { module } = target;
    const { inFeatures, outFeatures, tower } = model.linears.find((l) => l.name === module)!;
    if (tower !== 'text')
      throw new GroundworkError(
        'lora-target-unsupported',
        `${module} is outside the language model.`,
        'Image features are computed once and reused, so only the language model can have adapters. Exclude the vision tower.',
      );
    return { ...target, inFeatures, outFeatures };
  });
}

/** A name of a list that no module answers to of those that get an adapter. */
function unmetTarget({ linears }: VisionLanguageModel, target: string): GroundworkError {
  const modules = linears.map(({ name }) => ({ name, linear: true }));
  if (unmatchedTargets(modules, [target]).length === 0)
    return new GroundworkError(
      'lora-no-target',
      `Every linear layer called ${target}, which target_modules names, is left out by exclude_modules.`,
      'Leave the name out as well, or narrow exclude_modules. Adapters on the vision tower are not computed.',
    );
  return new GroundworkError(
    'lora-no-target',
    `No linear layer of the model is called ${target}, which target_modules names; the others are.`,
    target.includes('embed')
      ? 'Embeddings get no adapter here: leave it out.'
      : 'Correct the name or leave it out, so that what is trained is what the recipe says.',
  );
}
