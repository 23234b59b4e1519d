/** An adapter as a GGUF of its own, which llama.cpp lays over the text model (`--lora`). */
import { f32, string, type GgufTensorToWrite } from '../../formats/gguf.ts';
import { GGUF_TYPES } from '../../formats/gguf-types.ts';
import type { OutputFile } from '../checkpoint-folder.ts';
import type { MergedAdapter } from '../merged-rows.ts';
import { ggufObstacles, unserved, written, type Exportable } from './model.ts';
import { pairs } from './tensors.ts';

export const ADAPTER_FILE = 'adapter-f32.gguf';

/** Why llama.cpp cannot lay this adapter over the model; empty: it can. */
export function adapterObstacles({ architecture }: Exportable, { targets }: MergedAdapter): string[] {
  const modules = targets.map(({ module }) => module);
  const tower = modules.filter((module) => placeOf(architecture.gguf, module)?.file === 'mmproj');
  return [
    ...(tower.length
      ? [
          `The adapter changes ${tower.length} modules of the vision tower, and llama.cpp lays adapters over the text model alone.`,
        ]
      : []),
    ...(modules.includes('lm_head') && architecture.decoder.tieWordEmbeddings
      ? [
          'The adapter changes the output head, which is the embedding’s matrix in this model: llama.cpp has no head of its own to lay it over.',
        ]
      : []),
  ];
}

const placeOf = (gguf: Exportable['architecture']['gguf'], module: string) => gguf.places(`${module}.weight`)?.[0];

/**
 * `adapter.lora.alpha` is one for all modules; where they differ, the difference is in B.
 * @throws GroundworkError `gguf-unsupported` before anything is written
 */
export async function ggufAdapterFiles(model: Exportable, adapter: MergedAdapter): Promise<OutputFile[]> {
  const { gguf } = model.architecture;
  const ofModel = await ggufObstacles(model);
  if (ofModel.length) throw unserved(`“${model.name}”, nor an adapter of it`, ofModel);
  const obstacles = adapterObstacles(model, adapter);
  if (obstacles.length) throw unserved('this adapter by itself', obstacles);
  const [first] = adapter.targets;
  const alpha = first!.scaling * first!.r;
  const tensors = adapter.targets.flatMap((target): GgufTensorToWrite[] => {
    const { name, pairedHeads } = placeOf(gguf, target.module)!;
    const { a, b } = adapter.matrices.get(target.module)!;
    const { r, inFeatures, outFeatures } = target;
    const factor = (target.scaling * r) / alpha;
    const order = pairedHeads === undefined ? null : pairs(outFeatures, outFeatures / pairedHeads);
    const lower = new Float32Array(b.length);
    for (let row = 0; row < outFeatures; row++)
      for (let k = 0; k < r; k++) lower[row * r + k] = factor * b[(order ? order[row]! : row) * r + k]!;
    return [matrix(`${name}.lora_a`, [r, inFeatures], a), matrix(`${name}.lora_b`, [outFeatures, r], lower)];
  });
  const metadata = {
    'general.architecture': string(gguf.architecture),
    'general.type': string('adapter'),
    'general.name': string(`adapter of ${model.name}`),
    'adapter.type': string('lora'),
    'adapter.lora.alpha': f32(alpha),
  };
  return [written(ADAPTER_FILE, metadata, tensors)];
}

const matrix = (name: string, shape: readonly number[], values: Float32Array): GgufTensorToWrite => ({
  name,
  type: 'F32',
  shape,
  async *bytes() {
    yield GGUF_TYPES.F32.encode(values, name);
  },
});
