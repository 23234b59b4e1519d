import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openCheckpoint, planShards } from '../../../src/formats/checkpoint-files.ts';
import { openSafetensors, toFloat32, type Dtype } from '../../../src/formats/safetensors.ts';
import { writeSafetensors, type TensorToWrite } from '../../../src/formats/safetensors-writer.ts';
import { fromFloat32, shardNames, type OutputFile } from '../../../src/train/checkpoint-folder.ts';
import type { CheckpointMethodName } from '../../../src/train/merging/checkpoint-methods.ts';
import {
  checkpointLikeness,
  mergedCheckpointFiles,
  type CheckpointMerge,
} from '../../../src/train/merging/checkpoints.ts';
import { bytesSource } from '../../formats/bytes-source.ts';

type Tensors = Readonly<Record<string, readonly number[]>>;
interface Golden {
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  readonly base: Tensors;
  readonly parts: readonly Tensors[];
  readonly near: Tensors;
  readonly cases: readonly {
    readonly method: CheckpointMethodName;
    readonly weights: readonly number[];
    readonly density?: number;
    readonly lambda?: number;
    readonly near?: true;
    readonly merged: Tensors;
  }[];
}
const golden = JSON.parse(
  readFileSync(new URL('../../golden/checkpoint-merging.json', import.meta.url), 'utf8'),
) as Golden;

const collect = async (data: OutputFile['data']): Promise<Uint8Array> => {
  if (typeof data === 'string') return new TextEncoder().encode(data);
  const chunks: Uint8Array[] = [];
  for await (const chunk of data) chunks.push(chunk);
  return new Uint8Array(await new Blob(chunks as Uint8Array<ArrayBuffer>[]).arrayBuffer());
};

/** A checkpoint folder in memory, in shards of `maxBytes`, that tells the largest piece that was read. */
async function folderOf(tensors: readonly TensorToWrite[], maxBytes?: number, config = '{}') {
  const { shards, index } = planShards(tensors, maxBytes);
  const files = new Map<string, Uint8Array>([['config.json', new TextEncoder().encode(config)]]);
  if (index) files.set('model.safetensors.index.json', new TextEncoder().encode(index));
  for (const { file, tensors: mine } of shards) files.set(file, await collect(writeSafetensors(mine)));
  const read = { largest: 0 };
  const folder = new Map(
    [...files].map(([path, bytes]) => {
      const source = bytesSource(bytes);
      return [
        path,
        {
          size: source.size,
          read: (offset: number, length: number) => {
            read.largest = Math.max(read.largest, length);
            return source.read(offset, length);
          },
        },
      ] as const;
    }),
  );
  return { folder, read, weights: await openCheckpoint(folder) };
}

const floats = (tensors: Tensors, dtype: Dtype = 'F32'): TensorToWrite[] =>
  Object.entries(tensors).map(([name, values]) => ({
    name,
    dtype,
    shape: golden.shapes[name] ?? [values.length],
    bytes: () => fromFloat32(Float32Array.from(values), dtype, name),
  }));

async function mergeOf(
  method: CheckpointMethodName,
  weights: readonly number[],
  parts: readonly (readonly TensorToWrite[])[],
  base: readonly TensorToWrite[] | null,
  more: { density?: number; lambda?: number } = {},
  maxBytes?: number,
) {
  const opened = await Promise.all(parts.map((tensors) => folderOf(tensors, maxBytes)));
  const from = base && (await folderOf(base, maxBytes));
  const merge: CheckpointMerge = {
    method,
    settings: { weights, ...more },
    parts: opened.map(({ weights: w }, i) => ({ name: `part ${i}`, weights: w })),
    base: from && { name: 'base', weights: from.weights },
  };
  const home = from ?? opened[0]!;
  const files = mergedCheckpointFiles(merge, home.folder, await shardNames(home.folder));
  return { merge, files, opened };
}

async function valuesOf(files: readonly OutputFile[]): Promise<Map<string, Float32Array>> {
  const found = new Map<string, Float32Array>();
  for (const { path, data } of files) {
    if (!path.endsWith('.safetensors')) continue;
    const shard = await openSafetensors(bytesSource(await collect(data)), path);
    for (const [name, { dtype }] of shard.tensors) found.set(name, toFloat32(await shard.read(name), dtype));
  }
  return found;
}

const partsOf = ({ near, weights }: Golden['cases'][number]) =>
  (near ? [golden.parts[0]!, golden.near] : golden.parts.slice(0, weights.length)).map((part) => floats(part));
const baseOf = (method: CheckpointMethodName) =>
  method === 'ties' || method === 'task_arithmetic' ? floats(golden.base) : null;

describe('whole checkpoints merged', () => {
  it.each(golden.cases.map((c) => [`${c.method} by ${c.weights.join(', ')}${c.near ? ', nearly parallel' : ''}`, c]))(
    'has the values of float64: %s',
    async (_, c) => {
      const { files } = await mergeOf(c.method, c.weights, partsOf(c), baseOf(c.method), {
        ...(c.density !== undefined && { density: c.density }),
        ...(c.lambda !== undefined && { lambda: c.lambda }),
      });
      const values = await valuesOf(files);
      for (const [name, expected] of Object.entries(c.merged))
        for (const [i, value] of expected.entries()) expect(Math.abs(values.get(name)![i]! - value)).toBeLessThan(1e-6);
    },
  );

  it('keeps the shards and the other files of the first folder', async () => {
    const parts = [floats(golden.parts[0]!), floats(golden.parts[1]!)];
    const { files, opened } = await mergeOf('linear', [1, 1], parts, null, {}, 64);
    expect(files.map(({ path }) => path).sort()).toEqual([...opened[0]!.folder.keys()].sort());
    expect(opened[0]!.folder.size).toBeGreaterThan(3);
    const written = new Map<string, Uint8Array>();
    for (const { path, data } of files) written.set(path, await collect(data));
    const again = await openCheckpoint(new Map([...written].map(([path, bytes]) => [path, bytesSource(bytes)])));
    expect([...again.tensors.keys()].sort()).toEqual(Object.keys(golden.base).sort());
  });

  it('reads no tensor whole, and TIES keeps the same numbers as if it did', async () => {
    const n = (1 << 20) + (1 << 18);
    const wave = (phase: number) => Float32Array.from({ length: n }, (_, i) => Math.sin(phase + i * 0.001 * phase));
    const large = (values: Float32Array): TensorToWrite[] => [
      { name: 'w', dtype: 'F32', shape: [n / 1024, 1024], bytes: () => fromFloat32(values, 'F32', 'w') },
    ];
    const [base, one, two] = [new Float32Array(n), wave(1), wave(2)];
    const { files, opened } = await mergeOf('ties', [1, 1], [large(one), large(two)], large(base), { density: 0.2 });
    const merged = (await valuesOf(files)).get('w')!;
    expect(Math.max(...opened.map(({ read }) => read.largest))).toBeLessThan(n * 4);
    const border = (x: Float32Array) => x.map(Math.abs).sort()[n - Math.trunc(0.2 * n)]!;
    const [b1, b2] = [border(one), border(two)];
    for (let i = 0; i < n; i += 997) {
      const kept = [Math.abs(one[i]!) >= b1 ? one[i]! : 0, Math.abs(two[i]!) >= b2 ? two[i]! : 0];
      const sign = kept[0]! + kept[1]! >= 0 ? 1 : -1;
      const agreeing = kept.filter((v) => Math.sign(v) === sign);
      expect(merged[i]).toBeCloseTo(agreeing.reduce((a, b) => a + b, 0) / Math.max(1, agreeing.length), 6);
    }
  });

  it('writes the type of the first checkpoint, whatever the others have', async () => {
    const { files } = await mergeOf(
      'linear',
      [1, 1],
      [floats({ w: [1, 3] }, 'BF16'), floats({ w: [2, 5] }, 'F16')],
      null,
    );
    const shard = await openSafetensors(bytesSource(await collect(files.find((f) => f.tensors)!.data)));
    expect(shard.tensors.get('w')!.dtype).toBe('BF16');
    expect([...toFloat32(await shard.read('w'), 'BF16')]).toEqual([1.5, 4]);
  });

  it('finds the tensors that another version of transformers names differently', async () => {
    const [old, now] = [
      { 'visual.x': [1], 'model.layers.0.y': [2] },
      { 'model.visual.x': [3], 'model.language_model.layers.0.y': [6] },
    ];
    const { files } = await mergeOf('linear', [1, 1], [floats(old), floats(now)], null);
    expect([...(await valuesOf(files))].map(([name, [value]]) => [name, value]).sort()).toEqual([
      ['model.layers.0.y', 4],
      ['visual.x', 2],
    ]);
  });

  it('copies whole numbers that are equal, and refuses those that are not', async () => {
    const whole = (value: number): TensorToWrite[] => [
      { name: 'ids', dtype: 'I32', shape: [1], bytes: () => new Uint8Array(Int32Array.of(value).buffer) },
    ];
    const same = await mergeOf('linear', [1, 1], [whole(7), whole(7)], null);
    const bytes = await collect(same.files.find((f) => f.tensors)!.data);
    expect(new Int32Array(bytes.slice(-4).buffer)[0]).toBe(7);
    const other = await mergeOf('linear', [1, 1], [whole(7), whole(8)], null);
    await expect(collect(other.files.find((f) => f.tensors)!.data)).rejects.toMatchObject({ code: 'merge-tensors' });
  });

  it('says when a value is too large for the halves it is written in', async () => {
    const parts = [floats({ w: [60000] }, 'F16'), floats({ w: [60000] }, 'F16')];
    const { files } = await mergeOf('task_arithmetic', [1, 1], parts, floats({ w: [0] }, 'F16'));
    await expect(collect(files.find((f) => f.tensors)!.data)).rejects.toMatchObject({ code: 'half-overflow' });
  });

  const two = [floats({ w: [1, 2] }), floats({ w: [3, 4] })];
  it.each([
    [
      'a checkpoint that lacks a tensor',
      'linear',
      [1, 1],
      [floats({ w: [1], v: [2] }), floats({ w: [1] })],
      null,
      'merge-tensors',
    ],
    ['one that has more', 'linear', [1, 1], [floats({ w: [1] }), floats({ w: [1], v: [2] })], null, 'merge-tensors'],
    ['another shape', 'linear', [1, 1], [floats({ w: [1, 2] }), floats({ w: [1, 2, 3] })], null, 'merge-tensors'],
    ['SLERP of three', 'slerp', [1, 1, 1], [...two, two[0]!], null, 'merge-setting'],
    ['SLERP beyond its ends', 'slerp', [2, -1], two, null, 'merge-setting'],
    ['task arithmetic without a base', 'task_arithmetic', [1, 1], two, null, 'merge-setting'],
    ['a mean with a base', 'linear', [1, 1], two, two[0]!, 'merge-setting'],
    ['a mean whose weights cancel', 'linear', [1, -1], two, null, 'merge-setting'],
    ['TIES without a density', 'ties', [1, 1], two, two[0]!, 'merge-setting'],
  ] as const)('refuses %s', async (_, method, weights, parts, base, code) => {
    await expect(mergeOf(method, weights, parts, base)).rejects.toMatchObject({ code });
  });

  it('is as like its parts as the angles between the changes say', async () => {
    const [base, x, y] = [{ w: [0, 0] }, { w: [3, 0] }, { w: [0, 4] }];
    const { merge } = await mergeOf('task_arithmetic', [1, 1], [floats(x), floats(y)], floats(base));
    const { norm, parts } = await checkpointLikeness(merge);
    expect(norm).toBeCloseTo(5);
    expect(parts.map((p) => p.norm)).toEqual([3, 4]);
    expect(parts.map((p) => p.cosine)).toEqual([expect.closeTo(0.6), expect.closeTo(0.8)]);
  });
});
