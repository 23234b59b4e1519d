/**
 * Adapters made elsewhere: a PEFT folder read, matched to this model's modules, and made ours. LoRA (with rsLoRA, rank
 * and alpha patterns) can be trained further; DoRA can only be folded in, because its row norms are not low-rank.
 */
import { GroundworkError } from '../base/error.ts';
import { matchAdapterKeys, readAdapterConfig, type AdapterPart } from '../formats/peft.ts';
import { toFloat32, type Safetensors } from '../formats/safetensors.ts';
import type { LinearModule } from '../models/model.ts';
import type { AdapterMatrices, AdapterTarget } from '../nn/adapter.ts';
import type { MergedAdapter } from './merged-rows.ts';
import { resolveLoraTargets } from './peft-targets.ts';

export interface ImportedAdapter extends MergedAdapter {
  /** What adapter_config.json names as its base, for the user to compare. */
  readonly baseName: string | null;
  /** Tensors of the file that found their module, of all. */
  readonly matched: number;
  readonly total: number;
  /** Keys that belong to no module here. */
  readonly unmatched: readonly string[];
  /** Modules of the vision tower: read, but left out, since image features are computed without adapters. */
  readonly leftOut: readonly string[];
}

/**
 * @param config text of adapter_config.json
 * @throws GroundworkError `adapter-mismatch` (nothing matches, or shapes are of another model), `adapter-incomplete`,
 * `adapter-unsupported`, `adapter-config`
 */
export async function readAdapter(
  linears: readonly LinearModule[],
  config: string,
  tensors: Safetensors,
): Promise<ImportedAdapter> {
  const { config: settings } = readAdapterConfig(config);
  const chosen = resolveLoraTargets(
    linears.map(({ name, outputHead }) => ({ name, linear: true, ...(outputHead && { outputHead }) })),
    settings,
  );
  const match = matchAdapterKeys(
    [...tensors.tensors.keys()],
    chosen.map((t) => t.module),
  );
  if (match.incomplete.length)
    throw new GroundworkError(
      'adapter-incomplete',
      `${match.incomplete[0]} has only one of lora_A and lora_B (${match.incomplete.length} modules in all).`,
      'The file is damaged or incomplete. Export the adapter again.',
    );
  const odd = match.tensors.find((t) => !PARTS.has(t.part));
  if (odd)
    throw new GroundworkError(
      'adapter-unsupported',
      `The adapter has ${odd.key}, which Groundwork does not compute.`,
      'Merge the adapter into its base model with PEFT (merge_and_unload) and load the merged model here.',
    );
  const keyOf = new Map(match.tensors.map((t) => [`${t.module} ${t.part}`, t.key]));
  const read = async (module: string, part: AdapterPart, shape: readonly number[]): Promise<Float32Array> => {
    const key = keyOf.get(`${module} ${part}`);
    const info = key === undefined ? undefined : tensors.tensors.get(key);
    if (key === undefined || !info || info.shape.join() !== shape.join())
      throw new GroundworkError(
        'adapter-mismatch',
        `${module}: ${part} ${info ? `is [${info.shape.join(', ')}]` : 'is missing'}, but this model needs [${shape.join(', ')}].`,
        'The adapter was trained for a model of another size, or its adapter_config.json belongs to another file.',
      );
    return toFloat32(await tensors.read(key), info.dtype).slice();
  };

  const targets: AdapterTarget[] = [];
  const matrices = new Map<string, AdapterMatrices>();
  const magnitudes = new Map<string, Float32Array>();
  const leftOut: string[] = [];
  for (const target of chosen) {
    const { module, r } = target;
    // PEFT saves what it trained; a pattern may name more modules than the file holds, and those stay as they are.
    if (!keyOf.has(`${module} lora_A`)) continue;
    const { inFeatures, outFeatures, tower } = linears.find((l) => l.name === module)!;
    const [a, b] = [await read(module, 'lora_A', [r, inFeatures]), await read(module, 'lora_B', [outFeatures, r])];
    if (tower !== 'text') {
      leftOut.push(module);
      continue;
    }
    targets.push({ ...target, inFeatures, outFeatures });
    matrices.set(module, { a, b });
    if (settings.useDora) magnitudes.set(module, await read(module, 'lora_magnitude_vector', [outFeatures]));
  }
  if (!targets.length)
    throw new GroundworkError(
      'adapter-mismatch',
      'The adapter is only for the vision tower.',
      'Groundwork does not change the vision tower. Merge the adapter with PEFT and load the merged model here.',
    );
  return {
    targets,
    matrices,
    ...(settings.useDora && { magnitudes }),
    baseName: settings.baseModelNameOrPath,
    matched: match.matched,
    total: match.total,
    unmatched: match.unmatched,
    leftOut,
  };
}

const PARTS: ReadonlySet<AdapterPart> = new Set<AdapterPart>(['lora_A', 'lora_B', 'lora_magnitude_vector']);
