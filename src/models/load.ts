/** Opens a checkpoint folder of any supported family. */
import { count } from '../base/counts.ts';
import { printed } from '../base/json.ts';
import { GroundworkError } from '../base/error.ts';
import { parseShallow } from '../base/json.ts';
import type { ByteSource } from '../formats/byte-source.ts';
import { openCheckpoint, type CheckpointWeights } from '../formats/checkpoint-files.ts';
import { readableWeights } from '../formats/quantised-weights.ts';
import type { Session } from '../gpu/recorder.ts';
import type { BoxFamily } from '../grounding/convention.ts';
import { ChatTemplate, findTemplate } from '../text/chat-template.ts';
import { Tokenizer, type TokenizerConfig } from '../text/tokenizer.ts';
import type { VisionLanguageModel } from './model.ts';
import type { PixelLimits, Processor } from './processor.ts';
import type { Architecture, ParseArchitecture } from './architecture.ts';
import type { Fields, Json } from './fields.ts';
import { notesOnLeftover } from './leftover-weights.ts';
import { notesOnPictures, pictureFile } from './picture-file.ts';
import { qwen25VL } from './qwen2_5_vl/architecture.ts';
import { qwen2VL } from './qwen2_vl/architecture.ts';
import { qwen3VL } from './qwen3_vl/architecture.ts';
import { idefics3, smolVLM } from './smolvlm/architecture.ts';
import { entriesOf, VisionLanguage } from './vision-language.ts';
import type { LoadOptions, Reconstruction, WeightDType } from './weights.ts';

/** A checkpoint's files by name, as they lie in its folder. */
export type CheckpointFolder = ReadonlyMap<string, ByteSource>;

export interface LoadedModel {
  readonly model: VisionLanguageModel;
  readonly architecture: Architecture;
  /** How matrices are held. */
  readonly dtype: WeightDType;
  /** What quantising lost, by tensor; empty where nothing is quantised. */
  readonly reconstruction: readonly Reconstruction[];
  readonly processor: Processor;
  /** What was skipped or assumed in the folder's files, in whole sentences for the user. */
  readonly notes: readonly string[];
  readonly folder: CheckpointFolder;
  readonly checkpoint: CheckpointWeights;
}

export interface OpenOptions extends Partial<Omit<LoadOptions, 'dtype'>> {
  /** Default: f32 for small models (merges stay exact), f16 above. */
  readonly dtype?: WeightDType;
  readonly limits?: Partial<PixelLimits>;
}

/** By `model_type` of config.json: every family that boxes can be written for, and those that are another by name. */
const FAMILIES: Readonly<Record<BoxFamily | 'idefics3', ParseArchitecture>> = {
  qwen2_vl: qwen2VL,
  qwen2_5_vl: qwen25VL,
  qwen3_vl: qwen3VL,
  smolvlm: smolVLM,
  idefics3,
};

export const SUPPORTED_MODEL_TYPES: readonly string[] = Object.keys(FAMILIES);

/** Up to this many bytes of weights a model is held in f32 by default. */
const F32_BUDGET = 256 * 2 ** 20;

/**
 * Reads configuration, tokenizer and template, then moves the weights to the GPU.
 * @throws GroundworkError `checkpoint-incomplete`, `model-unsupported`, `tokenizer-token`, and what the parts throw
 */
export async function loadModel(
  session: Session,
  folder: CheckpointFolder,
  options: OpenOptions = {},
): Promise<LoadedModel> {
  const config = await jsonOf(folder, 'config.json');
  const architecture = parseArchitecture(config);
  const { tokenizer, template } = await openText(folder);
  const ofPictures = ['preprocessor_config.json', 'processor_config.json'] as const;
  const preprocessor = pictureFile(
    await optionalJson(folder, ofPictures[0]),
    await optionalJson(folder, ofPictures[1]),
  );
  const processor = architecture.processor(
    {
      preprocessor,
      generation: (await optionalJson(folder, 'generation_config.json')) ?? {},
      tokenizer,
      template,
    },
    options.limits,
  );
  // Of another model's tokenizer this would only be found with the first picture.
  const { token } = processor.placeholder([]);
  const id = tokenizer.requireId(token);
  if (!architecture.suppressedTokens.includes(id))
    throw new GroundworkError(
      'config-invalid',
      `config.json counts no token of pictures with the id ${id}, which ${token} has in the tokenizer.`,
      'The tokenizer and config.json belong to different models, or ids were changed in one of them: take both from the same revision.',
    );
  const { checkpoint, notes: ofWeights } = await readableWeights(await openCheckpoint(folder), config);
  const entries = new Set(entriesOf(architecture).map(({ name }) => name));
  const ofLeftover = await notesOnLeftover(architecture, checkpoint, entries);
  const parameters = [...checkpoint.tensors.values()].reduce((sum, t) => sum + t.shape.reduce((a, b) => a * b, 1), 0);
  const dtype = options.dtype ?? (parameters * 4 <= F32_BUDGET ? 'f32' : 'f16');
  const model = await VisionLanguage.load(session, architecture, checkpoint, { ...options, dtype });
  const notes = [
    ...architecture.notes,
    ...ofWeights,
    ...ofLeftover,
    ...notesOnPictures(preprocessor, saysOfPictures(folder, preprocessor), limitsInWords(processor.limits)),
  ];
  return { model, architecture, dtype, reconstruction: model.reconstruction, processor, notes, folder, checkpoint };
}

const saysOfPictures = (folder: CheckpointFolder, { file }: Fields): boolean => folder.has(file);

const limitsInWords = ({ minPixels, maxPixels }: PixelLimits): string =>
  `from ${count(minPixels)} to ${count(maxPixels)} pixels`;

/** @throws GroundworkError `model-unsupported`, naming the supported types; `config-invalid` */
export function parseArchitecture(config: Json): Architecture {
  const type = printed(config['model_type'] ?? '');
  const parse = Object.hasOwn(FAMILIES, type) ? FAMILIES[type as keyof typeof FAMILIES] : undefined;
  if (!parse)
    throw new GroundworkError(
      'model-unsupported',
      `Groundwork does not support checkpoints of type “${type}”.`,
      `Supported: ${SUPPORTED_MODEL_TYPES.join(', ')}.`,
    );
  return parse(config);
}

/** The checkpoint's key of a module's weight; the head's is the embedding's where the two are one. */
export function weightKey(
  { architecture, checkpoint }: Pick<LoadedModel, 'architecture' | 'checkpoint'>,
  module: string,
): string | undefined {
  const { tieWordEmbeddings, module: decoder } = architecture.decoder;
  const name = module === 'lm_head' && tieWordEmbeddings ? `${decoder}.embed_tokens` : module;
  return [...checkpoint.tensors.keys()].find((key) => architecture.canonicalName(key) === `${name}.weight`);
}

/** What a folder says of texts, as it stands: for files that hold it in their own way. */
export async function textFiles(
  folder: CheckpointFolder,
): Promise<{ readonly tokenizer: Json; readonly tokenizerConfig: TokenizerConfig; readonly template: string }> {
  const tokenizerConfig = ((await optionalJson(folder, 'tokenizer_config.json')) ?? {}) as TokenizerConfig;
  const tokenizer = await jsonOf(folder, 'tokenizer.json');
  const jinja = await optionalText(folder, 'chat_template.jinja');
  const json = await optionalJson(folder, 'chat_template.json');
  const template = findTemplate({ ...(jinja !== null && { jinja }), ...(json && { json }), tokenizerConfig });
  return { tokenizer, tokenizerConfig, template };
}

async function openText(folder: CheckpointFolder): Promise<{ tokenizer: Tokenizer; template: ChatTemplate }> {
  const files = await textFiles(folder);
  const tokenizer = new Tokenizer(files.tokenizer, files.tokenizerConfig);
  return {
    tokenizer,
    template: new ChatTemplate(files.template, {
      bos_token: tokenizer.named('bos_token'),
      eos_token: tokenizer.named('eos_token'),
    }),
  };
}

async function optionalText(folder: CheckpointFolder, name: string): Promise<string | null> {
  const file = folder.get(name);
  return file ? new TextDecoder().decode(await file.read(0, file.size)) : null;
}

async function optionalJson(folder: CheckpointFolder, name: string): Promise<Json | null> {
  const text = await optionalText(folder, name);
  if (text === null) return null;
  try {
    return parseShallow(text.replace(/^\uFEFF/, '')) as Json;
  } catch (cause) {
    throw new GroundworkError(
      'checkpoint-invalid',
      `${name} is not JSON that can be read: ${(cause as Error).message}.`,
      'Download the file again.',
      { cause },
    );
  }
}

/** @throws GroundworkError `checkpoint-incomplete`, `checkpoint-invalid` */
export async function jsonOf(folder: CheckpointFolder, name: string): Promise<Json> {
  const json = await optionalJson(folder, name);
  if (!json)
    throw new GroundworkError(
      'checkpoint-incomplete',
      `The model folder has no ${name}.`,
      'Choose the whole folder of a Hugging Face checkpoint.',
    );
  return json;
}
