/** GGUF files against gguf-py's, to the bit (tools/reference/gguf_files.py), and what is refused of them. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { bool, f32, openGguf, string, u32, writeGguf, type GgufTensorToWrite } from '../../src/formats/gguf.ts';
import { GGUF_TYPES, type GgufType } from '../../src/formats/gguf-types.ts';
import { bytesSource } from './bytes-source.ts';

interface Golden {
  readonly values: string;
  readonly codes: Readonly<Record<'F16' | 'BF16' | 'Q8_0' | 'Q4_0', string>>;
  readonly file: string;
}
const golden = JSON.parse(readFileSync('tests/golden/gguf.json', 'utf8')) as Golden;
const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));
const values = new Float32Array(bytes(golden.values).slice().buffer);

const tensor = (name: string, type: GgufType, shape: readonly number[], from: Float32Array): GgufTensorToWrite => ({
  name,
  type,
  shape,
  // In two pieces, as large tensors come.
  async *bytes() {
    const half = Math.floor(from.length / 64) * 32;
    yield GGUF_TYPES[type].encode(from.subarray(0, half), name);
    yield GGUF_TYPES[type].encode(from.subarray(half), name);
  },
});

async function written(): Promise<Uint8Array> {
  const rows = Float32Array.from([0, 1, 2].flatMap((row) => [...values.subarray(row * 32, row * 32 + 7)]));
  const file = writeGguf(
    {
      'general.architecture': string('llama'),
      'llama.block_count': u32(3),
      'llama.rope.freq_base': f32(1e4),
      'tokenizer.ggml.add_bos_token': bool(false),
      'tokenizer.ggml.tokens': { type: 'string[]', value: ['a', 'é', 'Ġthe'] },
      'tokenizer.ggml.token_type': { type: 'i32[]', value: [1, 3, 5] },
    },
    [
      tensor('norm.weight', 'F32', [5], values.slice(0, 5)),
      tensor('half.weight', 'F16', [3, 7], rows),
      tensor('eight.weight', 'Q8_0', [8, 32], values),
      tensor('four.weight', 'Q4_0', [8, 32], values),
    ],
  );
  const parts: Uint8Array[] = [];
  for await (const part of file) parts.push(part.slice());
  return new Uint8Array(Buffer.concat(parts));
}

test.each(['F16', 'BF16', 'Q8_0', 'Q4_0'] as const)('values become the codes of %s that gguf-py writes', (type) => {
  expect(Buffer.compare(GGUF_TYPES[type].encode(values, 'w'), bytes(golden.codes[type]))).toBe(0);
});

test('a file is byte for byte the one that gguf-py writes', async () => {
  expect(Buffer.compare(await written(), bytes(golden.file))).toBe(0);
});

test('a file is read back with its settings, shapes and places', async () => {
  const file = bytes(golden.file);
  const { metadata, tensors } = await openGguf(bytesSource(file), 'small.gguf');
  expect(metadata['tokenizer.ggml.tokens']).toEqual({ type: 'string[]', value: ['a', 'é', 'Ġthe'] });
  expect(metadata['llama.rope.freq_base']).toEqual(f32(1e4));
  expect([...tensors.values()].map(({ name, type, shape }) => [name, type, shape])).toEqual([
    ['norm.weight', 'F32', [5]],
    ['half.weight', 'F16', [3, 7]],
    ['eight.weight', 'Q8_0', [8, 32]],
    ['four.weight', 'Q4_0', [8, 32]],
  ]);
  const at = tensors.get('four.weight')!.offset;
  expect(Buffer.compare(file.subarray(at, at + 144), bytes(golden.codes.Q4_0))).toBe(0);
});

describe('a file that is not as it was written', () => {
  const file = bytes(golden.file);
  test.each([
    ['is of another kind', (f: Uint8Array) => f.fill(0x50, 0, 1), /does not begin as a GGUF file/],
    ['is of another version', (f: Uint8Array) => f.fill(2, 4, 5), /of version 2/],
    ['ends in its header', (f: Uint8Array) => f.subarray(0, 60), /ends in the middle of its header/],
    ['lacks its last bytes', (f: Uint8Array) => f.subarray(0, f.length - 40), /four\.weight ends behind the file/],
  ])('%s: it is said', async (_, change, message) => {
    await expect(openGguf(bytesSource(change(file.slice())), 'small.gguf')).rejects.toThrow(message);
  });
});

test('numbers too large for half floats are refused, not written as infinity', () => {
  expect(() => GGUF_TYPES.F16.encode(Float32Array.of(1, 7e4), 'w')).toThrow(/too large for 16-bit floats/);
  expect(() => GGUF_TYPES.Q8_0.encode(new Float32Array(32).fill(9e6), 'w')).toThrow(/too large/);
});
