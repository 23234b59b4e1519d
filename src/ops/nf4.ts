/**
 * NF4 with double quantisation, as bitsandbytes defines it (QLoRA, arXiv 2305.14314): blocks of 64 weights hold codes
 * of 4 bits times the block's largest magnitude; of those magnitudes the mean is taken off, and 256 at a time they are
 * codes of 8 bits times one f32.
 */

/** Weights that share a largest magnitude. */
export const NF4_BLOCK = 64;

/** Words of a part's scales (shaders/quant/nf4-scales.wgsl): code values, mean, and 65 for each 256 blocks. */
export const nf4ScaleWords = (blocks: number): number => 257 + 65 * Math.ceil(blocks / 256);

let map: Float32Array<ArrayBuffer> | undefined;

/**
 * The 256 values of the "dynamic" 8-bit type (arXiv 1511.04561), ascending: for each decade 10⁻⁶ … 1 the means of
 * neighbours among 2ᵉ + 1 even steps from 0.1 to 1, with both signs; 0 and 1.
 */
export function dynamicMap(): Float32Array<ArrayBuffer> {
  if (map) return map;
  const values = [0, 1];
  for (let e = 0; e < 7; e++) {
    const steps = 2 ** e;
    const edge = (i: number) => Math.fround(0.1 + (0.9 * i) / steps);
    for (let i = 0; i < steps; i++) {
      const mean = Math.fround((edge(i) + edge(i + 1)) / 2);
      const value = Math.fround(Math.fround(10 ** (e - 6)) * mean);
      values.push(value, -value);
    }
  }
  return (map = Float32Array.from(values).sort());
}
