import fc from 'fast-check';
import { zipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { GroundworkError } from '../../src/base/error.ts';
import { looksLikeZip, openZip, writeZip } from '../../src/formats/zip.ts';

const blob = (bytes: Uint8Array) => new Blob([bytes as Uint8Array<ArrayBuffer>]);
const text = (s: string) => new TextEncoder().encode(s);
const made = (files: Record<string, string>, level: 0 | 6 = 6) =>
  zipSync(Object.fromEntries(Object.entries(files).map(([path, content]) => [path, text(content)])), { level });

describe('reading', () => {
  test.each([0, 6] as const)('finds and unpacks entries (level %i), folders left out', async (level) => {
    const archive = await openZip(
      blob(made({ 'a.txt': 'hello'.repeat(50), 'ordner/日本.txt': 'é', 'leer/': '' }, level)),
    );
    expect(archive.entries.map((entry) => entry.path)).toEqual(['a.txt', 'ordner/日本.txt']);
    expect(await (await archive.entries[0]!.blob()).text()).toBe('hello'.repeat(50));
    expect(await (await archive.entries[1]!.blob()).text()).toBe('é');
  });

  test('refuses paths that leave the archive and keeps the rest', async () => {
    const archive = await openZip(
      blob(made({ '../evil': '1', '/abs': '2', 'C:\\x': '3', 'a/../../b': '4', './ok.txt': '5', 'w\\in.txt': '6' })),
    );
    expect(archive.entries.map((entry) => entry.path)).toEqual(['ok.txt', 'w/in.txt']);
    expect(archive.refused.map((entry) => entry.path)).toEqual(['../evil', '/abs', 'C:\\x', 'a/../../b']);
  });

  test('an entry that unpacks to more than it declares is stopped', async () => {
    const bytes = made({ 'bomb.txt': 'x'.repeat(10_000) });
    const data = new DataView(bytes.buffer);
    for (let i = 0; i < bytes.length - 4; i++)
      if (data.getUint32(i, true) === 0x02014b50) data.setUint32(i + 24, 10, true);
    const archive = await openZip(blob(bytes));
    await expect(archive.entries[0]!.blob()).rejects.toMatchObject({ code: 'zip-entry-damaged' });
  });

  test('recognised by content', async () => {
    expect(await looksLikeZip(blob(made({ a: '1' })))).toBe(true);
    expect(await looksLikeZip(blob(text('PK is not a zip, only two letters')))).toBe(false);
  });

  test('damaged archives give a GroundworkError or a refusal, never anything else', async () => {
    const whole = made({ 'a.txt': 'hello hello hello', 'b/c.txt': 'x'.repeat(40) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 5 }),
        fc.nat(whole.length),
        fc.boolean(),
        async (edits, cut, keep) => {
          const bytes = whole.slice(0, keep ? whole.length : cut);
          for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value;
          try {
            for (const entry of (await openZip(blob(bytes))).entries) await entry.blob();
          } catch (error) {
            expect(error).toBeInstanceOf(GroundworkError);
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});

test('what was written as a stream is read back, and equal content gives equal bytes', async () => {
  async function* files() {
    yield { path: 'adapter_config.json', data: '{"r": 16}' };
    yield {
      path: 'дир/weights.bin',
      data: (async function* () {
        yield Uint8Array.of(1, 2);
        yield Uint8Array.of(3);
      })(),
    };
    yield { path: 'c.bin', data: new Blob(['abc']) };
  }
  const zip = async () => new Response(writeZip(files())).blob();
  const archive = await openZip(await zip());
  expect(
    await Promise.all(
      archive.entries.map(async (entry) => [
        entry.path,
        [...new Uint8Array(await (await entry.blob()).arrayBuffer())].length,
      ]),
    ),
  ).toEqual([
    ['adapter_config.json', 9],
    ['дир/weights.bin', 3],
    ['c.bin', 3],
  ]);
  expect(await (await zip()).arrayBuffer()).toEqual(await (await zip()).arrayBuffer());
});
