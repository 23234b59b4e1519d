/** Tensors of a checkpoint that its config.json does not account for, and heads that are tied and are not. */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { filesUnder } from '../../src/cli/node-files.ts';
import { blobSource, type ByteSource } from '../../src/formats/byte-source.ts';
import { openSafetensors, toFloat32 } from '../../src/formats/safetensors.ts';
import { writeSafetensors, type TensorToWrite } from '../../src/formats/safetensors-writer.ts';
import type { Json } from '../../src/models/fields.ts';
import { loadModel } from '../../src/models/load.ts';
import { linearModules } from '../../src/models/vision-language.ts';
import { mergedFiles } from '../../src/train/export.ts';
import { bytesSource } from '../formats/bytes-source.ts';
import { collectBytes } from '../formats/collect.ts';
import { drySession } from '../gpu/dry-session.ts';

type Folder = Map<string, ByteSource>;
const EMBEDDING = 'model.embed_tokens.weight';

async function open(of: string): Promise<Folder> {
  const files = await filesUnder(fileURLToPath(new URL(`../golden/${of}/checkpoint`, import.meta.url)));
  return new Map(files.map(({ path, file }) => [path, blobSource(file)]));
}

/** The folder with more tensors, made of those it has. */
async function withMore(
  folder: Folder,
  more: (of: (name: string) => Promise<TensorToWrite>) => Promise<TensorToWrite[]>,
) {
  const weights = await openSafetensors(folder.get('model.safetensors')!);
  const stored = async (name: string): Promise<TensorToWrite> => {
    const info = weights.tensors.get(name)!;
    const bytes = await weights.read(name);
    return { ...info, bytes: () => bytes };
  };
  const all = await Promise.all([...weights.tensors.keys()].map(stored));
  const file = bytesSource(await collectBytes(writeSafetensors([...all, ...(await more(stored))])));
  return new Map(folder).set('model.safetensors', file);
}

async function withConfig(folder: Folder, fields: Json): Promise<Folder> {
  const file = folder.get('config.json')!;
  const config = JSON.parse(new TextDecoder().decode(await file.read(0, file.size))) as Json;
  const bytes = new TextEncoder().encode(JSON.stringify({ ...config, ...fields }));
  return new Map(folder).set('config.json', bytesSource(bytes));
}

const load = (folder: Folder) =>
  loadModel(drySession({ profile: 'software', subgroupSize: 0 }), folder, { dtype: 'f32' });
const head = async (of: (name: string) => Promise<TensorToWrite>, change = 0): Promise<TensorToWrite[]> => {
  const embedding = await of(EMBEDDING);
  const values = toFloat32(embedding.bytes() as Uint8Array, embedding.dtype).slice();
  values[7]! += change;
  const bytes = new Uint8Array(values.buffer);
  return [{ name: 'lm_head.weight', dtype: 'F32', shape: embedding.shape, bytes: () => bytes }];
};

test('a tied head that the files have as well, and equal, is no matter', async () => {
  const { notes } = await load(await withMore(await open('qwen2_5_vl/head'), (of) => head(of)));
  expect(notes).toEqual([]);
});

test('one that differs is refused, because libraries take one or the other', async () => {
  await expect(load(await withMore(await open('qwen2_5_vl/head'), (of) => head(of, 0.5)))).rejects.toMatchObject({
    code: 'checkpoint-invalid',
    message: expect.stringContaining('lm_head.weight') as string,
    hint: expect.stringContaining('tie_word_embeddings to false') as string,
  });
});

test('a config.json that says a head of its own is the embedding is refused, too', async () => {
  const untied = await open('qwen2_5_vl/one-image');
  await expect(load(await withConfig(untied, { tie_word_embeddings: true }))).rejects.toMatchObject({
    code: 'checkpoint-invalid',
  });
});

test('layers beyond those of config.json are told with a count', async () => {
  const folder = await withConfig(await open('qwen2_5_vl/one-image'), { num_hidden_layers: 1 });
  const { notes } = await load(folder);
  expect(notes.join('\n')).toMatch(/^\d\d tensors of the weights belong to no part.*model\.layers\.1\./);
});

test('buffers that follow from config.json are not worth a word, a tensor of its own is', async () => {
  const extra = (name: string): TensorToWrite => ({ name, dtype: 'F32', shape: [2], bytes: () => new Uint8Array(8) });
  const folder = await open('qwen2_5_vl/one-image');
  const buffers = await withMore(folder, async () => [extra('model.layers.0.self_attn.rotary_emb.inv_freq')]);
  expect((await load(buffers)).notes).toEqual([]);
  const own = await withMore(folder, async () => [extra('value_head.weight')]);
  expect((await load(own)).notes).toEqual([
    'A tensor of the weights belongs to no part that config.json describes, and is not used: value_head.weight.',
  ]);
});

test('merged weights of an adapter on a tied head have one head, in place of the copy', async () => {
  const { folder, checkpoint, architecture } = await load(
    await withMore(await open('qwen2_5_vl/head'), (of) => head(of)),
  );
  const linear = linearModules(architecture).find(({ name }) => name === 'lm_head')!;
  const [r, { inFeatures, outFeatures }] = [1, linear];
  const adapter = {
    targets: [{ module: 'lm_head', r, alpha: 1, scaling: 1, inFeatures, outFeatures }],
    matrices: new Map([
      ['lm_head', { a: new Float32Array(inFeatures).fill(1), b: new Float32Array(outFeatures).fill(0.25) }],
    ]),
  };
  const files = mergedFiles(folder, checkpoint, new Map(), [adapter], architecture);
  const written = files.find(({ path }) => path === 'model.safetensors')!.data as AsyncIterable<Uint8Array>;
  const merged = await openSafetensors(bytesSource(await collectBytes(written)));
  const values = async (name: string) => toFloat32(await merged.read(name), merged.tensors.get(name)!.dtype);
  const [own, embedding] = [await values('lm_head.weight'), await values(EMBEDDING)];
  expect(own[3]).toBeCloseTo(embedding[3]! + 0.25, 5);
});
