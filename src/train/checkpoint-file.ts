/**
 * A checkpoint as one safetensors file: matrices under PEFT's names, and all that is not a matrix as JSON in the
 * header's metadata (`groundwork`). Any reader of safetensors can look inside.
 *
 *   learning.<module>.lora_A.weight  learning.<module>.lora_B.weight      the adapter now learning
 *   exp_avg.<module>.…               exp_avg_sq.<module>.…                AdamW's moments, as PyTorch calls them
 *   ema.<module>.…                                                        an average of the adapter, if one is kept
 *   merged.<i>.<module>.…                                                 adapters folded in before
 */
import { GroundworkError } from '../base/error.ts';
import { parseJson } from '../base/json.ts';
import type { ByteSource } from '../formats/byte-source.ts';
import { openSafetensors, toFloat32, type Safetensors } from '../formats/safetensors.ts';
import { writeSafetensors, type TensorToWrite } from '../formats/safetensors-writer.ts';
import type { AdapterMatrices, AdapterTarget } from '../nn/adapter.ts';
import type { MomentsSnapshot, PolicySnapshot } from './checkpoint.ts';
import type { MergedAdapter } from './merged-rows.ts';

const VERSION = 1;

interface Header<Rest> {
  readonly version: number;
  readonly merged: readonly (readonly AdapterTarget[])[];
  readonly learning: readonly AdapterTarget[] | null;
  /** Optimizer steps done; null without moments. */
  readonly optimizerStep: number | null;
  readonly rest: Rest;
}

/** @param rest plain data to keep beside the policy */
export function writeCheckpoint(policy: PolicySnapshot, rest: object): AsyncIterable<Uint8Array> {
  const { merged, learning, moments } = policy;
  const header: Header<object> = {
    version: VERSION,
    merged: merged.map(({ targets }) => targets),
    learning: learning?.targets ?? null,
    optimizerStep: moments?.step ?? null,
    rest,
  };
  const tensors = [
    ...merged.flatMap(({ targets, matrices }, i) => matricesOf(`merged.${i}`, targets, matrices)),
    ...(learning ? matricesOf('learning', learning.targets, learning.matrices) : []),
    ...(learning && moments
      ? [
          ...matricesOf('exp_avg', learning.targets, moments.mean),
          ...matricesOf('exp_avg_sq', learning.targets, moments.square),
          ...(moments.average ? matricesOf('ema', learning.targets, moments.average) : []),
        ]
      : []),
  ];
  return writeSafetensors(tensors, { format: 'pt', groundwork: JSON.stringify(header) });
}

/** @throws GroundworkError `checkpoint-version`, `checkpoint-damaged`; `safetensors-invalid` and `tensor-missing` for damaged files */
export async function readCheckpoint<Rest>(file: ByteSource): Promise<{ policy: PolicySnapshot; rest: Rest }> {
  const tensors = await openSafetensors(file);
  const header = headerOf<Rest>(tensors.metadata['groundwork'] ?? '{}');
  const adapter = async (prefix: string, targets: readonly AdapterTarget[]): Promise<MergedAdapter> => ({
    targets,
    matrices: await readMatrices(tensors, prefix, targets),
  });
  const merged: MergedAdapter[] = [];
  for (const [i, targets] of header.merged.entries()) merged.push(await adapter(`merged.${i}`, targets));
  const { learning: targets, optimizerStep: step } = header;
  const learning = targets && (await adapter('learning', targets));
  const averaged = targets?.some(({ module }) => tensors.tensors.has(nameOf('ema', module, 'A')));
  const moments: MomentsSnapshot | null =
    targets && step !== null
      ? {
          step,
          mean: await readMatrices(tensors, 'exp_avg', targets),
          square: await readMatrices(tensors, 'exp_avg_sq', targets),
          ...(averaged && { average: await readMatrices(tensors, 'ema', targets) }),
        }
      : null;
  return { policy: { merged, learning, moments }, rest: header.rest };
}

const damaged = (cause?: unknown): GroundworkError =>
  new GroundworkError(
    'checkpoint-damaged',
    'This checkpoint of a run is damaged.',
    'An earlier checkpoint of the run can still be used.',
    { cause },
  );

/** @throws GroundworkError `checkpoint-version`, `checkpoint-damaged` */
function headerOf<Rest>(text: string): Header<Rest> {
  let header: unknown;
  try {
    header = parseJson(text);
  } catch (cause) {
    throw damaged(cause);
  }
  if (typeof header !== 'object' || header === null) throw damaged();
  const { version, merged, learning, optimizerStep } = header as Partial<Header<Rest>>;
  if (version !== VERSION)
    throw new GroundworkError(
      'checkpoint-version',
      'This checkpoint was written by another version of Groundwork.',
      'Open it with that version, or start the run again.',
    );
  const areTargets = (value: unknown) =>
    Array.isArray(value) &&
    value.every((target: unknown) => typeof (target as AdapterTarget | null)?.module === 'string');
  const sound =
    Array.isArray(merged) &&
    merged.every(areTargets) &&
    (learning === null || areTargets(learning)) &&
    (optimizerStep === null || typeof optimizerStep === 'number');
  if (!sound) throw damaged();
  return header as Header<Rest>;
}

const nameOf = (prefix: string, module: string, part: 'A' | 'B') => `${prefix}.${module}.lora_${part}.weight`;

function matricesOf(
  prefix: string,
  targets: readonly AdapterTarget[],
  matrices: ReadonlyMap<string, AdapterMatrices>,
): TensorToWrite[] {
  return targets.flatMap(({ module, r, inFeatures, outFeatures }): TensorToWrite[] => {
    const { a, b } = matrices.get(module)!;
    const tensor = (part: 'A' | 'B', shape: readonly number[], values: Float32Array): TensorToWrite => ({
      name: nameOf(prefix, module, part),
      dtype: 'F32',
      shape,
      bytes: () => new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
    });
    return [tensor('A', [r, inFeatures], a), tensor('B', [outFeatures, r], b)];
  });
}

async function readMatrices(
  tensors: Safetensors,
  prefix: string,
  targets: readonly AdapterTarget[],
): Promise<Map<string, AdapterMatrices>> {
  const read = async (module: string, part: 'A' | 'B') =>
    toFloat32(await tensors.read(nameOf(prefix, module, part)), 'F32');
  const all = new Map<string, AdapterMatrices>();
  for (const { module } of targets) all.set(module, { a: await read(module, 'A'), b: await read(module, 'B') });
  return all;
}
