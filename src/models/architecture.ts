/**
 * A model family as data and pure functions, made from config.json before anything is loaded. One class
 * (vision-language.ts) turns it and a checkpoint's weights into a model; nothing outside a family's folder knows which
 * family it holds.
 */
import type { Tensor } from '../gpu/tensor.ts';
import type { Tape } from '../ops/tape.ts';
import type { DecoderLayout } from './decoder-manifest.ts';
import type { Fields, Json } from './fields.ts';
import type { GgufFamily } from './gguf.ts';
import type { TensorEntry } from './manifest.ts';
import type { LoraLookup, PixelInput, VisionBatch } from './model.ts';
import type { PictureSizes, PixelLimits, Processor, ProcessorFiles } from './processor.ts';
import type { ModelWeights } from './weights.ts';

export type { Json } from './fields.ts';

/** How tokens are numbered for the rotary embedding. */
export interface PositionScheme {
  /** Axes of `positions`: 3 for M-RoPE, 1 for plain positions. */
  readonly axes: number;
  /** axes [axes, T] of a prompt with pictures, and the position of the first token after it. */
  positions(
    tokens: ArrayLike<number>,
    grids: readonly PixelInput['grid'][],
  ): { readonly axes: Int32Array; readonly next: number };
  /** cos and sin per token and frequency, [T, D/2, 2]. */
  rotaryTable(axes: Int32Array): Float32Array<ArrayBuffer>;
}

export interface VisionArchitecture {
  readonly entries: readonly TensorEntry[];
  /** Columns of a feature row: the hidden size, once more for each DeepStack level. */
  readonly featureColumns: number;
  /** Decoder layers after which further columns of the features are added; 0 without DeepStack. */
  readonly deepstackLayers: number;
  /** Patches along a side of the tiles that pictures are cut into, one above the other in their grid; absent: they are not. */
  readonly tileSide?: number;
  featureCount(grid: PixelInput['grid']): number;
  /** Patches of a pass that a picture takes, padding included. */
  patchesInPass(grid: PixelInput['grid']): number;
  batch(images: readonly PixelInput[]): VisionBatch;
  /** Records the tower: inputs by the names of `batch`, features [rows, featureColumns]. */
  record(
    tape: Tape,
    weights: ModelWeights,
    batch: VisionBatch,
    lora?: LoraLookup,
  ): { readonly inputs: Readonly<Record<string, Tensor>>; readonly features: Tensor };
}

export interface Architecture {
  readonly modelType: string;
  /** What config.json says that is not computed, in whole sentences for the user. */
  readonly notes: readonly string[];
  readonly decoder: DecoderLayout;
  readonly vision: VisionArchitecture;
  readonly positions: PositionScheme;
  /** Positions that it was made for. */
  readonly contextTokens: number;
  /** Token ids that generation must never emit: a policy that writes image placeholders breaks the count of features against tokens (TRL #3847). */
  readonly suppressedTokens: readonly number[];
  /** As llama.cpp knows the model. */
  readonly gguf: GgufFamily;
  /** A checkpoint's key → canonical name. */
  canonicalName(key: string): string;
  /** @param preprocessor what the folder says of pictures (picture-file.ts) */
  pictureSizes(preprocessor: Fields, limits?: Partial<PixelLimits>): PictureSizes;
  processor(files: ProcessorFiles, limits?: Partial<PixelLimits>): Processor;
}

/** Reads config.json. @throws GroundworkError `config-invalid` */
export type ParseArchitecture = (config: Json) => Architecture;
