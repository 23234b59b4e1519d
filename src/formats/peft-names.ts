/**
 * Module names of Qwen2-VL and Qwen2.5-VL, old and new. transformers 4.52 moved `model.layers` to
 * `model.language_model.layers` and `visual` to `model.visual`; checkpoints on the Hub and adapters trained before
 * keep the old names. The house uses the new names everywhere ("canonical") and translates at the edges.
 *
 * The same functions serve module names and tensor names (`visual.blocks.0.attn.qkv`, `model.norm.weight`).
 * Families whose checkpoints already use the in-memory names (Qwen3-VL, Qwen3.5, SmolVLM) never come here.
 *
 * Source: `_checkpoint_conversion_mapping` of transformers 4.57.6, `conversion_mapping.py` of 5.18.0.
 */

/** `model.layers.0.…` → `model.language_model.layers.0.…`, `visual.…` → `model.visual.…`; canonical names pass. */
export function canonicalName(name: string): string {
  if (name === 'visual' || name.startsWith('visual.')) return `model.${name}`;
  return name.replace(/^model(?=\.|$)(?!\.(?:language_model|visual)(?:\.|$))/, 'model.language_model');
}

/** The inverse of `canonicalName`; names that are old already pass, and so does `lm_head`. */
export function legacyName(name: string): string {
  return name.replace(/^model\.visual(?=\.|$)/, 'visual').replace(/^model\.language_model(?=\.|$)/, 'model');
}
