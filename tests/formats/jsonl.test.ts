import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readElements } from '../../src/formats/element-index.ts';
import { indexLines, parseJson } from '../../src/formats/jsonl.ts';
import { chopped } from './chopped.ts';

/** Every line, found in chunks of odd lengths and read again by its place. */
async function read(...parts: BlobPart[]) {
  const blob = chopped(new Blob(parts));
  const index = await indexLines(blob);
  const lines = [];
  for await (const { i, bytes } of readElements(blob, index, 0, index.length))
    lines.push({ line: index.line(i), ...parseJson(bytes) });
  return lines;
}

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

test('a value that is nested a hundred thousand levels deep is refused, not walked', () => {
  for (const [open, close] of [
    ['[', ']'],
    ['{"a":', '}'],
  ]) {
    const text = `${open!.repeat(100_000)}1${close!.repeat(100_000)}`;
    expect(parseJson(new TextEncoder().encode(text))).toMatchObject({
      ok: false,
      reason: expect.stringContaining('nested') as string,
    });
  }
});
