import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalName, legacyName } from '../../src/formats/peft.ts';

// Pairs as transformers ≥ 4.52 renames them at load (conversion_mapping.py, Qwen2VLForConditionalGeneration).
const PAIRS = [
  ['model.layers.0.self_attn.q_proj', 'model.language_model.layers.0.self_attn.q_proj'],
  ['model.embed_tokens.weight', 'model.language_model.embed_tokens.weight'],
  ['model.norm.weight', 'model.language_model.norm.weight'],
  ['visual.blocks.31.attn.qkv', 'model.visual.blocks.31.attn.qkv'],
  ['visual.merger.mlp.0.bias', 'model.visual.merger.mlp.0.bias'],
  ['lm_head.weight', 'lm_head.weight'],
] as const;

test.each(PAIRS)('the old name %s and the new name %s translate into each other', (old, now) => {
  expect(canonicalName(old)).toBe(now);
  expect(legacyName(now)).toBe(old);
});

test('translating a name that is translated already changes nothing', () => {
  fc.assert(
    fc.property(fc.constantFrom(...PAIRS), ([old, now]) => {
      expect(canonicalName(now)).toBe(now);
      expect(legacyName(old)).toBe(old);
    }),
  );
});

test('names that merely begin alike are left alone', () => {
  expect(canonicalName('visualizer.x')).toBe('visualizer.x');
  expect(canonicalName('model_ema.layers.0')).toBe('model_ema.layers.0');
});
