/** 1,000 edits of 50,000 rows, as a day's work makes them, a few at a time: what they leave on the heap. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fileBlob } from '../../src/cli/file-blob.ts';
import type { RowEdit } from '../../src/engine/protocol/index.ts';
import { EngineSession } from '../../src/engine/session.ts';
import { box01 } from '../../src/grounding/box.ts';
import { sparseDataset } from '../data/sparse-dataset.ts';

const [ROWS, EDITS, AT_ONCE] = [50_000, 1000, 50];
const MIB = 2 ** 20;

let archive: Awaited<ReturnType<typeof sparseDataset>>;
beforeAll(async () => {
  archive = await sparseDataset({ rows: ROWS, pictures: 2000, bytes: 2000 * 64 });
}, 120_000);
afterAll(() => archive.remove());

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
/** Bytes in use after a collection; finalizers of the one before have run by then. */
async function used(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

const edit = (i: number): RowEdit => {
  const row = `row-${(i * 37) % ROWS}`;
  const box = { image: 0, box: box01(0.1, 0.1, 0.2 + (i % 50) / 100, 0.5) };
  return {
    kind: 'change',
    row,
    change: i % 10 === 9 ? { kind: 'exclude', reason: 'blurred' } : { kind: 'set-box', index: 0, box },
  };
};

test('the heap grows by the edits and by nothing else', { timeout: 600_000 }, async () => {
  const session = new EngineSession({
    openGpu: () => Promise.reject(new Error('there is none')),
    fetchFile: () => Promise.reject(new Error('there is none')),
    emit: () => undefined,
  });
  const files = [{ path: 'large.zip', file: fileBlob(archive.path) }];
  const { id: dataset, train } = await session.handle({ type: 'open-dataset', name: 'large', files });
  const { id: project } = await session.handle({ type: 'save-project', id: null, change: { name: 'mine' } });
  const batch = async (from: number, count: number) => {
    const edits = Array.from({ length: count }, (_, k) => edit(from + k));
    return session.handle({ type: 'edit-rows', dataset, project, edits });
  };
  const look = async () => {
    for (let offset = 0; offset < train; offset += 5000)
      await session.handle({ type: 'rows', dataset, split: 'train', offset, count: 50 });
  };
  // What is made once is made.
  await batch(0, AT_ONCE);
  await look();
  const before = await used();
  for (let done = AT_ONCE; done < EDITS; done += AT_ONCE) await batch(done, AT_ONCE);
  const edited = await used();
  await look();
  await session.handle({ type: 'edit-history', dataset });
  const looked = await used();
  const { edits } = await batch(0, 0);
  expect(edits).toMatchObject({ entries: EDITS, changes: EDITS });
  // An edit with its digest and its row is some kilobytes; an index of the rows kept for each batch would be a hundred times that.
  expect(edited - before).toBeLessThan(4 * MIB);
  expect(looked - before).toBeLessThan(4 * MIB);
  await session.destroy();
});
