/** Checkpoints that were quantised elsewhere: the values their codes stand for, by hand. */
import { describe, expect, test } from 'vitest';
import { openCheckpoint } from '../../src/formats/checkpoint-files.ts';
import { readableWeights } from '../../src/formats/quantised-weights.ts';
import { toFloat32, type Dtype } from '../../src/formats/safetensors.ts';
import { writeSafetensors } from '../../src/formats/safetensors-writer.ts';
import { collectBytes } from './collect.ts';
import { bytesSource } from './bytes-source.ts';

type Tensors = Readonly<
  Record<string, readonly [dtype: Dtype, shape: readonly number[], bytes: ArrayLike<number> | ArrayBufferView]>
>;

const bytesOf = (data: ArrayLike<number> | ArrayBufferView): Uint8Array =>
  ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : Uint8Array.from(data);

async function open(tensors: Tensors, config: object) {
  const written = Object.entries(tensors).map(([name, [dtype, shape, data]]) => ({
    name,
    dtype,
    shape,
    bytes: () => bytesOf(data),
  }));
  const file = bytesSource(await collectBytes(writeSafetensors(written)));
  return readableWeights(
    await openCheckpoint(new Map([['model.safetensors', file]])),
    config as Record<string, unknown>,
  );
}

/** A matrix as floats, read in blocks of rows as the loader reads it. */
async function matrix(
  { checkpoint }: Awaited<ReturnType<typeof open>>,
  name: string,
  rowsAtOnce = 1,
): Promise<number[]> {
  const { shape, dtype, byteLength } = checkpoint.tensors.get(name)!;
  const values: number[] = [];
  for (let first = 0; first < shape[0]!; first += rowsAtOnce) {
    const count = Math.min(rowsAtOnce, shape[0]! - first);
    const bytes = await checkpoint.readRows(name, first, count);
    expect(bytes.byteLength * shape[0]!).toBe(byteLength * count);
    values.push(...toFloat32(bytes, dtype));
  }
  return values;
}

const f32 = (...values: number[]) => new Float32Array(values);
const json = (value: object) => new TextEncoder().encode(JSON.stringify(value));

describe('bitsandbytes, 4 bits', () => {
  const map = f32(...Array.from({ length: 16 }, (_, i) => i - 8));
  const codes = Array.from({ length: 64 }, (_, i) => (i * 37) % 256);
  const state = { quant_type: 'nf4', blocksize: 64, dtype: 'float32', shape: [2, 64] };
  const quant_method = { quantization_config: { quant_method: 'bitsandbytes', load_in_4bit: true } };
  // The high half of a byte comes first.
  const expected = (absmax: readonly number[]) =>
    codes.flatMap((byte, i) =>
      [byte >> 4, byte & 15].map((code, half) => (code - 8) * absmax[Math.floor((2 * i + half) / 64)]!),
    );

  test('with a scale for each block', async () => {
    const read = await open(
      {
        'a.weight': ['U8', [64, 1], codes],
        'a.weight.absmax': ['F32', [2], f32(0.5, 3)],
        'a.weight.quant_map': ['F32', [16], map],
        'a.weight.quant_state.bitsandbytes__nf4': ['U8', [json(state).length], json(state)],
        'norm.weight': ['F32', [2], f32(1, 2)],
      },
      quant_method,
    );
    expect([...read.checkpoint.tensors.keys()].sort()).toEqual(['a.weight', 'norm.weight']);
    expect(read.notes[0]).toMatch(/1 matrices were quantised elsewhere \(bitsandbytes, 4 bits\)/);
    for (const rows of [1, 2]) expect(await matrix(read, 'a.weight', rows)).toEqual(expected([0.5, 3]));
    expect(toFloat32(await read.checkpoint.read('norm.weight'), 'F32')).toEqual(f32(1, 2));
  });

  test('with scales that are codes, too, and values rounded to the type they were made from', async () => {
    const nested = { ...state, dtype: 'bfloat16', nested_blocksize: 1, nested_offset: 0.25 };
    const nestedMap = f32(...Array.from({ length: 256 }, (_, i) => i / 16));
    const read = await open(
      {
        'a.weight': ['U8', [64, 1], codes],
        'a.weight.absmax': ['U8', [2], [8, 200]],
        'a.weight.quant_map': ['F32', [16], map],
        'a.weight.nested_absmax': ['F32', [2], f32(2, 0.125)],
        'a.weight.nested_quant_map': ['F32', [256], nestedMap],
        'a.weight.quant_state.bitsandbytes__nf4': ['U8', [json(nested).length], json(nested)],
      },
      quant_method,
    );
    expect(read.checkpoint.tensors.get('a.weight')).toMatchObject({ dtype: 'BF16', shape: [2, 64] });
    // 8/16 · 2 + 1/4 and 200/16 · 1/8 + 1/4, whose products with small whole numbers need no rounding in bfloat16.
    expect(await matrix(read, 'a.weight', 2)).toEqual(expected([1.25, 1.8125]));
  });

  test('whose description is damaged is named', async () => {
    for (const bad of [{}, { shape: [2], blocksize: 64, dtype: 'x' }, { ...state, blocksize: 0 }])
      await expect(
        open(
          {
            'a.weight': ['U8', [1, 1], [0]],
            'a.weight.quant_state.bitsandbytes__nf4': ['U8', [json(bad).length], json(bad)],
          },
          {},
        ),
      ).rejects.toMatchObject({
        code: 'checkpoint-invalid',
        message: expect.stringContaining('a.weight.quant_state') as string,
      });
  });
});

test('bitsandbytes, 8 bits: a scale for each row', async () => {
  const read = await open(
    { 'a.weight': ['I8', [2, 3], new Int8Array([127, -127, 0, 1, 2, -64])], 'a.SCB': ['F32', [2], f32(2, 127)] },
    { quantization_config: { load_in_8bit: true } },
  );
  expect(await matrix(read, 'a.weight')).toEqual([2, -2, 0, 1, 2, -64]);
});

describe('FP8', () => {
  /** 1, −1, 448 (the largest), 2⁻⁹ (the smallest), 0.875 · 2⁻⁶ (the largest without a leading one), 1.5 */
  const CODES = [0x38, 0xb8, 0x7e, 0x01, 0x07, 0x3c];
  const VALUES = [1, -1, 448, 2 ** -9, 0.875 * 2 ** -6, 1.5];
  const config = { quantization_config: { quant_method: 'fp8', weight_block_size: [128, 128] } };

  test.each(['weight_scale_inv', 'weight_scale'])('one scale for all (%s)', async (name) => {
    const read = await open({ 'a.weight': ['F8_E4M3', [2, 3], CODES], [`a.${name}`]: ['F32', [1], f32(0.5)] }, config);
    expect(await matrix(read, 'a.weight')).toEqual(VALUES.map((v) => v / 2));
  });

  test('one a row', async () => {
    const read = await open(
      { 'a.weight': ['F8_E4M3', [2, 3], CODES], 'a.weight_scale': ['F32', [2, 1], f32(2, 4)] },
      { quantization_config: { quant_method: 'compressed-tensors', format: 'float-quantized' } },
    );
    expect(await matrix(read, 'a.weight')).toEqual(VALUES.map((v, i) => v * (i < 3 ? 2 : 4)));
  });

  test('one for each block of 128 × 128, the last ones smaller', async () => {
    const [rows, columns] = [130, 200];
    const read = await open(
      {
        'a.weight': ['F8_E4M3', [rows, columns], new Uint8Array(rows * columns).fill(0x38)],
        'a.weight_scale_inv': ['F32', [2, 2], f32(1, 2, 3, 4)],
      },
      config,
    );
    const values = await matrix(read, 'a.weight', 50);
    const at = (r: number, c: number) => values[r * columns + c];
    expect([at(0, 0), at(127, 127), at(0, 128), at(128, 0), at(129, 199)]).toEqual([1, 1, 2, 3, 4]);
  });

  test('with scales that do not fit is named', () =>
    expect(
      open({ 'a.weight': ['F8_E4M3', [2, 3], CODES], 'a.weight_scale_inv': ['F32', [3, 1], f32(1, 1, 1)] }, config),
    ).rejects.toMatchObject({ code: 'checkpoint-invalid' }));
});

test.each([
  [{ quant_method: 'awq' }, /AWQ/],
  [{ quant_method: 'gptq', bits: 4 }, /GPTQ/],
  [{ quant_method: 'compressed-tensors', format: 'pack-quantized' }, /COMPRESSED-TENSORS \(pack-quantized\)/],
])('%j is refused by name, with the way round', async (quantization_config, message) => {
  await expect(open({ a: ['F32', [1], f32(1)] }, { quantization_config })).rejects.toMatchObject({
    code: 'checkpoint-quantised',
    message: expect.stringMatching(message) as string,
    hint: expect.stringContaining('BF16 or F16') as string,
  });
});

test('a checkpoint of floats is left as it is', async () => {
  const { checkpoint, notes } = await open({ a: ['F32', [1], f32(1)] }, {});
  expect([checkpoint.dequantised, notes]).toEqual([undefined, []]);
});
