/** `npm run merge` as people run it. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeFileStore } from '../../src/cli/node-file-store.ts';
import { writeFiles } from '../../src/cli/node-files.ts';
import { vaultOf } from '../../src/engine/keep/keeper.ts';
import type { RunRecord } from '../../src/engine/protocol/records.ts';
import { openSafetensors, toFloat32 } from '../../src/formats/safetensors.ts';
import { writeSafetensors } from '../../src/formats/safetensors-writer.ts';
import { storageInFiles } from '../../src/store/storage.ts';
import { writeCheckpoint } from '../../src/train/checkpoint-file.ts';
import { bytesOf } from '../../src/train/checkpoint-folder.ts';
import { adapterFiles } from '../../src/train/export.ts';
import type { MergedAdapter } from '../../src/train/merged-rows.ts';
import { bytesSource } from '../formats/bytes-source.ts';
import { commandOf } from './command.ts';

const house = mkdtempSync(join(tmpdir(), 'groundwork-merge-'));
const at = (path: string) => join(house, path);
afterAll(() => rmSync(house, { recursive: true, force: true }));

/** One module of rank 1: the change is b · a. */
const adapter = (a: readonly number[], b: readonly number[], module = 'model.layers.0.q'): MergedAdapter => ({
  targets: [{ module, inFeatures: a.length, outFeatures: b.length, r: 1, alpha: 1, scaling: 1 }],
  matrices: new Map([[module, { a: Float32Array.from(a), b: Float32Array.from(b) }]]),
});

async function model(path: string, values: readonly number[]): Promise<void> {
  const bytes = () => bytesOf(Float32Array.from(values));
  await writeFiles(at(path), [
    { path: 'config.json', data: '{}' },
    {
      path: 'model.safetensors',
      data: writeSafetensors([{ name: 'w', dtype: 'F32', shape: [values.length], bytes }]),
    },
  ]);
}

beforeAll(async () => {
  await writeFiles(at('one'), adapterFiles(adapter([1, 0], [2, 0]), [], 'some/base'));
  await writeFiles(at('two'), adapterFiles(adapter([0, 1], [0, 4]), [], 'some/base'));
  await model('x', [1, 2]);
  await model('y', [3, 6]);
  const storage = storageInFiles(nodeFileStore(at('demo/run')));
  await storage.records.put('runs', { id: 'r', changedAt: 1, modelName: 'some/base' } as Partial<RunRecord> & {
    id: string;
  });
  for (const [step, b] of [2, 4, 6].entries())
    await vaultOf(storage, 'r').write(
      writeCheckpoint({ merged: [adapter([1, 1], [1, 1])], learning: adapter([1, 0], [b, 0]), moments: null }, {}),
      { reason: 'steps', stage: 2, step, events: 0, score: null },
    );
});

const command = commandOf('src/cli/merge.ts');
const merge = async (...args: string[]) => {
  const { code, out, error } = await command(...args);
  return { code, text: out + error };
};

/** s·B·A of the one module in a folder, by rows. */
async function changeIn(folder: string): Promise<number[]> {
  const config = JSON.parse(readFileSync(at(`${folder}/adapter_config.json`), 'utf8')) as {
    r: number;
    lora_alpha: number;
  };
  expect(config.lora_alpha).toBe(config.r);
  const file = await openSafetensors(bytesSource(readFileSync(at(`${folder}/adapter_model.safetensors`))));
  const read = async (part: string) => {
    const name = [...file.tensors.keys()].find((key) => key.includes(part))!;
    return { values: toFloat32(await file.read(name), 'F32'), shape: file.tensors.get(name)!.shape };
  };
  const [a, b] = [await read('lora_A'), await read('lora_B')];
  const [r, columns] = a.shape as [number, number];
  return Array.from({ length: b.shape[0]! * columns }, (_, i) => {
    const [o, c] = [Math.floor(i / columns), i % columns];
    return Array.from({ length: r }, (_, k) => b.values[o * r + k]! * a.values[k * columns + c]!).reduce(
      (x, y) => x + y,
      0,
    );
  });
}

const rounded = (values: readonly number[]) => values.map((v) => Math.round(v * 1e4) / 1e4 + 0);

describe('npm run merge', () => {
  it('merges adapters by weights, and shows first how like them the result is', async () => {
    const { code, text } = await merge('adapters', `${at('one')}=0.5`, at('two'), '--out', at('sum'));
    expect(text).toMatch(/one +2\.000 +0\.243/);
    expect(text).toMatch(/two +4\.000 +0\.970/);
    expect(code).toBe(0);
    expect(rounded(await changeIn('sum'))).toEqual([1, 0, 0, 4]);
    expect(JSON.parse(readFileSync(at('sum/adapter_config.json'), 'utf8'))).toMatchObject({
      base_model_name_or_path: 'some/base',
      target_modules: ['model.layers.0.q'],
    });
  });

  it('writes nothing when it only inspects', async () => {
    const { code, text } = await merge('adapters', at('one'), at('two'), '--inspect', '--method', 'svd', '--rank', '1');
    expect({ code, text }).toMatchObject({ code: 0, text: expect.stringMatching(/two +4\.000 +1\.000/) });
  });

  it('merges whole models', async () => {
    const { code } = await merge('models', `${at('x')}=1`, `${at('y')}=3`, '--out', at('mean'));
    expect(code).toBe(0);
    const file = await openSafetensors(bytesSource(readFileSync(at('mean/model.safetensors'))));
    expect([...toFloat32(await file.read('w'), 'F32')]).toEqual([2.5, 5]);
    expect(existsSync(at('mean/config.json'))).toBe(true);
  });

  it('averages the newest checkpoints of a run, over what was folded in before', async () => {
    const { code, text } = await merge('checkpoints', at('demo'), '--last', '2', '--out', at('average'));
    expect({ code, text }).toMatchObject({
      code: 0,
      text: expect.stringContaining('what the run had folded in before (1)'),
    });
    expect(rounded(await changeIn('average'))).toEqual([6, 1, 1, 1]);
  });

  it('refuses with a sentence and status 2, before anything is written', async () => {
    const refused = async (...args: string[]) => {
      const { code, text } = await merge(...args);
      return `${code} ${text.trim().split('\n')[0]}`;
    };
    expect(await refused('adapters', at('one'), at('nowhere'), '--out', at('a'))).toContain('2 There is nothing at');
    expect(await refused('adapters', at('one'), at('two'), '--method', 'slerp', '--out', at('b'))).toContain(
      '--method is “slerp”',
    );
    expect(await refused('adapters', at('one'), at('two'), '--method', 'ties', '--out', at('c'))).toContain(
      '2 ties needs a density.',
    );
    expect(await refused('models', at('x'), at('y'), '--rank', '3', '--out', at('d'))).toContain(
      '--rank means nothing for models',
    );
    mkdirSync(dirname(at('full/x')), { recursive: true });
    writeFileSync(at('full/x'), '');
    expect(await refused('models', at('x'), at('y'), '--out', at('full'))).toContain('is not empty');
    for (const folder of ['a', 'b', 'c', 'd']) expect(existsSync(at(`${folder}/adapter_config.json`))).toBe(false);
  });
});

describe('into a model', () => {
  const golden = new URL('../golden/qwen2_5_vl/', import.meta.url).pathname;
  const [base, whole] = [`${golden}vision/checkpoint`, `${golden}vision/adapter`];

  it('an adapter goes with the vision tower, and the folder needs no adapter', async () => {
    const { code, text } = await merge('into', base, whole, '--out', at('into'));
    expect(text).toContain('26 modules are changed, 12 of them of the vision tower.');
    expect(code).toBe(0);
    const open = (path: string) => openSafetensors(bytesSource(new Uint8Array(readFileSync(path))), path);
    const [before, after] = [await open(`${base}/model.safetensors`), await open(at('into/model.safetensors'))];
    expect([...after.tensors.keys()]).toEqual([...before.tensors.keys()]);
    const changed: string[] = [];
    for (const key of after.tensors.keys())
      if (Buffer.compare(await before.read(key), await after.read(key)) !== 0) changed.push(key);
    expect(changed).toHaveLength(26);
    expect(changed.filter((key) => key.startsWith('visual.'))).toHaveLength(12);
    expect(existsSync(at('into/tokenizer.json'))).toBe(true);
  });

  it('without an adapter, with options of other merges, or with an adapter of another model it is refused', async () => {
    expect((await merge('into', base, '--out', at('none'))).text).toContain(
      'There is no adapter to merge into the model.',
    );
    expect((await merge('into', base, whole, '--rank', '2', '--out', at('none'))).text).toContain(
      '--rank means nothing',
    );
    const other = await merge('into', base, `${golden}text-only/adapter`, '--out', at('none'));
    expect(other.code).not.toBe(0);
    expect(other.text).toMatch(/^adapter: /m);
  });

  it('of a quantised checkpoint the values are written, and config.json names no codes', async () => {
    const { code } = await merge(
      'into',
      `${golden}bnb-nf4/checkpoint`,
      `${golden}bnb-nf4/adapter`,
      '--out',
      at('plain'),
    );
    expect(code).toBe(0);
    expect(readFileSync(at('plain/config.json'), 'utf8')).not.toContain('quantization_config');
  });
});
