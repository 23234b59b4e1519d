/** Files on their way to the disk: whole or not at all, and never in memory where there is a disk. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { saveStream, tidyOutbox } from '../../src/studio/ui/save.ts';

/** A file as the browser keeps it: what is written counts when it is closed. */
class FakeFile {
  removed = false;
  contents: string;
  readonly #room: number;

  constructor(contents = '', room = Infinity) {
    this.contents = contents;
    this.#room = room;
  }

  getFile = async () => new Blob([this.contents]) as File;
  remove = async () => void (this.removed = true);
  createWritable = async () => {
    let pending = '';
    return new WritableStream<Uint8Array>({
      write: (chunk) => {
        pending += new TextDecoder().decode(chunk);
        if (pending.length > this.#room) throw new DOMException('full', 'QuotaExceededError');
      },
      close: () => void (this.contents = pending),
    });
  };
}

const handleOf = (file: FakeFile) => file as unknown as FileSystemFileHandle;
const silent = () => undefined;

/** Pieces, then an error if there is one; `cancelled` tells whether the reader went away. */
function source(pieces: readonly string[], error?: Error) {
  const state = { cancelled: false };
  const left = [...pieces];
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      const next = left.shift();
      if (next !== undefined) controller.enqueue(new TextEncoder().encode(next));
      else if (error) controller.error(error);
      else controller.close();
    },
    cancel: () => void (state.cancelled = true),
  });
  return { stream, state };
}

const offered: Blob[] = [];
let box: Map<string, FakeFile>;
beforeEach(() => {
  offered.length = 0;
  box = new Map();
  vi.stubGlobal('document', { createElement: () => ({ click: silent }) });
  vi.spyOn(URL, 'createObjectURL').mockImplementation((blob) => `blob:${offered.push(blob as Blob)}`);
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const privateStorage = () => {
  const directory = {
    keys: async function* () {
      yield* box.keys();
    },
    removeEntry: async (name: string) => void box.delete(name),
    getFileHandle: async (name: string) => {
      box.set(name, new FakeFile());
      return box.get(name);
    },
  };
  vi.stubGlobal('navigator', {
    storage: { getDirectory: async () => ({ getDirectoryHandle: async () => directory }) },
  });
};

test('a chosen file is written, told of in bytes, and given back as it lies there', async () => {
  const file = new FakeFile('before');
  const told: number[] = [];
  const saved = await saveStream(source(['abc', 'de']).stream, 'x.zip', handleOf(file), (n) => told.push(n));
  expect([saved.bytes, await saved.written.text(), told]).toEqual([5, 'abcde', [3, 5]]);
  expect(offered).toEqual([]);
});

test('an error on the way leaves what was there before, and removes what was made for this', async () => {
  for (const before of ['before', '']) {
    const file = new FakeFile(before);
    const { stream } = source(['abc'], new Error('the weights are gone'));
    await expect(saveStream(stream, 'x.zip', handleOf(file), silent)).rejects.toThrow('the weights are gone');
    expect([file.contents, file.removed]).toEqual([before, before === '']);
  }
});

test('stopped half-way, nothing is left and nothing more is asked for', async () => {
  const file = new FakeFile();
  const stop = new AbortController();
  const { stream, state } = source(Array.from({ length: 1000 }, () => 'abc'));
  const saving = saveStream(stream, 'x.zip', handleOf(file), (n) => n >= 30 && stop.abort(), stop.signal);
  await expect(saving).rejects.toMatchObject({ name: 'AbortError' });
  expect([file.contents, file.removed, state.cancelled]).toEqual(['', true, true]);
});

test('a full disk is told in words', async () => {
  const file = new FakeFile('', 4);
  await expect(saveStream(source(['abc', 'de']).stream, 'x.zip', handleOf(file), silent)).rejects.toMatchObject({
    code: 'storage-full',
  });
  expect(file.removed).toBe(true);
});

test('without a picker it is a download from the private storage, where old ones are thrown away', async () => {
  privateStorage();
  box.set('12-old.zip', new FakeFile('old'));
  box.set(`${Date.now()}-fresh.zip`, new FakeFile('fresh'));
  const saved = await saveStream(source(['abc', 'de']).stream, 'x.zip', undefined, silent);
  expect(await saved.written.text()).toBe('abcde');
  expect(await offered[0]!.text()).toBe('abcde');
  expect([...box.keys()].map((name) => name.replace(/^\d+-/, '')).sort()).toEqual(['fresh.zip', 'x.zip']);
});

test('when the studio opens, old ones are thrown away', async () => {
  privateStorage();
  box.set('12-old.zip', new FakeFile('old'));
  const fresh = `${Date.now()}-fresh.zip`;
  box.set(fresh, new FakeFile('fresh'));
  await tidyOutbox();
  expect([...box.keys()]).toEqual([fresh]);
});

test('without any place a small one passes through memory, and a large one is refused', async () => {
  vi.stubGlobal('navigator', {});
  const saved = await saveStream(source(['abc']).stream, 'x.zip', undefined, silent);
  expect([await saved.written.text(), offered.length]).toEqual(['abc', 1]);
  const piece = new Uint8Array(2 ** 27);
  const large = new ReadableStream<Uint8Array>({ pull: (controller) => controller.enqueue(piece) });
  await expect(saveStream(large, 'x.zip', undefined, silent)).rejects.toMatchObject({ code: 'export-no-place' });
});
