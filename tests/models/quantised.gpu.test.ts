/** Models with quantised weights against PyTorch on the values that the codes stand for (tests/golden/quantised). */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { filesUnder } from '../../src/cli/node-files.ts';
import { openGolden, type GoldenCase } from '../../src/engine/golden/case.ts';
import { checkGolden, compare } from '../../src/engine/golden/check.ts';
import { openSafetensors, toFloat32, type Safetensors } from '../../src/formats/safetensors.ts';
import { Recorder } from '../../src/gpu/recorder.ts';
import { registerDecoder } from '../../src/image/decode.ts';
import { nodeDecode } from '../../src/image/node-decode.ts';
import { loadModel, type LoadedModel } from '../../src/models/load.ts';
import type { WeightDType } from '../../src/models/weights.ts';
import { embed } from '../../src/ops/gather.ts';
import { isQuantised, type Matrix } from '../../src/ops/matrix.ts';
import { relativeRms } from '../../src/ops/quantise.ts';
import { Tape } from '../../src/ops/tape.ts';
import { codesOf } from '../ops/quantised.ts';
import { useSession } from '../ops/harness.ts';
import { bytesSource } from '../formats/bytes-source.ts';

registerDecoder(nodeDecode);

const root = fileURLToPath(new URL('../golden/', import.meta.url));
const session = useSession();
const splitting = useSession({ weightPartBytes: 1024 });
const names = readdirSync(`${root}quantised`);

interface Quantised {
  readonly golden: GoldenCase;
  readonly storage: WeightDType;
}

/** The case with what the reference made of it on quantised weights. */
async function open(name: string): Promise<Quantised> {
  const folder = `${root}quantised/${name}/`;
  const of = JSON.parse(readFileSync(`${folder}of.json`, 'utf8')) as {
    case: string;
    storage: WeightDType;
    completion: string;
  };
  const golden = await openGolden(of.case, await filesUnder(root + of.case));
  const expected = await openSafetensors(
    bytesSource(new Uint8Array(readFileSync(`${folder}expected.safetensors`))),
    name,
  );
  const { messages, processor } = golden.spec;
  const spec = { messages, completion: of.completion, ...(processor && { processor }) };
  return { golden: { ...golden, spec, expected, inputs: null }, storage: of.storage };
}

/** The values that a matrix's codes stand for. */
async function valuesOf(matrix: Matrix): Promise<Float32Array> {
  const rec = new Recorder(session(), 'values');
  const tokens = rec.input('tokens', [matrix.rows], 'u32');
  const rows = rec.output(embed(new Tape(rec, { recording: false }), tokens, matrix));
  const program = rec.finish();
  program.write(
    tokens,
    Uint32Array.from({ length: matrix.rows }, (_, i) => i),
  );
  program.run();
  const [values] = await program.read(rows);
  program.destroy();
  return values!;
}

async function checkMatrix({ model, architecture }: LoadedModel, expected: Safetensors, key: string): Promise<void> {
  const name = key.slice('codes.'.length);
  const matrix = model.weights(architecture.canonicalName(name).replace(/\.weight$/, '')).weight;
  expect(await codesOf(session(), matrix), key).toEqual(new Uint8Array(await expected.read(key)));
  const values = toFloat32(await expected.read(`values.${name}`), 'F32');
  expect(compare(await valuesOf(matrix), values).relative, name).toBeLessThan(1e-6);
}

describe.each(names)('%s', (name) => {
  test('codes, values, logits, loss and every gradient are PyTorch’s', async () => {
    const { golden, storage } = await open(name);
    const comparisons = await checkGolden(session(), golden, storage);
    const missed = comparisons.filter(({ ok }) => !ok).map((c) => `${c.name}: ${c.detail}`);
    expect(missed).toEqual([]);
    const keys = [...golden.expected.tensors.keys()];
    expect(keys.filter((key) => key.startsWith('grad.')).length).toBeGreaterThanOrEqual(8);
    for (const key of keys.filter((k) => !/^(codes|values)\./.test(k)))
      expect(
        comparisons.map((c) => c.name),
        key,
      ).toContain(key);

    const loaded = await loadModel(session(), golden.checkpoint, { dtype: storage });
    const codes = keys.filter((key) => key.startsWith('codes.'));
    expect(codes.length).toBeGreaterThan(0);
    for (const key of codes) await checkMatrix(loaded, golden.expected, key);
    loaded.model.destroy();
  });

  test('on full weights it is another model', async () => {
    const { golden } = await open(name);
    const comparisons = await checkGolden(session(), golden, 'f32');
    expect(comparisons.find((c) => c.name === 'logits')?.ok).toBe(false);
  });
});

// A part in nf4 takes a mean of its own, and so holds other values than the whole (docs/decisions/0014).
const inGroups = names.filter((name) => !name.endsWith('nf4'));

test.each(inGroups)('%s: the same where weights are split by rows', async (name) => {
  const { golden, storage } = await open(name);
  const comparisons = await checkGolden(splitting(), golden, storage);
  expect(comparisons.filter(({ ok }) => !ok)).toEqual([]);
});

test('what quantising lost is told for every quantised matrix, and only for those', async () => {
  const { golden } = await open('qwen2_5_vl-one-image-int4');
  const told = new Map<WeightDType, number>();
  for (const dtype of ['int8', 'int4', 'nf4', 'f16'] as const) {
    const { model, reconstruction } = await loadModel(session(), golden.checkpoint, { dtype });
    const quantised = model.linears.filter(({ name }) => isQuantised(model.weights(name).weight.format));
    // The embedding is no linear layer.
    expect(reconstruction.filter(({ name }) => !name.includes('embed_tokens'))).toHaveLength(quantised.length);
    for (const { error } of reconstruction) expect(error.largest).toBeGreaterThan(0);
    const linears = reconstruction.filter(({ format }) => format === dtype);
    if (linears.length)
      told.set(dtype, linears.reduce((sum, { error }) => sum + relativeRms(error), 0) / linears.length);
    model.destroy();
  }
  expect(told.get('int8')!).toBeLessThan(0.01);
  for (const format of ['int4', 'nf4'] as const) {
    expect(told.get(format)!).toBeGreaterThan(0.05);
    expect(told.get(format)!).toBeLessThan(0.12);
  }
  expect(told.has('f16')).toBe(false);
});
