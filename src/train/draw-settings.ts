/**
 * How the training rows of a plan are drawn: in which shares by file or task, and with which changes to their pictures.
 * One definition for what runs, what is previewed and what is stored. Everything is off by default: each row once a pass,
 * as it is.
 */
import { VARIATIONS, type Variation, type VariationSettings } from '../data/variation/vary.ts';
import { choice, own, real, type Schema } from './stages/schema.ts';

export const MIX_BY = ['none', 'file', 'task'] as const;
export type MixBy = (typeof MIX_BY)[number];

interface Drawn extends VariationSettings {
  /** What `shares` speaks of. `none`: every row once a pass. */
  readonly mixBy: MixBy;
}

export interface DrawSettings extends Drawn {
  /** Of the draws of a pass, by file or task (0–1). What is not named shares the rest by its rows. */
  readonly shares?: Readonly<Record<string, number>>;
}

export const DRAW: DrawSettings = {
  mixBy: 'none',
  order: 0,
  flip: 0,
  crop: 0,
  cropLeast: 0.7,
  scale: 0,
  scaleLeast: 0.6,
  colour: 0,
  colourMost: 0.2,
};

const optional = { ...own, optional: true, later: true } as const;
const share = real(0, 1, optional);

export const DRAW_SCHEMA: Schema<Drawn> = {
  mixBy: choice(MIX_BY, optional),
  order: share,
  flip: share,
  crop: share,
  cropLeast: real(0.1, 1, optional),
  scale: share,
  scaleLeast: real(0.1, 1, optional),
  colour: share,
  colourMost: real(0, 0.9, optional),
};

/** The changes that a plan makes to rows. */
export const variationsOf = (draw: VariationSettings): Variation[] => VARIATIONS.filter((each) => draw[each] > 0);

/** Why rows cannot be drawn so. */
export function drawFaults({ mixBy, shares = {} }: DrawSettings): string[] {
  if (mixBy === 'none') return [];
  const given = Object.values(shares);
  const sum = given.reduce((a, b) => a + b, 0);
  if (given.length === 0) return [`The rows are to be mixed by ${mixBy}, and no share is given.`];
  // Sums of decimal fractions miss by a hair.
  if (sum > 1 + 1e-9) return [`The shares of the mixture sum to ${+sum.toFixed(3)}, which is more than 1.`];
  if (sum === 0) return ['Every share of the mixture is 0.'];
  return [];
}
