/** Pictures of a batch to come may be read ahead: read once, with the same features, and what is wrong is told in its turn. */
import { expect, test } from 'vitest';
import type { Dataset } from '../../src/data/dataset.ts';
import type { Row } from '../../src/data/row.ts';
import type { RowList } from '../../src/data/row-list.ts';
import { SampleStore } from '../../src/train/samples.ts';
import { useSession } from '../ops/harness.ts';
import { withTiny, type Tiny } from './tiny-model.ts';

const session = useSession();

const row = (picture: string): Row => ({
  id: picture,
  task: '',
  split: 'train',
  images: [picture],
  prompt: [
    {
      role: 'user',
      content: [
        { type: 'image', image: 0 },
        { type: 'text', text: 'Box it.' },
      ],
    },
  ],
  answer: [],
  solution: [],
  source: { file: 'rows.jsonl', line: 1 },
});

/** A store over pictures of the golden case; `reads` are those opened so far. */
function storeOver({ golden, loaded }: Tiny) {
  const reads: string[] = [];
  const dataset = {
    naturalSize: async () => ({ width: 56, height: 56 }),
    image: async (path: string) => {
      reads.push(path);
      if (path === 'lost.png') throw new Error('lost.png is gone');
      return golden.image('images/a.png');
    },
  } as unknown as Dataset;
  return { reads, store: new SampleStore(dataset, loaded.model, loaded.processor) };
}

const listOf = (rows: readonly Row[]) =>
  ({ read: async (places: readonly number[]) => places.map((i) => rows[i]!) }) as unknown as RowList;

test('pictures read ahead are not read again, and have the features they would have had', async () => {
  await withTiny(session(), async (tiny) => {
    const rows = ['a.png', 'b.png'].map(row);
    const plain = storeOver(tiny);
    const wanted = plain.store.features(await plain.store.prepare(rows));
    const { reads, store } = storeOver(tiny);
    store.readAhead(listOf(rows), [0, 1]);
    await expect.poll(() => reads).toEqual(['a.png', 'b.png']);
    expect(store.features(await store.prepare(rows))).toEqual(wanted);
    expect(reads).toEqual(['a.png', 'b.png']);
    plain.store.destroy();
    store.destroy();
  });
});

test('a picture that cannot be read ahead stops the batch that needs it, and no other', async () => {
  await withTiny(session(), async (tiny) => {
    const rows = ['lost.png', 'a.png'].map(row);
    const { reads, store } = storeOver(tiny);
    store.readAhead(listOf(rows), [0, 1]);
    await expect.poll(() => reads).toEqual(['lost.png', 'a.png']);
    await store.prepare([rows[1]!]);
    await expect(store.prepare(rows)).rejects.toThrow('lost.png is gone');
    expect(reads).toEqual(['lost.png', 'a.png']);
    store.destroy();
  });
});
