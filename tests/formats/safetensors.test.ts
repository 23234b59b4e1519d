import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GroundworkError } from '../../src/base/error.ts';
import { blobSource } from '../../src/formats/byte-source.ts';
import { INDEX_FILE, openCheckpoint, planShards } from '../../src/formats/checkpoint-files.ts';
import { DTYPE_BYTES, openSafetensors, toFloat32, toHalf, type Dtype } from '../../src/formats/safetensors.ts';
import { tensorBytes, writeSafetensors, type TensorToWrite } from '../../src/formats/safetensors-writer.ts';
import { collectBytes } from './collect.ts';
import { bytesSource } from './bytes-source.ts';

/** A file with this header text and data. */
function file(header: unknown, dataBytes: number): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

const f32 = (values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
const code = async (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    (error: unknown) => (error as GroundworkError).code,
  );

describe('reading', () => {
  const good = file({ a: { dtype: 'F32', shape: [2, 3], data_offsets: [0, 24] }, __metadata__: { format: 'pt' } }, 24);

  test('tensors by name and by rows, from memory and from a Blob', async () => {
    const bytes = await collectBytes(
      writeSafetensors([{ name: 'a', dtype: 'F32', shape: [3, 2], bytes: () => f32([1, 2, 3, 4, 5, 6]) }]),
    );
    for (const source of [bytesSource(bytes), blobSource(new Blob([bytes as Uint8Array<ArrayBuffer>]))]) {
      const opened = await openSafetensors(source);
      expect(opened.metadata).toEqual({ format: 'pt' });
      expect([...toFloat32(await opened.read('a'), 'F32')]).toEqual([1, 2, 3, 4, 5, 6]);
      expect([...toFloat32(await opened.readRows('a', 1, 2), 'F32')]).toEqual([3, 4, 5, 6]);
      expect(await code(opened.read('b'))).toBe('tensor-missing');
    }
  });

  test.each([
    ['shorter than its prefix', good.slice(0, 5), 'file-truncated'],
    ['cut inside the header', good.slice(0, 20), 'file-truncated'],
    ['cut inside the data', good.slice(0, -1), 'file-truncated'],
    ['followed by junk', new Uint8Array([...good, 0]), 'safetensors-invalid'],
    ['a header of 2⁶³ bytes', Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 128, 123, 125), 'safetensors-invalid'],
    ['a header that is not JSON', file('{"a":', 0), 'safetensors-invalid'],
    ['a header that is a list', file('[]', 0), 'safetensors-invalid'],
    ['an unknown dtype', file({ a: { dtype: 'F31', shape: [1], data_offsets: [0, 4] } }, 4), 'safetensors-dtype'],
    [
      'a dtype that is an object member',
      file({ a: { dtype: 'toString', shape: [1], data_offsets: [0, 4] } }, 4),
      'safetensors-dtype',
    ],
    [
      'dimensions that contradict the bytes',
      file({ a: { dtype: 'F32', shape: [2], data_offsets: [0, 4] } }, 4),
      'safetensors-invalid',
    ],
    [
      'a negative dimension',
      file({ a: { dtype: 'F32', shape: [-1], data_offsets: [0, 4] } }, 4),
      'safetensors-invalid',
    ],
    [
      'dimensions whose product overflows',
      file({ a: { dtype: 'F32', shape: [2 ** 52, 2 ** 52], data_offsets: [0, 4] } }, 4),
      'safetensors-invalid',
    ],
    ['offsets backwards', file({ a: { dtype: 'F32', shape: [1], data_offsets: [4, 0] } }, 4), 'safetensors-invalid'],
    [
      'overlapping tensors',
      file(
        { a: { dtype: 'U8', shape: [4], data_offsets: [0, 4] }, b: { dtype: 'U8', shape: [4], data_offsets: [2, 6] } },
        6,
      ),
      'safetensors-invalid',
    ],
    [
      'a hole',
      file(
        { a: { dtype: 'U8', shape: [4], data_offsets: [0, 4] }, b: { dtype: 'U8', shape: [4], data_offsets: [5, 9] } },
        9,
      ),
      'safetensors-invalid',
    ],
    [
      'a key twice',
      file(
        '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\\u0061":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}',
        1,
      ),
      'safetensors-invalid',
    ],
    ['metadata that is not text', file({ __metadata__: { a: 1 } }, 0), 'safetensors-invalid'],
  ])('refuses a file with %s', async (_, bytes, expected) => {
    expect(await code(openSafetensors(bytesSource(bytes)))).toBe(expected);
  });

  test('damaged files give a GroundworkError with a hint, never anything else', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 6 }),
        fc.nat(good.length),
        async (edits, cut) => {
          const bytes = good.slice(0, cut);
          for (const [at, value] of edits) if (at < cut) bytes[at] = value;
          try {
            await openSafetensors(bytesSource(bytes));
          } catch (error) {
            expect(error).toBeInstanceOf(GroundworkError);
            expect((error as GroundworkError).hint).not.toBe('');
          }
        },
      ),
    );
  });
});

describe('writing', () => {
  const tensor = fc.record({
    dtype: fc.constantFrom<Dtype>('F32', 'F16', 'BF16', 'I64', 'U8'),
    shape: fc.array(fc.nat(4), { maxLength: 3 }),
    seed: fc.nat(255),
  });

  test('what was written is read back, in aligned places, at the promised size', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(tensor, { maxLength: 6 }), fc.boolean(), async (specs, streamed) => {
        const tensors = specs.map((spec, i): TensorToWrite => {
          const content = new Uint8Array(tensorBytes({ name: '', ...spec })).map((_, k) => spec.seed + k);
          return {
            name: `layer.${i}."é"`,
            dtype: spec.dtype,
            shape: spec.shape,
            bytes: () =>
              streamed
                ? (async function* () {
                    yield content.slice(0, 3);
                    yield content.slice(3);
                  })()
                : content,
          };
        });
        const bytes = await collectBytes(writeSafetensors(tensors));
        const opened = await openSafetensors(bytesSource(bytes));
        expect(opened.tensors.size).toBe(tensors.length);
        for (const [i, { name, dtype, shape }] of tensors.entries()) {
          const info = opened.tensors.get(name)!;
          expect(info).toMatchObject({ dtype, shape });
          expect(info.offset % DTYPE_BYTES[dtype]).toBe(0);
          expect([...(await opened.read(name))]).toEqual(
            Array.from({ length: info.byteLength }, (_, k) => (specs[i]!.seed + k) % 256),
          );
        }
      }),
      { numRuns: 40 },
    );
  });

  test('a producer of the wrong length is caught', async () => {
    await expect(
      collectBytes(writeSafetensors([{ name: 'a', dtype: 'F32', shape: [2], bytes: () => new Uint8Array(4) }])),
    ).rejects.toThrow('8 bytes');
  });
});

test('what is read from a Node Buffer is a plain copy', async () => {
  const buffer = Buffer.from([1, 2, 3, 4]);
  const read = await bytesSource(buffer).read(1, 2);
  expect(read).toEqual(Uint8Array.of(2, 3));
  buffer.fill(0);
  expect(read[0]).toBe(2);
});

test('bf16 and f16 bytes become floats and halves, aligned or not', () => {
  const bf16 = Uint8Array.of(9, 0x80, 0x3f, 0x80, 0xc0).subarray(1);
  expect([...toFloat32(bf16, 'BF16')]).toEqual([1, -4]);
  expect([...toHalf(bf16, 'BF16').bits]).toEqual([0x3c00, 0xc400]);
  expect([...toHalf(f32([1, 1e9]), 'F32').bits]).toEqual([0x3c00, 0x7c00]);
  expect(() => toFloat32(new Uint8Array(8), 'I64')).toThrow(GroundworkError);
});

describe('sharded checkpoints', () => {
  const tensors = [1, 2, 3].map((i): TensorToWrite => ({
    name: `w${i}`,
    dtype: 'F32',
    shape: [i],
    bytes: () => f32(Array(i).fill(i)),
  }));
  async function written(maxBytes: number) {
    const plan = planShards(tensors, maxBytes);
    const files = new Map(
      await Promise.all(
        plan.shards.map(
          async ({ file: name, tensors: mine }) =>
            [name, bytesSource(await collectBytes(writeSafetensors(mine)))] as const,
        ),
      ),
    );
    if (plan.index) files.set(INDEX_FILE, bytesSource(new TextEncoder().encode(plan.index)));
    return files;
  }

  test('cut, indexed and read back', async () => {
    expect([...(await written(1e9)).keys()]).toEqual(['model.safetensors']);
    const files = await written(12);
    expect([...files.keys()]).toEqual([
      'model-00001-of-00002.safetensors',
      'model-00002-of-00002.safetensors',
      INDEX_FILE,
    ]);
    const weights = await openCheckpoint(files);
    expect([...weights.tensors.keys()].sort()).toEqual(['w1', 'w2', 'w3']);
    expect([...toFloat32(await weights.read('w3'), 'F32')]).toEqual([3, 3, 3]);
  });

  test('missing and mixed shards are named', async () => {
    const files = await written(12);
    const second = files.get('model-00002-of-00002.safetensors')!;
    files.delete('model-00002-of-00002.safetensors');
    expect(await code(openCheckpoint(files))).toBe('checkpoint-incomplete');
    files.set('model-00002-of-00002.safetensors', files.get('model-00001-of-00002.safetensors')!);
    expect(await code(openCheckpoint(files))).toBe('checkpoint-incomplete');
    files.set('model-00002-of-00002.safetensors', second).set(INDEX_FILE, bytesSource(new TextEncoder().encode('{}')));
    expect(await code(openCheckpoint(files))).toBe('checkpoint-index');
    expect(await code(openCheckpoint(new Map()))).toBe('checkpoint-incomplete');
  });
});
