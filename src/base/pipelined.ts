/**
 * What `begin` makes of each item, in order. As many as `depth` are under way at once: while whoever does the work is at
 * one, the next is prepared. `begin` is called for one item after the other; the first failure is told.
 */
export async function pipelined<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  depth: number,
  begin: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const underWay: Promise<R>[] = [];
  for await (const item of items) {
    const next = begin(item);
    // Told in its turn, unless one before it failed.
    next.catch(() => undefined);
    underWay.push(next);
    if (underWay.length >= depth) results.push(await underWay.shift()!);
  }
  return [...results, ...(await Promise.all(underWay))];
}
