import { expect, test } from 'vitest';
import {
  DECODER_PROJECTIONS,
  describeTargets,
  type ModelModule,
  resolveLoraTargets,
  type TargetSettings,
  VISION_MODULES,
} from '../../src/train/peft-targets.ts';

const linear = (name: string): ModelModule => ({ name, linear: true });
const PROJECTIONS = [
  'self_attn.q_proj',
  'self_attn.k_proj',
  'self_attn.v_proj',
  'self_attn.o_proj',
  'mlp.gate_proj',
  'mlp.up_proj',
  'mlp.down_proj',
];
/** Like Qwen2.5-VL: the vision tower's MLP has the decoder's names. */
const MODEL: ModelModule[] = [
  { name: 'model.visual.patch_embed.proj', linear: false },
  ...['attn.qkv', 'attn.proj', 'mlp.gate_proj', 'mlp.up_proj', 'mlp.down_proj'].map((m) =>
    linear(`model.visual.blocks.0.${m}`),
  ),
  linear('model.visual.merger.mlp.0'),
  { name: 'model.language_model.embed_tokens', linear: false },
  ...[0, 1, 11].flatMap((i) => PROJECTIONS.map((m) => linear(`model.language_model.layers.${i}.${m}`))),
  { name: 'model.language_model.norm', linear: false },
  { name: 'lm_head', linear: true, outputHead: true },
];
const names = (settings: Partial<TargetSettings>) =>
  resolveLoraTargets(MODEL, { r: 8, loraAlpha: 16, targetModules: [], ...settings }).map((t) => t.module);
const code = (expected: string) => expect.objectContaining({ code: expected });

test('a list matches by whole name or by the end after a dot', () => {
  expect(names({ targetModules: ['q_proj'] })).toEqual(
    [0, 1, 11].map((i) => `model.language_model.layers.${i}.self_attn.q_proj`),
  );
  expect(names({ targetModules: ['layers.1.mlp.up_proj'] })).toEqual(['model.language_model.layers.1.mlp.up_proj']);
  expect(names({ targetModules: ['model.language_model.layers.1.mlp.up_proj'] })).toHaveLength(1);
  expect(() => names({ targetModules: ['_proj'] })).toThrow(code('lora-no-target'));
});

test('the seven names alone reach into Qwen2.5-VL’s vision tower, and the default exclusion keeps them out', () => {
  expect(names({ targetModules: DECODER_PROJECTIONS })).toHaveLength(21 + 3);
  const kept = names({ targetModules: DECODER_PROJECTIONS, excludeModules: VISION_MODULES });
  expect(kept).toHaveLength(21);
  expect(kept.every((n) => n.startsWith('model.language_model.'))).toBe(true);
});

test('all-linear, in any case of letters, is every linear layer but the output head', () => {
  expect(names({ targetModules: 'all-linear' })).toEqual(
    MODEL.filter((m) => m.linear && !m.outputHead).map((m) => m.name),
  );
  expect(names({ targetModules: 'All-Linear', excludeModules: '.*visual.*' })).toHaveLength(21);
});

test('a regular expression must match the whole name', () => {
  expect(names({ targetModules: '.*language_model.*\\.(q|v)_proj' })).toHaveLength(6);
  expect(() => names({ targetModules: '(q|v)_proj' })).toThrow(code('lora-no-target'));
});

test('exclusion comes first and knows lists, too', () => {
  expect(
    names({ targetModules: ['q_proj', 'v_proj'], excludeModules: ['layers.0.self_attn.q_proj', 'v_proj'] }),
  ).toHaveLength(2);
  expect(() => names({ targetModules: ['q_proj'], excludeModules: ['q_proj'] })).toThrow(code('lora-no-target'));
});

test('modules_to_save are never given LoRA, nor what lies inside them', () => {
  expect(names({ targetModules: ['q_proj', 'lm_head'], modulesToSave: ['lm_head', 'layers.1'] })).toHaveLength(2);
});

test('layers are chosen by the first number after the pattern; a full name is not asked', () => {
  expect(names({ targetModules: ['q_proj'], layersToTransform: [1, 11] })).toHaveLength(2);
  expect(names({ targetModules: ['q_proj'], layersToTransform: [1], layersPattern: ['layers'] })).toEqual([
    'model.language_model.layers.1.self_attn.q_proj',
  ]);
  expect(names({ targetModules: ['gate_proj'], layersToTransform: [0], layersPattern: ['blocks'] })).toEqual([
    'model.visual.blocks.0.mlp.gate_proj',
  ]);
  expect(names({ targetModules: ['lm_head', 'q_proj'], layersToTransform: [0] })).toHaveLength(2);
  expect(names({ targetModules: ['q_proj'], layersToTransform: [] })).toHaveLength(3);
});

test('contradictory settings are refused, as PEFT refuses them', () => {
  expect(() => names({ targetModules: '.*', layersToTransform: [1] })).toThrow(code('lora-settings'));
  expect(() => names({ targetModules: ['q_proj'], layersPattern: ['layers'] })).toThrow(code('lora-settings'));
});

test('a match that is no linear layer is refused, container or leaf, because PEFT could not load it', () => {
  expect(() => names({ targetModules: ['mlp'] })).toThrow(code('lora-target-unsupported'));
  expect(() => names({ targetModules: '.*visual.*' })).toThrow('model.visual');
  expect(() => names({ targetModules: ['norm'] })).toThrow('model.language_model.norm');
});

test('when nothing matches, the hint lists near names', () => {
  expect.assertions(2);
  try {
    names({ targetModules: ['qproj'] });
  } catch (error) {
    const { hint } = error as { hint: string };
    expect(hint).toContain('q_proj');
    expect(hint.indexOf('q_proj')).toBeLessThan(hint.indexOf('gate_proj'));
  }
});

test('rank and alpha follow the first pattern that matches the end of a name', () => {
  const targets = resolveLoraTargets(MODEL, {
    r: 8,
    loraAlpha: 16,
    targetModules: ['q_proj', 'v_proj'],
    rankPattern: { 'layers.1.self_attn.q_proj': 4, q_proj: 2, 'layers\\.(0|1)\\..*': 32, proj: 64 },
    alphaPattern: { '.*\\.11\\..*': 1 },
  });
  const of = (i: number, m: string) => targets.find((t) => t.module.endsWith(`layers.${i}.self_attn.${m}`))!;
  expect(of(0, 'q_proj')).toMatchObject({ r: 2, alpha: 16, scaling: 8 });
  expect(of(1, 'q_proj')).toMatchObject({ r: 4, scaling: 4 }); // the dot matches any character, as in PEFT
  expect(of(0, 'v_proj')).toMatchObject({ r: 32, scaling: 0.5 });
  expect(of(11, 'v_proj')).toMatchObject({ r: 8, alpha: 1 }); // "proj" must follow a dot
});

test('rslora scales by the square root of the rank', () => {
  const [target] = resolveLoraTargets(MODEL, { r: 16, loraAlpha: 32, useRslora: true, targetModules: ['lm_head'] });
  expect(target).toEqual({ module: 'lm_head', r: 16, alpha: 32, scaling: 8, rslora: true });
});

test('chosen modules are described as shortly as stays exact, so that PEFT finds the same ones', () => {
  const language = names({ targetModules: DECODER_PROJECTIONS, excludeModules: VISION_MODULES });
  const described = describeTargets(language, MODEL);
  expect(described).toMatch(/^\^\(\?!/);
  expect(names({ targetModules: described })).toEqual(language);
  expect(describeTargets(names({ targetModules: ['q_proj', 'v_proj'] }), MODEL)).toEqual(['q_proj', 'v_proj']);
  const odd = names({ targetModules: ['layers.0.self_attn.q_proj', 'layers.11.mlp.up_proj'] });
  expect(describeTargets(odd, MODEL)).toEqual([...odd].sort());
});
