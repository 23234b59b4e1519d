/** Python's `round`: to the nearest integer, halves to the even one. (Math.round(2.5) is 3, Python's is 2.) */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
}

export const clamp = (x: number, low: number, high: number): number => Math.min(Math.max(x, low), high);
