/**
 * Which modules get LoRA, and with what rank and scaling, by PEFT's rules to the letter: an adapter exported with the
 * same configuration must land on the same modules when PEFT loads it.
 *
 * Source: PEFT 0.21, `tuners_utils.py` (check_target_module_exists, inject_adapter, _maybe_include_all_linear_layers),
 * `utils/other.py` (get_pattern_key), `tuners/lora/model.py` (_create_and_replace).
 */
import { BoundedRegex } from '../base/bounded-regex.ts';
import { GroundworkError } from '../base/error.ts';
import type { ModulePattern } from '../formats/peft.ts';
import { pythonFullMatch, pythonMatchInside } from './peft-targets-regex.ts';

/** A leaf module of the model, by its canonical name. */
export interface ModelModule {
  readonly name: string;
  /** Can carry LoRA here. Norms, embeddings and convolutions cannot. */
  readonly linear: boolean;
  /** The language-model head: 'all-linear' passes it by. */
  readonly outputHead?: boolean;
}

export interface TargetSettings {
  readonly r: number;
  readonly loraAlpha: number;
  readonly useRslora?: boolean;
  readonly targetModules: ModulePattern;
  readonly excludeModules?: ModulePattern | null;
  readonly layersToTransform?: readonly number[] | null;
  readonly layersPattern?: readonly string[] | null;
  readonly rankPattern?: Readonly<Record<string, number>>;
  readonly alphaPattern?: Readonly<Record<string, number>>;
  readonly modulesToSave?: readonly string[] | null;
}

export interface LoraTarget {
  readonly module: string;
  readonly r: number;
  readonly alpha: number;
  /** What B·A is multiplied by: α/r, or α/√r with rslora. */
  readonly scaling: number;
  /** Present where the scaling is that of rslora: at rank 1 the number does not tell. */
  readonly rslora?: true;
}

/** The seven projections of a decoder layer, in every family we know. */
export const DECODER_PROJECTIONS = [
  'q_proj',
  'k_proj',
  'v_proj',
  'o_proj',
  'gate_proj',
  'up_proj',
  'down_proj',
] as const;
/**
 * Excluded by default. Adapters on the vision tower cannot be loaded by vLLM (vllm#21500) and would make image
 * features depend on the adapter, which we compute once per prompt. Qwen2.5-VL's tower names its MLP like the
 * decoder's, so the seven names alone would reach it.
 */
export const VISION_MODULES = '.*(?:visual|vision_model|vision_tower|connector)\\..*';

/**
 * Chosen modules in the model's order. Throws `lora-no-target` (nothing matched; the hint lists near names),
 * `lora-target-unsupported` (a match is not a linear layer), `lora-settings` (contradictory settings),
 * `regex-unsupported`.
 * @param others what becomes of a match that is no linear layer
 */
export function resolveLoraTargets(
  modules: readonly ModelModule[],
  settings: TargetSettings,
  others: 'refuse' | 'pass over' = 'refuse',
): LoraTarget[] {
  const { targetModules, layersToTransform, layersPattern } = settings;
  if (typeof targetModules === 'string' && (layersToTransform || layersPattern))
    throw new GroundworkError(
      'lora-settings',
      'layers_to_transform and layers_pattern need target_modules to be a list.',
      'Write the layers into the pattern itself, or list module names.',
    );
  if (layersPattern?.length && !layersToTransform)
    throw new GroundworkError(
      'lora-settings',
      'layers_pattern needs layers_to_transform.',
      'Say which layers, or remove layers_pattern.',
    );

  const excluded = nameMatcher(settings.excludeModules);
  const saved = (settings.modulesToSave ?? []).map((m) => pythonMatchInside('(^|.*\\.)', m, '($|\\..*)'));
  const targeted = targetMatcher(modules, settings);
  const wanted = (name: string) => !excluded(name) && !saved.some((s) => s.test(name)) && targeted(name);

  // PEFT walks every module, containers included, and fails on a container that matches. So do we: the configuration
  // would not load elsewhere.
  const containers = new Set<string>();
  for (const { name } of modules)
    for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) containers.add(name.slice(0, dot));
  const matched = modules.filter((m) => wanted(m.name));
  const chosen = matched.filter((m) => m.linear);
  const impossible = [...containers].find(wanted) ?? matched.find((m) => !m.linear)?.name;
  if (impossible !== undefined && others === 'refuse')
    throw new GroundworkError(
      'lora-target-unsupported',
      `target_modules matches ${impossible}, which is not a linear layer.`,
      'Make the pattern end in the names of linear layers, such as q_proj.',
    );
  if (chosen.length === 0) throw nothingMatched(modules, settings, excluded);

  const ranks = patternLookup(settings.rankPattern, settings.r);
  const alphas = patternLookup(settings.alphaPattern, settings.loraAlpha);
  return chosen.map(({ name }) => {
    const [r, alpha] = [ranks(name), alphas(name)];
    return settings.useRslora
      ? { module: name, r, alpha, scaling: alpha / Math.sqrt(r), rslora: true }
      : { module: name, r, alpha, scaling: alpha / r };
  });
}

/** The shortest target_modules that PEFT resolves to exactly these modules: bare names, a pattern without the vision tower, or full names. */
export function describeTargets(chosen: readonly string[], modules: readonly ModelModule[]): ModulePattern {
  const names = [...new Set(chosen.map((m) => m.slice(m.lastIndexOf('.') + 1)))].sort();
  const exact = (targetModules: ModulePattern) => {
    try {
      const found = resolveLoraTargets(modules, { r: 1, loraAlpha: 1, targetModules });
      return (
        found.length === chosen.length && new Set([...found.map((t) => t.module), ...chosen]).size === found.length
      );
    } catch {
      return false; // e.g. a bare name that also names a container
    }
  };
  const languageOnly = `^(?!${VISION_MODULES}).*\\.(?:${names.join('|')})$`;
  return [names, languageOnly].find(exact) ?? [...chosen].sort();
}

/** Names of a list that match no module at all; a pattern is one name, which `resolveLoraTargets` looks after. */
export function unmatchedTargets(modules: readonly ModelModule[], targetModules: ModulePattern): readonly string[] {
  if (typeof targetModules === 'string') return [];
  return targetModules.filter((target) => !modules.some(({ name }) => name === target || name.endsWith(`.${target}`)));
}

function nameMatcher(pattern: ModulePattern | null | undefined): (name: string) => boolean {
  if (!pattern || pattern.length === 0) return () => false;
  if (typeof pattern === 'string') {
    const regex = pythonFullMatch(pattern);
    return (name) => regex.test(name);
  }
  return (name) => pattern.some((t) => name === t || name.endsWith(`.${t}`));
}

function targetMatcher(modules: readonly ModelModule[], settings: TargetSettings): (name: string) => boolean {
  const { targetModules, layersToTransform } = settings;
  if (typeof targetModules === 'string' && targetModules.toLowerCase() === 'all-linear')
    return nameMatcher(modules.filter((m) => m.linear && !m.outputHead).map((m) => m.name));

  const matches = nameMatcher(targetModules);
  if (!layersToTransform?.length) return matches;
  const patterns = settings.layersPattern?.length
    ? settings.layersPattern.map((p) => pythonMatchInside('(?:^|.*?\\.)', p, '\\.(?<idx>\\d+)\\.'))
    : [new BoundedRegex('^.*?\\.[^.]*\\.(?<idx>\\d+)\\.')];
  return (name) => {
    if (targetModules.includes(name)) return true; // a full name is not asked for its layer
    if (!matches(name)) return false;
    const found = patterns.map((p) => p.match(name)).find((m) => m !== null);
    return found !== undefined && layersToTransform.includes(Number(found['idx']));
  };
}

/** Keys of rank_pattern or alpha_pattern that match none of the names. @throws GroundworkError `regex-unsupported` */
export function unmatchedPatterns(names: readonly string[], patterns: Readonly<Record<string, number>>): string[] {
  return Object.keys(patterns).filter((pattern) => {
    const regex = patternOfEnd(pattern);
    return !names.some((name) => regex.test(name));
  });
}

const patternOfEnd = (pattern: string): BoundedRegex => pythonMatchInside('(?:.*\\.)?(?:', pattern, ')$');

/** Value of the first pattern that matches the name's end, else `fallback`. */
function patternLookup(
  patterns: Readonly<Record<string, number>> | undefined,
  fallback: number,
): (name: string) => number {
  const compiled = Object.entries(patterns ?? {}).map(([pattern, value]) => ({ regex: patternOfEnd(pattern), value }));
  return (name) => compiled.find(({ regex }) => regex.test(name))?.value ?? fallback;
}

function nothingMatched(
  modules: readonly ModelModule[],
  settings: TargetSettings,
  excluded: (name: string) => boolean,
): GroundworkError {
  const asked = typeof settings.targetModules === 'string' ? [settings.targetModules] : settings.targetModules;
  const available = [
    ...new Set(
      modules.filter((m) => m.linear && !excluded(m.name)).map((m) => m.name.slice(m.name.lastIndexOf('.') + 1)),
    ),
  ];
  const wanted = asked.map((a) => a.slice(a.lastIndexOf('.') + 1));
  const distance = (name: string) => Math.min(...wanted.map((w) => editDistance(w, name)));
  const near = available.sort((a, b) => distance(a) - distance(b)).slice(0, 8);
  const hint =
    available.length === 0
      ? 'exclude_modules excludes every linear layer. Narrow it.'
      : `The nearest names of linear layers in this model: ${near.join(', ')}.${settings.layersToTransform?.length ? ` Only layers ${settings.layersToTransform.join(', ')} were requested.` : ''}`;
  return new GroundworkError(
    'lora-no-target',
    `No module of the model matches target_modules ${JSON.stringify(settings.targetModules)}.`,
    hint,
  );
}

/** Levenshtein distance, two rows. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length]!;
}
