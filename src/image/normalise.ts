/** Pixels to the numbers that a vision tower expects: scaled, less the mean, over the standard deviation. */

/** Per channel: (pixel · rescaleFactor − mean) / std. */
export interface Normalisation {
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Default 1/255. */
  readonly rescaleFactor?: number;
}

export const CLIP_NORMALISATION: Normalisation = {
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
};

/**
 * The normalised value of every byte, [3 · 256] f32, rounded where transformers' NumPy path rounds: the product in
 * f64 and then to f32 (`image_transforms.rescale`), mean and std in f32, difference and quotient each to f32
 * (`image_transforms.normalize`).
 */
export function normalisationTable({ mean, std, rescaleFactor = 1 / 255 }: Normalisation): Float32Array {
  const table = new Float32Array(3 * 256);
  for (let channel = 0; channel < 3; channel++) {
    const [m, s] = [Math.fround(mean[channel]!), Math.fround(std[channel]!)];
    for (let byte = 0; byte < 256; byte++)
      table[channel * 256 + byte] = Math.fround(Math.fround(byte * rescaleFactor) - m) / s;
  }
  return table;
}
