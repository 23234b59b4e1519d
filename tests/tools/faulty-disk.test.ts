/** A power cut below the store of the command line: what was told as written is there, and nothing is half there. */
import { expect, test } from 'vitest';
import { Random } from '../../src/base/random.ts';
import { nodeFileStore } from '../../src/cli/node-file-store.ts';
import { storageInFiles } from '../../src/store/storage.ts';
import { Vault } from '../../src/store/vault.ts';
import { FaultyDisk, Killed } from '../../tools/torture/faulty-disk.ts';

const ROOT = '/house/run';

/** Works with a store until the power is cut at change number `operation`, looks at what is left, and says what is wrong. */
async function cutAt(operation: number, seed: number, disk = new FaultyDisk()): Promise<string[]> {
  const random = new Random(seed);
  disk.onOperation = (now) => (now === operation ? 'kill' : null);
  const { files, records } = storageInFiles(nodeFileStore(ROOT, disk));
  const vault = new Vault<number>(files, 'runs/a/checkpoints');
  const promised = { record: -1, vault: -1, pieces: 0, cut: false };
  try {
    for (let i = 0; i < 4; i++) {
      await records.put('runs', { id: 'a', step: i } as { id: string });
      promised.record = i;
      await records.append('a', { from: 2 * i, entries: [`${i} first`, `${i} second`] });
      promised.pieces = i + 1;
      const { id } = await vault.write(
        (async function* () {
          yield new Uint8Array(3000).fill(i);
          yield new Uint8Array(700).fill(i);
        })(),
        i,
      );
      promised.vault = i;
      if (id > 1) await vault.remove(id - 2);
    }
    await records.cut('a', 3);
    promised.cut = true;
  } catch (error) {
    if (!(error instanceof Killed)) throw error;
  }
  disk.onOperation = null;
  disk.dead = false;
  disk.cut(random);
  const wrong: string[] = [];
  const after = storageInFiles(nodeFileStore(ROOT, disk));
  after.records.onDamage(({ kind, id }) => wrong.push(`the ${kind} of ${id} is damaged`));
  const record = await after.records.get<{ id: string; step: number }>('runs', 'a');
  if ((record?.step ?? -1) < promised.record) wrong.push(`the record of ${promised.record} is ${record?.step}`);
  const log = (await after.records.log('a')).flatMap(({ from, entries }) => entries.map((text, k) => [from + k, text]));
  const whole = [0, 1, 2, 3].flatMap((i) => [`${i} first`, `${i} second`]);
  for (const [at, text] of log) if (whole[at as number] !== text) wrong.push(`entry ${at} is ${text}`);
  if (promised.cut && log.length !== 3) wrong.push(`${log.length} entries are left of 3`);
  if (!promised.cut && promised.pieces < 4 && log.length < 2 * promised.pieces)
    wrong.push('a piece of the log is gone');
  const { entry, file } = await new Vault<number>(after.files, 'runs/a/checkpoints').newest();
  if ((entry?.about ?? -1) < promised.vault) wrong.push(`the newest file is ${entry?.about}, not ${promised.vault}`);
  if (file && new Set(new Uint8Array(await file.arrayBuffer())).size !== 1) wrong.push('the newest file is mixed');
  return wrong;
}

/** All changes that the work makes, and some that it never comes to. */
const changes = async (): Promise<number> => {
  const disk = new FaultyDisk();
  await cutAt(-1, 0, disk);
  return disk.operations;
};

test('a power cut at any change of a file loses nothing that was told as written', async () => {
  const total = await changes();
  expect(total).toBeGreaterThan(80);
  for (let operation = 0; operation <= total; operation++)
    for (let seed = 0; seed < 2; seed++)
      expect(await cutAt(operation, 100 * operation + seed), `change ${operation}, seed ${seed}`).toEqual([]);
});

/** Disks of stores that leave something out. */
const CARELESS = {
  'flushes no names': (disk: FaultyDisk) => (disk.flushFolder = () => Promise.resolve()),
  'flushes no contents': (disk: FaultyDisk) => {
    const open = disk.open.bind(disk);
    disk.open = async (...at) => ({ ...(await open(...at)), flush: () => Promise.resolve() });
  },
  'does not say which folders are new': (disk: FaultyDisk) => {
    const make = disk.makeFolder.bind(disk);
    disk.makeFolder = async (path) => void (await make(path)) as undefined;
  },
};

test.each(Object.entries(CARELESS))('a store that %s is found out by it', async (_, careless) => {
  const found: string[] = [];
  for (let seed = 0; seed < 200 && found.length === 0; seed++) {
    const disk = new FaultyDisk();
    careless(disk);
    found.push(...(await cutAt(20 + (seed % 80), seed, disk)));
  }
  expect(found).not.toEqual([]);
});

test('a write that finds no room stops in its middle, and names can still be removed', async () => {
  const disk = new FaultyDisk();
  const store = nodeFileStore(ROOT, disk);
  await store.writeText('a.txt', 'old');
  disk.full = true;
  await expect(store.writeText('a.txt', 'the new one')).rejects.toMatchObject({ code: 'storage-full' });
  expect(await (await store.blob('a.txt'))!.text()).toBe('old');
  expect((await store.list()).map(({ path }) => path)).toEqual(['a.txt']);
  await store.remove('a.txt');
  expect(await store.list()).toEqual([]);
});
