import 'fake-indexeddb/auto';
import { openDB } from 'idb';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { fileRecords } from '../../src/store/file-records.ts';
import { idbRecords, MIGRATIONS } from '../../src/store/idb-records.ts';
import { memoryFiles } from '../../src/store/memory-files.ts';
import type { FileStore } from '../../src/store/file-store.ts';
import { damageNotice, missingEntries, type Damage, type Records } from '../../src/store/records.ts';

let databases = 0;

test('a disk that fills while a record is put is told as such, though only the transaction knows it', async () => {
  const records = await idbRecords(`test-${databases++}`);
  const { put } = IDBObjectStore.prototype;
  const spy = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (this: IDBObjectStore, ...given) {
    const request = put.apply(this, given);
    // What a browser does: it aborts the transaction, and the request says no more than that.
    (this.transaction as unknown as { _abort(name: string): void })._abort('QuotaExceededError');
    return request;
  });
  await expect(records.put('projects', { id: 'a' })).rejects.toMatchObject({ code: 'storage-full' });
  await expect(records.append('run', { from: 0, entries: [1] })).rejects.toMatchObject({ code: 'storage-full' });
  spy.mockRestore();
  await records.put('projects', { id: 'a' });
  expect(await records.get('projects', 'a')).toEqual({ id: 'a' });
});

describe.each<[string, () => Promise<Records>]>([
  ['in IndexedDB', () => idbRecords(`test-${databases++}`)],
  ['in files', () => Promise.resolve(fileRecords(memoryFiles()))],
])('records %s', (_, open) => {
  test('are there as they were put, until they are removed', async () => {
    const records = await open();
    expect(await records.get('projects', 'a')).toBeNull();
    await records.put('projects', { id: 'a', name: 'first' } as { id: string });
    await records.put('projects', { id: 'a', name: 'renamed' } as { id: string });
    await records.put('projects', { id: 'b' });
    await records.put('runs', { id: 'a' });
    expect(await records.get('projects', 'a')).toEqual({ id: 'a', name: 'renamed' });
    expect((await records.all('projects')).map(({ id }) => id).sort()).toEqual(['a', 'b']);
    await records.remove('projects', 'a');
    expect([await records.get('projects', 'a'), await records.get('runs', 'a')]).toEqual([null, { id: 'a' }]);
  });

  test('changes made at once all last, and one that is refused changes nothing', async () => {
    const records = await open();
    type Sum = { readonly id: string; readonly sum: number; readonly seen: readonly number[] };
    const add = (n: number) =>
      records.update<Sum>('labels', 'a', (before) => ({
        id: 'a',
        sum: (before?.sum ?? 0) + n,
        seen: [...(before?.seen ?? []), n],
      }));
    const changes = Array.from({ length: 20 }, (_, n) => add(n));
    const refused = records.update('labels', 'a', () => {
      throw new RangeError('not this one');
    });
    await expect(refused).rejects.toThrow('not this one');
    await Promise.all(changes);
    await add(1000);
    const kept = await records.get<Sum>('labels', 'a');
    expect(kept!.sum).toBe(1190);
    expect(kept!.seen).toEqual([...Array.from({ length: 20 }, (_, n) => n), 1000]);
  });

  test('a log comes in order, whatever the order of its pieces, and is cut anywhere', async () => {
    const records = await open();
    await records.append('run', { from: 10, entries: ['k', 'l'] });
    await records.append('run', { from: 0, entries: ['a', 'b', 'c'] });
    await records.append('run', { from: 3, entries: ['d', 'e', 'f', 'g', 'h', 'i', 'j'] });
    await records.append('other', { from: 0, entries: ['z'] });
    const all = async (run: string) => (await records.log(run)).flatMap(({ entries }) => entries).join('');
    expect(await all('run')).toBe('abcdefghijkl');
    for (const [from, left] of [
      [12, 'abcdefghijkl'],
      [11, 'abcdefghijk'],
      [10, 'abcdefghij'],
      [5, 'abcde'],
      [3, 'abc'],
      [0, ''],
    ] as const) {
      await records.cut('run', from);
      expect(await all('run')).toBe(left);
    }
    expect(await all('other')).toBe('z');
  });

  test('numbers that JSON has no word for are kept', async () => {
    const records = await open();
    const values = { loss: NaN, grad_norm: Infinity, reward: -Infinity, step_time: 1.5 };
    await records.put('runs', { id: 'run', values } as { id: string });
    await records.append('run', { from: 0, entries: [{ type: 'metrics', values }, null] });
    expect(await records.get('runs', 'run')).toEqual({ id: 'run', values });
    expect((await records.log('run'))[0]!.entries).toEqual([{ type: 'metrics', values }, null]);
    await records.append('run', { from: 2, entries: [values, values] });
    await records.cut('run', 3);
    expect((await records.log('run')).at(-1)!.entries).toEqual([values]);
  });

  test('a run takes its log along', async () => {
    const records = await open();
    await records.put('runs', { id: 'run' });
    await records.append('run', { from: 0, entries: [1] });
    await records.remove('runs', 'run');
    expect(await records.log('run')).toEqual([]);
  });
});

describe('a database of an older version', () => {
  test('is migrated with all that is in it, one version after the other', async () => {
    const old = await openDB('old', 1, {
      upgrade: (db, _from, _to, upgrade) => MIGRATIONS[0]!(db, upgrade as never),
    });
    await old.put('projects', { id: 'p', name: 'kept' });
    await old.put('runs', { id: 'with', events: [{ type: 'metrics', step: 1 }, { type: 'notice' }] });
    await old.put('runs', { id: 'without', events: [] });
    old.close();
    const records = await idbRecords('old');
    expect(await records.get('projects', 'p')).toEqual({ id: 'p', name: 'kept' });
    expect(await records.get('runs', 'with')).toEqual({ id: 'with', events: 2 });
    expect(await records.get('runs', 'without')).toEqual({ id: 'without', events: 0 });
    expect(await records.log('with')).toEqual([
      { run: 'with', from: 0, entries: [{ type: 'metrics', step: 1 }, { type: 'notice' }] },
    ]);
    expect(await records.log('without')).toEqual([]);
    await records.append('with', { from: 2, entries: ['more'] });
    expect(await records.log('with')).toHaveLength(2);
  });

  test('of a newer version is refused with what to do, and left as it is', async () => {
    const newer = await openDB('newer', MIGRATIONS.length + 1, { upgrade: (db) => void db.createObjectStore('new') });
    newer.close();
    await expect(idbRecords('newer')).rejects.toMatchObject({
      code: 'records-failed',
      hint: expect.stringMatching(/\w/),
    });
  });
});

/** Changes what is in a file behind everybody's back. */
async function spoil(files: FileStore, path: string, change: (text: string) => string): Promise<void> {
  await files.writeText(path, change(await (await files.blob(path))!.text()));
}

describe('a damaged record in files', () => {
  const RUN = 'records/runs/bad.json';
  const PIECE = 'records/log/good/000000002.json';
  const begin = async () => {
    const files = memoryFiles();
    const records = fileRecords(files);
    for (const id of ['good', 'bad']) await records.put('runs', { id, step: 1 } as { id: string });
    for (const from of [0, 2, 4]) await records.append('good', { from, entries: [from, from + 1] });
    const told: Damage[] = [];
    records.onDamage((damage) => told.push(damage));
    return { files, records, told };
  };

  test.each<[string, (text: string) => string]>([
    ['is empty', () => ''],
    ['was cut short', (text) => text.slice(0, -4)],
    ['has another number in it', (text) => text.replace('"step":1', '"step":7')],
    ['has another digest', (text) => text.replace(/record ./, 'record -')],
    ['is of another run', () => '{"id":"good"}'],
    ['is no record', () => '[1, 2]'],
  ])('that %s is set aside and told, and the others are there', async (_, change) => {
    const { files, records, told } = await begin();
    await spoil(files, RUN, change);
    expect((await records.all('runs')).map(({ id }) => id)).toEqual(['good']);
    expect(await records.get('runs', 'bad')).toBeNull();
    expect(told).toEqual([{ kind: 'runs', id: 'bad', keptAt: 'damaged/records-runs-bad.json' }]);
    expect(await files.blob(RUN)).toBeNull();
    expect(await files.blob('damaged/records-runs-bad.json')).not.toBeNull();
    await records.put('runs', { id: 'bad' });
    expect(await records.all('runs')).toHaveLength(2);
  });

  test('of an older version, without a digest, is believed', async () => {
    const { files, records, told } = await begin();
    await files.writeText(RUN, '{"id":"bad","step":3}');
    await files.writeText(PIECE, '{"from":2,"entries":[2,3]}');
    expect(await records.get('runs', 'bad')).toEqual({ id: 'bad', step: 3 });
    expect(await records.log('good')).toHaveLength(3);
    expect(told).toEqual([]);
  });

  test.each<[string, (text: string) => string]>([
    ['flipped', (text) => text.replace('[2,3]', '[2,4]')],
    ['empty', () => ''],
    ['in the wrong place', () => '{"from":9,"entries":[1]}'],
  ])('a %s piece of a log leaves a gap that is counted, and the run is cut and gone on with', async (_, change) => {
    const { files, records, told } = await begin();
    await spoil(files, PIECE, change);
    const pieces = await records.log('good');
    expect(pieces.map(({ from }) => from)).toEqual([0, 4]);
    expect(missingEntries(pieces, 6)).toBe(2);
    expect(told).toMatchObject([{ kind: 'log', id: 'good' }]);
    await records.cut('good', 5);
    await records.append('good', { from: 5, entries: ['x'] });
    expect((await records.log('good')).flatMap(({ entries }) => entries)).toEqual([0, 1, 4, 'x']);
  });

  test('stray files are passed over', async () => {
    const { files, records, told } = await begin();
    for (const path of ['records/runs/.DS_Store', 'records/runs/bad.json.new', 'records/log/good/notes.txt'])
      await files.writeText(path, 'x');
    expect(await records.all('runs')).toHaveLength(2);
    expect(await records.log('good')).toHaveLength(3);
    expect(told).toEqual([]);
  });

  test('is told to whoever asks later, too', async () => {
    const { files, records } = await begin();
    await spoil(files, RUN, () => '');
    await records.all('runs');
    const late: Damage[] = [];
    records.onDamage((damage) => late.push(damage));
    expect(late.map(damageNotice)).toEqual([
      'The record of the run bad is damaged. It was set aside as damaged/records-runs-bad.json. Everything else is safe.',
    ]);
  });
});

describe('a damaged record in IndexedDB', () => {
  afterEach(() => vi.restoreAllMocks());

  test('a value whose file the browser has lost is set aside and told, and the others are there', async () => {
    const records = await idbRecords(`test-${databases++}`);
    for (const id of ['good', 'bad']) await records.put('runs', { id });
    const told: Damage[] = [];
    records.onDamage((damage) => told.push(damage));
    // As Chromium does it: one lost file, and no value can be read together with it.
    const { get } = IDBObjectStore.prototype;
    const refuse = () => {
      throw new DOMException('Failed to read large IndexedDB value', 'NotReadableError');
    };
    vi.spyOn(IDBObjectStore.prototype, 'getAll').mockImplementation(refuse);
    vi.spyOn(IDBObjectStore.prototype, 'get').mockImplementation(function (this: IDBObjectStore, key) {
      return key === 'bad' ? refuse() : get.call(this, key);
    });
    expect(await records.all('runs')).toEqual([{ id: 'good' }]);
    expect(told).toMatchObject([{ kind: 'runs', id: 'bad' }]);
    vi.restoreAllMocks();
    expect(await records.all('runs')).toEqual([{ id: 'good' }]);
  });

  test('a piece of a log that is none is set aside', async () => {
    const name = `test-${databases++}`;
    const records = await idbRecords(name);
    await records.append('run', { from: 0, entries: ['a'] });
    const raw = await openDB(name);
    await raw.put('log', { run: 'run', from: 1, entries: 'b' });
    raw.close();
    expect(await records.log('run')).toMatchObject([{ from: 0, entries: ['a'] }]);
    expect(await records.log('run')).toHaveLength(1);
  });
});

test('entries that no piece has are counted', () => {
  const piece = (from: number, count: number) => ({ from, entries: Array<number>(count).fill(0) });
  expect(missingEntries([], 5)).toBe(5);
  expect(missingEntries([piece(0, 5)], 5)).toBe(0);
  expect(missingEntries([piece(2, 2)], 5)).toBe(3);
  expect(missingEntries([piece(0, 2), piece(4, 9)], 5)).toBe(2);
});
