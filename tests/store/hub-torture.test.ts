/** Downloads under torture: whatever the server, the line and the disk do, a model is whole, or it is told that it is not. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isErrorCode } from '../../src/base/error-codes.ts';
import { GroundworkError } from '../../src/base/error.ts';
import { Random } from '../../src/base/random.ts';
import { nodeFileStore } from '../../src/cli/node-file-store.ts';
import type { HubModel } from '../../src/engine/protocol/hub.ts';
import { HubSession } from '../../src/engine/hub/session.ts';
import type { FileStore } from '../../src/store/file-store.ts';
import { FaultyDisk } from '../../tools/torture/faulty-disk.ts';
import { startHub, type HubServer, type Trouble } from './hub-server.ts';

const ID = 'org/tiny-VL';
const text = (value: string) => new TextEncoder().encode(value);
const noise = (n: number, seed: number) =>
  Uint8Array.from({ length: n }, (_, i) => ((i + 1) * 2654435761 + seed * 40503) >>> 11);
const FILES: Readonly<Record<string, Uint8Array>> = {
  'config.json': text('{"model_type":"qwen2_vl"}'),
  'tokenizer.json': noise(1500, 1),
  'model.safetensors.index.json': text('{"weight_map":{}}'),
  'model-00001-of-00002.safetensors': noise(5300, 2),
  'model-00002-of-00002.safetensors': noise(3000, 3),
};
const SHARD = 'model-00002-of-00002.safetensors';

let hub: HubServer;
beforeEach(async () => {
  hub = await startHub();
  hub.add(ID, FILES);
});
afterEach(() => hub.close());

const load = (files: FileStore): Promise<HubModel> =>
  new HubSession({ files, emit: () => undefined, options: { partBytes: 1000, sleep: async () => undefined } }).handle({
    type: 'hub-load',
    id: ID,
    revision: 'main',
    endpoint: hub.endpoint,
    token: null,
  });

/** Names of files whose bytes are others than they should be. */
async function wrong({ files }: HubModel): Promise<string[]> {
  const names: string[] = Object.keys(FILES).filter((name) => !files.some(({ path }) => path === name));
  for (const { path, file } of files) if (!Buffer.from(await file.arrayBuffer()).equals(FILES[path]!)) names.push(path);
  return names;
}

const troubleOf = (random: Random): Trouble => {
  const drawn = random.below(100);
  if (drawn < 14) return { cutAfter: random.below(1000) };
  if (drawn < 19) return { status: 503 };
  if (drawn < 22) return { status: 429, headers: { 'retry-after': '0' } };
  return drawn < 24 ? { status: 500 } : null;
};

/** What loads were told that did not bring a whole model. */
const toldOf = new Map<number, readonly string[]>();

test.each(Array.from({ length: 12 }, (_, seed) => seed))('whole or told, seed %i', async (seed) => {
  const random = new Random(seed);
  const disk = new FaultyDisk();
  const said: string[] = [];
  for (let attempt = 0; attempt < 8; attempt++) {
    hub.trouble = () => troubleOf(random);
    const swapped = random.below(4) === 0;
    if (swapped) hub.swap(ID, SHARD, noise(random.below(2) === 0 ? 3000 : 2400, 9));
    const until = random.below(120);
    const [begun, how] = [disk.operations, (['kill', 'full', null] as const)[random.below(3)]!];
    disk.onOperation = (operation) => (operation - begun === until ? how : null);
    try {
      const model = await load(nodeFileStore('/cache/models', disk));
      // Brought before the swap, it is what it was.
      expect(await wrong(model)).toEqual([]);
    } catch (error) {
      if (disk.dead) said.push('the power was cut');
      else {
        expect(error).toBeInstanceOf(GroundworkError);
        const { code, hint } = error as GroundworkError;
        expect(isErrorCode(code) && code !== 'internal', code).toBe(true);
        expect(hint).not.toBe('');
        said.push(code);
      }
    }
    hub.swap(ID, SHARD, FILES[SHARD]!);
    disk.onOperation = null;
    disk.dead = disk.full = false;
    disk.cut(random);
  }
  toldOf.set(seed, said);
  hub.trouble = () => null;
  const store = nodeFileStore('/cache/models', disk);
  // What was found wrong at the end may be told once, and is brought anew.
  const model = await load(store).catch(() => load(store));
  expect(await wrong(model)).toEqual([]);
});

test('it was told of line, server and disk', () => {
  const told = new Set([...toldOf.values()].flat());
  for (const each of ['the power was cut', 'storage-full', 'hub-hash']) expect([...told]).toContain(each);
});

test('two that fetch the same model at once into one folder end with a whole one', async () => {
  for (let seed = 0; seed < 6; seed++) {
    const random = new Random(seed);
    const disk = new FaultyDisk();
    hub.trouble = () => (random.below(8) === 0 ? { cutAfter: random.below(1000) } : null);
    const both = await Promise.allSettled([0, 1].map(() => load(nodeFileStore('/cache/models', disk))));
    for (const each of both)
      if (each.status === 'fulfilled') expect(await wrong(each.value)).toEqual([]);
      else expect(each.reason).toBeInstanceOf(GroundworkError);
    hub.trouble = () => null;
    expect(await wrong(await load(nodeFileStore('/cache/models', disk)))).toEqual([]);
  }
});
