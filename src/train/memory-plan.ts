/**
 * What a recipe will need of the GPU, before anything is allocated: the run's own code is taken through a device that
 * allocates nothing (gpu/dry.ts), stage by stage with the longest row, and the largest moment is itemised. So the plan
 * cannot drift from what the engine does; it is wrong only where a run meets longer rows than it was told of.
 */
import { dryGpu, type GpuTraits } from '../gpu/dry.ts';
import type { KernelCache } from '../gpu/kernel.ts';
import type { Program } from '../gpu/program.ts';
import { Session } from '../gpu/recorder.ts';
import type { Architecture } from '../models/architecture.ts';
import type { PixelInput } from '../models/model.ts';
import type { PictureBudget } from '../models/picture-budget.ts';
import type { Processor } from '../models/processor.ts';
import { VisionLanguage } from '../models/vision-language.ts';
import type { WeightDType } from '../models/weights.ts';
import { Adapter } from '../nn/adapter.ts';
import { Generator, type GenerateOptions } from './generate.ts';
import { Optimizer } from './optimizer.ts';
import { pack, type EncodedPrompt } from './pack.ts';
import { adapterTargets, Policy } from './policy.ts';
import type { Recipe, Stage } from './recipe.ts';
import { visitsOf, type Visit } from './rounds.ts';
import type { Sample } from './samples.ts';
import { Scorer, type ScoreSettings } from './scorer.ts';
import type { PassShape, StagePlanner } from './stages/descriptor.ts';
import { HELDOUT_AT_ONCE, heldoutOf } from './stages/heldout.ts';
import { descriptorOf } from './stages/index.ts';
import { VisionRunner } from './vision-runner.ts';

/** The longest row of a dataset, as the model reads it. */
export interface Longest {
  readonly promptTokens: number;
  /** Image tokens among them. */
  readonly featureRows: number;
  /** Tokens of the longest target, its end of turn included. */
  readonly targetTokens: number;
  /** Patches of the largest picture, before merging. */
  readonly patches: PixelInput['grid'];
  /** Patches of the smallest picture. */
  readonly leastPatches: PixelInput['grid'];
  /** Pictures of a row, and of the whole dataset: how many can pass the vision tower together. */
  readonly picturesInRow: number;
  readonly picturesInAll: number;
}

export const patchesOf = ({ height, width }: PixelInput['grid']): number => height * width;

/** Of rows that were encoded; all zero for none. */
export function longestRow(samples: readonly Sample[], processor: Pick<Processor, 'gridOf'>): Longest {
  const most = (value: (sample: Sample) => number) => samples.reduce((max, s) => Math.max(max, value(s)), 0);
  const none = { height: 0, width: 0 };
  const grids = samples.flatMap(({ sizes }) => sizes.map((size) => processor.gridOf(size)));
  return {
    promptTokens: most(({ prompt }) => prompt.tokens.length),
    featureRows: most(({ prompt }) => prompt.featureRows),
    targetTokens: most(({ completion }) => completion.length),
    patches: grids.reduce((a, b) => (patchesOf(a) < patchesOf(b) ? b : a), none),
    leastPatches: grids.reduce((a, b) => (patchesOf(a) > patchesOf(b) ? b : a), grids[0] ?? none),
    picturesInRow: most(({ row }) => row.images.length),
    picturesInAll: new Set(samples.flatMap(({ row }) => row.images)).size,
  };
}

export type MemoryItemName =
  | 'weights'
  | 'merged weights'
  | 'adapter'
  | 'optimizer'
  | 'keys and values'
  | 'activations'
  | 'image features'
  | 'staging'
  | 'everything else';

export interface MemoryPlan {
  /** At the moment of the largest sum. */
  readonly items: readonly { readonly name: MemoryItemName; readonly bytes: number }[];
  readonly totalBytes: number;
  /** The stage of that moment; null: loading the model already. */
  readonly stage: string | null;
  /** The largest tensor of those that the adapter cannot bind, however much memory there is; null: it binds all. */
  readonly unbindable: { readonly what: string; readonly bytes: number } | null;
}

export interface MemoryRequest {
  readonly architecture: Architecture;
  readonly recipe: Pick<Recipe, 'stages'>;
  readonly longest: Longest;
  readonly gpu: GpuTraits;
  readonly dtype: WeightDType;
  /** The longest row under half the pixels a picture, and the budget that is; absent: it is not known. */
  readonly smaller?: Smaller | undefined;
  /** The budget that was taken from `smaller`. */
  readonly pictures?: PictureBudget;
}

export interface Smaller {
  readonly pictures: PictureBudget;
  readonly longest: Longest;
}

/** @throws GroundworkError what resolving LoRA targets throws; `binding-limit` where even a few rows of a matrix are more than the adapter binds */
export function planMemory(request: MemoryRequest): MemoryPlan {
  const pieces = planInPieces(request);
  for (;;) {
    const piece = pieces.next();
    if (piece.done) return piece.value;
  }
}

/** A third round needs what the second has needed. */
const plannedVisits = ({ stages }: Pick<Recipe, 'stages'>): Visit[] => visitsOf(stages, 2);

/** Pieces of work of a plan: the model, and of each stage its pictures and the rest. */
export const piecesOf = ({ recipe }: Pick<MemoryRequest, 'recipe'>): number => 2 * plannedVisits(recipe).length + 1;

/** `planMemory` in pieces (`piecesOf`), so that whoever has other work can do it in between. */
export function* planInPieces({
  architecture,
  recipe,
  longest,
  gpu: traits,
  dtype,
}: MemoryRequest): Iterator<void, MemoryPlan> {
  const dry = dryGpu(traits);
  let unbindable: MemoryPlan['unbindable'] = null;
  const session = new Session(dry.gpu, {
    onUnbindable: (what, bytes) => {
      if (bytes > (unbindable?.bytes ?? 0)) unbindable = { what, bytes };
    },
  });
  const names = new Set<string>();
  const model = VisionLanguage.dry(session, architecture, dtype);
  for (const label of dry.live().keys()) names.add(label);
  let best = itemise(dry.live(), names);
  let stage: string | null = null;
  const look = (name: string, { featureBytes, readBackBytes }: Moment) => {
    const now = itemise(dry.live(), names, featureBytes, readBackBytes);
    if (now.totalBytes <= best.totalBytes) return;
    best = now;
    stage = name;
  };
  const planner = new Planner(session, model, longest);
  for (const { stage: next } of plannedVisits(recipe)) {
    yield;
    const rest = planner.begin(next, (moment) => look(next.name, moment));
    yield;
    rest();
  }
  return { ...best, stage, unbindable };
}

/**
 * Asks `kernels` for every kernel that the stages will ask for, found in the same way, and tells of every program
 * that it recorded.
 * @throws GroundworkError as `planMemory`, and `binding-limit` where a tensor is more than the adapter binds
 */
export function askForKernels(
  kernels: KernelCache,
  { architecture, recipe, longest, gpu, dtype }: MemoryRequest,
  onProgram?: (program: Program) => void,
): void {
  const session = new Session(dryGpu(gpu).gpu, { kernels, ...(onProgram && { onProgram }) });
  const planner = new Planner(session, VisionLanguage.dry(session, architecture, dtype), longest);
  for (const stage of recipe.stages) planner.begin(stage, () => {})();
}

/** What cannot be read off the buffers alive when a stage is prepared. */
interface Moment {
  /** Of what the arena holds, the image features of a step. */
  readonly featureBytes: number;
  /** The largest piece that is copied back to the page while all of it is alive. */
  readonly readBackBytes: number;
}

function itemise(
  live: ReadonlyMap<string, number>,
  weights: ReadonlySet<string>,
  featureBytes = 0,
  readBackBytes = 0,
): Pick<MemoryPlan, 'items' | 'totalBytes'> {
  const sums = new Map<MemoryItemName, number>();
  const add = (name: MemoryItemName, bytes: number) => bytes && sums.set(name, (sums.get(name) ?? 0) + bytes);
  for (const [label, bytes] of live) add(itemOf(label, weights), bytes);
  const features = Math.min(featureBytes, sums.get('activations') ?? 0);
  add('activations', -features);
  add('image features', features);
  add('staging', readBackBytes);
  const items = [...sums].map(([name, bytes]) => ({ name, bytes })).sort((a, b) => b.bytes - a.bytes);
  return { items, totalBytes: items.reduce((sum, { bytes }) => sum + bytes, 0) };
}

/** Which item a buffer belongs to, by its label. Also for buffers of a real run. */
export function itemOf(label: string, weights: ReadonlySet<string>): MemoryItemName {
  if (weights.has(label)) return 'weights';
  if (label.endsWith(' merged')) return 'merged weights';
  if (/^(?:adapter|teacher) (?:parameters|gradients)$/.test(label)) return 'adapter';
  if (/^adam (?:mean|square)$/.test(label)) return 'optimizer';
  if (/^cache [kv] \d+$/.test(label)) return 'keys and values';
  if (label === 'readback') return 'staging';
  return label.startsWith('arena ') ? 'activations' : 'everything else';
}

/** Takes stages through all that they prepare, in their order; nothing runs. */
class Planner implements StagePlanner {
  readonly longest: Longest;
  readonly #session: Session;
  readonly #model: VisionLanguage;
  readonly #policy: Policy;
  readonly #generator: Generator;
  readonly #vision: VisionRunner;
  #adapter: Adapter | null = null;
  /** The largest piece that is copied back to the page: features. */
  #readBackBytes = 0;
  /** Called where all that a stage needs at one time is there. */
  #look = () => {};

  constructor(session: Session, model: VisionLanguage, longest: Longest) {
    this.#session = session;
    this.#model = model;
    this.longest = longest;
    this.#policy = new Policy(model);
    const processor = { eosTokenIds: [0], padTokenId: 0 } as unknown as Processor;
    this.#generator = new Generator(this.#policy, processor, { features: () => new Float32Array() });
    this.#vision = new VisionRunner(model);
  }

  /** Prepares a stage's pictures; what is given back prepares the rest. */
  begin(stage: Stage, report: (moment: Moment) => void): () => void {
    const { rowsAtOnce, rowsAPass, plan } = descriptorOf(stage);
    const rows = rowsAtOnce(stage);
    if (rows > 0) this.#pictures(rows);
    const featureBytes = this.longest.featureRows * rowsAPass(stage) * this.#model.featureColumns * 4;
    this.#look = () => report({ featureBytes, readBackBytes: this.#readBackBytes });
    const { every, maxCompletionLength } = heldoutOf(stage);
    return () => {
      plan(stage, this);
      if (every > 0) this.generate(HELDOUT_AT_ONCE, 1, maxCompletionLength);
    };
  }

  /** As many large pictures as fill a pass, and small ones, which fill one best. */
  #pictures(rows: number): void {
    const { patches, leastPatches, picturesInRow, picturesInAll } = this.longest;
    const together = patchesOf(patches) && Math.min(rows * picturesInRow, picturesInAll);
    const [large, small] = [patches, leastPatches].map((grid) => ({ pixels: new Float32Array(), grid })) as [
      PixelInput,
      PixelInput,
    ];
    const largeOnes = Math.min(together, VisionRunner.together(this.#model, large));
    const images = Array.from({ length: together }, (_, i) => (i < largeOnes ? large : small));
    this.#readBackBytes = this.#vision.reserve(images);
  }

  /** @param more tokens beyond those of the longest row */
  #prompt(more = 0): EncodedPrompt {
    const { featureRows } = this.longest;
    const promptTokens = this.longest.promptTokens + more;
    const { axes } = this.#model.architecture.positions;
    return {
      id: 'longest',
      tokens: new Uint32Array(promptTokens),
      // Positions count on at most by one a token.
      axes: new Int32Array(axes * promptTokens).fill(promptTokens - 1),
      next: promptTokens,
      featureIndex: Int32Array.from({ length: promptTokens }, (_, t) => (t < featureRows ? t : -1)),
      featureRows,
    };
  }

  generate(prompts: number, numGenerations: number, maxCompletionLength: number): void {
    const options: GenerateOptions = {
      numGenerations,
      sampling: { temperature: 1, topK: 0, topP: 1, maxCompletionLength },
      seed: 0,
    };
    this.#generator.reserve(new Array<EncodedPrompt>(prompts).fill(this.#prompt()), options);
    this.#look();
  }

  /** As Policy.merge, but for contents: the folded weights stay beside the base's. */
  merge(): void {
    if (!this.#adapter) return;
    this.#policy.reserveMerge(this.#look);
    this.#adapter = null;
  }

  back(): void {
    this.#adapter?.destroy();
    this.#adapter = null;
  }

  train(
    stage: Parameters<StagePlanner['train']>[0],
    compile: (pass: (shape: PassShape, settings: ScoreSettings) => void) => void,
  ): void {
    this.#adapter?.destroy();
    this.#adapter = new Adapter(this.#session, adapterTargets(this.#model, stage.lora));
    this.#policy.adopt(this.#adapter);
    const optimizer = new Optimizer(this.#session, this.#adapter, stage.optimizer, 1);
    const average = stage.averaged ? new Adapter(this.#session, this.#adapter.targets, 'teacher') : null;
    const scorer = new Scorer(this.#model, this.#adapter, this.#policy.weights);
    compile(({ groups, completions, tokens, promptTokens, support = 0 }, settings) => {
      const group = {
        prompt: this.#prompt(promptTokens),
        completions: new Array<Uint32Array>(completions).fill(new Uint32Array(tokens)),
      };
      const { sizes } = pack(new Array<typeof group>(groups).fill(group));
      const k = Math.min(support, this.#model.vocabSize);
      scorer.compile(k > 0 ? { ...sizes, S: sizes.U * k } : sizes, settings);
    });
    this.#look();
    scorer.destroy();
    optimizer.destroy();
    average?.destroy();
  }
}
