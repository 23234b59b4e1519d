/**
 * The model that is loaded now and what goes with it: adapters by name, digests of weights, and the workbench of the
 * dataset that it works on.
 */
import { GroundworkError } from '../../base/error.ts';
import type { Dataset } from '../../data/dataset.ts';
import type { LoadedModel } from '../../models/load.ts';
import type { MergedAdapter } from '../../train/policy.ts';
import type { PictureBudget } from '../../models/picture-budget.ts';
import type { BudgetOf } from '../protocol/chat.ts';
import type { PolicyName } from '../protocol/words.ts';
import { Adapters } from './adapters.ts';
import { WeightsDigests } from './weights-digest.ts';
import { Workbench } from './workbench.ts';

export type NamedModel = LoadedModel & { readonly name: string };

interface Held {
  readonly loaded: NamedModel;
  readonly adapters: Adapters;
  readonly digests: WeightsDigests;
}

/** A picture budget, and whose it is; null: the checkpoint's own. */
export interface SeenUnder {
  readonly budget: PictureBudget | null;
  readonly by: BudgetOf;
}

export interface HolderHost {
  /** Throws `dataset-missing`. */
  dataset(id: string): Dataset;
  /** Throws `run-active`. */
  refuseInRun(what: string): void;
}

export class ModelHolder {
  readonly #host: HolderHost;
  readonly #leaving: (() => void)[] = [];
  #held: Held | null = null;
  #bench: { readonly dataset: string; readonly bench: Workbench } | null = null;

  constructor(host: HolderHost) {
    this.#host = host;
  }

  get loaded(): NamedModel | null {
    return this.#held?.loaded ?? null;
  }

  /** Adapters of the model that is loaded, if there is one. */
  get kept(): Adapters | null {
    return this.#held?.adapters ?? null;
  }

  /** Throws `model-missing`. */
  require(): NamedModel {
    return this.#require().loaded;
  }

  /** Throws `model-missing`. */
  get adapters(): Adapters {
    return this.#require().adapters;
  }

  /** The policy and its evaluations. */
  get bench(): Workbench | null {
    return this.#bench?.bench ?? null;
  }

  /** The dataset that the model works on. */
  get dataset(): string | null {
    return this.#bench?.dataset ?? null;
  }

  /** The workbench that is there, if it is the dataset's. */
  benchOf(dataset: string): Workbench | null {
    return this.#bench?.dataset === dataset ? this.#bench.bench : null;
  }

  /**
   * Under which budget pictures are seen: that of the run in view, whose policy has learnt so; else that of a plan.
   * @param asked the plan's
   */
  seenUnder(asked: PictureBudget | undefined, dataset = this.dataset): SeenUnder {
    const ofRun = dataset === null ? undefined : this.benchOf(dataset)?.budget;
    if (ofRun !== undefined) return { budget: ofRun, by: ofRun ? 'run' : 'checkpoint' };
    return { budget: asked ?? null, by: asked ? 'plan' : 'checkpoint' };
  }

  /** The workbench of a dataset; what was learnt on another is forgotten. Throws `run-active` rather than in a run. */
  workbench(dataset: string): Workbench {
    this.#require();
    const known = this.benchOf(dataset);
    if (known) return known;
    // The run's own would be dropped for it.
    this.#host.refuseInRun('have the model read another dataset');
    return this.freshBench(dataset);
  }

  /**
   * A workbench with a policy that has learnt nothing; the one before is dropped.
   * @param rows the dataset as a run sees it, whatever was edited since
   */
  freshBench(dataset: string, rows = this.#host.dataset(dataset)): Workbench {
    const { loaded } = this.#require();
    this.#dropBench();
    const bench = new Workbench(loaded, rows);
    this.#bench = { dataset, bench };
    return bench;
  }

  /** Digest of the weights that a policy answers with; of the tuned one null, where nothing was learnt. */
  async weightsOf(bench: Workbench | null, policy: PolicyName): Promise<string | null> {
    const { adapters, digests } = this.#require();
    if (policy === 'base') return digests.base();
    const { inUse } = adapters;
    if (inUse) return inUse.length > 0 ? digests.stack(inUse) : null;
    return bench?.policy.changed ? digests.policy(bench.policy) : null;
  }

  /** What the tuned policy has learnt: the stack's adapters or the run's; null: nothing. */
  async learnt(): Promise<readonly MergedAdapter[] | null> {
    const stack = this.adapters.inUse;
    return stack?.length ? stack : ((await this.bench?.policy.learnt()) ?? null);
  }

  /** Takes the place of the model before. @param kept adapters of the same model, before its device was lost */
  put(loaded: NamedModel, kept?: Adapters): void {
    this.#drop();
    this.#held = { loaded, adapters: new Adapters(loaded, kept), digests: new WeightsDigests(loaded) };
  }

  /** Called before a model goes: whatever holds programs of it lets them go. */
  onLeave(listener: () => void): void {
    this.#leaving.push(listener);
  }

  destroy(): void {
    this.#drop();
  }

  #require(): Held {
    if (this.#held) return this.#held;
    throw new GroundworkError(
      'model-missing',
      'No model is loaded.',
      'Load the starter model or a checkpoint folder first.',
    );
  }

  #drop(): void {
    this.#dropBench();
    for (const listener of this.#leaving) listener();
    this.#held?.adapters.destroy();
    this.#held?.loaded.model.destroy();
    this.#held = null;
  }

  #dropBench(): void {
    this.#bench?.bench.destroy();
    this.#bench = null;
  }
}
