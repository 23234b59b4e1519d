/** Checkpoints with something wrong in them: one clear message each, and nothing left on the device. */
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { GroundworkError } from '../../src/base/error.ts';
import { filesUnder } from '../../src/cli/node-files.ts';
import { blobSource, type ByteSource } from '../../src/formats/byte-source.ts';
import { openSafetensors, type TensorInfo } from '../../src/formats/safetensors.ts';
import { writeSafetensors } from '../../src/formats/safetensors-writer.ts';
import type { Json } from '../../src/models/fields.ts';
import { loadModel } from '../../src/models/load.ts';
import { collectBytes } from '../formats/collect.ts';
import { useSession } from '../ops/harness.ts';
import { bytesSource } from '../formats/bytes-source.ts';

const session = useSession();
type Folder = Map<string, ByteSource>;

const open = async (of: string): Promise<Folder> => {
  const files = await filesUnder(fileURLToPath(new URL(`../golden/${of}/checkpoint`, import.meta.url)));
  return new Map(files.map(({ path, file }) => [path, blobSource(file)]));
};
const text = (value: string) => bytesSource(new TextEncoder().encode(value));
const read = async (folder: Folder, name: string) => {
  const file = folder.get(name)!;
  return new TextDecoder().decode(await file.read(0, file.size));
};

/** What loading it says; null: it loads. What is not ours, or says nothing to do, fails the test. */
async function refusal(folder: Folder): Promise<GroundworkError | null> {
  try {
    (await loadModel(session(), folder, { dtype: 'f32' })).model.destroy();
    return null;
  } catch (error) {
    expect(error).toBeInstanceOf(GroundworkError);
    expect((error as GroundworkError).code).not.toBe('internal');
    expect((error as GroundworkError).hint).not.toBe('');
    return error as GroundworkError;
  } finally {
    expect(session().residentLabels).toEqual([]);
  }
}

/** The weights with one tensor left out (null), or said to be of another shape or dtype; its bytes are zeros then. */
async function withTensor(folder: Folder, name: string, change: Partial<TensorInfo> | null): Promise<Folder> {
  const weights = await openSafetensors(folder.get('model.safetensors')!);
  const tensors = [...weights.tensors.values()].flatMap((info) => {
    if (info.name !== name) return { ...info, bytes: () => weights.read(info.name) };
    if (change === null) return [];
    const { dtype, shape } = { ...info, ...change };
    const size = dtype === 'I64' ? 8 : dtype === 'U8' ? 1 : 4;
    return { name, dtype, shape, bytes: () => new Uint8Array(shape.reduce((a, b) => a * b, size)) };
  });
  return new Map([...folder, ['model.safetensors', bytesSource(await collectBytes(writeSafetensors(tensors)))]]);
}

/** One tensor of every kind: a name without the numbers of its layer. */
async function kinds(folder: Folder): Promise<TensorInfo[]> {
  const { tensors } = await openSafetensors(folder.get('model.safetensors')!);
  const byKind = new Map([...tensors.values()].map((info) => [info.name.replaceAll(/\.\d+\./g, '.'), info]));
  return [...byKind.values()];
}

const families = ['qwen2_vl/one-image', 'qwen2_5_vl/one-image', 'qwen3_vl/one-image', 'smolvlm/split'];

describe.each(families)('%s', (of) => {
  test('a tensor of any kind that is missing, or has another shape or dtype, is named', async () => {
    const folder = await open(of);
    const all = await kinds(folder);
    expect(all.length).toBeGreaterThan(20);
    for (const { name, shape } of all) {
      const longer = [...shape.slice(0, -1), shape.at(-1)! + 1];
      const wrong = [
        ['tensor-missing', null],
        ['tensor-shape', { shape: longer, dtype: 'F32' }],
        ['tensor-dtype', { dtype: 'I64' }],
        ['tensor-dtype', { dtype: 'U8' }],
      ] as const;
      for (const [code, change] of wrong) {
        const error = await refusal(await withTensor(folder, name, change));
        expect([name, error?.code]).toEqual([name, code]);
        expect(error!.message).toContain(name.split('.').at(-2)); // names differ from the file's by their prefix
      }
    }
  });

  test('a field of config.json that is left out, or is no number, is refused by name or has a known default', async () => {
    const folder = await open(of);
    const config = JSON.parse(await read(folder, 'config.json')) as Json;
    const codes = new Set<string>();
    for (const [where, fields] of [['', config], ...Object.entries(config)] as [string, unknown][]) {
      if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) continue;
      for (const key of Object.keys(fields))
        for (const value of [undefined, 'x', -1]) {
          const changed = { ...(fields as Json), [key]: value };
          const json = JSON.stringify(where === '' ? changed : { ...config, [where]: changed });
          const error = await refusal(new Map([...folder, ['config.json', text(json)]]));
          if (error) codes.add(error.code);
        }
    }
    expect(codes).toContain('config-invalid');
    for (const code of codes)
      expect(['config-invalid', 'model-unsupported', 'tensor-shape', 'tensor-missing']).toContain(code);
  });

  test('files that are cut, empty, of another kind or not there are named', async () => {
    const folder = await open(of);
    const cut = async (name: string) => {
      const file = folder.get(name)!;
      return bytesSource(await file.read(0, Math.floor(file.size / 2)));
    };
    const cases: [string, ByteSource | null, RegExp][] = [
      ['model.safetensors', await cut('model.safetensors'), /^file-truncated$/],
      ['model.safetensors', text(''), /^file-truncated$/],
      ['model.safetensors', null, /^checkpoint-incomplete$/],
      ['config.json', await cut('config.json'), /^checkpoint-invalid$/],
      ['config.json', text('[]'), /^model-unsupported$/],
      ['config.json', null, /^checkpoint-incomplete$/],
      ['tokenizer.json', await cut('tokenizer.json'), /^checkpoint-invalid$/],
      ['tokenizer.json', text('{}'), /^tokenizer-invalid$/],
      ['tokenizer.json', text('null'), /^checkpoint-incomplete$/],
      ['tokenizer.json', null, /^checkpoint-incomplete$/],
      ['tokenizer_config.json', text('{'), /^checkpoint-invalid$/],
      ['preprocessor_config.json', text('{'), /^checkpoint-invalid$/],
      ['chat_template.jinja', text('{% for %}'), /^chat-template-invalid$/],
      ['chat_template.jinja', null, /^chat-template-missing$/],
      ['model.safetensors.index.json', text('{"weight_map":{"a":"model-2.safetensors"}}'), /^checkpoint-incomplete$/],
    ];
    for (const [name, source, code] of cases) {
      const without = [...folder].filter(([path]) => path !== name);
      const error = await refusal(new Map(source ? [...without, [name, source]] : without));
      expect(`${name}: ${error?.code}`).toMatch(new RegExp(code.source.replace('^', `^${name}: `)));
    }
  });
});

test('a tokenizer of another model is refused by the token it lacks', async () => {
  const folder = await open('qwen2_5_vl/one-image');
  const other = await open('smolvlm/split');
  for (const name of ['tokenizer.json', 'tokenizer_config.json']) folder.set(name, other.get(name)!);
  expect(await refusal(folder)).toMatchObject({
    code: 'tokenizer-token',
    hint: expect.stringContaining('different models'),
  });
});

test('a tokenizer that gives the token of pictures another id than config.json is refused', async () => {
  const folder = await open('qwen2_5_vl/one-image');
  const config = JSON.parse(await read(folder, 'config.json')) as Json;
  folder.set('config.json', text(JSON.stringify({ ...config, image_token_id: 340 })));
  expect(await refusal(folder)).toMatchObject({
    code: 'config-invalid',
    message: expect.stringContaining('<|image_pad|> has in the tokenizer'),
  });
});
