/**
 * The whole model as llama.cpp serves it: the text model with its tokenizer in one GGUF, the vision tower and projector
 * (mmproj) in another, adapters folded in; streamed, so that no tensor is in memory whole.
 */
import { GroundworkError } from '../../base/error.ts';
import {
  bool,
  string,
  u32,
  writeGguf,
  type GgufMetadata,
  type GgufTensorToWrite,
  type GgufValue,
} from '../../formats/gguf.ts';
import { GGUF_TYPES, ggufBytes } from '../../formats/gguf-types.ts';
import { isDerived } from '../../models/leftover-weights.ts';
import { ggufText, type GgufText } from '../../models/gguf-text.ts';
import { weightKey, type LoadedModel } from '../../models/load.ts';
import type { GgufFile } from '../../models/gguf.ts';
import type { OutputFile } from '../checkpoint-folder.ts';
import type { MergedAdapter } from '../merged-rows.ts';
import { PRECISIONS, type GgufPrecision } from './precisions.ts';
import { placedTensor } from './tensors.ts';

/** What of a loaded model is read here. */
export type Exportable = Pick<LoadedModel, 'architecture' | 'checkpoint' | 'folder' | 'processor'> & {
  readonly name: string;
};

const HEAD = 'lm_head';
/** `general.quantization_version` of ggml. */
const QUANTISATION = 2;

export const textFileName = (precision: GgufPrecision): string => `model-${precision}.gguf`;
export const mmprojFileName = (precision: GgufPrecision): string =>
  `mmproj-${PRECISIONS[precision].tower.toLowerCase()}.gguf`;

/** Why llama.cpp cannot serve this model as it answers here, in whole sentences; empty: it can. */
export async function ggufObstacles(model: Exportable): Promise<string[]> {
  return obstaclesOf(model, await textOf(model));
}

const textOf = ({ architecture, folder }: Exportable): Promise<GgufText> =>
  ggufText(folder, architecture.decoder.vocabSize);

function obstaclesOf({ architecture, checkpoint, processor }: Exportable, text: GgufText): string[] {
  const { gguf } = architecture;
  const strangers = [...checkpoint.tensors.keys()].filter((key) => {
    const name = architecture.canonicalName(key);
    return !isDerived(name) && gguf.places(name) === null;
  });
  return [
    ...gguf.obstacles,
    ...gguf.pictures(processor.limits).obstacles,
    ...text.obstacles,
    ...((processor.normalisation.rescaleFactor ?? 1 / 255) === 1 / 255
      ? []
      : ['llama.cpp divides colours by 255, and this model’s files say otherwise.']),
    ...(strangers.length
      ? [
          `The checkpoint has ${strangers.length === 1 ? 'a tensor' : `${strangers.length} tensors`} for which llama.cpp has no place: ${strangers.slice(0, 4).join(', ')}${strangers.length > 4 ? ', …' : ''}.`,
        ]
      : []),
  ];
}

export const unserved = (what: string, obstacles: readonly string[]): GroundworkError =>
  new GroundworkError(
    'gguf-unsupported',
    `llama.cpp cannot serve ${what}. ${obstacles.join(' ')}`,
    'Nothing was written. Write the merged weights: transformers and vLLM load them.',
  );

/**
 * Two files of weights. An adapter on a head that is the embedding's matrix, too, gives the file a head of its own.
 * @throws GroundworkError `gguf-unsupported` before anything is written, with every reason; `adapter-mismatch`
 */
export async function ggufFiles(
  model: Exportable,
  adapters: readonly MergedAdapter[],
  precision: GgufPrecision,
): Promise<{ readonly files: OutputFile[]; readonly leftOut: readonly string[] }> {
  const { architecture, processor, name } = model;
  const text = await textOf(model);
  const obstacles = obstaclesOf(model, text);
  if (obstacles.length) throw unserved(`“${name}”`, obstacles);
  const { tensors, leftOut } = placedTensors(model, adapters, precision);
  const { gguf } = architecture;
  const { fileType } = PRECISIONS[precision];
  const general = (type: string, of: string): GgufMetadata => ({
    'general.architecture': string(of),
    'general.type': string(type),
    'general.name': string(name),
    'general.quantization_version': u32(QUANTISATION),
  });
  const factors = gguf.ropeFactors;
  const { mean, std } = processor.normalisation;
  const files = [
    written(
      textFileName(precision),
      {
        ...general('model', gguf.architecture),
        'general.file_type': u32(fileType),
        ...gguf.text,
        ...tokenizerMetadata(model, text),
      },
      [
        ...tensors.text,
        ...(factors
          ? [
              {
                name: 'rope_freqs.weight',
                type: 'F32' as const,
                shape: [factors.length],
                bytes: () => once(GGUF_TYPES.F32.encode(Float32Array.from(factors), 'rope_freqs')),
              },
            ]
          : []),
      ],
    ),
    written(
      mmprojFileName(precision),
      {
        ...general('mmproj', 'clip'),
        'general.file_type': u32(precision === 'bf16' ? fileType : PRECISIONS.f16.fileType),
        ...gguf.mmproj,
        'clip.vision.image_mean': { type: 'f32[]', value: mean },
        'clip.vision.image_std': { type: 'f32[]', value: std },
        ...gguf.pictures(processor.limits).metadata,
      },
      tensors.mmproj,
    ),
  ];
  return { files, leftOut };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

export const written = (path: string, metadata: GgufMetadata, tensors: readonly GgufTensorToWrite[]): OutputFile => ({
  path,
  data: writeGguf(metadata, tensors),
  tensors: tensors.map((tensor) => ({ name: tensor.name, shape: tensor.shape, byteLength: ggufBytes(tensor) })),
  container: 'gguf',
});

function placedTensors(
  model: Exportable,
  adapters: readonly MergedAdapter[],
  precision: GgufPrecision,
): { readonly tensors: Record<GgufFile, GgufTensorToWrite[]>; readonly leftOut: string[] } {
  const { architecture, checkpoint } = model;
  const { decoder, gguf } = architecture;
  const learnt = new Set(adapters.flatMap(({ targets }) => targets.map(({ module }) => module)));
  const tensors: Record<GgufFile, GgufTensorToWrite[]> = { text: [], mmproj: [] };
  const leftOut: string[] = [];
  const write = (key: string, name: string) => {
    const module = name.replace(/\.weight$/, '');
    learnt.delete(module);
    for (const place of gguf.places(name)!)
      tensors[place.file].push(placedTensor(checkpoint, key, module, place, precision, adapters));
  };
  for (const key of checkpoint.tensors.keys()) {
    const name = architecture.canonicalName(key);
    // Derived from the configuration, or a copy of the embedding, which llama.cpp takes for the head.
    if (isDerived(name) || (name === `${HEAD}.weight` && decoder.tieWordEmbeddings)) leftOut.push(key);
    else write(key, name);
  }
  if (decoder.tieWordEmbeddings && learnt.has(HEAD)) write(weightKey(model, HEAD)!, `${HEAD}.weight`);
  if (learnt.size)
    throw new GroundworkError(
      'adapter-mismatch',
      `The checkpoint has no ${[...learnt][0]} to add the adapter to (${learnt.size} modules are missing).`,
      'Export the adapter only, and merge it with PEFT.',
    );
  return { tensors, leftOut };
}

/** The chat template stands beside the tokens: servers render conversations by it. */
function tokenizerMetadata(
  { processor }: Exportable,
  { pre, tokens, kinds, merges, template }: GgufText,
): GgufMetadata {
  const { tokenizer, eosTokenIds, padTokenId } = processor;
  const named = tokenizer.named('bos_token');
  // Where none is named, servers would take a token of the alphabet for it.
  const bos = (named === null ? null : tokenizer.idOf(named)) ?? padTokenId;
  const entries: Record<string, GgufValue> = {
    model: string('gpt2'),
    pre: string(pre),
    tokens: { type: 'string[]', value: tokens },
    token_type: { type: 'i32[]', value: kinds },
    merges: { type: 'string[]', value: merges },
    bos_token_id: u32(bos),
    eos_token_id: u32(eosTokenIds[0]!),
    padding_token_id: u32(padTokenId),
    // The template writes what begins a conversation.
    add_bos_token: bool(false),
  };
  return {
    ...Object.fromEntries(Object.entries(entries).map(([key, value]) => [`tokenizer.ggml.${key}`, value])),
    'tokenizer.chat_template': string(template),
  };
}
