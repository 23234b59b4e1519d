import { describe, expect, test } from 'vitest';
import { memoryFiles } from '../../src/store/memory-files.ts';
import { BlockDigest, BLOCK_BYTES } from '../../src/store/digest.ts';
import { Vault } from '../../src/store/vault.ts';

async function* chunks(...parts: readonly (string | Uint8Array)[]) {
  for (const part of parts) yield typeof part === 'string' ? new TextEncoder().encode(part) : part;
}

/** A store in which the bytes of a file can be changed behind everybody's back. */
async function spoil(files: ReturnType<typeof memoryFiles>, path: string, at: number): Promise<void> {
  const bytes = new Uint8Array(await (await files.blob(path))!.arrayBuffer());
  const writer = await files.open(path);
  await writer.write(at, Uint8Array.of(bytes[at]! ^ 1));
  await writer.close();
}

describe('a vault', () => {
  test('gives back what was written, the newest first', async () => {
    const vault = new Vault<string>(memoryFiles(), 'run');
    await vault.write(chunks('one'), 'first');
    await vault.write(chunks('t', 'w', 'o'), 'second');
    const { entry, file, damaged } = await vault.newest();
    expect([entry!.about, await file!.text(), damaged]).toEqual(['second', 'two', []]);
    expect((await vault.entries()).map(({ about, bytes }) => [about, bytes])).toEqual([
      ['second', 3],
      ['first', 3],
    ]);
  });

  test.each([0, 5_000_000, BLOCK_BYTES])(
    'finds one bit that changed, at byte %i, and uses the one before',
    async (at) => {
      const files = memoryFiles();
      const vault = new Vault<string>(files, 'run');
      await vault.write(chunks('sound'), 'first');
      await vault.write(chunks(new Uint8Array(3_000_000), new Uint8Array(3_000_000)), 'second');
      await spoil(files, 'run/000001.bin', at);
      const { entry, file, damaged } = await vault.newest();
      expect([entry!.about, await file!.text(), damaged.map(({ about }) => about)]).toEqual([
        'first',
        'sound',
        ['second'],
      ]);
    },
  );

  test('passes over a file that is shorter than it was, or gone, or whose record is no record', async () => {
    const files = memoryFiles();
    const vault = new Vault<string>(files, 'run');
    for (const about of ['sound', 'short', 'gone', 'unreadable']) await vault.write(chunks(`${about} bytes`), about);
    await (await files.open('run/000001.bin')).truncate(4);
    await files.remove('run/000002.bin');
    await files.writeText('run/000003.json', '{"id":');
    const { entry, damaged } = await vault.newest();
    expect([entry!.about, damaged.map(({ about }) => about)]).toEqual(['sound', ['gone', 'short']]);
  });

  test('tells of a newer one whose record is damaged, and leaves its bytes alone', async () => {
    const files = memoryFiles();
    const vault = new Vault<string>(files, 'run');
    for (const about of ['first', 'second', 'third']) await vault.write(chunks(`${about} bytes`), about);
    const record = await (await files.blob('run/000001.json'))!.text();
    await files.writeText('run/000001.json', record.replace('second', 'secund'));
    await files.writeText('run/000002.json', '');
    const { entry, damaged, unreadable } = await vault.newest();
    expect([entry!.about, damaged, unreadable]).toEqual(['first', [], 2]);
    expect(await vault.sweep()).toBe(0);
    expect(await (await files.blob('run/000001.bin'))!.text()).toBe('second bytes');
    expect((await vault.write(chunks('x'), 'fourth')).id).toBe(3);
    expect(await vault.newest()).toMatchObject({ entry: { about: 'fourth' }, unreadable: 0 });
  });

  test('believes a record of an older version, which has no seal', async () => {
    const files = memoryFiles();
    const vault = new Vault<string>(files, 'run');
    await vault.write(chunks('bytes'), 'old');
    const { seal: _, ...entry } = JSON.parse(await (await files.blob('run/000000.json'))!.text()) as { seal: string };
    await files.writeText('run/000000.json', JSON.stringify(entry));
    expect((await vault.newest()).entry!.about).toBe('old');
  });

  test('has nothing when nothing was committed, and sweeps what a crash left', async () => {
    const files = memoryFiles();
    const vault = new Vault<string>(files, 'run');
    await vault.write(chunks('kept'), 'kept');
    const torn = await files.open('run/000001.new');
    await torn.write(0, new Uint8Array(100));
    await files.writeText('run/000002.bin', 'complete, but never committed');
    await files.writeText('other/000000.bin', 'of somebody else');
    expect(await vault.sweep()).toBe(100 + 29);
    expect((await files.list()).map(({ path }) => path).sort()).toEqual([
      'other/000000.bin',
      'run/000000.bin',
      'run/000000.json',
    ]);
    expect((await new Vault(memoryFiles(), 'run').newest()).entry).toBeNull();
  });

  test('never uses a number twice, even of what was left behind', async () => {
    const files = memoryFiles();
    await files.writeText('run/000007.new', 'torn');
    const { id } = await new Vault<string>(files, 'run').write(chunks('next'), '');
    expect(id).toBe(8);
  });

  test('a full disk leaves nothing half written and what was there untouched', async () => {
    const files = memoryFiles(1000);
    const vault = new Vault<string>(files, 'run');
    await vault.write(chunks(new Uint8Array(300)), 'small');
    const before = await files.list();
    await expect(vault.write(chunks(new Uint8Array(300), new Uint8Array(600)), 'large')).rejects.toMatchObject({
      code: 'storage-full',
    });
    expect(await files.list()).toEqual(before);
    expect((await vault.newest()).entry!.about).toBe('small');
  });

  test('a removed entry is gone with its bytes', async () => {
    const files = memoryFiles();
    const vault = new Vault<string>(files, 'run');
    const { id } = await vault.write(chunks('x'), '');
    await vault.remove(id);
    expect(await files.list()).toEqual([]);
  });
});

test('a digest does not depend on how the bytes were cut', async () => {
  const bytes = Uint8Array.from({ length: BLOCK_BYTES + 1000 }, (_, i) => i * 7);
  const digest = async (size: number) => {
    const d = new BlockDigest();
    for (let at = 0; at < bytes.length; at += size) await d.add(bytes.subarray(at, at + size));
    return d.finish();
  };
  const whole = await digest(bytes.length);
  expect(whole).toMatch(/^[0-9a-f]{64}$/);
  expect(await digest(99_991)).toBe(whole);
  expect(await digest(BLOCK_BYTES)).toBe(whole);
});
