import 'fake-indexeddb/auto';
import { openDB } from 'idb';
import { describe, expect, test } from 'vitest';
import { fileRecords } from '../../src/store/file-records.ts';
import { idbRecords, MIGRATIONS } from '../../src/store/idb-records.ts';
import { memoryFiles } from '../../src/store/memory-files.ts';
import type { Records } from '../../src/store/records.ts';

let databases = 0;

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
