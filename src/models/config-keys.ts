/**
 * Which keys of config.json count. What a family's reader asks for is computed (fields.ts remembers it). Of the rest:
 * some only act in training, on other tasks or in other libraries; some change what a model computes, in ways that are
 * not computed here, and must have their neutral value; any other is told.
 *
 * Source: the configuration classes of transformers 5.18 and 4.57 for the families here, and published files.
 */
import { isObject, printed } from '../base/json.ts';
import { Fields, type Json } from './fields.ts';

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

/** Nothing that is computed here depends on them. */
const HARMLESS: ReadonlySet<string> = new Set(
  words(`
    architectures model_type transformers_version torch_dtype dtype use_cache initializer_range initializer_factor
    bos_token_id eos_token_id pad_token_id sep_token_id vision_token_id image_token_index video_token_id
    max_position_embeddings max_window_layers sliding_window tokens_per_second spatial_patch_size in_chans
    _name_or_path _commit_hash _attn_implementation _attn_implementation_autoset _flash_attn_2_enabled attn_implementation
    auto_map custom_pipelines problem_type task_specific_params tokenizer_class prefix name_or_path
    id2label label2id num_labels finetuning_task return_dict return_dict_in_generate output_attentions
    output_hidden_states output_scores output_router_logits torchscript tie_encoder_decoder is_encoder_decoder is_decoder
    cross_attention_hidden_size decoder_start_token_id chunk_size_feed_forward
    use_bfloat16 tf_legacy_loss forced_bos_token_id forced_eos_token_id remove_invalid_values
    exponential_decay_length_penalty suppress_tokens begin_suppress_tokens max_length min_length do_sample early_stopping
    num_beams num_beam_groups diversity_penalty temperature top_k top_p typical_p repetition_penalty length_penalty
    no_repeat_ngram_size encoder_no_repeat_ngram_size bad_words_ids num_return_sequences pretraining_tp
    is_llama_config neftune_noise_alpha perceiver_config pixel_shuffle_factor transformers.js_config vlm_config
    max_image_size size use_base_siglip use_reentrant_checkpointing gradient_checkpointing unsloth_version unsloth_fixed
    classifier_dropout vocab_size language_model_only tie_word_embeddings
  `),
);

/** Not computed here: the only values with which nothing changes. Absent and null are neutral, too. */
const NEUTRAL: Readonly<Record<string, readonly unknown[]>> = {
  use_sliding_window: [false],
  add_cross_attention: [false],
  qk_layer_norms: [false],
  use_qk_norm: [false],
  rope_interleaved: [false],
  use_resampler: [false],
  partial_rotary_factor: [1],
  attn_logit_softcapping: [0],
  final_logit_softcapping: [0],
  logit_scale: [1],
  logits_scaling: [1],
  embedding_multiplier: [1],
  residual_multiplier: [1],
  attention_multiplier: [1],
  query_pre_attn_scalar: [],
  num_experts: [0],
  num_local_experts: [0],
  n_routed_experts: [0],
  moe_intermediate_size: [0],
  no_rope_layers: [],
  no_rope_layer_interval: [0],
  attention_sinks: [false],
  add_swish_gate: [],
};

/** Classes of transformers for the families here. */
const OWN_CLASS = /^(?:Qwen2_5_VL|Qwen2VL|Qwen3VL|SmolVLM|Idefics3)ForConditionalGeneration$/;

/** Settings that act in training alone, and not in ours. */
const ONLY_IN_TRAINING = ['attention_dropout', 'embd_pdrop', 'resid_pdrop', 'hidden_dropout', 'dropout'] as const;

/** The parts of config.json that hold keys of ours. */
const SECTIONS = ['', 'text_config.', 'vision_config.'] as const;
const ROTARY = ['rope_parameters', 'rope_scaling'] as const;
/** Read by other means than a family's reader. */
const ELSEWHERE = new Set(['text_config', 'vision_config', 'quantization_config', ...ROTARY]);

/**
 * Notes on what a family's reader passed over in config.json.
 * @param asked paths that it asked for
 * @throws GroundworkError `config-invalid` for a key with a value that is not computed here
 */
export function notesOnConfig(json: Json, asked: ReadonlySet<string>): string[] {
  const unknown: string[] = [];
  const notes: string[] = [];
  notes.push(...notesOnClass(json));
  for (const path of SECTIONS) {
    const section = sectionOf(json, path.slice(0, -1));
    refuseUncomputed(new Fields(json), path, section);
    for (const key of ONLY_IN_TRAINING)
      if (typeof section[key] === 'number' && section[key] > 0)
        notes.push(
          `config.json: ${path}${key} is ${section[key]}. It acts in training alone, and is not applied here.`,
        );
    const known = (key: string) =>
      asked.has(path + key) ||
      HARMLESS.has(key) ||
      Object.hasOwn(NEUTRAL, key) ||
      ELSEWHERE.has(key) ||
      (ONLY_IN_TRAINING as readonly string[]).includes(key);
    unknown.push(
      ...given(section)
        .filter((key) => !known(key))
        .map((key) => path + key),
    );
    for (const rotary of ROTARY)
      unknown.push(
        ...given(sectionOf(section, rotary))
          .map((key) => `${path}${rotary}.${key}`)
          .filter((name) => !asked.has(name)),
      );
  }
  if (unknown.length)
    notes.push(
      `config.json has ${unknown.length === 1 ? 'a key that is' : `${unknown.length} keys that are`} not known here and not used: ${list(unknown)}.`,
    );
  return notes;
}

/** What names another class than the family's own: code that comes with it is not run, and a head for another task is not there. */
function notesOnClass(json: Json): string[] {
  const notes: string[] = [];
  const { auto_map: code, architectures: names } = json;
  if (typeof code === 'object' && code !== null && Object.keys(code).length > 0)
    notes.push(
      'config.json names code of its own (auto_map). It is not run: what is computed is the published model of this type.',
    );
  const others = Array.isArray(names) ? names.filter((name) => !OWN_CLASS.test(printed(name))) : [];
  if (others.length > 0)
    notes.push(
      `config.json is written for ${printed(others[0])}. What is computed is the published model of this type, which writes text.`,
    );
  return notes;
}

function refuseUncomputed(root: Fields, path: string, section: Json): void {
  const fields = path === '' ? root : root.at(path.slice(0, -1));
  for (const [key, neutral] of Object.entries(NEUTRAL)) {
    const value = section[key] ?? null;
    if (value === null || neutral.includes(value)) continue;
    throw fields.invalid(
      key,
      neutral.length ? `${String(neutral[0])}, all that is computed here` : 'absent: it is not computed here',
      'Groundwork would give other answers than this model gives elsewhere, so it does not load it.',
    );
  }
  const pruned = section['pruned_heads'] ?? {};
  if (typeof pruned !== 'object' || Object.keys(pruned).length > 0)
    throw fields.invalid('pruned_heads', 'empty: no head is left out here');
  const types = section['layer_types'] ?? [];
  if (!Array.isArray(types) || types.some((type) => type !== 'full_attention'))
    throw fields.invalid('layer_types', '“full_attention” for every layer, all that is computed here');
}

/** Keys that say something. */
const given = (section: Json): string[] =>
  Object.keys(section).filter((key) => key !== 'layer_types' && section[key] !== null && section[key] !== undefined);

const sectionOf = (json: Json, key: string): Json => {
  const value = key === '' ? json : json[key];
  return isObject(value) ? value : {};
};

/** Names told of many. */
const SHOWN = 8;

const list = (names: readonly string[]): string =>
  names.slice(0, SHOWN).join(', ') + (names.length > SHOWN ? ` and ${names.length - SHOWN} more` : '');
