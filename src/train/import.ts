/**
 * Adapters made elsewhere: a PEFT folder read, matched to this model's modules, and made ours. LoRA (with rsLoRA, rank
 * and alpha patterns) can be trained further; DoRA can only be folded in, because its row norms are not low-rank. What
 * an adapter has and the engine does not compute is refused by name, or told where the rest still means something.
 */
import { count, plural } from '../base/counts.ts';
import { GroundworkError } from '../base/error.ts';
import type { CheckpointWeights } from '../formats/checkpoint-files.ts';
import {
  legacyName,
  matchAdapterKeys,
  parseAdapterKey,
  readAdapterConfig,
  type AdapterConfig,
  type AdapterPart,
} from '../formats/peft.ts';
import { isFloat, toFloat32, type Safetensors } from '../formats/safetensors.ts';
import type { LinearModule } from '../models/model.ts';
import type { AdapterMatrices, AdapterTarget } from '../nn/adapter.ts';
import { rowBlocks, type MergedAdapter } from './merged-rows.ts';
import { resolveLoraTargets, unmatchedPatterns, unmatchedTargets, type LoraTarget } from './peft-targets.ts';

export interface ImportedAdapter extends MergedAdapter {
  /** What adapter_config.json names as its base, for the user to compare. */
  readonly baseName: string | null;
  /** Tensors of the file that found their module, of all. */
  readonly matched: number;
  readonly total: number;
  /** Keys that belong to no module here. */
  readonly unmatched: readonly string[];
  /**
   * Modules that the adapter changes and that stay as they are here: of the vision tower, since image features are
   * computed without adapters, and of parts that are no linear layer of this model.
   */
  readonly leftOut: readonly string[];
  /** What the adapter is, where it is not what it seems, in whole sentences. */
  readonly notes: readonly string[];
}

/** The model's own weights, to hold whole matrices of an adapter's file against. */
export interface BaseWeights {
  readonly checkpoint: CheckpointWeights;
  /** The checkpoint's key of a module's weight. */
  keyOf(module: string): string | undefined;
}

/**
 * @param config text of adapter_config.json
 * @throws GroundworkError `adapter-mismatch` (nothing matches, or shapes are of another model), `adapter-incomplete`,
 * `adapter-not-finite`, `adapter-unsupported`, `adapter-config`
 */
export async function readAdapter(
  linears: readonly LinearModule[],
  config: string,
  tensors: Safetensors,
  base?: BaseWeights,
): Promise<ImportedAdapter> {
  const { config: settings, unknown } = readAdapterConfig(config);
  if (settings.modulesToSave?.length) throw wholeModules(settings.modulesToSave);
  const keys = [...tensors.tensors.keys()];
  refuseEmbeddings(keys);
  const { found: chosen, passedOver, unmet } = chosenModules(linears, settings, keys);
  const match = matchAdapterKeys(
    keys,
    chosen.map((t) => t.module),
  );
  if (match.incomplete.length)
    throw new GroundworkError(
      'adapter-incomplete',
      `${match.incomplete[0]} has only one of lora_A and lora_B (${match.incomplete.length} modules in all).`,
      'The file is damaged or incomplete. Export the adapter again.',
    );
  await checkWholeWeights(keys, tensors, base);
  const odd = match.tensors.find((t) => !PARTS.has(t.part));
  if (odd) throw uncomputed(`has ${odd.key}`);
  const keyOf = new Map(match.tensors.map((t) => [`${t.module} ${t.part}`, t.key]));
  const read = async (module: string, part: AdapterPart, shape: readonly number[]): Promise<Float32Array> => {
    const key = keyOf.get(`${module} ${part}`);
    const info = key === undefined ? undefined : tensors.tensors.get(key);
    if (key === undefined || !info || info.shape.join() !== shape.join())
      throw new GroundworkError(
        'adapter-mismatch',
        `${module}: ${part} ${info ? `is [${info.shape.join(', ')}]` : 'is missing'}, but this model needs [${shape.join(', ')}].`,
        info?.shape.includes(0)
          ? 'The file was saved from a model whose weights were spread over processes (DeepSpeed ZeRO-3): gather them when saving.'
          : 'The adapter was trained for a model of another size, or its adapter_config.json belongs to another file.',
      );
    if (!isFloat(info.dtype))
      throw new GroundworkError(
        'adapter-mismatch',
        `${key} is stored as ${info.dtype}, and the matrices of an adapter are floats.`,
        'Save the adapter again in F32, BF16 or F16.',
      );
    const values = toFloat32(await tensors.read(key), info.dtype).slice();
    if (!values.every(Number.isFinite))
      throw new GroundworkError(
        'adapter-not-finite',
        `${key} has ${count(values.filter((v) => !Number.isFinite(v)).length)} values that are not numbers (NaN or infinite).`,
        'Its training broke down: take a checkpoint from before that.',
      );
    return values;
  };

  const targets: AdapterTarget[] = [];
  const matrices = new Map<string, AdapterMatrices>();
  const magnitudes = new Map<string, Float32Array>();
  const [inVision, absent, idle]: [string[], string[], string[]] = [[], [], []];
  for (const target of chosen) {
    const { module, r } = target;
    // PEFT saves what it trained; a pattern may name more modules than the file holds, and those stay as they are.
    if (!keyOf.has(`${module} lora_A`)) {
      absent.push(module);
      continue;
    }
    const { inFeatures, outFeatures, tower } = linears.find((l) => l.name === module)!;
    const [a, b] = [await read(module, 'lora_A', [r, inFeatures]), await read(module, 'lora_B', [outFeatures, r])];
    const changes = target.scaling !== 0 && productChanges(a, b, r);
    if (tower !== 'text') {
      // One that changes nothing is the same as none.
      if (changes || settings.useDora) inVision.push(module);
      continue;
    }
    if (!changes) idle.push(module);
    targets.push({ ...target, inFeatures, outFeatures });
    matrices.set(module, { a, b });
    if (settings.useDora) magnitudes.set(module, await read(module, 'lora_magnitude_vector', [outFeatures]));
  }
  if (!targets.length)
    throw new GroundworkError(
      'adapter-unsupported',
      'The adapter is only for the vision tower.',
      'Picture features are computed without adapters here. Merge it into its base model (npm run merge -- into MODEL ADAPTER --out DIR, or PEFT’s merge_and_unload) and load the merged model here.',
    );
  const names = linears.map(({ name }) => ({ name, linear: true }));
  const { unnamed, foreign } = withoutPlace(match.unmatched, linears, new Set(chosen.map((t) => t.module)));
  return {
    targets,
    matrices,
    ...(settings.useDora && { magnitudes }),
    baseName: settings.baseModelNameOrPath,
    matched: match.matched,
    total: match.total,
    unmatched: match.unmatched,
    leftOut: [...inVision, ...foreign],
    notes: [
      ...idleNotes(idle, targets.length, settings.useDora),
      ...leftOutNotes(inVision, foreign),
      ...unnamedNotes(unnamed),
      ...absentNotes(absent, chosen.length),
      ...unmet.map(
        (pattern) => `rank_pattern or alpha_pattern has “${pattern}”, which matches no module of the adapter.`,
      ),
      ...(passedOver
        ? [
            'target_modules also matches parts that are not linear layers. ms-swift skips such parts, and so does Groundwork; PEFT refuses the adapter.',
          ]
        : []),
      ...unmatchedTargets(names, settings.targetModules)
        .filter((target) => !names.some(({ name }) => endsWith(legacyName(name), target)))
        .map((target) => `adapter_config.json names ${target}, which no linear layer of this model is called.`),
      ...(unknown.length
        ? [`adapter_config.json has fields that are not known here and not used: ${unknown.join(', ')}.`]
        : []),
    ],
  };
}

const PARTS: ReadonlySet<AdapterPart> = new Set<AdapterPart>(['lora_A', 'lora_B', 'lora_magnitude_vector', 'base']);

const endsWith = (name: string, target: string): boolean => name === target || name.endsWith(`.${target}`);

interface Chosen {
  readonly found: readonly LoraTarget[];
  /** The configuration also matches what is no linear layer. */
  readonly passedOver: boolean;
  /** Keys of rank_pattern and alpha_pattern that match none of the modules. */
  readonly unmet: readonly string[];
}

/**
 * The modules that the configuration names: by the names of today, or by those of transformers before 4.52, in which
 * configurations with whole names are written. The naming counts that reaches more of the file's tensors; of two that
 * reach as many, the one in which more patterns of ranks and alphas match, and then the one that names fewer modules.
 */
function chosenModules(linears: readonly LinearModule[], settings: AdapterConfig, keys: readonly string[]): Chosen {
  const under = (naming: (name: string) => string) => {
    const back = new Map(linears.map(({ name }) => [naming(name), name]));
    const resolve = (others: 'refuse' | 'pass over') =>
      resolveLoraTargets(
        linears.map(({ name, outputHead }) => ({
          name: naming(name),
          linear: true,
          ...(outputHead && { outputHead }),
        })),
        settings,
        others,
      ).map((target) => ({ ...target, module: back.get(target.module)! }));
    const withReach = (found: readonly LoraTarget[], passedOver: boolean) => {
      const names = found.map(({ module }) => naming(module));
      const unmet = [settings.rankPattern, settings.alphaPattern].flatMap((map) => unmatchedPatterns(names, map));
      return { found, passedOver, unmet, reached: reached(keys, found), error: null };
    };
    try {
      return withReach(resolve('refuse'), false);
    } catch (error) {
      if (error instanceof GroundworkError && error.code === 'lora-target-unsupported')
        return withReach(resolve('pass over'), true);
      return { found: [], passedOver: false, unmet: [], reached: -1, error };
    }
  };
  const now = under((name) => name);
  const before = under(legacyName);
  const better =
    before.reached - now.reached || now.unmet.length - before.unmet.length || now.found.length - before.found.length;
  if (better > 0) return before;
  if (now.error) throw now.error;
  return now;
}

function reached(keys: readonly string[], chosen: readonly LoraTarget[]): number {
  try {
    return matchAdapterKeys(
      keys,
      chosen.map((t) => t.module),
    ).matched;
  } catch {
    return 0;
  }
}

const uncomputed = (what: string): GroundworkError =>
  new GroundworkError(
    'adapter-unsupported',
    `The adapter ${what}, which Groundwork does not compute.`,
    'Merge the adapter into its base model with PEFT (merge_and_unload) and load the merged model here.',
  );

const wholeModules = (names: readonly string[]): GroundworkError =>
  uncomputed(`brings whole weights of its own for ${names.join(', ')} (modules_to_save)`);

function refuseEmbeddings(keys: readonly string[]): void {
  const embedding = keys.find((key) => parseAdapterKey(key)?.part.startsWith('lora_embedding'));
  if (embedding !== undefined) throw uncomputed(`changes the embedding (${embedding})`);
}

/** Whole matrices in the file: PEFT saves the head's and the embedding's beside an adapter on them. They must be the model's. */
async function checkWholeWeights(keys: readonly string[], tensors: Safetensors, base?: BaseWeights): Promise<void> {
  for (const key of keys) {
    const parsed = parseAdapterKey(key);
    if (parsed?.part !== 'base') continue;
    if (!base || !(await isOurs(key, parsed.module, tensors, base))) throw wholeModules([parsed.module]);
  }
}

/** Equal up to the rounding of 16-bit floats, in which one of the two may have been saved. */
async function isOurs(
  key: string,
  module: string,
  tensors: Safetensors,
  { checkpoint, keyOf }: BaseWeights,
): Promise<boolean> {
  const ours = keyOf(module);
  const [theirs, mine] = [tensors.tensors.get(key)!, ours === undefined ? undefined : checkpoint.tensors.get(ours)];
  if (ours === undefined || !mine || theirs.shape.join() !== mine.shape.join()) return false;
  if (!isFloat(theirs.dtype) || !isFloat(mine.dtype)) return false;
  const rows = theirs.shape[0] ?? 1;
  for (const [first, count] of rowBlocks(
    rows,
    theirs.shape.slice(1).reduce((a, b) => a * b, 1),
  )) {
    const a = toFloat32(await tensors.readRows(key, first, count), theirs.dtype);
    const b = toFloat32(await checkpoint.readRows(ours, first, count), mine.dtype);
    if (a.some((v, i) => !(Math.abs(v - b[i]!) <= Math.abs(b[i]!) / 128 + 1e-7))) return false;
  }
  return true;
}

/** Whether B·A is anything but zero: a [r, in], b [out, r]. A rank counts where both its row and its column do. */
function productChanges(a: Float32Array, b: Float32Array, r: number): boolean {
  const inFeatures = a.length / r;
  for (let k = 0; k < r; k++) {
    if (a.subarray(k * inFeatures, (k + 1) * inFeatures).every((v) => v === 0)) continue;
    for (let at = k; at < b.length; at += r) if (b[at] !== 0) return true;
  }
  return false;
}

/** Modules of the tensors that found none of those chosen: others of this model, or parts that it has not or not as linears. */
function withoutPlace(
  unmatched: readonly string[],
  linears: readonly LinearModule[],
  chosen: ReadonlySet<string>,
): { readonly unnamed: readonly string[]; readonly foreign: readonly string[] } {
  if (!unmatched.length) return { unnamed: [], foreign: [] };
  let known: ReadonlyMap<string, string> = new Map();
  try {
    const { tensors } = matchAdapterKeys(
      unmatched,
      linears.map(({ name }) => name),
    );
    known = new Map(tensors.map(({ key, module }) => [key, module]));
  } catch {
    // None of them is for this model.
  }
  const twice = unmatched.find((key) => chosen.has(known.get(key) ?? ''));
  if (twice !== undefined)
    throw new GroundworkError(
      'adapter-mismatch',
      `The file has ${twice} under another name as well.`,
      'Nothing says which of the two counts: export the adapter again.',
    );
  const modules = (keys: readonly string[]) => [
    ...new Set(keys.map((key) => known.get(key) ?? parseAdapterKey(key)?.module ?? key)),
  ];
  return {
    unnamed: modules(unmatched.filter((key) => known.has(key))),
    foreign: modules(unmatched.filter((key) => !known.has(key))),
  };
}

function idleNotes(idle: readonly string[], all: number, dora: boolean): string[] {
  if (!idle.length || dora) return [];
  return idle.length === all
    ? ['Every pair of matrices multiplies to zero: the adapter changes nothing.']
    : [`${idle.length} of ${all} modules have matrices that multiply to zero, and change nothing.`];
}

function leftOutNotes(inVision: readonly string[], foreign: readonly string[]): string[] {
  const consequence =
    'so answers here differ from those with the whole adapter; no run can stand on it and nothing is exported from it.';
  return [
    ...(inVision.length
      ? [
          `The adapter also changes ${counted(inVision)} of the vision tower, such as ${inVision[0]!}. They are left out, ${consequence} “npm run merge -- into MODEL ADAPTER --out DIR” merges the whole of it.`,
        ]
      : []),
    ...(foreign.length
      ? [
          `The adapter also changes parts that are not linear layers of this model (${foreign.length}), such as ${foreign[0]!}. They are left out, ${consequence}`,
        ]
      : []),
  ];
}

const unnamedNotes = (unnamed: readonly string[]): string[] =>
  unnamed.length
    ? [
        `The file has matrices for ${counted(unnamed)} that adapter_config.json does not name, such as ${unnamed[0]!}. PEFT does not use them, and neither does Groundwork: if they were trained, the configuration belongs to another file.`,
      ]
    : [];

const counted = ({ length }: readonly unknown[]): string => plural(length, 'module');

const absentNotes = (absent: readonly string[], all: number): string[] =>
  absent.length
    ? [
        `${absent.length} of the ${all} modules that adapter_config.json names have no matrices in the file, such as ${absent[0]!}: they stay as in the base model. If they were trained, the file is incomplete.`,
      ]
    : [];
