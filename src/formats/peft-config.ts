/**
 * adapter_config.json: reading what PEFT (and tools that imitate it) wrote, and writing the smallest file that every
 * loader accepts. Names follow PEFT's LoraConfig in camelCase.
 *
 * Reading is tolerant where it is harmless (unknown fields are listed and ignored, as PEFT does) and strict where it
 * is not: a field that changes what the adapter computes, and that we do not implement, is refused by name.
 *
 * Source: PEFT 0.21 `tuners/lora/config.py`, `config.py`.
 */
import { GroundworkError } from '../base/error.ts';
import { parseShallow } from '../base/json.ts';

/** A list matches by suffix, a string is a regular expression that must match the whole name. */
export type ModulePattern = readonly string[] | string;

export interface AdapterConfig {
  readonly baseModelNameOrPath: string | null;
  readonly r: number;
  readonly loraAlpha: number;
  readonly loraDropout: number;
  readonly targetModules: ModulePattern;
  readonly excludeModules: ModulePattern | null;
  readonly layersToTransform: readonly number[] | null;
  readonly layersPattern: readonly string[] | null;
  /** Regular expression of a module name's end → rank; the first that matches wins. */
  readonly rankPattern: Readonly<Record<string, number>>;
  readonly alphaPattern: Readonly<Record<string, number>>;
  readonly useRslora: boolean;
  readonly useDora: boolean;
  readonly modulesToSave: readonly string[] | null;
}

export interface AdapterConfigReading {
  readonly config: AdapterConfig;
  /** Fields nobody here knows, sorted; ignored. */
  readonly unknown: readonly string[];
}

// Fields that mean nothing to the arithmetic, or whose only accepted value is the neutral one checked below.
const HARMLESS = new Set(
  (
    'auto_mapping revision inference_mode task_type peft_version runtime_config megatron_core qalora_group_size ensure_weight_tying ' +
    'eva_config corda_config lora_ga_config loftq_config ' +
    // Only for layers of GPT-2's kind (Conv1D), which no family here has: PEFT ignores it for every other.
    'fan_in_fan_out'
  ).split(' '),
);
const READ = new Set(
  (
    'peft_type base_model_name_or_path r lora_alpha lora_dropout target_modules exclude_modules layers_to_transform layers_pattern ' +
    'rank_pattern alpha_pattern use_rslora use_dora modules_to_save init_lora_weights'
  ).split(' '),
);
// Field → its neutral values; anything else changes the adapter's function.
const NEUTRAL: Readonly<Record<string, (value: unknown) => boolean>> = {
  bias: (v) => v === 'none',
  ...Object.fromEntries(
    (
      'lora_bias layer_replication trainable_token_indices target_parameters megatron_config alora_invocation_tokens use_qalora ' +
      'use_bdlora arrow_config kasa_config velora_config monteclora_config'
    )
      .split(' ')
      .map((field) => [field, isEmpty]),
  ),
};

function isEmpty(value: unknown): boolean {
  if (value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === 'object' && Object.keys(value as object).length === 0;
}

const refuse = (field: string, reason: string): never => {
  throw new GroundworkError(
    'adapter-config',
    `adapter_config.json: ${field} ${reason}`,
    'Choose an adapter_config.json written by PEFT for a LoRA adapter.',
  );
};
const unsupported = (what: string): never => {
  throw new GroundworkError(
    'adapter-unsupported',
    `adapter_config.json: the adapter uses ${what}, which Groundwork does not compute.`,
    'Merge the adapter into its base model with PEFT (merge_and_unload) and load the merged model here.',
  );
};

/**
 * Parses the text of adapter_config.json. Defaults of missing fields are PEFT's.
 * Throws `adapter-config` (not JSON, wrong type, out of range) or `adapter-unsupported` (another kind of adapter).
 */
export function readAdapterConfig(text: string): AdapterConfigReading {
  let json: unknown;
  try {
    json = parseShallow(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw new GroundworkError(
      'adapter-config',
      'adapter_config.json is not JSON.',
      'Choose an adapter_config.json written by PEFT.',
      { cause },
    );
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    return refuse('as a whole', 'is not an object.');
  const fields = json as Record<string, unknown>;

  if (fields.peft_type !== undefined && !(isText(fields.peft_type) && fields.peft_type.toUpperCase() === 'LORA'))
    unsupported(`peft_type ${JSON.stringify(fields.peft_type)}`);
  for (const [field, neutral] of Object.entries(NEUTRAL)) {
    const value = fields[field];
    if (value !== undefined && value !== null && !neutral(value)) unsupported(`${field} = ${JSON.stringify(value)}`);
  }
  // These initialisations rewrite the base weights: the adapter is a difference to a base nobody saved. "eva",
  // "gaussian", "orthogonal", "mica" leave the base alone.
  const init = fields.init_lora_weights;
  if (typeof init === 'string' && /^(?:pissa|olora|corda|loftq|lora_ga)/.test(init))
    unsupported(`init_lora_weights "${init}"`);

  const config: AdapterConfig = {
    baseModelNameOrPath: text_(fields, 'base_model_name_or_path'),
    r: number(fields, 'r', 8, (v) => Number.isInteger(v) && v > 0, 'a positive integer'),
    loraAlpha: number(fields, 'lora_alpha', 8, Number.isFinite, 'a number'),
    loraDropout: number(fields, 'lora_dropout', 0, (v) => v >= 0 && v < 1, 'between 0 and 1'),
    targetModules: pattern(fields, 'target_modules') ?? refuse('target_modules', 'is missing.'),
    excludeModules: pattern(fields, 'exclude_modules'),
    layersToTransform: list(fields, 'layers_to_transform', (v): v is number => Number.isInteger(v), 'integers'),
    layersPattern: list(fields, 'layers_pattern', isText, 'strings'),
    rankPattern: numbers(fields, 'rank_pattern'),
    alphaPattern: numbers(fields, 'alpha_pattern'),
    useRslora: flag(fields, 'use_rslora'),
    useDora: flag(fields, 'use_dora'),
    modulesToSave: list(fields, 'modules_to_save', isText, 'strings'),
  };
  const unknown = Object.keys(fields)
    .filter((f) => !READ.has(f) && !HARMLESS.has(f) && !Object.hasOwn(NEUTRAL, f))
    .sort();
  return { config, unknown };
}

/**
 * The text of adapter_config.json: keys sorted, two spaces, as PEFT writes it. Only fields that PEFT has had since
 * LoRA shipped are written (old loaders die on unknown ones); newer fields appear only when they are used.
 */
export function writeAdapterConfig(config: AdapterConfig): string {
  const sorted = (value: ModulePattern) => (typeof value === 'string' ? value : [...value].sort());
  const fields: Record<string, unknown> = {
    alpha_pattern: config.alphaPattern,
    auto_mapping: null,
    base_model_name_or_path: config.baseModelNameOrPath,
    bias: 'none',
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    layers_pattern: config.layersPattern,
    layers_to_transform: config.layersToTransform,
    lora_alpha: config.loraAlpha,
    lora_dropout: config.loraDropout,
    modules_to_save: config.modulesToSave,
    peft_type: 'LORA',
    r: config.r,
    rank_pattern: config.rankPattern,
    revision: null,
    target_modules: sorted(config.targetModules),
    task_type: 'CAUSAL_LM',
    use_dora: config.useDora,
    use_rslora: config.useRslora,
  };
  if (config.excludeModules !== null && config.excludeModules.length > 0)
    fields.exclude_modules = sorted(config.excludeModules);
  return (
    JSON.stringify(Object.fromEntries(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1))), null, 2) + '\n'
  );
}

const isText = (value: unknown): value is string => typeof value === 'string';
type Fields = Record<string, unknown>;

function text_(fields: Fields, field: string): string | null {
  const value = fields[field] ?? null;
  return value === null || isText(value) ? value : refuse(field, 'must be a string.');
}

function number(
  fields: Fields,
  field: string,
  fallback: number,
  valid: (v: number) => boolean,
  wanted: string,
): number {
  const value = fields[field] ?? fallback;
  return typeof value === 'number' && valid(value)
    ? value
    : refuse(field, `must be ${wanted}, is ${JSON.stringify(value)}.`);
}

function flag(fields: Fields, field: string): boolean {
  const value = fields[field] ?? false;
  return typeof value === 'boolean' ? value : refuse(field, 'must be true or false.');
}

/** PEFT also accepts a bare value where it means a list of one. */
function list<T>(fields: Fields, field: string, valid: (v: unknown) => v is T, wanted: string): readonly T[] | null {
  const value = fields[field] ?? null;
  if (value === null) return null;
  const items: unknown[] = Array.isArray(value) ? value : [value];
  return items.every(valid) ? items : refuse(field, `must be a list of ${wanted}.`);
}

function pattern(fields: Fields, field: string): ModulePattern | null {
  const value = fields[field] ?? null;
  if (value === null || isText(value)) return value;
  return Array.isArray(value) && value.every(isText)
    ? value
    : refuse(field, 'must be a list of strings or one string.');
}

function numbers(fields: Fields, field: string): Readonly<Record<string, number>> {
  const value = fields[field] ?? {};
  const ok =
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((v) => typeof v === 'number' && v > 0);
  return ok ? (value as Record<string, number>) : refuse(field, 'must map module patterns to positive numbers.');
}
