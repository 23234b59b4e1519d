/** Folders of adapters that people choose, and what becomes of one that is read in part. */
import { describe, expect, test } from 'vitest';
import { Adapters } from '../../src/engine/model/adapters.ts';
import type { NamedFile } from '../../src/engine/protocol/index.ts';
import type { LoadedModel } from '../../src/models/load.ts';
import { architecture, BLOCK, bytesOf, config, LAYER, linears, pair } from '../train/foreign-adapter.ts';

const Q = `${LAYER}.q_proj`;
const GATE = `${BLOCK}.gate_proj`;
const host = () =>
  new Adapters({
    model: { linears },
    architecture,
    checkpoint: { tensors: new Map() },
  } as unknown as LoadedModel);

/** The folder's files: q_proj of layer 0, and what else is named, in the vision tower. */
async function folder(path = '', alpha = 4, ...others: readonly string[]): Promise<NamedFile[]> {
  const settings = { target_modules: ['q_proj', 'gate_proj'], lora_alpha: alpha };
  return [
    { path: `${path}adapter_config.json`, file: new Blob([config(settings)]) },
    {
      path: `${path}adapter_model.safetensors`,
      file: new Blob([await bytesOf([Q, ...others].flatMap((module) => pair({ module })))]),
    },
  ];
}
const imported = async (given: readonly NamedFile[], adapters = host()) => {
  await adapters.import('mine', given);
  return { adapters, report: adapters.report.adapters[0]! };
};

describe('an adapter that also changes the vision tower', () => {
  test('says so, and is neither exported, nor merged with others, nor stood on', async () => {
    const { adapters, report } = await imported(await folder('', 4, GATE));
    expect(report).toMatchObject({ modules: 1, leftOut: 1, matched: 4, total: 4 });
    expect(report.notes.join('\n')).toMatch(/vision tower.*answers here differ/);
    const partial = expect.objectContaining({ code: 'adapter-partial' }) as Error;
    expect(() => adapters.leaving([adapters.adapter(report.id)])).toThrow(partial);
    const parts = [{ id: report.id, weight: 1 }];
    expect(() =>
      adapters.merge({ type: 'adapter-merge', name: 'm', parts, kind: 'cat', density: 1, rank: null }),
    ).toThrow(partial);
    adapters.stack([report.id], false);
    await expect(adapters.lay({} as never)).rejects.toMatchObject({ code: 'adapter-partial' });
  });

  test('a whole one may leave', async () => {
    const { adapters, report } = await imported(await folder());
    expect(report.leftOut).toBe(0);
    expect(() => adapters.leaving([adapters.adapter(report.id)])).not.toThrow();
  });
});

describe('the folder of a trainer', () => {
  test('has its last adapter above those of its checkpoints: that one is read, and it is said', async () => {
    const given = [
      ...(await folder('out/checkpoint-10/', 2)),
      ...(await folder('out/', 4)),
      ...(await folder('out/checkpoint-20/', 8)),
    ];
    const { adapters, report } = await imported(given);
    expect(adapters.adapter(report.id).targets[0]!.alpha).toBe(4);
    expect(report.notes.join('\n')).toMatch(/2 adapters as well \(out\/checkpoint-10, out\/checkpoint-20\)/);
  });

  test('with checkpoints alone is refused, and names them', async () => {
    const given = [...(await folder('out/checkpoint-10/')), ...(await folder('out/checkpoint-20/'))];
    await expect(imported(given)).rejects.toMatchObject({
      code: 'adapter-ambiguous',
      message: expect.stringContaining('out/checkpoint-10, out/checkpoint-20') as string,
    });
  });

  test('with the configuration of one and the matrices of another is refused', async () => {
    const [settings] = await folder('a/');
    const [, matrices] = await folder('b/');
    await expect(imported([settings!, matrices!])).rejects.toMatchObject({
      code: 'adapter-incomplete',
      message: expect.stringContaining('different folders') as string,
    });
  });

  test('with a pickle in place of safetensors is refused with the way round', async () => {
    const [settings] = await folder();
    const pickle = { path: 'adapter_model.bin', file: new Blob([Uint8Array.of(0x80, 2)]) };
    await expect(imported([settings!, pickle])).rejects.toMatchObject({
      code: 'adapter-incomplete',
      hint: expect.stringContaining('safe_serialization') as string,
    });
  });

  test('a configuration that is no JSON is refused', async () => {
    const [, matrices] = await folder();
    const broken = { path: 'adapter_config.json', file: new Blob(['{"r": 4,']) };
    await expect(imported([broken, matrices!])).rejects.toMatchObject({ code: 'adapter-config' });
  });
});
