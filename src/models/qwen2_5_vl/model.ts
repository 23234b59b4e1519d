/** Qwen2.5-VL: config, weights, vision tower and decoder behind the house's model interface. */
import type { CheckpointWeights } from '../../formats/checkpoint-files.ts';
import type { Recorder, Session } from '../../gpu/recorder.ts';
import type { Tensor } from '../../gpu/tensor.ts';
import { decoder, type DecoderContext, type DecoderLayerWeights, type LayerCache } from '../../nn/decoder.ts';
import { embed, type Features } from '../../ops/gather.ts';
import type { LinearWeights } from '../../ops/linear.ts';
import { rmsNorm } from '../../ops/rms-norm.ts';
import type { Tape } from '../../ops/tape.ts';
import { invariant } from '../../base/error.ts';
import type {
  LinearModule,
  LoraLookup,
  PixelInput,
  PolicyWeights,
  VisionBatch,
  VisionLanguageModel,
} from '../model.ts';
import type { LoadOptions } from '../weights.ts';
import type { Qwen25VLConfig } from './config.ts';
import { mropePositions, mropeTable } from './positions.ts';
import { recordVision, visionBatch } from './vision.ts';
import { linearModules, loadWeights, type Qwen25VLWeights } from './weights.ts';

export class Qwen25VL implements VisionLanguageModel {
  readonly session: Session;
  readonly config: Qwen25VLConfig;
  readonly modelType = 'qwen2_5_vl';
  readonly linears: readonly LinearModule[];
  readonly #weights: Qwen25VLWeights;
  readonly #byModule = new Map<string, LinearWeights>();

  private constructor(session: Session, config: Qwen25VLConfig, weights: Qwen25VLWeights) {
    this.session = session;
    this.config = config;
    this.#weights = weights;
    this.linears = linearModules(config);
    for (const block of [...weights.blocks, ...weights.layers])
      for (const { module, weights: w } of Object.values(block.linears)) this.#byModule.set(module, w);
    for (const { module, weights: w } of weights.merger) this.#byModule.set(module, w);
  }

  static async load(
    session: Session,
    config: Qwen25VLConfig,
    checkpoint: CheckpointWeights,
    options: LoadOptions,
  ): Promise<Qwen25VL> {
    return new Qwen25VL(session, config, await loadWeights(session, config, checkpoint, options));
  }

  get decoderShape() {
    return this.config.decoder;
  }

  get vocabSize(): number {
    return this.config.vocabSize;
  }

  get headDim(): number {
    return this.config.decoder.headDim;
  }

  get head(): Tensor {
    return this.#weights.head;
  }

  get parameterCount(): number {
    return this.#weights.all.reduce((sum, t) => sum + t.size, 0);
  }

  get weightBytes(): number {
    return this.#weights.all.reduce((sum, t) => sum + t.bytes, 0);
  }

  /** A policy that writes image placeholders breaks the count of features against tokens (TRL #3847). */
  get suppressedTokens(): readonly number[] {
    const { imageTokenId, videoTokenId, visionStartTokenId, visionEndTokenId } = this.config;
    return [imageTokenId, videoTokenId, visionStartTokenId, visionEndTokenId];
  }

  positions(tokens: ArrayLike<number>, grids: readonly PixelInput['grid'][]) {
    return mropePositions(tokens, grids, this.config.imageTokenId, this.config.vision.spatialMergeSize);
  }

  rotaryTable(axes: Int32Array): Float32Array<ArrayBuffer> {
    const { decoder: shape, ropeTheta, mropeSection } = this.config;
    return mropeTable(axes, shape.headDim, ropeTheta, mropeSection) as Float32Array<ArrayBuffer>;
  }

  textRotaryTable(positions: number): Float32Array<ArrayBuffer> {
    return this.rotaryTable(Int32Array.from({ length: 3 * positions }, (_, i) => i % positions));
  }

  featureCount({ height, width }: PixelInput['grid']): number {
    return (height * width) / this.config.vision.spatialMergeSize ** 2;
  }

  visionBatch(images: readonly PixelInput[]): VisionBatch {
    return visionBatch(images, this.config.vision);
  }

  recordVision(tape: Tape, batch: VisionBatch, lora?: LoraLookup) {
    const inputs = inputTensors(tape.rec, batch, this.config.vision.hiddenSize / this.config.vision.heads);
    return { inputs, features: recordVision(tape, this.config, this.#weights, inputs, lora) };
  }

  recordDecoder(
    tape: Tape,
    tokens: Tensor,
    images: Features | undefined,
    context: DecoderContext,
    policy?: PolicyWeights,
  ): Tensor {
    const x = embed(tape, tokens, this.#weights.embedTokens, images);
    const layers = policy?.size ? this.#weights.layers.map((layer) => overlay(layer, policy)) : this.#weights.layers;
    const hidden = decoder(tape, x, this.config.decoder, layers, context);
    return rmsNorm(tape, hidden, this.#weights.norm, this.config.decoder.normEps);
  }

  newCache(capacity: number, label = 'cache'): readonly LayerCache[] {
    const { layers, kvHeads, headDim } = this.config.decoder;
    return Array.from({ length: layers }, (_, i) => ({
      k: this.session.resident(`${label} k ${i}`, [capacity, kvHeads * headDim]),
      v: this.session.resident(`${label} v ${i}`, [capacity, kvHeads * headDim]),
    }));
  }

  weights(module: string): LinearWeights {
    const found = this.#byModule.get(module);
    invariant(found, `no linear named ${module}`);
    return found;
  }

  destroy(): void {
    this.session.release(...this.#weights.all);
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

function inputTensors(rec: Recorder, { arrays, featureRows }: VisionBatch, headDim: number): Record<string, Tensor> {
  const patches = arrays['positions']!.length;
  return {
    pixels: rec.input('pixels', [patches, arrays['pixels']!.length / patches]),
    table: rec.input('vision rotary', [patches, headDim / 2, 2]),
    positions: rec.input('vision positions', [patches], 'u32'),
    windows: rec.input('windows', [patches, 4], 'u32'),
    full: rec.input('pictures', [patches, 4], 'u32'),
    windowKeys: rec.input('window keys', [patches, 2], 'u32'),
    fullKeys: rec.input('picture keys', [patches, 2], 'u32'),
    restore: rec.input('raster order', [featureRows], 'i32'),
  };
}
