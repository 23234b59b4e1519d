/** Adapters that PEFT wrote, read here: logits against PEFT's own (tests/golden/imports). */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { filesUnder } from '../../src/cli/node-files.ts';
import { openGolden } from '../../src/engine/golden/case.ts';
import { compare } from '../../src/engine/golden/check.ts';
import { openSafetensors, toFloat32, type Safetensors } from '../../src/formats/safetensors.ts';
import { encodeConversation } from '../../src/models/encode.ts';
import { loadModel, type LoadedModel } from '../../src/models/load.ts';
import { combine } from '../../src/train/combine.ts';
import { fullLogits } from '../../src/train/full-logits.ts';
import { readAdapter, type ImportedAdapter } from '../../src/train/import.ts';
import { Policy } from '../../src/train/policy.ts';
import { useSession } from '../ops/harness.ts';
import { bytesSource } from '../formats/bytes-source.ts';

const session = useSession();
const root = fileURLToPath(new URL('../golden/', import.meta.url));
const bytes = (path: string) => new Uint8Array(readFileSync(`${root}${path}`));
const tensors = (path: string) => openSafetensors(bytesSource(bytes(path)), path);
const config = (name: string) => readFileSync(`${root}imports/${name}/adapter_config.json`, 'utf8');

async function withModel<T>(use: (loaded: LoadedModel, policy: Policy) => Promise<T>, dtype: 'f32' | 'f16' = 'f32') {
  const { checkpoint } = await openGolden('text-only', await filesUnder(`${root}qwen2_5_vl/text-only`));
  const loaded = await loadModel(session(), checkpoint, { dtype });
  const policy = new Policy(loaded.model);
  try {
    return await use(loaded, policy);
  } finally {
    policy.destroy();
    loaded.model.destroy();
  }
}

/** Logits over the whole text of the golden case. */
async function logits({ model, processor }: LoadedModel, policy: Policy): Promise<Float32Array> {
  const { spec } = await openGolden('text-only', await filesUnder(`${root}qwen2_5_vl/text-only`));
  const encoded = encodeConversation(processor, 'case', spec.messages as never, spec.completion!, []);
  const tokens = Uint32Array.of(...encoded.tokens, ...encoded.completion);
  const { axes, next } = model.positions(tokens, []);
  const featureIndex = new Int32Array(tokens.length).fill(-1);
  const { adapter, weights } = policy;
  return fullLogits(model, { id: 'case', tokens, axes, next, featureIndex, featureRows: 0 }, new Float32Array(), {
    lora: adapter ? (module) => adapter.lora(module) : undefined,
    policy: weights,
  });
}

const read = async (loaded: LoadedModel, name: string): Promise<ImportedAdapter> =>
  readAdapter(loaded.model.linears, config(name), await tensors(`imports/${name}/adapter_model.safetensors`));

async function expected(name: string): Promise<Float32Array> {
  const file = await tensors(`imports/${name}/expected.safetensors`);
  return toFloat32(await file.read('logits'), 'F32');
}

const foldIn = (loaded: LoadedModel, policy: Policy, adapter: ImportedAdapter) =>
  policy.foldIn(adapter, loaded.checkpoint, (module) => {
    const wanted = `${module}.weight`;
    return [...loaded.checkpoint.tensors.keys()].find((key) => loaded.architecture.canonicalName(key) === wanted)!;
  });

describe('an adapter that PEFT wrote', () => {
  test.each(['legacy-rslora', 'patterns'])('gives PEFT’s logits, attached and folded in: %s', async (name) => {
    await withModel(async (loaded, policy) => {
      const adapter = await read(loaded, name);
      expect([adapter.matched, adapter.unmatched, adapter.leftOut]).toEqual([adapter.total, [], []]);
      const bare = await logits(loaded, policy);
      policy.resume(adapter);
      const reference = await expected(name);
      expect(compare(await logits(loaded, policy), reference).relative).toBeLessThan(1e-5);
      // The adapter does something.
      expect(compare(bare, reference).relative).toBeGreaterThan(1e-2);
    });
    await withModel(async (loaded, policy) => {
      await foldIn(loaded, policy, await read(loaded, name));
      expect(compare(await logits(loaded, policy), await expected(name)).relative).toBeLessThan(1e-5);
    });
  });

  test('of the DoRA kind gives PEFT’s logits when folded in, is not trained further, and leaves as merged weights only', async () => {
    await withModel(async (loaded, policy) => {
      const adapter = await read(loaded, 'dora');
      expect(adapter.magnitudes?.size).toBe(adapter.targets.length);
      expect(() => policy.resume(adapter)).toThrow(/cannot train a DoRA adapter further/);
      await foldIn(loaded, policy, adapter);
      expect(compare(await logits(loaded, policy), await expected('dora')).relative).toBeLessThan(1e-5);
      await expect(policy.learnt().then(combine)).rejects.toMatchObject({ code: 'adapter-unsupported' });
      expect(await policy.learnt()).toEqual([adapter]);
    });
  });

  test('is folded into halves with their rounding, and only onto the untouched model', async () => {
    await withModel(async (loaded, policy) => {
      const adapter = await read(loaded, 'patterns');
      await foldIn(loaded, policy, adapter);
      const { relative } = compare(await logits(loaded, policy), await expected('patterns'));
      expect([relative > 1e-6, relative < 5e-3]).toEqual([true, true]);
      await expect(foldIn(loaded, policy, adapter)).rejects.toMatchObject({ code: 'adapter-attached' });
    }, 'f16');
  });
});

describe('an adapter that does not fit is refused before anything is made', () => {
  /** The file with its tensors renamed or reshaped. */
  async function changed(
    change: (name: string, shape: readonly number[]) => [string, readonly number[]] | null,
  ): Promise<Safetensors> {
    const file = await tensors('imports/patterns/adapter_model.safetensors');
    const entries = [...file.tensors].flatMap(([name, info]) => {
      const now = change(name, info.shape);
      return now ? [[now[0], { ...info, name: now[0], shape: now[1] }] as const] : [];
    });
    const original = new Map([...file.tensors.keys()].map((name) => [change(name, [])?.[0] ?? name, name]));
    return { ...file, tensors: new Map(entries), read: (name) => file.read(original.get(name)!) };
  }

  test.each([
    {
      what: 'another model’s modules',
      code: 'adapter-mismatch',
      change: (n: string, s: readonly number[]) => [n.replace('self_attn', 'attention'), s],
    },
    {
      what: 'another size',
      code: 'adapter-mismatch',
      change: (n: string, s: readonly number[]) => [n, s.map((v) => v * 2)],
    },
    {
      what: 'half of a pair',
      code: 'adapter-incomplete',
      change: (n: string, s: readonly number[]) => (n.includes('layers.1.self_attn.q_proj.lora_B') ? null : [n, s]),
    },
  ])('$what', async ({ code, change }) => {
    await withModel(async (loaded) => {
      const file = await changed(change as never);
      await expect(readAdapter(loaded.model.linears, config('patterns'), file)).rejects.toMatchObject({ code });
    });
  });
});
