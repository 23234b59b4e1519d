/** Edits laid over an opened dataset: what rows become, what is counted, and what no longer fits. */
import { expect, it } from 'vitest';
import type { Dataset } from '../../../src/data/dataset.ts';
import { rowDigest, type Change } from '../../../src/data/edits/change.ts';
import { editsOf, readEdits, writeEdits, type EditEntry } from '../../../src/data/edits/edit-log.ts';
import { box01 } from '../../../src/grounding/box.ts';
import { allRows, listed, llava, open, read } from '../make-dataset.ts';

const lines = (...rows: object[]) => rows.map((row) => JSON.stringify(row)).join('\n');
const files = (third = '[0.3,0.3,0.6,0.6]') => ({
  'train.jsonl': lines(
    llava('<image>\n<image>\nWhere is the cat?', 'Image-1: [0.1,0.1,0.5,0.5]', 2, { id: 'one', task: 'find' }),
    llava('<image>\n<image>\nWhere is the dog?', 'Image-2: [0.2,0.2,0.4,0.4]', 2, { id: 'two', task: 'find' }),
    llava('<image>\n<image>\nWhere is the owl?', `Image-2: ${third}`, 2, { id: 'three', task: 'spot' }),
  ),
  'heldout.jsonl': lines(
    llava('<image>\nWhere is the hen?', 'Image-1: [0.1,0.2,0.3,0.4]', 1, { id: 'four', task: 'find' }),
  ),
});
const settled = {
  readings: [
    ...read('train.jsonl', 'list', 'fraction').readings!,
    ...read('heldout.jsonl', 'list', 'fraction').readings!,
  ],
};
const opened = (third?: string) => open(files(third), settled);

async function entry(dataset: Dataset, row: string, change: Change, at = 1): Promise<EditEntry> {
  return { kind: 'change', at, row, digest: rowDigest((await dataset.untouchedRow(row))!), change };
}
const solutionOf = async (dataset: Dataset, id: string) => (await dataset.row(id))!.solution;
const box = { image: 0, box: box01(0.25, 0.25, 0.75, 0.75) };

it('serves edited rows wherever rows are read, and leaves the dataset before as it was', async () => {
  const dataset = await opened();
  const edited = await dataset.withEdits([
    await entry(dataset, 'one', { kind: 'set-box', index: 0, box }),
    await entry(dataset, 'one', { kind: 'question', text: '<image>\n<image>\nWhere is the lynx?' }),
    await entry(dataset, 'two', { kind: 'delete-box', index: 0 }),
  ]);
  expect(await solutionOf(edited, 'one')).toEqual([box]);
  expect((await listed(edited.rows('train'))).map(({ edits }) => edits?.changes)).toEqual([2, 1, undefined]);
  expect([0, 1, 2].map((i) => edited.rows('train').hasSolution(i))).toEqual([true, true, true]);
  expect(edited.report.edits).toMatchObject({ changes: 3, rows: 2, excluded: 0, unfitRows: 0 });
  expect((await edited.select('train', { text: 'lynx' })).length).toBe(1);
  expect((await edited.select('train', { edits: 'edited' })).length).toBe(2);
  expect(dataset.report.edits).toBeNull();
  expect(await solutionOf(dataset, 'one')).not.toEqual([box]);
  expect(edited.report.id).toBe(dataset.report.id);
});

it('leaves excluded rows out of their part and of every count, and finds them when asked', async () => {
  const dataset = await opened();
  const edited = await dataset.withEdits([await entry(dataset, 'three', { kind: 'exclude', reason: 'blurred' })]);
  expect(edited.report).toMatchObject({ train: 2, heldout: 1, tasks: { find: 3, spot: 0 } });
  expect((await allRows(edited)).map(({ id }) => id)).toEqual(['one', 'two', 'four']);
  const [row] = await listed(await edited.select('train', { edits: 'excluded' }));
  expect(row).toMatchObject({ id: 'three', edits: { changes: 1, excluded: 'blurred' } });
});

it('says when nothing is left to train on', async () => {
  const dataset = await opened();
  const all = await Promise.all(
    ['one', 'two', 'three'].map((id) => entry(dataset, id, { kind: 'exclude', reason: 'bad' })),
  );
  expect((await dataset.withEdits(all)).report.shortfalls[0]).toContain('nothing can be trained');
});

it('undoes and redoes in order, and keeps the history', async () => {
  const dataset = await opened();
  const moved = await entry(dataset, 'one', { kind: 'set-box', index: 0, box });
  const out = await entry(dataset, 'two', { kind: 'exclude', reason: 'bad' });
  const undo: EditEntry = { kind: 'undo', at: 2 };
  const both = await dataset.withEdits([moved, out]);
  const once = await both.withEdits([moved, out, undo]);
  expect(once.report).toMatchObject({
    train: 3,
    edits: { entries: 3, changes: 1, undo: { row: 'one', words: 'changed box 1' }, redo: { row: 'two' } },
  });
  const again = await once.withEdits([moved, out, undo, { kind: 'redo', at: 3 }]);
  expect(again.report.edits!.digest).toBe(both.report.edits!.digest);
  expect(once.report.edits!.digest).not.toBe(both.report.edits!.digest);
  const none = await again.withEdits([moved, out, undo, undo, undo]);
  expect(none.report).toMatchObject({ train: 3, edits: { changes: 0, rows: 0, undo: null } });
  // A new change ends what could be redone.
  expect(editsOf([moved, undo, out, { kind: 'redo', at: 4 }])).toMatchObject({ active: [out], undone: [] });
});

it('changes no row whose file says something else now, and says which', async () => {
  const entries = [
    await entry(await opened(), 'three', { kind: 'set-box', index: 0, box }),
    await entry(await opened(), 'one', { kind: 'set-box', index: 0, box }),
    { ...(await entry(await opened(), 'one', { kind: 'include' })), row: 'gone' } as EditEntry,
  ];
  const changed = await (await opened('[0.3,0.3,0.6,0.7]')).withEdits(entries);
  expect(changed.report.edits).toMatchObject({ changes: 1, rows: 1, unfitRows: 2 });
  expect(changed.report.edits!.unfit.map(({ row }) => row)).toEqual(['gone', 'three']);
  expect((await solutionOf(changed, 'three'))[0]!.box).toEqual([0.3, 0.3, 0.6, 0.7]);
  expect((await changed.select('train', { edits: 'unfit' })).length).toBe(1);
});

it('keeps edits when the dataset is read anew, as far as they fit the rows as they are read then', async () => {
  const dataset = await opened();
  const edited = await dataset.withEdits([await entry(dataset, 'one', { kind: 'set-box', index: 0, box })]);
  const silent = { tell: () => undefined };
  const drawn = await edited.reread({ ...settled, split: 'draw', seed: 3 }, silent);
  expect(await solutionOf(drawn, 'one')).toEqual([box]);
  const other = await edited.reread({ readings: read('train.jsonl', 'list', 'fraction', 'xywh').readings! }, silent);
  expect(other.report.edits).toMatchObject({ rows: 0, unfitRows: 1 });
});

it('writes edits as JSON Lines and reads them back; anything else is refused as a whole', async () => {
  const dataset = await opened();
  const entries = [
    await entry(dataset, 'one', { kind: 'add-box', box: { ...box, label: 'cat' } }),
    await entry(dataset, 'two', { kind: 'thought', text: null }),
    { kind: 'undo', at: 5 } as const,
  ];
  const written = writeEdits('test', entries);
  expect(written.split('\n')).toHaveLength(5);
  expect(readEdits(written, 'e.jsonl')).toEqual(entries);
  const line = (text: string) => () => readEdits(`${written}${text}\n`, 'e.jsonl');
  expect(line('{')).toThrow('line 5 is not JSON');
  expect(line('{"kind":"change","at":1,"row":"a","digest":"d","change":{"kind":"set-box","index":-1}}')).toThrow(
    'line 5: change.',
  );
  expect(() => readEdits('{"kind":"undo","at":1}\n', 'e.jsonl')).toThrow('first line');
  expect(() => readEdits('', 'e.jsonl')).toThrow('empty');
});
