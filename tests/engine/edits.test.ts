/** Edits by the engine's requests: kept with their project, found again, copied and deleted with it. */
import { expect, test } from 'vitest';
import type { DatasetReport, RowEdit } from '../../src/engine/protocol/index.ts';
import { EngineSession } from '../../src/engine/session.ts';
import { box01 } from '../../src/grounding/box.ts';
import { memoryStorage, type Storage } from '../../src/store/storage.ts';
import { llava, named, pngHeader } from '../data/make-dataset.ts';

const files = named({
  'images/a.png': pngHeader(200, 100),
  'images/b.png': pngHeader(200, 100),
  'images/c.png': pngHeader(200, 100),
  'train.json': [
    llava('<image>Where?', '<|box_start|>(100,100),(300,300)<|box_end|>', 1, { id: 'one' }),
    llava('<image>Who?', '<|box_start|>(200,200),(300,300)<|box_end|>', 1, { id: 'two' }),
  ],
});
const session = (storage: Storage) =>
  new EngineSession({
    openGpu: () => Promise.reject(new Error('there is none')),
    fetchFile: () => Promise.reject(new Error('there is none')),
    emit: () => undefined,
    storage,
  });
const open = (engine: EngineSession, project?: string): Promise<DatasetReport> =>
  engine.handle({ type: 'open-dataset', name: 'small', files, ...(project !== undefined && { project }) });
const make = async (engine: EngineSession) =>
  (await engine.handle({ type: 'save-project', id: null, change: { name: 'mine' } })).id;

const box = { image: 0, box: box01(0.5, 0.5, 0.75, 1) };
const move: RowEdit = { kind: 'change', row: 'one', change: { kind: 'set-box', index: 0, box } };
const out: RowEdit = { kind: 'change', row: 'two', change: { kind: 'exclude', reason: 'blurred' } };

test('edits are there again in the next visit, in copies of their project, and nowhere else', async () => {
  const storage = memoryStorage();
  const first = session(storage);
  const project = await make(first);
  const { id: dataset } = await open(first, project);
  const edited = await first.handle({ type: 'edit-rows', dataset, project, edits: [move, out] });
  expect(edited).toMatchObject({ id: dataset, train: 1, edits: { changes: 2, rows: 2, excluded: 1 } });
  await first.handle({ type: 'edit-rows', dataset, project, edits: [{ kind: 'undo' }] });

  const next = session(storage);
  expect((await open(next, project)).edits).toMatchObject({ entries: 3, changes: 1, redo: { row: 'two' } });
  expect((await next.handle({ type: 'row', dataset, rowId: 'one' })).solution).toEqual([box]);
  const history = await next.handle({ type: 'edit-history', dataset });
  expect(history.map(({ row, words }) => `${row}: ${words}`)).toEqual([
    'one: changed box 1',
    'two: left the row out: blurred',
    'two: took back: left the row out: blurred',
  ]);

  const copy = await next.handle({ type: 'duplicate-project', id: project });
  await next.handle({ type: 'delete-project', id: project });
  expect((await open(next, copy.id)).edits).toMatchObject({ changes: 1 });
  expect((await open(next, project)).edits).toBeNull();
  expect((await open(next)).edits).toBeNull();
});

test('edits that do not fit are refused together, and nothing of them is kept', async () => {
  const storage = memoryStorage();
  const engine = session(storage);
  const project = await make(engine);
  const { id: dataset } = await open(engine, project);
  const wrong: RowEdit = { kind: 'change', row: 'two', change: { kind: 'delete-box', index: 4 } };
  await expect(engine.handle({ type: 'edit-rows', dataset, project, edits: [move, wrong] })).rejects.toMatchObject({
    code: 'edit-refused',
    message: expect.stringContaining('no box 5'),
  });
  const gone: RowEdit = { ...move, row: 'gone' };
  await expect(engine.handle({ type: 'edit-rows', dataset, project, edits: [gone] })).rejects.toMatchObject({
    code: 'row-missing',
  });
  expect((await open(engine, project)).edits).toBeNull();
  // The second edit is judged by the row that the first has left.
  const twice: RowEdit = { kind: 'change', row: 'one', change: { kind: 'delete-box', index: 0 } };
  await expect(engine.handle({ type: 'edit-rows', dataset, project, edits: [twice, twice] })).rejects.toMatchObject({
    code: 'edit-refused',
  });
});

test('edits made at the same time take turns', async () => {
  const engine = session(memoryStorage());
  const project = await make(engine);
  const { id: dataset } = await open(engine, project);
  const reports = await Promise.all(
    [move, out, move].map((edit) => engine.handle({ type: 'edit-rows', dataset, project, edits: [edit] })),
  );
  expect(reports.map(({ edits }) => edits!.entries)).toEqual([1, 2, 3]);
  expect((await open(engine, project)).edits!.entries).toBe(3);
});

test('only the tab that holds a project edits in it', async () => {
  const storage = memoryStorage();
  const project = await make(session(storage));
  const other = session(storage);
  const { id: dataset } = await open(other, project);
  await expect(other.handle({ type: 'edit-rows', dataset, project, edits: [move] })).rejects.toMatchObject({
    code: 'project-busy',
  });
});

test('edits go from one project to another as a file, and to rows that are not theirs they do nothing', async () => {
  const engine = session(memoryStorage());
  const { id: dataset } = await open(engine);
  await engine.handle({ type: 'edit-rows', dataset, project: null, edits: [move] });
  const { fileName, stream } = await engine.handle({ type: 'edits-file', dataset });
  expect(fileName).toBe('small.edits.jsonl');
  const file = { path: fileName, file: await new Response(stream).blob() };
  const project = await make(engine);
  await open(engine, project);
  const taken = await engine.handle({ type: 'take-edits', dataset, project, file });
  expect(taken.edits).toMatchObject({ changes: 1, rows: 1, unfitRows: 0 });
  const bad = { path: 'e.jsonl', file: new Blob(['{}']) };
  await expect(engine.handle({ type: 'take-edits', dataset, project, file: bad })).rejects.toMatchObject({
    code: 'edits-unreadable',
  });
});
