/** Models fetched from a Hub and kept, against a server that behaves as the Hub does. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { nodeFileStore } from '../../src/cli/node-file-store.ts';
import type { HubModel, HubProgressEvent, HubRequest, HubTroubleEvent } from '../../src/engine/protocol/hub.ts';
import { HubSession } from '../../src/engine/hub/session.ts';
import type { FileStore } from '../../src/store/file-store.ts';
import { startHub, TOKEN, type HubServer } from './hub-server.ts';

const noise = (n: number, seed: number) =>
  Uint8Array.from({ length: n }, (_, i) => (i * 2654435761 + seed * 40503) >>> 13);
const text = (value: string) => new TextEncoder().encode(value);

/** Parts of 1000 bytes: the shards have several. */
const PART = 1000;
const FILES = {
  '.gitattributes': text('*.safetensors filter=lfs'),
  'README.md': text('# A model'),
  'config.json': text('{"model_type":"qwen2_vl"}'),
  'tokenizer.json': noise(1500, 1),
  'chat_template.jinja': text('{{ messages }}'),
  'model.safetensors.index.json': text('{"weight_map":{}}'),
  'model-00001-of-00002.safetensors': noise(5300, 2),
  'model-00002-of-00002.safetensors': noise(3000, 3),
  'pytorch_model.bin': noise(9000, 4),
  'consolidated.safetensors': noise(9000, 5),
};
const NEEDED = Object.keys(FILES).filter((name) => !/^\.git|README|pytorch|consolidated/.test(name));
const ID = 'org/tiny-VL';

let hub: HubServer;
let folder: string;
beforeEach(async () => {
  hub = await startHub();
  hub.add(ID, FILES);
  folder = mkdtempSync(join(tmpdir(), 'groundwork-hub-'));
});
afterEach(async () => {
  await hub.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A session as after a fresh start, over the same folder. */
function open(over: Partial<FileStore> = {}, options: { stallMs?: number; silentMs?: number } = {}) {
  const waits: number[] = [];
  const notices: string[] = [];
  const progress: HubProgressEvent[] = [];
  const troubles: HubTroubleEvent['trouble'][] = [];
  let onProgress: (event: HubProgressEvent) => void = () => {};
  const session = new HubSession({
    files: { ...nodeFileStore(folder), ...over },
    emit: (event) => {
      if (event.type === 'notice') return void notices.push(event.message);
      if (event.type === 'hub-trouble') return void troubles.push(event.trouble);
      progress.push(event);
      onProgress(event);
    },
    options: {
      partBytes: PART,
      sleep: async (ms) => void waits.push(ms),
      ...options,
    },
  });
  const load = (given: Partial<Extract<HubRequest, { type: 'hub-load' }>> = {}) =>
    session.handle({ type: 'hub-load', id: ID, revision: 'main', endpoint: hub.endpoint, token: null, ...given });
  return { session, load, waits, notices, progress, troubles, watch: (f: typeof onProgress) => void (onProgress = f) };
}

async function expectWhole({ files }: HubModel, wanted: Readonly<Record<string, Uint8Array>> = FILES): Promise<void> {
  expect(files.map(({ path }) => path).sort()).toEqual([...NEEDED].sort());
  for (const { path, file } of files)
    expect(Buffer.from(await file.arrayBuffer()).equals(wanted[path]!), path).toBe(true);
}

const onDisk = () =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
const cached = (name: string) => onDisk().find((path) => path.endsWith(`/${name}`))!;
const everythingOnDisk = () =>
  onDisk()
    .map((path) => readFileSync(path, 'latin1'))
    .join('\n');
const ranges = (from: number) =>
  hub.seen.slice(from).flatMap(({ at, path, headers }) => {
    const name = path.split('?')[0]!.split('/').at(-1)!;
    return headers.range && (at === 'cdn' || path.includes('resolve-cache'))
      ? [`${name} ${headers.range.slice(6)}`]
      : [];
  });
const fail = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.unreachable('it should have failed'),
    (error: unknown) => error as { code: string; message: string; hint: string },
  );

describe('a model by id and revision', () => {
  test('the files that are needed, in parts, whole, under the commit; then again without fetching any', async () => {
    hub.pageSize = 3;
    const { load, session, progress } = open();
    const model = await load();
    await expectWhole(model);
    expect(model.id).toBe(ID);
    expect(
      ranges(0)
        .filter((r) => r.startsWith('model-00001'))
        .sort(),
    ).toEqual(
      ['0-999', '1000-1999', '2000-2999', '3000-3999', '4000-4999', '5000-5299'].map(
        (r) => `model-00001-of-00002.safetensors ${r}`,
      ),
    );
    const total = NEEDED.reduce((sum, name) => sum + FILES[name as keyof typeof FILES].byteLength, 0);
    expect(progress.filter(({ phase }) => phase === 'fetching').at(-1)).toMatchObject({ done: total, total });
    expect(onDisk().filter((path) => path.endsWith('.part'))).toEqual([]);

    const before = hub.sent();
    await expectWhole(await open().load());
    expect(hub.sent()).toBe(before);
    const { models, space } = await session.handle({ type: 'hub-cached' });
    expect(models).toMatchObject([
      { key: model.key, id: ID, revision: 'main', commit: model.commit, totalBytes: total, complete: true },
    ]);
    expect(models[0]!.bytes).toBeGreaterThanOrEqual(total);
    expect(space!.quota).toBeGreaterThan(0);
  });

  test.each(['v1.0', 'refs/pr/3'])('another name of a revision: %s', async (revision) => {
    await expectWhole(await open().load({ revision }));
  });

  test('a new commit is a model of its own beside the old one; a link may stand for the id', async () => {
    const first = await open().load();
    const files = { ...FILES, 'model-00002-of-00002.safetensors': noise(3000, 9) };
    hub.commit(ID, files);
    const second = await open().load({ id: `${hub.endpoint}/${ID}/` });
    expect(second.commit).not.toBe(first.commit);
    await expectWhole(second, files);
    await expectWhole(await open().session.handle({ type: 'hub-open', key: first.key, token: null }));
  });

  test('the token goes to the Hub, not to the content network, and nowhere on disk', async () => {
    hub.add(ID, FILES, { access: 'private' });
    const { load, progress, notices } = open();
    await load({ token: ` ${TOKEN}\n` });
    const told = hub.seen.filter(({ headers }) => headers.authorization !== undefined);
    expect(new Set(told.map(({ at }) => at))).toEqual(new Set(['hub']));
    expect(hub.seen.filter(({ at }) => at === 'hub').length).toBe(told.length);
    expect(hub.seen.filter(({ at }) => at === 'cdn').length).toBeGreaterThan(0);
    expect(everythingOnDisk() + JSON.stringify([progress, notices])).not.toContain(TOKEN);
  });

  test('offline, the copy fetched before for the same revision serves, and says so', async () => {
    await open().load();
    await hub.close();
    const { load, notices } = open();
    await expectWhole(await load());
    expect(notices).toEqual([expect.stringContaining('downloaded before')]);
    expect(await fail(open().load({ revision: 'v1.0' }))).toMatchObject({ code: 'hub-unreachable' });
    hub = await startHub();
  });
});

describe('refusals say what to do', () => {
  test.each([
    ['a gated model', 'gated', {}, 'hub-gated', /settings\/tokens/],
    ['a gated model, with a token', 'gated', { token: TOKEN }, 'hub-gated', /ask for access/],
    ['a wrong token', 'public', { token: 'hf_wrong' }, 'hub-token', /token/],
    ['a private model without a token', 'private', {}, 'hub-not-found', /private model needs a token/],
    ['an unknown id', 'public', { id: 'org/nothing' }, 'hub-not-found', /id/],
    ['an unknown id, with a token', 'public', { id: 'org/nothing', token: TOKEN }, 'hub-not-found', /id/],
    ['an unknown revision', 'public', { revision: 'v9' }, 'hub-revision', /branch/],
    ['an id that is none', 'public', { id: '../x y' }, 'hub-id', /owner and a name/],
    ['an endpoint without encryption', 'public', { endpoint: 'http://hub.example' }, 'hub-endpoint', /https/],
    ['an endpoint that is no address', 'public', { endpoint: 'hub' }, 'hub-endpoint', /https/],
  ] as const)('%s', async (_, access, request, code, hint) => {
    hub.add(ID, FILES, { access });
    const error = await fail(open().load(request));
    expect(error).toMatchObject({ code, hint: expect.stringMatching(hint) as string });
    expect(JSON.stringify(error) + error.message).not.toContain('hf_');
  });

  test('a model without safetensors', async () => {
    hub.add(ID, { 'config.json': FILES['config.json'], 'pytorch_model.bin': FILES['pytorch_model.bin'] });
    expect(await fail(open().load())).toMatchObject({ code: 'hub-no-weights' });
  });

  test('a server that is no Hub', async () => {
    hub.trouble = () => ({ status: 200, headers: { 'content-type': 'text/html' } });
    expect(await fail(open().load())).toMatchObject({ code: 'hub-answer' });
  });

  test('nothing listens there', async () => {
    const { load, waits } = open();
    expect(await fail(load({ endpoint: 'http://127.0.0.1:9' }))).toMatchObject({ code: 'hub-unreachable' });
    expect(waits.length).toBeGreaterThan(3);
  });

  test('a server that sends whole files only', async () => {
    const strip: typeof fetch = (input, init) => {
      const { range: _, ...headers } = (init?.headers ?? {}) as Record<string, string>;
      return fetch(input, { ...init, headers });
    };
    const session = new HubSession({
      files: nodeFileStore(folder),
      emit: () => {},
      options: { partBytes: PART, fetch: strip },
    });
    const request = { type: 'hub-load', id: ID, revision: 'main', endpoint: hub.endpoint, token: null } as const;
    expect(await fail(session.handle(request))).toMatchObject({ code: 'hub-no-ranges' });
  });
});

describe('a network that fails', () => {
  test('connections cut in the middle are made anew where they broke', async () => {
    hub.trouble = ({ at }) => (at === 'cdn' ? { cutAfter: 300 } : null);
    const { load } = open();
    await expectWhole(await load());
    // No byte twice: each request begins where the last one ended.
    expect(ranges(0).filter((r) => r.startsWith('model-00002') && r.endsWith('-999'))).toEqual(
      ['0-999', '300-999', '600-999', '900-999'].map((r) => `model-00002-of-00002.safetensors ${r}`),
    );
  });

  test('servers in trouble are asked again, with more patience each time, and as long as they ask for', async () => {
    let left = 3;
    hub.trouble = ({ at }) => (at === 'hub' && left-- > 0 ? { status: 503 } : null);
    const { load, waits, troubles } = open();
    await expectWhole(await load());
    expect(waits.slice(0, 3)).toEqual([1000, 2000, 4000]);
    // Each refusal is told when it comes, with the count of attempts; then that the server answers again.
    const what = expect.stringContaining('has a problem (status 503)') as string;
    expect(troubles.slice(0, 4)).toEqual([
      { what, attempt: 2, of: 6, waitMs: 1000 },
      { what, attempt: 3, of: 6, waitMs: 2000 },
      { what, attempt: 4, of: 6, waitMs: 4000 },
      null,
    ]);

    const waysToSay: Record<string, string>[] = [{ 'retry-after': '7' }, { ratelimit: '"resolvers";r=0;t=7' }];
    for (const headers of waysToSay) {
      let limited = 1;
      hub.trouble = () => (limited-- > 0 ? { status: 429, headers } : null);
      const patient = open();
      await patient.load();
      expect(patient.waits).toEqual([7000]);
    }
  });

  test('trouble that does not end is told; too long a wait is told at once', async () => {
    hub.trouble = () => ({ status: 500 });
    expect(await fail(open().load())).toMatchObject({ code: 'hub-trouble' });
    hub.trouble = () => ({ status: 429, headers: { 'retry-after': '3600' } });
    const { load, waits } = open();
    expect(await fail(load())).toMatchObject({
      code: 'hub-rate-limit',
      message: expect.stringContaining('3600 s') as string,
    });
    expect(waits).toEqual([]);
  });

  test('a connection that brings nothing is given up, and another is made', async () => {
    let stalls = 2;
    hub.trouble = ({ at }) => (at === 'cdn' && stalls-- > 0 ? { stall: true } : null);
    const { load, troubles } = open({}, { stallMs: 1500, silentMs: 100 });
    await expectWhole(await load());
    expect(troubles).toContainEqual({
      what: expect.stringContaining('has not answered yet') as string,
      attempt: 1,
      of: 6,
      waitMs: 0,
    });
    expect(troubles.at(-1)).toBeNull();
  });

  test('an address that ran out on the way is asked for again', async () => {
    let refused = 2;
    hub.trouble = ({ at }) => (at === 'cdn' && refused-- > 0 ? { status: 403 } : null);
    await expectWhole(await open().load());
  });

  test('cancelled half-way, and gone on with after a reload: no part is fetched twice', async () => {
    const { load, session, watch } = open();
    watch(({ phase, done }) => {
      if (phase === 'fetching' && done > 4000) void session.handle({ type: 'hub-cancel' });
    });
    hub.bytesPerSecond = 40_000;
    expect(await fail(load())).toMatchObject({ code: 'cancelled', hint: expect.stringContaining('kept') as string });
    const { models } = await session.handle({ type: 'hub-cached' });
    expect(models).toMatchObject([{ id: ID, complete: false }]);
    hub.bytesPerSecond = 0;
    const kept = onDisk()
      .filter((path) => path.endsWith('.parts.json'))
      .reduce(
        (n, path) => n + (JSON.parse(readFileSync(path, 'utf8')) as { parts: unknown[] }).parts.filter(Boolean).length,
        0,
      );
    expect(kept).toBeGreaterThan(2);
    const before = hub.seen.length;
    await expectWhole(await open().load());
    const all = NEEDED.reduce((n, name) => n + Math.ceil(FILES[name as keyof typeof FILES].byteLength / PART), 0);
    expect(ranges(before).length).toBe(all - kept);
  });

  test('while one model is loaded another waits, and nothing is deleted', async () => {
    const { load, session } = open();
    const first = load();
    expect(await fail(load())).toMatchObject({ code: 'hub-busy' });
    expect(await fail(session.handle({ type: 'hub-delete', key: 'a/b' }))).toMatchObject({ code: 'hub-busy' });
    await expectWhole(await first);
  });
});

describe('files that are not what they should be', () => {
  test.each([
    ['other bytes of the same length', noise(5300, 77)],
    ['a shorter file', noise(2500, 77)],
    ['a longer file', noise(6000, 77)],
  ])('a file that changes under way is told, and nothing of the mixture stays: %s', async (_, contents) => {
    const name = 'model-00001-of-00002.safetensors';
    let parts = 0;
    hub.trouble = ({ at, path }) => {
      if (at === 'cdn' && path.endsWith(name) && ++parts === 5) hub.swap(ID, name, contents);
      return null;
    };
    expect(await fail(open().load())).toMatchObject({ code: 'hub-changed' });
    expect(onDisk().filter((path) => path.includes(name))).toEqual([]);
    hub.trouble = () => null;
    hub.swap(ID, name, FILES[name]);
    await expectWhole(await open().load());
  });

  test('a file that ends before the range that is asked for is told at once, and a later load is whole', async () => {
    const name = 'model-00001-of-00002.safetensors';
    hub.trouble = ({ at, path }) =>
      at === 'cdn' && path.endsWith(name) ? { status: 416, headers: { 'content-range': 'bytes */100' } } : null;
    const { load, waits } = open();
    expect(await fail(load())).toMatchObject({
      code: 'hub-changed',
      message: `A file of ${ID} is shorter than the Hub says.`,
      hint: expect.stringContaining('Load it again') as string,
    });
    expect(waits).toEqual([]);
    hub.trouble = () => null;
    await expectWhole(await open().load());
  });

  test.each(['model-00002-of-00002.safetensors', 'config.json'])(
    'bytes that differ from the Hub’s hash are not kept: %s',
    async (name) => {
      const right = FILES[name as keyof typeof FILES];
      hub.swap(
        ID,
        name,
        right.map((byte, i) => (i === 7 ? byte ^ 1 : byte)),
      );
      const error = await fail(open().load());
      expect(error).toMatchObject({ code: 'hub-hash', message: expect.stringContaining(name) as string });
      expect(onDisk().some((path) => path.endsWith(`/${name}`) || path.endsWith(`/${name}.part`))).toBe(false);
      hub.swap(ID, name, right);
      await expectWhole(await open().load());
    },
  );
});

describe('a damaged cache is noticed, and only what is damaged is fetched again', () => {
  const SHARD = 'model-00001-of-00002.safetensors';
  const damage = {
    'a byte flipped': () => {
      const bytes = readFileSync(cached(SHARD));
      bytes[2500]! ^= 255;
      writeFileSync(cached(SHARD), bytes);
      return ['2000-2999'];
    },
    'a truncated file': () => (truncateSync(cached(SHARD), 3500), ['3000-3999', '4000-4999', '5000-5299']),
    'a file grown': () => {
      writeFileSync(cached(SHARD), Buffer.concat([readFileSync(cached(SHARD)), Buffer.alloc(10)]));
      return [];
    },
    'a missing record of parts': () => (rmSync(cached(`${SHARD}.parts.json`)), []),
    'a damaged record of parts': () => (writeFileSync(cached(`${SHARD}.parts.json`), '{"version":1,'), []),
    'a missing record of parts and a byte flipped': () => {
      damage['a byte flipped']();
      rmSync(cached(`${SHARD}.parts.json`));
      return ['0-999', '1000-1999', '2000-2999', '3000-3999', '4000-4999', '5000-5299'];
    },
    'a missing file': () => {
      rmSync(cached(SHARD));
      return ['0-999', '1000-1999', '2000-2999', '3000-3999', '4000-4999', '5000-5299'];
    },
    'a missing manifest': () => (rmSync(cached('groundwork-model.json')), []),
    'a manifest that is no JSON': () => (writeFileSync(cached('groundwork-model.json'), 'x'), []),
  } satisfies Record<string, () => string[]>;

  test.each(Object.keys(damage) as (keyof typeof damage)[])('%s', async (kind) => {
    await open().load();
    const fetched = damage[kind]();
    const before = hub.seen.length;
    await expectWhole(await open().load());
    expect(ranges(before).sort()).toEqual(fetched.map((range) => `${SHARD} ${range}`));
    // And it is whole now.
    const after = hub.seen.length;
    await expectWhole(await open().load());
    expect(ranges(after)).toEqual([]);
  });

  test('a model without its manifest cannot be opened from the list, and the list says that it is not whole', async () => {
    const { key } = await open().load();
    rmSync(cached('groundwork-model.json'));
    const { session } = open();
    expect((await session.handle({ type: 'hub-cached' })).models).toMatchObject([
      { id: ID, complete: false, totalBytes: null },
    ]);
    expect(await fail(session.handle({ type: 'hub-open', key, token: null }))).toMatchObject({
      code: 'cache-manifest',
    });
  });
});

describe('the store', () => {
  test('deleting removes a model, and only that', async () => {
    const { load, session } = open();
    const first = await load();
    hub.add('org/other', FILES);
    const second = await load({ id: 'org/other' });
    const { models } = await session.handle({ type: 'hub-delete', key: first.key });
    expect(models.map(({ key }) => key)).toEqual([second.key]);
    expect(onDisk().every((path) => path.includes('other'))).toBe(true);
    expect(await fail(session.handle({ type: 'hub-delete', key: '..' }))).toMatchObject({ code: 'cache-key' });
    expect(await fail(session.handle({ type: 'hub-delete', key: '../..' }))).toMatchObject({ code: 'cache-key' });
  });

  test('too little room is told before anything is fetched', async () => {
    const { load } = open({ space: async () => ({ used: 900, quota: 2000 }) });
    expect(await fail(load())).toMatchObject({ code: 'storage-full' });
    expect(hub.sent()).toBe(0);
  });

  test('a disk that fills up under way: it stops, keeps what is there, and goes on when there is room', async () => {
    const store = nodeFileStore(folder);
    let room = 6000;
    const small: Partial<FileStore> = {
      open: async (path) => {
        const writer = await store.open(path);
        return {
          ...writer,
          write: async (offset, bytes) => {
            room -= bytes.byteLength;
            if (room < 0) throw Object.assign(new Error('no room'), { code: 'storage-full' });
            return writer.write(offset, bytes);
          },
        };
      },
    };
    expect(await fail(open(small).load())).toMatchObject({ code: 'storage-full' });
    const before = ranges(0).length;
    await expectWhole(await open().load());
    const all = NEEDED.reduce((n, name) => n + Math.ceil(FILES[name as keyof typeof FILES].byteLength / PART), 0);
    expect(ranges(0).length - before).toBeLessThanOrEqual(all - 5);
    expect(statSync(cached('model-00001-of-00002.safetensors')).size).toBe(5300);
  });
});
