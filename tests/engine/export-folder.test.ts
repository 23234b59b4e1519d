/** Merged weights written into a folder of the user's: whole, or not at all, and read back. */
import { describe, expect, test } from 'vitest';
import { ExportRecord } from '../../src/engine/export/export-check.ts';
import { Exports } from '../../src/engine/export/exports.ts';
import { writeExportFolder } from '../../src/engine/export/export-folder.ts';
import { writeSafetensors } from '../../src/formats/safetensors-writer.ts';
import { writtenTensors, type OutputFile } from '../../src/train/checkpoint-folder.ts';
import { removeFiles } from '../../src/studio/ui/save.ts';
import { MemoryFolder } from '../store/memory-folder.ts';

const tensors = [
  { name: 'w', dtype: 'F32' as const, shape: [64], bytes: () => new Uint8Array(new Float32Array(64).fill(3).buffer) },
];

const files = (): OutputFile[] => [
  { path: 'config.json', data: '{"model_type":"x"}' },
  { path: 'tokenizer/extra.json', data: '{}' },
  { path: 'model.safetensors', data: writeSafetensors(tensors), tensors: writtenTensors(tensors) },
];

const write = (folder: MemoryFolder, list: readonly OutputFile[] = files(), stop = new AbortController()) =>
  writeExportFolder(folder.handle, list, { onBytes: () => undefined, signal: stop.signal });

test('every file arrives, config.json last, and what lies there is read back and compared', async () => {
  const folder = new MemoryFolder('out');
  folder.entriesByName.set('notes', new MemoryFolder('notes'));
  const record = new ExportRecord(files());
  const bytes = await write(folder, record.files());
  expect([...folder.entriesByName.keys()]).toEqual(['notes', 'tokenizer', 'model.safetensors', 'config.json']);
  expect(bytes).toBe(Object.values(await folder.contents()).reduce((sum, text) => sum + text.length, 0));
  const check = await record.check(folder.handle, () => undefined);
  expect({ ...check, files: check.files.length }).toEqual({ files: 3, tensors: 1, modules: null, problems: [] });
});

test('a file that changed or went away after it was written is named', async () => {
  const folder = new MemoryFolder('out');
  const record = new ExportRecord(files());
  await write(folder, record.files());
  (await folder.getFileHandle('config.json')).file = new Blob(['{}']);
  await folder.removeEntry('tokenizer');
  expect((await record.check(folder.handle, () => undefined)).problems).toEqual([
    'config.json was read back with different bytes.',
    'tokenizer/extra.json is not in the folder.',
  ]);
});

describe('a folder is left as it was', () => {
  test.each([
    ['config.json', 'already holds a model: it contains config.json'],
    ['model-00001-of-00002.safetensors', 'already holds a model'],
    ['tokenizer/extra.json', 'already has a file tokenizer/extra.json'],
  ])('where %s is there, with a word on it', async (path, words) => {
    const folder = new MemoryFolder('out');
    const [name, inside] = path.split('/') as [string, string?];
    if (inside === undefined) await folder.getFileHandle(name, { create: true });
    else await (await folder.getDirectoryHandle(name, { create: true })).getFileHandle(inside, { create: true });
    const before = await folder.contents();
    await expect(write(folder)).rejects.toMatchObject({
      code: 'folder-taken',
      message: expect.stringContaining(words) as string,
    });
    expect(await folder.contents()).toEqual(before);
  });

  const failing = (error: () => Error, after: number) => {
    let done = 0;
    return new MemoryFolder('out', (bytes) => {
      done += bytes;
      if (bytes > 0 && done > after) throw error();
    });
  };

  test('where the disk is full half-way', async () => {
    const folder = failing(() => new DOMException('full', 'QuotaExceededError'), 30);
    await expect(write(folder)).rejects.toMatchObject({ code: 'storage-full' });
    expect([...folder.entriesByName.keys()]).toEqual([]);
  });

  test('where its disk is pulled out', async () => {
    const folder = failing(() => new DOMException('gone', 'NotFoundError'), 30);
    await expect(write(folder)).rejects.toMatchObject({ code: 'folder-failed' });
    expect([...folder.entriesByName.keys()]).toEqual([]);
  });

  test('where the source cannot be read to its end, with the source’s own error', async () => {
    const folder = new MemoryFolder('out');
    const broken = async function* () {
      yield new Uint8Array(8);
      throw new Error('the checkpoint is gone');
    };
    await expect(write(folder, [{ path: 'model.safetensors', data: broken() }, ...files()])).rejects.toThrow(
      'the checkpoint is gone',
    );
    expect([...folder.entriesByName.keys()]).toEqual([]);
  });
});

test('where permission is taken away half-way, what could not be removed is named, and it is no model', async () => {
  let done = 0;
  const folder = new MemoryFolder('out', (bytes) => {
    done += bytes;
    if (done > 30) throw new DOMException('not allowed', 'NotAllowedError');
  });
  await expect(write(folder)).rejects.toMatchObject({
    code: 'folder-left',
    message: expect.stringMatching(/no longer lets this page write to “out”.*model\.safetensors, tokenizer/) as string,
  });
  expect([...folder.entriesByName.keys()]).not.toContain('config.json');
});

test('stopped half-way, everything written is removed', async () => {
  const pieces = async function* () {
    for (;;) yield new Uint8Array(1000);
  };
  const endless: OutputFile[] = [...files(), { path: 'model-2.safetensors', data: pieces() }];
  const seen: number[] = [];
  const exports = new Exports({
    files: async () => endless,
    obstacles: () => Promise.reject(new Error('not asked')),
    emit: (event) => {
      if (event.type !== 'exporting') return;
      seen.push(event.weightBytes);
      if (seen.length === 2) void exports.handlers['cancel-export']({ type: 'cancel-export' });
    },
  });
  const folder = new MemoryFolder('out');
  await expect(
    exports.handlers['export-folder']({ type: 'export-folder', what: 'merged', folder: folder.handle }),
  ).rejects.toMatchObject({
    code: 'cancelled',
  });
  expect(await folder.contents()).toEqual({});
  expect(seen).toEqual([256, 256]);
});

test('each file is told of before it is there, so that the page can take it away if the engine dies', async () => {
  const folder = new MemoryFolder('out');
  const told: string[] = [];
  const there: string[][] = [];
  const exports = new Exports({
    files: async () => files(),
    obstacles: () => Promise.reject(new Error('not asked')),
    emit: (event) => {
      if (event.type !== 'exporting' || told.includes(event.path)) return;
      told.push(event.path);
      there.push([...folder.entriesByName.keys()]);
    },
  });
  await exports.handlers['export-folder']({ type: 'export-folder', what: 'merged', folder: folder.handle });
  expect(told.toSorted()).toEqual(Object.keys(await folder.contents()).toSorted());
  told.forEach((path, i) => expect(there[i]).not.toContain(path));
  expect(await removeFiles(folder.handle, [...told, 'never-begun.json'])).toEqual([]);
  expect(await folder.contents()).toEqual({});
});

test('a file that the dead engine still holds is waited for, and one that cannot be removed is named', async () => {
  let held = 2;
  const folder = new MemoryFolder('out', (bytes) => {
    if (bytes === 0 && folder.entriesByName.size === 2 && held-- > 0)
      throw new DOMException('held', 'NoModificationAllowedError');
  });
  const made = async (name: string) => folder.getFileHandle(name, { create: true });
  await made('a.json');
  await made('b.json');
  expect(await removeFiles(folder.handle, ['a.json', 'b.json'])).toEqual([]);
  expect(held).toBeLessThan(0);
  const kept = new MemoryFolder('kept');
  await kept.getFileHandle('c.json', { create: true });
  kept.removeEntry = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
  expect(await removeFiles(kept.handle, ['c.json'])).toEqual(['c.json']);
});

test('without an export of this session there is nothing to compare with', async () => {
  const exports = new Exports({
    files: async () => files(),
    obstacles: () => Promise.reject(new Error('not asked')),
    emit: () => undefined,
  });
  const request = { type: 'check-export', what: 'merged', written: new Blob([]) } as const;
  await expect(exports.handlers['check-export'](request)).rejects.toMatchObject({ code: 'export-missing' });
});
