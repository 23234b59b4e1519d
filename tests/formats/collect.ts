/** All values of an async iterable (Array.fromAsync needs Node 22). */
export async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const value of values) list.push(value);
  return list;
}

export const collectBytes = async (chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> =>
  new Uint8Array(await new Blob((await collect(chunks)) as Uint8Array<ArrayBuffer>[]).arrayBuffer());
