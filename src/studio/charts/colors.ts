/** The theme's colours of curves and of runs, in turn. */
const COLORS = 6;

export const colorOf = (i: number): string => `var(--curve-${(i % COLORS) + 1})`;
