import { expect, test } from 'vitest';
import type { ByteSource } from '../../src/formats/byte-source.ts';
import { openCheckpoint, type CheckpointWeights } from '../../src/formats/checkpoint-files.ts';
import { rowBlocks } from '../../src/formats/row-blocks.ts';
import { writeSafetensors } from '../../src/formats/safetensors-writer.ts';
import { collect, collectBytes } from './collect.ts';
import { bytesSource } from './bytes-source.ts';

const random = (n: number, seed: number) => Uint8Array.from({ length: n }, (_, i) => (i * 31 + seed * 17) % 251);

/** A checkpoint of these shapes (F16), its source watched: `reading` counts bytes asked for and not yet read. */
async function checkpoint(shapes: Record<string, readonly number[]>) {
  const content = new Map(
    Object.entries(shapes).map(([name, shape], i) => [
      name,
      random(
        shape.reduce((a, b) => a * b, 2),
        i,
      ),
    ]),
  );
  const file = await collectBytes(
    writeSafetensors(
      Object.entries(shapes).map(([name, shape]) => ({ name, dtype: 'F16', shape, bytes: () => content.get(name)! })),
    ),
  );
  const inner = bytesSource(file);
  const watch = { asked: [] as number[], underWay: 0 };
  const source: ByteSource = {
    size: inner.size,
    read: async (offset, length) => {
      watch.asked.push(offset);
      watch.underWay++;
      await new Promise((resolve) => setTimeout(resolve, 1));
      watch.underWay--;
      return inner.read(offset, length);
    },
  };
  const opened = await openCheckpoint(new Map([['model.safetensors', source]]));
  watch.asked.length = 0;
  return { opened, content, watch };
}

const SHAPES = { wide: [9, 50], narrow: [64, 3], vector: [301], scalar: [], empty: [0, 4], kernel: [8, 3, 2, 2] };

test.each([1, 64, 1000, 1 << 20])('blocks of about %i bytes put together are the tensors', async (blockBytes) => {
  const { opened, content, watch } = await checkpoint(SHAPES);
  const blocks = await collect(rowBlocks(opened, Object.keys(SHAPES), { blockBytes, windowBytes: 3 * blockBytes }));
  for (const [name, bytes] of content) {
    const mine = blocks.filter(({ key }) => key === name);
    expect(
      mine.reduce((rows, { first, count }) => (expect(first).toBe(rows), rows + count), 0),
      name,
    ).toBe(SHAPES[name as keyof typeof SHAPES][0] ?? 1);
    expect(Buffer.concat(mine.map((block) => block.bytes)).equals(bytes), name).toBe(true);
    for (const { count } of mine.slice(0, -1)) expect(count % 4, name).toBe(0);
  }
  // Forward through the file, whatever the order of the names.
  expect(watch.asked).toEqual([...watch.asked].sort((a, b) => a - b));
});

test('the next blocks are read while one is worked on, and no more than the window holds', async () => {
  const { opened } = await checkpoint({ big: [400, 50] });
  let alive = 0;
  let most = 0;
  const counting: CheckpointWeights = {
    ...opened,
    readRows: async (name, first, count) => {
      alive += count * 100;
      most = Math.max(most, alive);
      return opened.readRows(name, first, count);
    },
  };
  for await (const { bytes } of rowBlocks(counting, ['big'], { blockBytes: 800, windowBytes: 2400 })) {
    expect(bytes.byteLength).toBe(800);
    alive -= bytes.byteLength;
  }
  expect(most).toBeGreaterThan(800);
  expect(most).toBeLessThanOrEqual(2400);
});

test('a failing read is told in its turn; leaving early, or a signal, waits for what is under way', async () => {
  const { opened, watch } = await checkpoint({ big: [40, 50] });
  const failing: CheckpointWeights = {
    ...opened,
    readRows: async (name, first, count) => {
      if (first === 16) throw new Error('the disk is gone');
      return opened.readRows(name, first, count);
    },
  };
  const seen: number[] = [];
  const all = async () => {
    for await (const { first } of rowBlocks(failing, ['big'], { blockBytes: 800 })) seen.push(first);
  };
  await expect(all()).rejects.toThrow('the disk is gone');
  expect(seen).toEqual([0, 8]);
  expect(watch.underWay).toBe(0);

  const stop = new AbortController();
  const stopped = async () => {
    for await (const _ of rowBlocks(opened, ['big'], { blockBytes: 800, signal: stop.signal })) stop.abort();
  };
  await expect(stopped()).rejects.toThrow(/abort/i);
  expect(watch.underWay).toBe(0);
});
