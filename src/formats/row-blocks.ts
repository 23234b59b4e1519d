/**
 * A checkpoint's tensors read through a bounded window: some rows at a time, the next ones fetched while these are
 * worked on. A checkpoint of any size passes through the same few megabytes.
 */
import type { Bytes } from './byte-source.ts';
import type { CheckpointWeights } from './checkpoint-files.ts';

/** Rows `first` … `first + count` of a tensor's first axis, in the checkpoint's dtype. */
export interface RowBlock {
  readonly key: string;
  readonly first: number;
  readonly count: number;
  readonly bytes: Bytes;
}

export interface WindowOptions {
  /** Largest block, bytes; a block has at least four rows (or all there are), however wide. */
  readonly blockBytes?: number;
  /** Bytes read and not yet worked on, the block in the caller's hands included. */
  readonly windowBytes?: number;
  readonly signal?: AbortSignal;
}

const BLOCK_BYTES = 8 * 2 ** 20;
const WINDOW_BYTES = 24 * 2 ** 20;
/** Reads under way at most: small tensors come by the hundred. */
const MAX_READS = 8;
/** Rows of a block are a multiple of this, the tensor's last block excepted: halves of any width then fill whole words. */
const ROW_MULTIPLE = 4;

/**
 * Every block of the tensors named, each tensor's from its first row to its last. Tensors come in the order of their
 * bytes, whatever the order of `keys`: disks and networks read forward. Empty tensors have no block.
 * @throws what reading throws, and the signal's reason
 */
export async function* rowBlocks(
  checkpoint: CheckpointWeights,
  keys: Iterable<string>,
  { blockBytes = BLOCK_BYTES, windowBytes = WINDOW_BYTES, signal }: WindowOptions = {},
): AsyncGenerator<RowBlock> {
  const wanted = new Set(keys);
  const plan = [...checkpoint.tensors.values()]
    .filter(({ name }) => wanted.has(name))
    .flatMap(({ name, shape, byteLength }) => cut(name, shape[0] ?? 1, byteLength, blockBytes));
  const ahead: (Block & { readonly reading: Promise<Bytes> })[] = [];
  let inFlight = 0;
  let next = 0;
  const fill = () => {
    for (; next < plan.length; next++) {
      const block = plan[next]!;
      if (inFlight > 0 && (inFlight + block.byteLength > windowBytes || ahead.length === MAX_READS)) return;
      const reading = checkpoint.readRows(block.key, block.first, block.count);
      reading.catch(() => {}); // told when its turn comes
      inFlight += block.byteLength;
      ahead.push({ ...block, reading });
    }
  };
  try {
    for (fill(); ahead.length > 0; fill()) {
      signal?.throwIfAborted();
      const { key, first, count, byteLength, reading } = ahead.shift()!;
      yield { key, first, count, bytes: await reading };
      inFlight -= byteLength;
    }
  } finally {
    await Promise.allSettled(ahead.map(({ reading }) => reading));
  }
}

interface Block {
  readonly key: string;
  readonly first: number;
  readonly count: number;
  readonly byteLength: number;
}

function cut(key: string, rows: number, byteLength: number, blockBytes: number): Block[] {
  if (byteLength === 0) return [];
  const rowBytes = byteLength / rows;
  const size = Math.max(1, Math.floor(blockBytes / rowBytes / ROW_MULTIPLE)) * ROW_MULTIPLE;
  const blocks: Block[] = [];
  for (let first = 0; first < rows; first += size) {
    const count = Math.min(size, rows - first);
    blocks.push({ key, first, count, byteLength: count * rowBytes });
  }
  return blocks;
}
