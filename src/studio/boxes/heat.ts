/** Colours of a digit's loss: from pale to dark, told apart by lightness alone. */

interface HeatStep {
  /** Losses from here on, nats. */
  readonly from: number;
  readonly color: string;
  readonly words: string;
}

/** ln 10, 2.3 nats, is a guess among ten digits. */
export const HEAT: readonly HeatStep[] = [
  { from: 0, color: '#fff6bf', words: 'sure' },
  { from: 0.1, color: '#fdc65a', words: 'fairly sure' },
  { from: 0.7, color: '#f4772e', words: 'in doubt' },
  { from: 1.6, color: '#cf2032', words: 'little better than a guess' },
  { from: Math.LN10, color: '#6d0540', words: 'worse than a guess' },
];

export const heatStep = (loss: number): HeatStep => HEAT.findLast(({ from }) => loss >= from) ?? HEAT[0]!;
