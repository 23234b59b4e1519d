/** Figures of the scores, in per cent with one decimal. */
export const figure = (value: number | null): string =>
  value === null || !Number.isFinite(value) ? '–' : value.toFixed(1);
export const share = (value: number): string => figure(100 * value);
export const range = ([low, high]: readonly [number, number]): string => `${share(low)}–${share(high)}`;
