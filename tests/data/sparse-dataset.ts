/**
 * A dataset of any size on disk that takes almost none: a zip64 archive in a sparse file. Every picture is a PNG header
 * followed by a hole, stored; rows are real.
 */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from '../../src/formats/crc32.ts';
import { pngHeader } from './make-dataset.ts';

interface Entry {
  readonly name: Uint8Array;
  readonly size: number;
  readonly crc: number;
  readonly offset: number;
}

const bytesOf = (text: string) => new TextEncoder().encode(text);

function localHeader(name: Uint8Array, size: number, crc: number): Uint8Array {
  const header = new Uint8Array(30 + name.length);
  const data = new DataView(header.buffer);
  data.setUint32(0, 0x04034b50, true);
  data.setUint16(4, 20, true);
  data.setUint32(14, crc, true);
  data.setUint32(18, size, true);
  data.setUint32(22, size, true);
  data.setUint16(26, name.length, true);
  header.set(name, 30);
  return header;
}

/** PKWARE APPNOTE 4.3.12, the offset always in the zip64 extra field (4.5.3). */
function directoryEntry({ name, size, crc, offset }: Entry): Uint8Array {
  const record = new Uint8Array(46 + name.length + 12);
  const data = new DataView(record.buffer);
  data.setUint32(0, 0x02014b50, true);
  data.setUint32(16, crc, true);
  data.setUint32(20, size, true);
  data.setUint32(24, size, true);
  data.setUint16(28, name.length, true);
  data.setUint16(30, 12, true);
  data.setUint32(42, 0xffffffff, true);
  record.set(name, 46);
  data.setUint16(46 + name.length, 1, true);
  data.setUint16(48 + name.length, 8, true);
  data.setBigUint64(50 + name.length, BigInt(offset), true);
  return record;
}

function ends(entries: number, directoryBytes: number, directoryAt: number): Uint8Array {
  const record = new Uint8Array(56 + 20 + 22);
  const data = new DataView(record.buffer);
  data.setUint32(0, 0x06064b50, true);
  data.setBigUint64(4, 44n, true);
  data.setBigUint64(24, BigInt(entries), true);
  data.setBigUint64(32, BigInt(entries), true);
  data.setBigUint64(40, BigInt(directoryBytes), true);
  data.setBigUint64(48, BigInt(directoryAt), true);
  data.setUint32(56, 0x07064b50, true);
  data.setBigUint64(64, BigInt(directoryAt + directoryBytes), true);
  data.setUint32(72, 1, true);
  data.setUint32(76, 0x06054b50, true);
  data.setUint16(84, 0xffff, true);
  data.setUint16(86, 0xffff, true);
  data.setUint32(88, 0xffffffff, true);
  data.setUint32(92, 0xffffffff, true);
  return record;
}

export interface SparseOptions {
  readonly rows: number;
  readonly pictures: number;
  /** Of all pictures together. */
  readonly bytes: number;
}

/** The archive's path, and the way to remove it. */
export async function sparseDataset({
  rows,
  pictures,
  bytes,
}: SparseOptions): Promise<{ path: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'groundwork-dataset-'));
  const path = join(folder, 'large.zip');
  const file = await open(path, 'w');
  const entries: Entry[] = [];
  let at = 0;
  const add = async (name: string, content: Uint8Array, size: number, crc: number) => {
    const encoded = bytesOf(name);
    const header = localHeader(encoded, size, crc);
    const written = new Uint8Array(header.length + content.length);
    written.set(header);
    written.set(content, header.length);
    await file.write(written, 0, written.length, at);
    entries.push({ name: encoded, size, crc, offset: at });
    at += header.length + size;
  };
  const each = Math.max(64, Math.floor(bytes / pictures));
  // Checksums of holes nobody reads: each is another, as those of different pictures are.
  for (let i = 0; i < pictures; i++) await add(`images/${i % 100}/${i}.png`, pngHeader(640, 480), each, i + 1);
  const parts = ['train', 'heldout'].map((part, k) => {
    const from = k === 0 ? 0 : Math.floor(rows * 0.9);
    const to = k === 0 ? Math.floor(rows * 0.9) : rows;
    const lines = Array.from({ length: to - from }, (_, j) => rowLine(from + j, pictures));
    return { name: `${part}.jsonl`, content: bytesOf(lines.join('\n')) };
  });
  for (const { name, content } of parts) await add(name, content, content.length, crc32(content));
  const directoryAt = at;
  let directoryBytes = 0;
  for (let i = 0; i < entries.length; i += 1000) {
    const piece = Buffer.concat(entries.slice(i, i + 1000).map(directoryEntry));
    await file.write(piece, 0, piece.length, directoryAt + directoryBytes);
    directoryBytes += piece.length;
  }
  const tail = ends(entries.length, directoryBytes, directoryAt);
  await file.write(tail, 0, tail.length, directoryAt + directoryBytes);
  await file.close();
  return { path, remove: () => rm(folder, { recursive: true }) };
}

function rowLine(i: number, pictures: number): string {
  const count = 2 + (i % 3);
  const images = Array.from({ length: count }, (_, k) => (i * 3 + k * 7919) % pictures).map(
    (n) => `images/${n % 100}/${n}.png`,
  );
  const at = i % count;
  return JSON.stringify({
    id: `row-${i}`,
    type: ['diff', 'region', 'refer', 'group'][i % 4],
    images,
    conversations: [
      {
        from: 'human',
        value: `${'<image>\n'.repeat(count)}Find what number ${i} refers to, in whichever image it is.`,
      },
      {
        from: 'gpt',
        value: `<think>I compare the images; ${'the shapes differ in size and colour; '.repeat(6)}only one fits.</think><answer>Image-${at + 1}: <|box_start|>(${100 + (i % 200)},${120 + (i % 300)}),(${420 + (i % 400)},${500 + (i % 450)})<|box_end|></answer>`,
      },
    ],
  });
}
