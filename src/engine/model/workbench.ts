/** What one dataset on one model needs: a policy, encoded rows, programs; and what came out of the stages run on it. */
import type { Dataset } from '../../data/dataset.ts';
import { reportsOf, type Outcome } from '../../evaluate/outcome.ts';
import type { EvaluatedStage } from '../../evaluate/report.ts';
import type { LoadedModel } from '../../models/load.ts';
import type { PictureBudget } from '../../models/picture-budget.ts';
import type { Processor } from '../../models/processor.ts';
import { Generator } from '../../train/generate.ts';
import { Policy } from '../../train/policy.ts';
import type { Recipe } from '../../train/recipe.ts';
import { SampleStore, type Sample } from '../../train/samples.ts';
import { Scorer } from '../../train/scorer.ts';

/** Everything that belongs to one dataset on one model: the policy, the encoded rows, the programs. */
export class Workbench {
  readonly loaded: LoadedModel;
  readonly dataset: Dataset;
  readonly policy: Policy;
  readonly samples: SampleStore;
  readonly generator: Generator<Sample>;
  /** What the stages of its run have handed on so far. */
  outcomes: readonly Outcome[] = [];
  #follows = false;
  #scorer: Scorer | null = null;
  #scorerVersion = -1;

  constructor(loaded: LoadedModel, dataset: Dataset) {
    this.loaded = loaded;
    this.dataset = dataset;
    this.policy = new Policy(loaded.model);
    this.samples = new SampleStore(dataset, loaded.model, loaded.processor);
    this.generator = new Generator(this.policy, loaded.processor, this.samples);
  }

  /** As the plan says it, rows are asked and pictures seen from now on. Throws `budget-unsupported`. */
  follow(recipe: Pick<Recipe, 'prompt' | 'seed' | 'pictures'>): void {
    this.samples.follow(recipe);
    this.#follows = true;
  }

  /** The picture budget of the plan that it follows; undefined: it follows none. */
  get budget(): PictureBudget | null | undefined {
    return this.#follows ? this.samples.budget : undefined;
  }

  /** The model's processor under the plan's picture budget. */
  get processor(): Processor {
    return this.samples.processor;
  }

  /** What its run has measured, in order. */
  get evaluations(): readonly EvaluatedStage[] {
    return reportsOf(this.outcomes, 'evaluation');
  }

  /** What rejection sampling has found; null before it. */
  get rejection(): { readonly prompts: number; readonly kept: number } | null {
    const last = reportsOf(this.outcomes, 'selection').at(-1);
    return last ? { prompts: last.prompts, kept: last.kept } : null;
  }

  scorer(): Scorer {
    if (this.#scorer && this.#scorerVersion === this.policy.version) return this.#scorer;
    this.#scorer?.destroy();
    this.#scorer = new Scorer(this.loaded.model, this.policy.adapter, this.policy.weights);
    this.#scorerVersion = this.policy.version;
    return this.#scorer;
  }

  destroy(): void {
    this.#scorer?.destroy();
    this.generator.destroy();
    this.samples.destroy();
    this.policy.destroy();
  }
}
