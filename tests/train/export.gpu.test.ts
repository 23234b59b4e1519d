/** Exported adapters and checkpoints, read back and loaded again. */
import { describe, expect, test } from 'vitest';
import type { ByteSource } from '../../src/formats/byte-source.ts';
import { openCheckpoint } from '../../src/formats/checkpoint-files.ts';
import { matchAdapterKeys, readAdapterConfig } from '../../src/formats/peft.ts';
import { openSafetensors, toFloat32 } from '../../src/formats/safetensors.ts';
import type { Session } from '../../src/gpu/recorder.ts';
import { loadModel } from '../../src/models/load.ts';
import { combine } from '../../src/train/combine.ts';
import { shardNames, type OutputFile } from '../../src/train/checkpoint-folder.ts';
import { adapterFiles, mergedFiles } from '../../src/train/export.ts';
import { resolveLoraTargets } from '../../src/train/peft-targets.ts';
import type { MergedAdapter } from '../../src/train/policy.ts';
import { expectClose, useSession } from '../ops/harness.ts';
import { Tiny, withTiny } from './tiny-model.ts';
import { bytesSource } from '../formats/bytes-source.ts';

const session = useSession();
/** Every matrix is cut into blocks of a few rows, as a large vocabulary is by what an adapter binds. */
const splitting = useSession({ weightPartBytes: 1024 });

async function contents({ data }: OutputFile): Promise<Uint8Array> {
  if (typeof data === 'string') return new TextEncoder().encode(data);
  const parts: Uint8Array[] = [];
  // A copy of each piece: the writer may use its buffer again.
  for await (const part of data) parts.push(part.slice());
  return new Uint8Array(Buffer.concat(parts));
}

/** The files as a folder again. */
async function folderOf(files: readonly OutputFile[]) {
  const entries = await Promise.all(files.map(async (file) => [file.path, await contents(file)] as const));
  expect(new Set(entries.map(([path]) => path)).size).toBe(files.length);
  return new Map(entries.map(([path, bytes]) => [path, bytesSource(bytes)]));
}

const text = async (folder: ReadonlyMap<string, ByteSource>, path: string) =>
  new TextDecoder().decode(await folder.get(path)!.read(0, folder.get(path)!.size));

/** W + scaling · B·A in doubles. */
function added(
  values: Float32Array,
  target: MergedAdapter['targets'][number],
  { a, b }: { a: Float32Array; b: Float32Array },
): Float64Array {
  const { r, inFeatures, scaling } = target;
  return Float64Array.from(values, (w, i) => {
    const [row, column] = [Math.floor(i / inFeatures), i % inFeatures];
    let sum = 0;
    for (let k = 0; k < r; k++) sum += b[row * r + k]! * a[k * inFeatures + column]!;
    return w + scaling * sum;
  });
}

/** A policy with things learnt in one or in two stages. */
async function taught(tiny: Tiny, stages: number): Promise<MergedAdapter> {
  tiny.attach(1);
  if (stages > 1) {
    await tiny.policy.merge();
    tiny.attach(2, { r: 6, targetModules: ['q_proj', 'down_proj'] });
  }
  return combine(await tiny.policy.learnt());
}

describe('an exported adapter', () => {
  test.each([{ stages: 1 }, { stages: 2 }])(
    'after $stages stages reads back as what was learnt, and its configuration finds the same modules',
    async ({ stages }) => {
      await withTiny(session(), async (tiny) => {
        const adapter = await taught(tiny, stages);
        const { linears } = tiny.model;
        const folder = await folderOf(adapterFiles(adapter, linears, 'Qwen/tiny'));
        expect([...folder.keys()].sort()).toEqual(['adapter_config.json', 'adapter_model.safetensors']);

        const json = JSON.parse(await text(folder, 'adapter_config.json')) as Record<string, unknown>;
        expect(json).toMatchObject({
          peft_type: 'LORA',
          base_model_name_or_path: 'Qwen/tiny',
          bias: 'none',
          lora_dropout: 0,
          inference_mode: true,
        });
        const { config, unknown } = readAdapterConfig(JSON.stringify(json));
        expect(unknown).toEqual([]);
        const chosen = resolveLoraTargets(
          linears.map(({ name, outputHead }) => ({ name, linear: true, ...(outputHead && { outputHead }) })),
          config,
        );
        const facts = (targets: readonly { module: string; r: number; scaling: number }[]) =>
          targets
            .map(({ module, r, scaling }) => ({ module, r, scaling }))
            .sort((a, b) => (a.module < b.module ? -1 : 1));
        expect(facts(chosen)).toEqual(facts(adapter.targets));

        const file = await openSafetensors(folder.get('adapter_model.safetensors')!);
        const match = matchAdapterKeys(
          [...file.tensors.keys()],
          chosen.map((t) => t.module),
        );
        expect([match.matched, match.total]).toEqual([2 * adapter.targets.length, 2 * adapter.targets.length]);
        for (const { key, module, part } of match.tensors) {
          const { a, b } = adapter.matrices.get(module)!;
          expect(toFloat32(await file.read(key), 'F32')).toEqual(part === 'lora_A' ? a : b);
        }
      });
    },
  );

  test('names modules as transformers before 4.52 did, if asked to', async () => {
    await withTiny(session(), async (tiny) => {
      const folder = await folderOf(adapterFiles(await taught(tiny, 1), tiny.model.linears, 'Qwen/tiny', 'legacy'));
      const file = await openSafetensors(folder.get('adapter_model.safetensors')!);
      expect([...file.tensors.keys()]).toContain('base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight');
      expect(await text(folder, 'adapter_config.json')).not.toContain('language_model');
    });
  });
});

describe('an exported checkpoint', () => {
  const cases = [
    { name: 'qwen2_5_vl/one-image', what: 'f32 in one file', unit: 2 ** -23, stages: 1 },
    { name: 'qwen2_5_vl/two-images', what: 'bf16 in three shards', unit: 2 ** -8, stages: 2 },
    { name: 'qwen2_5_vl/turns', what: 'f16 in two shards', unit: 2 ** -11, stages: 1 },
    { name: 'qwen2_vl/one-image', what: 'Qwen2-VL under its old names', unit: 2 ** -23, stages: 1 },
    { name: 'qwen3_vl/two-images', what: 'Qwen3-VL in bf16', unit: 2 ** -8, stages: 1 },
    { name: 'smolvlm/whole', what: 'SmolVLM in bf16', unit: 2 ** -8, stages: 1 },
  ];
  test.each(cases)(
    '$what: it is the base plus what was learnt, rounded once; all else is the same to the byte',
    async ({ name, unit, stages }) => {
      await withTiny(
        session(),
        async (tiny) => {
          const adapter = await taught(tiny, stages);
          const { folder: before, checkpoint, architecture } = tiny.loaded;
          const after = await folderOf(
            mergedFiles(before, checkpoint, await shardNames(before), [adapter], architecture),
          );
          expect([...after.keys()].sort()).toEqual([...before.keys()].sort());
          for (const [path, source] of before)
            if (!path.endsWith('.safetensors')) expect(await text(after, path), path).toBe(await text(before, path));
            else expect(after.get(path)!.size, path).toBeGreaterThan(source.size / 2);

          const merged = await openCheckpoint(after);
          expect([...merged.tensors.values()].map(({ name, dtype, shape }) => ({ name, dtype, shape }))).toEqual(
            expect.arrayContaining(
              [...checkpoint.tensors.values()].map(({ name, dtype, shape }) => ({ name, dtype, shape })),
            ),
          );
          const targets = new Map(adapter.targets.map((t) => [`${t.module}.weight`, t]));
          let changed = 0;
          for (const [key, { dtype }] of checkpoint.tensors) {
            const [was, is] = [await checkpoint.read(key), await merged.read(key)];
            const target = targets.get(architecture.canonicalName(key));
            if (!target) {
              expect(Buffer.compare(is, was), key).toBe(0);
              continue;
            }
            changed++;
            const wanted = added(toFloat32(was, dtype), target, adapter.matrices.get(target.module)!);
            const got = toFloat32(is, dtype);
            const scale = Math.max(...wanted.map(Math.abs));
            // Half a unit in the last place of the stored type, and what f32 sums of small terms lose (f16 has subnormals).
            const worst = wanted.reduce((most, w, i) => Math.max(most, Math.abs(got[i]! - w) - Math.abs(w) * unit), 0);
            expect(worst, key).toBeLessThan(scale * 1e-6 + 2 ** -24);
            expect(Buffer.compare(is, was), key).not.toBe(0);
          }
          expect(changed).toBe(adapter.targets.length);
        },
        name,
      );
    },
  );

  test('loads again and says what the policy said', async () => {
    await withTiny(
      session(),
      async (tiny) => {
        const adapter = await taught(tiny, 2);
        const sample = await tiny.sample('Where is it?');
        const completions = [tiny.encode('[[1, 2, 30, 31]]')];
        const wanted = await tiny.logps(sample, completions);
        const { folder, checkpoint, architecture } = tiny.loaded;
        const written = await folderOf(
          mergedFiles(folder, checkpoint, await shardNames(folder), [adapter], architecture),
        );
        const again = new Tiny(tiny.session, tiny.golden, await loadModel(tiny.session, written, { dtype: 'f32' }));
        expectClose(await again.logps(sample, completions), wanted);
        again.destroy();
      },
      'qwen2_5_vl/one-image',
    );
  });

  test.each(['f32', 'int4'] as const)(
    'is the same to the byte where weights in %s are split by rows',
    async (storage) => {
      const written = (of: () => Session) =>
        withTiny(
          of(),
          async (tiny) => {
            const adapter = await taught(tiny, 2);
            const { folder, checkpoint, architecture } = tiny.loaded;
            const after = await folderOf(
              mergedFiles(folder, checkpoint, await shardNames(folder), [adapter], architecture),
            );
            const parts = tiny.model.linears.map(({ name }) => tiny.model.weights(name).weight.parts.length);
            const shards = [...after].filter(([path]) => path.endsWith('.safetensors'));
            const bytes = await Promise.all(shards.map(([, source]) => source.read(0, source.size)));
            return { bytes: Buffer.concat(bytes), parts: Math.max(...parts) };
          },
          'qwen2_5_vl/two-images',
          storage,
        );
      const [whole, split] = [await written(session), await written(splitting)];
      expect([whole.parts, split.parts > 1]).toEqual([1, true]);
      expect(split.bytes.equals(whole.bytes)).toBe(true);
    },
  );

  test('is not begun where part of the adapter has no place in it', async () => {
    await withTiny(session(), async (tiny) => {
      const adapter = await taught(tiny, 1);
      const { folder, checkpoint, architecture } = tiny.loaded;
      const canonicalName = (key: string) => architecture.canonicalName(key).replace('layers.1', 'layers.7');
      const elsewhere = { ...architecture, canonicalName };
      expect(() => mergedFiles(folder, checkpoint, new Map(), [adapter], elsewhere)).toThrow(
        /layers\.1\..*modules are missing/,
      );
    });
  });
});
