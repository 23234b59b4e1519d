/** An architecture with its weights: the model that training and generation see. */
import { invariant } from '../base/error.ts';
import type { CheckpointWeights } from '../formats/checkpoint-files.ts';
import type { Session } from '../gpu/recorder.ts';
import type { Tensor } from '../gpu/tensor.ts';
import {
  decoder,
  type DecoderContext,
  type DecoderLayerWeights,
  type DecoderShape,
  type LayerCache,
} from '../nn/decoder.ts';
import { embed, type Features } from '../ops/gather.ts';
import type { LinearWeights } from '../ops/linear.ts';
import type { Head } from '../ops/log-probs.ts';
import type { Matrix } from '../ops/matrix.ts';
import { rmsNorm } from '../ops/rms-norm.ts';
import type { Tape } from '../ops/tape.ts';
import type { Architecture } from './architecture.ts';
import { decoderEntries, decoderLayers } from './decoder-manifest.ts';
import type { LinearModule, LoraLookup, PixelInput, PolicyWeights, VisionBatch, VisionLanguageModel } from './model.ts';
import {
  allocateWeights,
  loadWeights,
  type LoadOptions,
  type ModelWeights,
  type Reconstruction,
  type WeightDType,
} from './weights.ts';

/** Every tensor of a checkpoint of this architecture. */
export const entriesOf = ({ vision, decoder: layout }: Architecture) => [...vision.entries, ...decoderEntries(layout)];

/** The output head's module, tied to the embedding or not. */
const HEAD = 'lm_head';

/** Every linear in the order of the module tree, vision first, the head last. */
export function linearModules(architecture: Architecture): LinearModule[] {
  const { vocabSize, shape } = architecture.decoder;
  return [
    ...entriesOf(architecture)
      .filter(({ role }) => role === 'linear')
      .map(({ name, tower, shape: [outFeatures, inFeatures] }) => ({
        name: name.replace(/\.weight$/, ''),
        tower,
        outFeatures: outFeatures!,
        inFeatures: inFeatures!,
      })),
    { name: HEAD, tower: 'text', outFeatures: vocabSize, inFeatures: shape.hiddenSize, outputHead: true },
  ];
}

export class VisionLanguage implements VisionLanguageModel {
  readonly session: Session;
  readonly architecture: Architecture;
  readonly linears: readonly LinearModule[];
  readonly head: Matrix;
  readonly #weights: ModelWeights;
  readonly #layers: readonly DecoderLayerWeights[];

  private constructor(session: Session, architecture: Architecture, weights: ModelWeights) {
    const { decoder: layout } = architecture;
    this.session = session;
    this.architecture = architecture;
    this.linears = linearModules(architecture);
    this.#weights = weights;
    this.#layers = decoderLayers(layout, weights);
    this.head = weights.matrix(layout.tieWordEmbeddings ? `${layout.module}.embed_tokens.weight` : 'lm_head.weight');
  }

  /** @throws what `loadWeights` throws */
  static async load(
    session: Session,
    architecture: Architecture,
    checkpoint: CheckpointWeights,
    options: LoadOptions,
  ): Promise<VisionLanguage> {
    const rename = (key: string) => architecture.canonicalName(key);
    const weights = await loadWeights(session, entriesOf(architecture), checkpoint, rename, options);
    return new VisionLanguage(session, architecture, weights);
  }

  /** With memory for its weights but nothing in it, on a session that runs nothing: for planning. */
  static dry(session: Session, architecture: Architecture, dtype: WeightDType): VisionLanguage {
    return new VisionLanguage(session, architecture, allocateWeights(session, entriesOf(architecture), dtype));
  }

  get modelType(): string {
    return this.architecture.modelType;
  }

  get decoderShape(): DecoderShape {
    return this.architecture.decoder.shape;
  }

  get vocabSize(): number {
    return this.architecture.decoder.vocabSize;
  }

  get headDim(): number {
    return this.decoderShape.headDim;
  }

  get parameterCount(): number {
    return this.#weights.parameterCount;
  }

  get weightBytes(): number {
    return this.#weights.bytes;
  }

  get reconstruction(): Reconstruction[] {
    return this.#weights.reconstruction;
  }

  get suppressedTokens(): readonly number[] {
    return this.architecture.suppressedTokens;
  }

  get featureColumns(): number {
    return this.architecture.vision.featureColumns;
  }

  positions(tokens: ArrayLike<number>, grids: readonly PixelInput['grid'][]) {
    return this.architecture.positions.positions(tokens, grids);
  }

  rotaryTable(axes: Int32Array): Float32Array<ArrayBuffer> {
    return this.architecture.positions.rotaryTable(axes);
  }

  textRotaryTable(positions: number): Float32Array<ArrayBuffer> {
    const { axes } = this.architecture.positions;
    return this.rotaryTable(Int32Array.from({ length: axes * positions }, (_, i) => i % positions));
  }

  featureCount(grid: PixelInput['grid']): number {
    return this.architecture.vision.featureCount(grid);
  }

  patchesInPass(grid: PixelInput['grid']): number {
    return this.architecture.vision.patchesInPass(grid);
  }

  visionBatch(images: readonly PixelInput[]): VisionBatch {
    return this.architecture.vision.batch(images);
  }

  recordVision(tape: Tape, batch: VisionBatch, lora?: LoraLookup) {
    return this.architecture.vision.record(tape, this.#weights, batch, lora);
  }

  recordDecoder(
    tape: Tape,
    tokens: Tensor,
    images: Features | undefined,
    context: DecoderContext,
    policy?: PolicyWeights,
  ): Tensor {
    const { decoder: layout, vision } = this.architecture;
    const x = embed(tape, tokens, this.#weights.matrix(`${layout.module}.embed_tokens.weight`), images);
    const layers = policy?.size ? this.#layers.map((layer) => overlay(layer, policy)) : this.#layers;
    const deepstack = images && vision.deepstackLayers > 0 ? { ...images, layers: vision.deepstackLayers } : undefined;
    const hidden = decoder(tape, x, layout.shape, layers, { ...context, ...(deepstack && { deepstack }) });
    return rmsNorm(tape, hidden, this.#weights.tensor(`${layout.module}.norm.weight`), layout.shape.normEps);
  }

  headLayer(policy?: PolicyWeights, lora?: LoraLookup): Head {
    return { ...(policy?.get(HEAD) ?? { weight: this.head }), lora: lora?.(HEAD) };
  }

  newCache(capacity: number, label = 'cache'): readonly LayerCache[] {
    const { layers, kvHeads, headDim } = this.decoderShape;
    return Array.from({ length: layers }, (_, i) => ({
      k: this.session.resident(`${label} k ${i}`, [capacity, kvHeads * headDim]),
      v: this.session.resident(`${label} v ${i}`, [capacity, kvHeads * headDim]),
    }));
  }

  weights(module: string): LinearWeights & { readonly weight: Matrix } {
    invariant(
      this.linears.some((l) => l.name === module),
      `no linear named ${module}`,
    );
    return module === HEAD ? { weight: this.head } : this.#weights.linear(module);
  }

  destroy(): void {
    this.#weights.destroy();
  }
}

function overlay(layer: DecoderLayerWeights, policy: PolicyWeights): DecoderLayerWeights {
  const linears = Object.fromEntries(
    Object.entries(layer.linears).map(([name, { module, weights }]) => [
      name,
      { module, weights: policy.get(module) ?? weights },
    ]),
  );
  return { ...layer, linears: linears as DecoderLayerWeights['linears'] };
}
