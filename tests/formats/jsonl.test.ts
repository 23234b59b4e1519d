import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readJsonl } from '../../src/formats/jsonl.ts';
import { collect } from './collect.ts';

const read = (...parts: BlobPart[]) => collect(readJsonl(new Blob(parts)));

test('byte-order mark, \\r\\n, blank lines and a missing last newline', async () => {
  expect(await read('\uFEFF{"a":1}\r\n\r\n[2]\n"é"')).toEqual([
    { line: 1, ok: true, value: { a: 1 } },
    { line: 3, ok: true, value: [2] },
    { line: 4, ok: true, value: 'é' },
  ]);
});

test('a bad line is reported with its number and the rest is read', async () => {
  const lines = await read('{"a":1}\n{"a":\n', Uint8Array.of(0xff, 10), '3\n');
  expect(lines.map((line) => [line.line, line.ok])).toEqual([
    [1, true],
    [2, false],
    [3, false],
    [4, true],
  ]);
});

test('UTF-16 is said once', async () => {
  expect(await read(Uint8Array.of(0xff, 0xfe, 0x7b, 0, 10, 0, 0x7d, 0, 10, 0))).toEqual([
    { line: 1, ok: false, reason: 'the file is UTF-16, not UTF-8' },
  ]);
});

test('an overlong line is dropped, not held', async () => {
  const lines = await collect(readJsonl(new Blob([`"${'x'.repeat(100)}"\n1`]), 50));
  expect(lines.map((line) => line.ok)).toEqual([false, true]);
});

test('any values, written one a line, come back with their numbers', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.jsonValue(), { maxLength: 20 }), async (values) => {
      const lines = await read(values.map((value) => JSON.stringify(value)).join('\n'));
      expect(lines).toEqual(
        values.map((value, i) => ({ line: i + 1, ok: true, value: JSON.parse(JSON.stringify(value)) })),
      );
    }),
    { numRuns: 30 },
  );
});
