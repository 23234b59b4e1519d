/**
 * What every model family offers to training and generation: a vision tower that turns pictures into features, and a
 * decoder over tokens and features. Families differ inside; nothing outside a family's folder knows which one it holds.
 */
import type { DecoderContext, DecoderShape, LayerCache } from '../nn/decoder.ts';
import type { Features } from '../ops/gather.ts';
import type { LinearWeights, Lora } from '../ops/linear.ts';
import type { Head } from '../ops/log-probs.ts';
import type { Matrix } from '../ops/matrix.ts';
import type { Tape } from '../ops/tape.ts';
import type { Tensor } from '../gpu/tensor.ts';
import type { Session } from '../gpu/recorder.ts';

/** A linear layer that may carry an adapter. */
export interface LinearModule {
  readonly name: string;
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly tower: 'vision' | 'text';
  /** The output head. */
  readonly outputHead?: boolean;
}

export type LoraLookup = (module: string) => Lora | undefined;

/** A picture ready for the vision tower. */
export interface PixelInput {
  /** [patches, d] f32, in the order the processor of the family gives; empty where a pass is planned and not run. */
  readonly pixels: Float32Array<ArrayBuffer>;
  /** Patches per column and row, before merging. */
  readonly grid: { readonly height: number; readonly width: number };
}

/** Host-side arrays for one pass of the vision tower over several pictures; shapes decide the program. */
export interface VisionBatch {
  readonly key: string;
  readonly patches: number;
  /** Values of a patch. */
  readonly patchWidth: number;
  readonly featureRows: number;
  /** The first feature row of each picture. */
  readonly featureStarts: readonly number[];
  /** By input name; see the family's `recordVision`. */
  readonly arrays: Readonly<
    Record<string, Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Int32Array<ArrayBuffer>>
  >;
}

export interface VisionLanguageModel {
  readonly session: Session;
  readonly modelType: string;
  readonly decoderShape: DecoderShape;
  readonly vocabSize: number;
  readonly headDim: number;
  /** Every linear of the model, for choosing adapter targets. */
  readonly linears: readonly LinearModule[];
  readonly parameterCount: number;
  readonly weightBytes: number;
  /** Token ids that generation must never emit. */
  readonly suppressedTokens: readonly number[];
  /** Columns of a feature row (see VisionArchitecture). */
  readonly featureColumns: number;

  /** Rotary positions of a prompt with pictures: axes [3, T] (or [1, T]) and the next position. */
  positions(
    tokens: ArrayLike<number>,
    grids: readonly PixelInput['grid'][],
  ): { readonly axes: Int32Array; readonly next: number };
  /** [T, D/2, 2] of cos and sin. */
  rotaryTable(axes: Int32Array): Float32Array<ArrayBuffer>;
  /** [positions, D/2, 2] for plain text at positions 0 … n − 1 (decoding). */
  textRotaryTable(positions: number): Float32Array<ArrayBuffer>;
  featureCount(grid: PixelInput['grid']): number;
  /** Patches of a pass that a picture takes, padding included. */
  patchesInPass(grid: PixelInput['grid']): number;

  visionBatch(images: readonly PixelInput[]): VisionBatch;
  /** Records the vision tower; returns its inputs by name and features [rows, featureColumns]. */
  recordVision(
    tape: Tape,
    batch: VisionBatch,
    lora?: LoraLookup,
  ): { readonly inputs: Readonly<Record<string, Tensor>>; readonly features: Tensor };
  /** Embeds, runs the decoder and the final norm. tokens u32 [T] → hidden [T, H] */
  recordDecoder(
    tape: Tape,
    tokens: Tensor,
    images: Features | undefined,
    context: DecoderContext,
    policy?: PolicyWeights,
  ): Tensor;
  /** [V, H] */
  readonly head: Matrix;
  /** The head with what was merged into it and the adapter on it. */
  headLayer(policy?: PolicyWeights, lora?: LoraLookup): Head;
  newCache(capacity: number, label?: string): readonly LayerCache[];
  weights(module: string): LinearWeights & { readonly weight: Matrix };
  destroy(): void;
}

/** Merged weights of some linears, over the model's own: the policy after an adapter was folded in. */
export type PolicyWeights = ReadonlyMap<string, LinearWeights>;
