/** Bytes in pieces worth writing: a piece of its own for every small matrix costs a message to the disk's process each. */

/** From here on a piece is written as it comes. */
const PIECE_BYTES = 1 << 20;

/** The same bytes in the same order; pieces smaller than PIECE_BYTES are joined up to it. What comes is not kept. */
export async function* gathered(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let room = new Uint8Array(0);
  let filled = 0;
  for await (const chunk of chunks) {
    if (filled > 0 && filled + chunk.length > PIECE_BYTES) {
      yield room.subarray(0, filled);
      [room, filled] = [new Uint8Array(0), 0]; // who took the piece may still read it
    }
    if (filled === 0 && chunk.length >= PIECE_BYTES) {
      yield chunk;
      continue;
    }
    if (filled + chunk.length > room.length) {
      const larger = new Uint8Array(Math.min(PIECE_BYTES, Math.max(2 * room.length, filled + chunk.length, 1 << 14)));
      larger.set(room.subarray(0, filled));
      room = larger;
    }
    room.set(chunk, filled);
    filled += chunk.length;
  }
  if (filled > 0) yield room.subarray(0, filled);
}
