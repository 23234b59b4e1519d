/** In what numbers a GGUF holds a model: a line each. Plain data, for the page as well. */
import type { GgufType } from '../../formats/gguf-types.ts';

/** In what weights are written. */
export const GGUF_PRECISIONS = ['f16', 'bf16', 'q8_0', 'q4_0'] as const;
export type GgufPrecision = (typeof GGUF_PRECISIONS)[number];
/** Half the bytes of f16, and next to nothing lost. */
export const DEFAULT_PRECISION: GgufPrecision = 'q8_0';

interface Precision {
  /** llama.cpp's `general.file_type`. */
  readonly fileType: number;
  readonly matrix: GgufType;
  /** Embedding and head: every answer goes through them, so they keep eight bits at least. */
  readonly ends: GgufType;
  /** The vision tower: coordinates come from it, and it is small beside the text model. */
  readonly tower: GgufType;
}

export const PRECISIONS: Readonly<Record<GgufPrecision, Precision>> = {
  f16: { fileType: 1, matrix: 'F16', ends: 'F16', tower: 'F16' },
  bf16: { fileType: 32, matrix: 'BF16', ends: 'BF16', tower: 'BF16' },
  q8_0: { fileType: 7, matrix: 'Q8_0', ends: 'Q8_0', tower: 'F16' },
  q4_0: { fileType: 2, matrix: 'Q4_0', ends: 'Q8_0', tower: 'F16' },
};
