/** Indices of values with a gap (null), or nothing, on both sides. What was thinned away (undefined) is neither. */
export function lonely(values: ArrayLike<number | null | undefined>): number[] {
  const found: number[] = [];
  let at = -1;
  let joined = false;
  const end = (next: boolean) => {
    if (at >= 0 && !joined && !next) found.push(at);
  };
  for (let i = 0; i < values.length; i++) {
    const v = values[i];
    if (v === undefined) continue;
    end(v !== null);
    joined = at >= 0;
    at = v === null ? -1 : i;
  }
  end(false);
  return found;
}
