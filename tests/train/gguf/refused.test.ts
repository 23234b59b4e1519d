/** What llama.cpp cannot serve is said before anything is written, by name and with every reason; all else is written. */
import { describe, expect, test } from 'vitest';
import { filesUnder } from '../../../src/cli/node-files.ts';
import { blobSource, type ByteSource } from '../../../src/formats/byte-source.ts';
import { openCheckpoint } from '../../../src/formats/checkpoint-files.ts';
import { openGguf } from '../../../src/formats/gguf.ts';
import type { BoxFamily } from '../../../src/grounding/convention.ts';
import { Fields } from '../../../src/models/fields.ts';
import { parseArchitecture, textFiles } from '../../../src/models/load.ts';
import { ChatTemplate } from '../../../src/text/chat-template.ts';
import { Tokenizer } from '../../../src/text/tokenizer.ts';
import { ggufAdapterFiles } from '../../../src/train/gguf/adapter.ts';
import { ggufFiles, ggufObstacles, type Exportable } from '../../../src/train/gguf/model.ts';
import type { MergedAdapter } from '../../../src/train/merged-rows.ts';
import { bytesSource } from '../../formats/bytes-source.ts';
import { servable } from './servable.ts';

const json = async (folder: ReadonlyMap<string, ByteSource>, path: string) => {
  const file = folder.get(path);
  return (file ? JSON.parse(new TextDecoder().decode(await file.read(0, file.size))) : {}) as Record<string, unknown>;
};

async function exportable(folder: ReadonlyMap<string, ByteSource>): Promise<Exportable> {
  const architecture = parseArchitecture(await json(folder, 'config.json'));
  const { tokenizer, tokenizerConfig, template } = await textFiles(folder);
  const processor = architecture.processor({
    preprocessor: new Fields(await json(folder, 'preprocessor_config.json'), 'preprocessor_config.json'),
    generation: await json(folder, 'generation_config.json'),
    tokenizer: new Tokenizer(tokenizer, tokenizerConfig),
    template: new ChatTemplate(template),
  });
  return { name: 'tiny', architecture, processor, folder, checkpoint: await openCheckpoint(folder) };
}

const with_ = async (family: BoxFamily, change: Record<string, unknown> = {}) =>
  exportable(await servable(family, change));

/** An adapter of ones on modules of 64 × 64. */
const adapterOn = (...modules: string[]): MergedAdapter => ({
  targets: modules.map((module) => ({
    module,
    r: 2,
    alpha: 4,
    scaling: 2,
    rslora: false,
    inFeatures: 64,
    outFeatures: 64,
    dropout: 0,
  })) as unknown as MergedAdapter['targets'],
  matrices: new Map(
    modules.map((module) => [module, { a: new Float32Array(128).fill(1), b: new Float32Array(128).fill(1) }]),
  ),
});

async function bytesOf(data: string | AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of data as AsyncIterable<Uint8Array>) parts.push(part.slice());
  return new Uint8Array(Buffer.concat(parts));
}

describe('a model that llama.cpp serves', () => {
  test.each(['qwen2_vl', 'qwen2_5_vl', 'qwen3_vl', 'smolvlm'] as const)(
    '%s: every tensor of the checkpoint is in one of two files',
    async (family) => {
      const model = await with_(family);
      expect(await ggufObstacles(model)).toEqual([]);
      const { files, leftOut } = await ggufFiles(model, [], 'q8_0');
      expect(leftOut).toEqual([]);
      expect(files.map(({ path }) => path)).toEqual(['model-q8_0.gguf', 'mmproj-f16.gguf']);
      const opened = await Promise.all(
        files.map(async ({ data, path }) => openGguf(bytesSource(await bytesOf(data)), path)),
      );
      // Patches are two tensors there, and q, k and v three in the families of Qwen2.
      const more = family === 'smolvlm' ? 0 : family === 'qwen3_vl' ? 1 : 1 + 4 * 2 * 2;
      expect(opened[0]!.tensors.size + opened[1]!.tensors.size).toBe(model.checkpoint.tensors.size + more);
      expect(opened[0]!.tensors.get('token_embd.weight')!.type).toBe('Q8_0');
      expect(opened[0]!.tensors.get('output_norm.weight')!.type).toBe('F32');
      expect(opened[1]!.metadata['clip.vision.image_mean']!.value).toHaveLength(3);
    },
  );

  test('an adapter on a head that is the embedding’s matrix, too, gives the file a head of its own', async () => {
    const model = await with_('qwen2_vl');
    const { tensors = [] } = (await ggufFiles(model, [], 'f16')).files[0]!;
    expect(tensors.map(({ name }) => name)).not.toContain('output.weight');
    const again = (await ggufFiles(model, [adapterOn('lm_head')], 'f16')).files[0]!.tensors!;
    expect(again.map(({ name }) => name)).toEqual(expect.arrayContaining(['token_embd.weight', 'output.weight']));
  });

  test('scalings that differ between modules are in B, and one alpha serves all', async () => {
    const model = await with_('qwen2_vl');
    const [q, k] = ['q_proj', 'o_proj'].map((name) => `model.language_model.layers.0.self_attn.${name}`);
    const one = adapterOn(q!, k!);
    const other = { ...one, targets: one.targets.map((t, i) => ({ ...t, scaling: i ? 6 : 2 })) };
    const [file] = await ggufAdapterFiles(model, other);
    const bytes = await bytesOf(file!.data);
    const { metadata, tensors } = await openGguf(bytesSource(bytes), 'adapter');
    expect(metadata['adapter.lora.alpha']!.value).toBe(4);
    const first = (name: string) => new DataView(bytes.buffer).getFloat32(tensors.get(name)!.offset, true);
    expect(first('blk.0.attn_q.weight.lora_b')).toBe(1);
    expect(first('blk.0.attn_output.weight.lora_b')).toBe(3);
  });
});

describe('what llama.cpp cannot serve is refused before anything is written', () => {
  const vision = (change: Record<string, unknown>) => ({ vision_config: change });
  test.each([
    [
      'windows of another size',
      'qwen2_5_vl',
      vision({ window_size: 56 }),
      /fixes attention windows of 112 pixels.*of 56/,
    ],
    [
      'another pattern of blocks',
      'qwen2_5_vl',
      vision({ fullatt_block_indexes: [1, 2] }),
      /every nth block.*1, 2 \(counted/,
    ],
    ['other patches a token', 'qwen2_vl', vision({ spatial_merge_size: 3 }), /one token of 2 × 2 patches/],
    [
      'positions by YaRN',
      'qwen3_vl',
      {
        text_config: {
          rope_parameters: {
            mrope_interleaved: true,
            mrope_section: [6, 5, 5],
            rope_theta: 1e4,
            rope_type: 'yarn',
            factor: 2,
          },
        },
      },
      /YaRN/,
    ],
    ['a bias behind attention', 'qwen3_vl', { text_config: { attention_bias: true } }, /bias behind attention/],
  ] as const)('%s', async (_, family, change, message) => {
    const deep = await servable(family);
    const config = await json(deep, 'config.json');
    const laid = Object.fromEntries(
      Object.entries(change).map(([key, value]) => [key, { ...(config[key] as object), ...(value as object) }]),
    );
    const model = await with_(family, laid);
    await expect(ggufFiles(model, [], 'f16')).rejects.toMatchObject({
      code: 'gguf-unsupported',
      message: expect.stringMatching(message) as string,
    });
  });

  test('pictures that are seen whole, in a family that llama.cpp cuts into tiles', async () => {
    const folder = await servable('smolvlm');
    const pictures = { ...(await json(folder, 'preprocessor_config.json')), do_image_splitting: false };
    folder.set('preprocessor_config.json', bytesSource(new TextEncoder().encode(JSON.stringify(pictures))));
    expect(await ggufObstacles(await exportable(folder))).toEqual([expect.stringMatching(/into tiles/)]);
  });

  test('a tokenizer that cuts texts in a way of its own: the starter, with every other reason beside it', async () => {
    const files = await filesUnder('public/starter/model');
    const model = await exportable(new Map(files.map(({ path, file }) => [path, blobSource(file)])));
    expect(await ggufObstacles(model)).toEqual([
      expect.stringMatching(/windows of 112 pixels.*of 56/),
      expect.stringMatching(/every nth block/),
      expect.stringMatching(/cuts texts/),
    ]);
  });

  test('a tensor for which llama.cpp has no place is named', async () => {
    const model = await with_('qwen2_vl');
    const architecture = {
      ...model.architecture,
      canonicalName: (key: string) => key.replace('layers.1.mlp.up_proj', 'layers.1.mlp.side_proj'),
    };
    expect(await ggufObstacles({ ...model, architecture })).toEqual([
      expect.stringMatching(/a tensor.*layers\.1\.mlp\.up_proj/),
    ]);
  });

  test.each([
    ['the vision tower', 'model.visual.blocks.0.attn.proj', /1 modules of the vision tower/],
    ['a head that is the embedding’s matrix', 'lm_head', /output head/],
  ])('an adapter on %s by itself', async (_, module, message) => {
    await expect(ggufAdapterFiles(await with_('qwen2_vl'), adapterOn(module))).rejects.toMatchObject({
      code: 'gguf-unsupported',
      message: expect.stringMatching(message) as string,
    });
  });
});
