/** Every family against transformers and PEFT: image features, logits and LoRA gradients (tests/golden). */
import { filesUnder } from '../../src/cli/node-files.ts';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { openGolden, type GoldenCase } from '../../src/engine/golden/case.ts';
import { checkGolden, type Comparison } from '../../src/engine/golden/check.ts';
import type { Safetensors } from '../../src/formats/safetensors.ts';
import { registerDecoder } from '../../src/image/decode.ts';
import { mergeIntoModel } from '../../src/engine/merging/merge-into.ts';
import { blobSource } from '../../src/formats/byte-source.ts';
import { nodeDecode } from '../../src/image/node-decode.ts';
import { useSession } from '../ops/harness.ts';
import type { BoxFamily } from '../../src/grounding/convention.ts';

registerDecoder(nodeDecode);

const root = fileURLToPath(new URL('../golden/', import.meta.url));
const session = useSession();
/** Every matrix is cut into blocks of a few rows, as a large vocabulary is by what an adapter binds. */
const splitting = useSession({ weightPartBytes: 4096 });

/** The case with the first value of one expected tensor made wrong. */
function spoiled(golden: GoldenCase, key: string): GoldenCase {
  const expected: Safetensors = {
    ...golden.expected,
    tensors: golden.expected.tensors,
    async read(name) {
      const bytes = (await golden.expected.read(name)).slice();
      if (name !== key) return bytes;
      const view = new DataView(bytes.buffer);
      const { dtype } = golden.expected.tensors.get(key)!;
      if (dtype === 'F32') view.setFloat32(0, view.getFloat32(0, true) + 100, true);
      else view.setInt32(0, view.getInt32(0, true) + 1, true);
      return bytes;
    },
  } as Safetensors;
  return { ...golden, expected };
}

const missed = (comparisons: readonly Comparison[]) =>
  comparisons.filter(({ ok }) => !ok).map(({ name, detail }) => `${name}: ${detail}`);

/** Every family, with the number of its cases. */
const FAMILIES = { qwen2_5_vl: 16, qwen2_vl: 5, qwen3_vl: 8, smolvlm: 8 } satisfies Record<BoxFamily, number>;

// A folder whose name begins with a dot is a case being rebuilt.
const cases = Object.keys(FAMILIES).flatMap((family) =>
  readdirSync(root + family)
    .filter((name) => !name.startsWith('.'))
    .map((name) => `${family}/${name}`),
);

test.each(Object.entries(FAMILIES))('all cases of %s are here: %i', (family, count) =>
  expect(cases.filter((name) => name.startsWith(`${family}/`))).toHaveLength(count),
);

test.each(cases)('%s: everything PyTorch computed is computed here, and the same', async (name) => {
  const golden = await openGolden(name, await filesUnder(root + name));
  const comparisons = await checkGolden(session(), golden);
  expect(missed(comparisons)).toEqual([]);
  // No tensor of the fixture is passed over in silence; loss and gradients come with and without checkpointing.
  const keys = [...golden.expected.tensors.keys()];
  const times = (key: string) => comparisons.filter((c) => c.name === key).length;
  expect(keys.filter((key) => times(key) !== (/^(loss|grad\.)/.test(key) ? 2 : 1))).toEqual([]);
  // Two matrices for each of four modules at least; of those about the head, it and two more are trained.
  expect(keys.filter((key) => key.includes('grad.')).length).toBeGreaterThanOrEqual(name.endsWith('head') ? 6 : 8);
});

test.each(cases)('%s: the same where weights are split by rows', async (name) => {
  const golden = await openGolden(name, await filesUnder(root + name));
  expect(missed(await checkGolden(splitting(), golden))).toEqual([]);
});

test.each(['logits', 'generated', 'position_ids'])(
  'a wrong expectation of %s is reported as a miss, and only that',
  async (key) => {
    const golden = spoiled(await openGolden('one-image', await filesUnder(`${root}qwen2_5_vl/one-image`)), key);
    expect(missed(await checkGolden(session(), golden))).toEqual([expect.stringMatching(new RegExp(`^${key}: `))]);
  },
);

test('where no file says how pictures are read, the notes say which defaults are used', async () => {
  const golden = await openGolden('linear', await filesUnder(`${root}qwen2_5_vl/linear`));
  expect([...golden.checkpoint.keys()].filter((name) => name.includes('processor'))).toEqual([]);
  const notes = (await checkGolden(session(), golden)).filter(({ name }) => name === 'note').map((c) => c.detail);
  expect(notes).toEqual([
    'The folder has neither preprocessor_config.json nor processor_config.json, so pictures are read with this family’s defaults: from 3,136 to 1,003,520 pixels.',
  ]);
});

test('a mean, a deviation and limits that processor_config.json alone says are those that count', async () => {
  const golden = await openGolden('processor-config', await filesUnder(`${root}qwen2_5_vl/processor-config`));
  const without = new Map([...golden.checkpoint].filter(([name]) => name !== 'processor_config.json'));
  const found = missed(
    await checkGolden(session(), { ...golden, checkpoint: without }).catch((error: Error) => [
      { name: 'pixel_values', ok: false, detail: error.message },
    ]),
  );
  expect(found).toContainEqual(expect.stringMatching(/^pixel_values: /));
});

test.each(['qwen2_5_vl/vision', 'qwen3_vl/vision'])(
  '%s: merged into its model, the adapter is in features and logits',
  async (name) => {
    const files = await filesUnder(root + name);
    const golden = await openGolden(name, files);
    const inside = (folder: string) =>
      files
        .filter(({ path }) => path.startsWith(`${folder}/`))
        .map(({ path, file }) => ({ path: path.slice(folder.length + 1), file }));
    const merge = await mergeIntoModel({ name: 'base', files: inside('checkpoint') }, [
      { name: 'adapter', files: inside('adapter') },
    ]);
    expect(merge.inTower).toBe(12);
    const checkpoint = new Map<string, ReturnType<typeof blobSource>>();
    for (const { path, data } of merge.files()) checkpoint.set(path, blobSource(new Blob(await parts(data))));
    const compared = await checkGolden(session(), { ...golden, checkpoint, adapter: null });
    const outputs = compared.filter((c) => !c.name.startsWith('grad.'));
    expect(missed(outputs)).toEqual([]);
    expect(outputs.map((c) => c.name)).toEqual(expect.arrayContaining(['image_features', 'logits', 'generated']));
    // What would be missed if the tower stayed as it is.
    const plain = missed(await checkGolden(session(), { ...golden, adapter: null }));
    expect(plain).toContainEqual(expect.stringMatching(/^image_features: /));
  },
);

async function parts(data: string | AsyncIterable<Uint8Array>): Promise<BlobPart[]> {
  if (typeof data === 'string') return [data];
  const all: BlobPart[] = [];
  for await (const part of data) all.push(part.slice());
  return all;
}
