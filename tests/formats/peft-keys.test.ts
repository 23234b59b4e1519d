import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { adapterKey, canonicalName, legacyName, matchAdapterKeys, parseAdapterKey } from '../../src/formats/peft.ts';

const Q0 = 'model.language_model.layers.0.self_attn.q_proj';
const V0 = 'model.visual.blocks.0.attn.qkv';

test('keys are written as PEFT writes them, for new and for old transformers', () => {
  expect(adapterKey(Q0, 'lora_A')).toBe(
    'base_model.model.model.language_model.layers.0.self_attn.q_proj.lora_A.weight',
  );
  expect(adapterKey(Q0, 'lora_B', 'legacy')).toBe('base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight');
  expect(adapterKey(V0, 'lora_A', 'legacy')).toBe('base_model.model.visual.blocks.0.attn.qkv.lora_A.weight');
  expect(adapterKey(Q0, 'lora_magnitude_vector')).toBe(`base_model.model.${Q0}.lora_magnitude_vector`);
});

test.each([
  ['base_model.model.model.layers.0.mlp.up_proj.lora_A.weight', 'model.layers.0.mlp.up_proj', 'lora_A'],
  ['base_model.model.model.layers.0.mlp.up_proj.lora_B.default.weight', 'model.layers.0.mlp.up_proj', 'lora_B'],
  ['base_model.model.model.layers.0.mlp.up_proj.lora_B.bias', 'model.layers.0.mlp.up_proj', 'lora_bias'],
  ['base_model.model.a.lora_magnitude_vector', 'a', 'lora_magnitude_vector'],
  ['base_model.model.a.lora_magnitude_vector.default.weight', 'a', 'lora_magnitude_vector'],
  ['base_model.model.model.embed_tokens.lora_embedding_A', 'model.embed_tokens', 'lora_embedding_A'],
  ['base_model.model.lm_head.weight', 'lm_head', 'base'],
  ['model.layers.0.mlp.up_proj.lora_A.weight', 'model.layers.0.mlp.up_proj', 'lora_A'],
])('%s is understood', (key, module, part) => {
  expect(parseAdapterKey(key)).toEqual({ module, part });
});

test.each(['model.norm.weight', 'lora_A.weight', 'x.lora_A.bias', ''])('"%s" is not an adapter key', (key) => {
  expect(parseAdapterKey(key)).toBeNull();
});

test.each([
  ['transformers ≥ 4.52', Q0, V0],
  ['transformers ≤ 4.51', 'model.layers.0.self_attn.q_proj', 'visual.blocks.0.attn.qkv'],
  ['a text-only class', 'model.layers.0.self_attn.q_proj', 'model.visual.blocks.0.attn.qkv'],
  ['no class at all', 'layers.0.self_attn.q_proj', 'visual.blocks.0.attn.qkv'],
])('an adapter named by %s finds its modules', (_, text, vision) => {
  const keys = [text, vision].flatMap((m) => [
    `base_model.model.${m}.lora_A.weight`,
    `base_model.model.${m}.lora_B.weight`,
  ]);
  const match = matchAdapterKeys(keys, [Q0, V0, 'model.language_model.layers.0.self_attn.k_proj']);
  expect(match).toMatchObject({ matched: 4, total: 4, unmatched: [], incomplete: [] });
  expect(match.tensors.map((t) => t.module)).toEqual([Q0, Q0, V0, V0]);
});

test('towers that name their layers alike are kept apart', () => {
  const modules = [
    'model.vision_model.encoder.layers.0.self_attn.q_proj',
    'model.text_model.layers.0.self_attn.q_proj',
  ];
  const match = matchAdapterKeys(['base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight'], modules);
  expect(match.tensors[0]!.module).toBe(modules[1]);
  const vision = 'base_model.model.vision_tower.encoder.layers.0.self_attn.q_proj.lora_A.weight';
  expect(matchAdapterKeys([vision], modules).tensors[0]!.module).toBe(modules[0]);
});

test('what fits no module is reported, in the file’s order, and half a pair is noticed', () => {
  const other = 'base_model.model.model.layers.9.self_attn.q_proj.lora_A.weight';
  const match = matchAdapterKeys([other, adapterKey(Q0, 'lora_A'), 'base_model.model.score.weight'], [Q0]);
  expect(match).toMatchObject({
    matched: 1,
    total: 3,
    unmatched: [other, 'base_model.model.score.weight'],
    incomplete: [Q0],
  });
});

test('of two spellings of one tensor the second is refused, not loaded over the first', () => {
  const keys = [adapterKey(Q0, 'lora_A'), adapterKey(Q0, 'lora_A', 'legacy')];
  expect(matchAdapterKeys(keys, [Q0])).toMatchObject({ matched: 1, unmatched: [keys[1]] });
});

test('an adapter for another model is refused, because it would do nothing', () => {
  expect(() => matchAdapterKeys(['base_model.model.transformer.h.0.attn.c_attn.lora_A.weight'], [Q0])).toThrow(
    expect.objectContaining({ code: 'adapter-mismatch', message: expect.stringContaining('None of the adapter') }),
  );
  expect(() => matchAdapterKeys([], [Q0])).toThrow(expect.objectContaining({ code: 'adapter-mismatch' }));
});

const golden = new URL('../golden/', import.meta.url);
const cases = readdirSync(golden, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('adapter/adapter_model.safetensors'))
  .map((path) => path.replace(/adapter\/adapter_model\.safetensors$/, ''));

function tensorNames(path: string): string[] {
  const bytes = readFileSync(new URL(path, golden));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + Number(bytes.readBigUInt64LE(0)))) as Record<string, unknown>;
  return Object.keys(header).filter((key) => key !== '__metadata__');
}

test.each(cases)('every tensor of the adapter that PEFT saved in %s finds its module, also under old names', (path) => {
  const keys = tensorNames(`${path}adapter/adapter_model.safetensors`);
  const checkpoint = `${path}checkpoint/model.safetensors`;
  // Some cases share a checkpoint kept elsewhere; then the modules are those the keys name.
  const weights = existsSync(new URL(checkpoint, golden))
    ? tensorNames(checkpoint).map((name) => canonicalName(name.replace(/\.(?:weight|bias)$/, '')))
    : keys.map((key) => parseAdapterKey(key)!.module);
  // A head that is the embedding's matrix has no tensor of its own.
  const modules = [...new Set([...weights, 'lm_head'])];
  expect(matchAdapterKeys(keys, modules)).toMatchObject({ matched: keys.length, unmatched: [], incomplete: [] });
  const old = keys.map((key) =>
    key.replace(/^base_model\.model\.(.*)\.lora_/, (_, m: string) => `base_model.model.${legacyName(m)}.lora_`),
  );
  expect(matchAdapterKeys(old, modules).tensors.map((t) => t.module)).toEqual(
    matchAdapterKeys(keys, modules).tensors.map((t) => t.module),
  );
});

test('there is an adapter saved by PEFT to test with', () => {
  expect(cases.length).toBeGreaterThan(0);
});
