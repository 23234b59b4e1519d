/**
 * Every reader of outside bytes: valid inputs to start from, words of its language, and how it is called. A file of src/
 * that reads outside bytes and stands in no entry fails a test (tests/tools/fuzz.test.ts).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zipSync } from 'fflate';
import { openDataset } from '../../src/data/dataset.ts';
import { answerParts } from '../../src/data/answer-parts.ts';
import { span } from '../../src/data/row-list.ts';
import { BENCHMARKS } from '../../src/benchmarks/index.ts';
import { takeProjectFile } from '../../src/engine/keep/project-file.ts';
import { Judgements } from '../../src/engine/thoughts/judgements.ts';
import { editsOf, historyOf, readEdits, writeEdits } from '../../src/data/edits/edit-log.ts';
import { readForeign } from '../../src/evaluate/foreign.ts';
import { readChoice } from '../../src/grounding/choice.ts';
import { foreignAnswers } from '../../src/evaluate/prediction-files.ts';
import { headerLine, predictionLine, readPredictions } from '../../src/evaluate/prediction.ts';
import { base64Bytes } from '../../src/formats/base64.ts';
import { blobSource, type ByteSource } from '../../src/formats/byte-source.ts';
import { INDEX_FILE, openCheckpoint } from '../../src/formats/checkpoint-files.ts';
import { licenceOf } from '../../src/engine/export/licence.ts';
import { matchAdapterKeys } from '../../src/formats/peft.ts';
import { readAdapterConfig } from '../../src/formats/peft-config.ts';
import { readableWeights } from '../../src/formats/quantised-weights.ts';
import { openSafetensors } from '../../src/formats/safetensors.ts';
import { box01 } from '../../src/grounding/box.ts';
import { CONVENTIONS } from '../../src/grounding/convention.ts';
import { parseAnswer } from '../../src/grounding/parse.ts';
import { decodeBmp } from '../../src/image/bmp.ts';
import { decodeGif } from '../../src/image/gif.ts';
import { decodeCmykJpeg } from '../../src/image/jpeg.ts';
import { opaqueAvif, opaqueWebp } from '../../src/image/opaque.ts';
import { decodePng } from '../../src/image/png.ts';
import { endsWell, readImageHeader, whyUnreadable } from '../../src/image/size.ts';
import { decodeTiff } from '../../src/image/tiff.ts';
import { decodeLosslessWebp } from '../../src/image/webp-lossless.ts';
import { Fields } from '../../src/models/fields.ts';
import { parseArchitecture } from '../../src/models/load.ts';
import { folderUnder } from '../../src/models/picture-budget.ts';
import { pictureFile } from '../../src/models/picture-file.ts';
import { fileRecords } from '../../src/store/file-records.ts';
import { hubAddress } from '../../src/store/hub-address.ts';
import { listFiles, resolveCommit } from '../../src/store/hub-listing.ts';
import { HubRequests } from '../../src/store/hub-request.ts';
import { memoryFiles } from '../../src/store/memory-files.ts';
import { ModelCache } from '../../src/store/model-cache.ts';
import { storageInFiles } from '../../src/store/storage.ts';
import { Vault } from '../../src/store/vault.ts';
import { readRunFile } from '../../src/studio/state/run-file.ts';
import { ChatTemplate, findTemplate } from '../../src/text/chat-template.ts';
import { Tokenizer } from '../../src/text/tokenizer.ts';
import { readCheckpoint } from '../../src/train/checkpoint-file.ts';
import { resolveLoraTargets } from '../../src/train/peft-targets.ts';
import { readTeacher } from '../../src/train/synthesis/teacher-question.ts';
import { teacherAddress } from '../../src/train/teacher/address.ts';
import { readChat, readModels, refusalOf } from '../../src/train/teacher/chat.ts';
import { fetchCourier } from '../../src/train/teacher/courier.ts';
import { ReplyCache } from '../../src/train/teacher/reply-cache.ts';
import { parseRecipe } from '../../src/train/recipe-schema.ts';
import { readCoordinates } from '../../src/cli/intake.ts';
import { parseShallow } from '../../src/base/json.ts';

export type Bytes = Uint8Array<ArrayBuffer>;

export interface Reader {
  /** Files of src/ that it puts to the test. */
  readonly files: readonly string[];
  readonly words?: readonly string[];
  /** Valid inputs: text is mutated by its structure, too. */
  seeds(): readonly (Uint8Array | string)[];
  /** Puts a mutated input where the reader finds it, such as into an archive. */
  wrap?(bytes: Bytes): Bytes;
  read(bytes: Bytes): unknown;
}

const bytesSource = (bytes: Bytes): ByteSource => blobSource(new Blob([bytes]));

const root = join(import.meta.dirname, '../..');
const file = (path: string): Uint8Array => readFileSync(join(root, path));
const text = (path: string): string => readFileSync(join(root, path), 'utf8');
const decode = (bytes: Bytes): string => new TextDecoder().decode(bytes);
const STARTER = 'public/starter/model';
const GOLDEN = 'tests/golden';
const PICTURES = `${GOLDEN}/pictures`;

/** A dataset with a mutated file, and every row of it. */
const dataset = (path: string) => async (bytes: Bytes) => {
  const opened = await openDataset('fuzz', [
    { path, file: new Blob([bytes]) },
    ...['a', 'b', 'c'].map((name) => ({ path: `images/${name}.png`, file: new Blob([header()]) })),
  ]);
  for (const part of ['train', 'heldout'] as const) {
    const rows = opened.rows(part);
    await rows.read(span(rows, 0, Math.min(rows.length, 50)));
  }
};

/** Rows alone. */
const someRows = () => rowSeeds().map((rows) => JSON.stringify((JSON.parse(rows) as unknown[])[0]));

/** A file of a folder in which every file is a row, among some that are sound. */
async function pool(bytes: Bytes): Promise<void> {
  const sound = someRows()[0]!;
  const opened = await openDataset('fuzz', [
    { path: 'pool/0001.json', file: new Blob([bytes]) },
    ...['0002', '0003', '0004'].map((name) => ({ path: `pool/${name}.json`, file: new Blob([sound]) })),
    ...['a', 'b', 'c'].map((name) => ({ path: `pool/images/${name}.png`, file: new Blob([header()]) })),
  ]);
  for (const part of ['train', 'heldout'] as const) {
    const rows = opened.rows(part);
    await rows.read(span(rows, 0, rows.length));
  }
}

/** A picture of 200 × 100 without pixels. */
function header(): Bytes {
  const bytes = new Uint8Array(45);
  bytes.set([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52]);
  bytes.set([0, 0, 0, 200, 0, 0, 0, 100, 8, 2], 16);
  bytes.set([0, 0, 0, 0, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82], 33);
  return bytes;
}

const rowSeeds = (): string[] =>
  Object.values(JSON.parse(text('tests/data/row-formats.json')) as Record<string, unknown>).map((rows) =>
    JSON.stringify(rows),
  );

const COCO = JSON.stringify({
  images: [{ id: 1, file_name: 'images/a.png', width: 200, height: 100 }],
  annotations: [{ id: 1, image_id: 1, category_id: 3, bbox: [10, 20, 30, 40], iscrowd: 0 }],
  categories: [{ id: 3, name: 'cup' }],
});
const CSV =
  'id,images,question,answer\n1,images/a.png,"Find the ""cup""","[10, 20, 30, 40]"\n2,images/b.png,q,"[1,2,3,4]"\n';
const VOC =
  '<annotation><filename>a.png</filename><size><width>200</width><height>100</height></size><object><name>cup</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax></bndbox></object></annotation>';
const ANSWERS = [
  '<think>The first, perhaps.</think><answer>[{"image": 2, "bbox_2d": [10, 20, 300, 400], "label": "cup"}]</answer>',
  'Image-2: <|object_ref_start|>cup<|object_ref_end|><|box_start|>(100,200),(500,600)<|box_end|>',
  "In the third image: {'box': [0.1, 0.2, 0.3, 0.4]} and array([1, 2, 3, 4]), (5，6，7，8)",
  '```json\n[{"box_2d": [1, 2, 3, 4], "label": "第二张图"}]\n```',
];
const BOX_WORDS = [
  '<think>',
  '</think>',
  '<answer>',
  '</answer>',
  '[1,2,3,4]',
  '(1,2),(3,4)',
  'Image-1: ',
  '<|box_start|>',
  '"image": 2',
  '0.5',
  '第三张',
  'bbox_2d',
  '<|im_end|>',
  '<image>',
];

/** Octal numbers and blocks of 512, as tar has them. */
function tar(name: string, content: string): Bytes {
  const bytes = new Uint8Array(512 + Math.ceil(content.length / 512) * 512 + 1024);
  const put = (at: number, words: string) => bytes.set(new TextEncoder().encode(words), at);
  put(0, name);
  put(100, '0000644\0');
  put(124, content.length.toString(8).padStart(11, '0'));
  put(257, 'ustar\x0000');
  bytes[156] = 0x30;
  put(148, '        ');
  put(
    148,
    `${bytes
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
  );
  put(512, content);
  return bytes;
}

function safetensors(head: object, bytes = 64): Bytes {
  const json = new TextEncoder().encode(JSON.stringify(head));
  const all = new Uint8Array(8 + json.length + bytes);
  new DataView(all.buffer).setBigUint64(0, BigInt(json.length), true);
  all.set(json, 8);
  return all;
}

/** A header of JSON that may be none, before 64 bytes of values. */
const headed = (json: Bytes): Bytes => {
  const all = new Uint8Array(8 + json.length + 64);
  new DataView(all.buffer).setBigUint64(0, BigInt(json.length), true);
  all.set(json, 8);
  return all;
};

const HEADER = JSON.stringify({
  __metadata__: { format: 'pt' },
  a: { dtype: 'F32', shape: [2, 4], data_offsets: [0, 32] },
  b: { dtype: 'BF16', shape: [16], data_offsets: [32, 64] },
});
const readAll = async (weights: { tensors: ReadonlyMap<string, unknown>; read(name: string): Promise<unknown> }) => {
  for (const name of weights.tensors.keys()) await weights.read(name);
};

const families = [
  'qwen2_5_vl/one-image',
  'qwen2_5_vl/yarn',
  'qwen2_vl/one-image',
  'qwen3_vl/one-image',
  'smolvlm/whole',
];
const checkpoints = families.map((family) => `${GOLDEN}/${family}/checkpoint`);
/** JSON of a checkpoint's file, as the loader reads it: what is no object is refused before. */
const object = (bytes: Bytes): Record<string, unknown> => {
  let value: unknown;
  try {
    value = parseShallow(decode(bytes));
  } catch {
    return {};
  }
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
};

const MODULES = [
  'model.language_model.layers.0.self_attn.q_proj',
  'model.language_model.layers.1.mlp.gate_proj',
  'model.visual.blocks.0.attn.qkv',
  'lm_head',
];
const ADAPTER = {
  peft_type: 'LORA',
  r: 4,
  lora_alpha: 8,
  target_modules: ['q_proj', 'gate_proj'],
  layers_to_transform: [0, 1],
  layers_pattern: 'layers',
  rank_pattern: { '^.*q_proj$': 2 },
  alpha_pattern: {},
};

const picture = (bytes: string | readonly number[], padding = 64): Uint8Array =>
  Uint8Array.from([
    ...(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes),
    ...Array<number>(padding).fill(0),
  ]);
const EXIF = [0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0];

export const READERS: Readonly<Record<string, Reader>> = {
  'rows as JSON': {
    files: [
      'formats/json-index',
      'formats/element-index',
      'formats/duplicate-keys',
      'formats/jsonl',
      'data/dataset',
      'data/recognise',
      'data/interpret',
      'data/places',
      'data/raw-row',
      'data/issue-log',
      'data/tables/open-tables',
      'data/tables/text-table',
      'data/formats/alpaca',
      'data/formats/llava',
      'data/formats/messages',
      'data/formats/ms-swift',
      'data/formats/prompt-completion',
      'data/formats/question-answer',
      'data/formats/swift-query',
      'data/formats/answer',
    ],
    words: BOX_WORDS,
    seeds: rowSeeds,
    read: dataset('rows.json'),
  },
  'rows as JSON Lines': {
    files: ['formats/jsonl', 'base/columns'],
    words: BOX_WORDS,
    seeds: () => rowSeeds().map((rows) => (JSON.parse(rows) as unknown[]).map((row) => JSON.stringify(row)).join('\n')),
    read: dataset('rows.jsonl'),
  },
  'rows that are a file each': {
    files: ['data/tables/single-rows'],
    words: BOX_WORDS,
    seeds: someRows,
    read: pool,
  },
  COCO: { files: ['data/tables/coco-tables'], seeds: () => [COCO], read: dataset('instances.json') },
  CSV: {
    files: ['formats/csv', 'base/csv'],
    words: ['""', '",', '\r\n', '\t'],
    seeds: () => [CSV],
    read: dataset('rows.csv'),
  },
  VOC: {
    files: ['data/tables/annotations', 'data/tables/label-files'],
    words: ['<object>', '</object>', '&amp;', '<!--', '<![CDATA['],
    seeds: () => [VOC],
    read: dataset('images/a.xml'),
  },
  YOLO: {
    files: ['data/tables/label-files'],
    seeds: () => ['0 0.5 0.5 0.2 0.2\n1 0.1 0.1 0.05 0.05\n'],
    read: dataset('labels/a.txt'),
  },
  Parquet: {
    files: ['data/tables/parquet-table', 'data/tables/parquet-claims'],
    seeds: () =>
      ['rows.parquet', 'row-formats/0.parquet', 'row-formats/zstd.parquet'].map((name) => file(`tests/data/${name}`)),
    read: dataset('rows.parquet'),
  },
  zip: {
    files: ['formats/zip', 'formats/zip-directory', 'formats/zip-names'],
    seeds: () => [
      zipSync({ 'rows.jsonl': Buffer.from(rowSeeds()[0]!), 'images/ä.png': header() }),
      zipSync({ 'a.csv': Buffer.from(CSV) }, { level: 0 }),
    ],
    read: dataset('all.zip'),
  },
  tar: {
    files: ['formats/tar'],
    seeds: () => [tar('rows.csv', CSV), tar('rows.json', rowSeeds()[0]!)],
    read: dataset('all.tar'),
  },
  gzip: { files: ['formats/expansion'], seeds: () => [gzipSync(Buffer.from(CSV))], read: dataset('rows.csv.gz') },
  'UTF-16': {
    files: ['formats/utf16'],
    seeds: () => [Buffer.from(`\ufeff${rowSeeds()[0]!}`, 'utf16le'), Buffer.from(CSV, 'utf16le')],
    read: dataset('rows.json'),
  },
  answers: {
    files: [
      'grounding/parse',
      'grounding/quads',
      'grounding/loose-json',
      'grounding/image-hint',
      'grounding/digits',
      'data/answer-parts',
      'grounding/choice',
    ],
    words: BOX_WORDS,
    seeds: () => ANSWERS,
    read(bytes) {
      const said = decode(bytes);
      const sizes = [
        { width: 640, height: 480 },
        { width: 100, height: 900 },
      ];
      for (const convention of Object.values(CONVENTIONS))
        for (const mode of ['strict', 'tolerant'] as const) parseAnswer(said, { convention, sizes, mode });
      answerParts(said);
      readChoice(said, 5);
    },
  },
  'picture headers': {
    files: ['image/size', 'image/decode'],
    seeds: () => [
      header(),
      picture([
        0xff,
        0xd8,
        0xff,
        0xe1,
        0,
        34,
        0x45,
        0x78,
        0x69,
        0x66,
        0,
        0,
        ...EXIF,
        0xff,
        0xc0,
        0,
        17,
        8,
        0,
        100,
        0,
        200,
        3,
        1,
        0x11,
        0,
      ]),
      picture('RIFF\x40\0\0\0WEBPVP8X\x0a\0\0\0\x08\0\0\0\xc7\0\0\x63\0\0EXIF\x1a\0\0\0MM\0*\0\0\0\x08'),
      picture('RIFF\x40\0\0\0WEBPVP8 \x10\0\0\0\0\0\0\x9d\x01\x2a\x10\0\x10\0'),
      picture('RIFF\x40\0\0\0WEBPVP8L\x10\0\0\0\x2f\x07\xc0\x01\0'),
      picture('BM\x40\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x10\0\0\0\x10\0\0\0\x01\0\x18\0'),
      picture('\0\0\0\x20ftypavif\0\0\0\0'),
      picture('II*\0\x08\0\0\0'),
    ],
    async read(bytes) {
      const blob = new Blob([bytes]);
      await readImageHeader(blob);
      await endsWell(blob);
      await whyUnreadable(blob);
    },
  },
  GIF: {
    files: ['image/gif'],
    seeds: () => [
      picture(
        'GIF89a\x03\0\x02\0\x81\0\0\x0a\x14\x1e\xc8\0\0\0\xc8\0\0\0\xc8\x2c\0\0\0\0\x03\0\x02\0\0\x02\x06\x04\x41\x10\x05\x31\x14\0\x3b',
        0,
      ),
    ],
    read: (bytes) => decodeGif(bytes),
  },
  PNG: {
    files: ['image/png'],
    seeds: () =>
      ['rgba', 'palette-transparent', 'interlaced', 'grey-16'].map((name) => file(`${PICTURES}/png/${name}.png`)),
    read: (bytes) => decodePng(bytes),
  },
  BMP: {
    files: ['image/bmp'],
    seeds: () => ['rle-8', 'rle-4', '565', 'one-bit'].map((name) => file(`${PICTURES}/bmp/${name}.bmp`)),
    read: (bytes) => decodeBmp(bytes),
  },
  TIFF: {
    files: ['image/tiff', 'image/tiff-head'],
    seeds: () => ['lzw', 'packbits', 'tiles', 'planes', 'cmyk'].map((name) => file(`${PICTURES}/tif/${name}.tif`)),
    read: (bytes) => decodeTiff(bytes),
  },
  'CMYK JPEG': {
    files: ['image/jpeg', 'image/jpeg-bits', 'image/jpeg-block'],
    seeds: () => ['cmyk', 'cmyk-progressive', 'ycck-420-restarts'].map((name) => file(`${PICTURES}/jpg/${name}.jpg`)),
    read: (bytes) => decodeCmykJpeg(bytes),
  },
  WebP: {
    files: ['image/opaque', 'image/webp-lossless', 'image/webp-bits', 'image/webp-transforms'],
    seeds: () =>
      ['lossless-alpha', 'lossless-palette-alpha', 'moving', 'lossy-alpha'].map((name) =>
        file(`${PICTURES}/webp/${name}.webp`),
      ),
    read: (bytes) => {
      const found = opaqueWebp(bytes);
      return found?.lossless ? decodeLosslessWebp(found.data) : found;
    },
  },
  AVIF: {
    files: ['image/avif', 'image/opaque'],
    seeds: () => ['alpha', 'mirrored'].map((name) => file(`${PICTURES}/avif/${name}.avif`)),
    read: async (bytes) => [opaqueAvif(bytes), await readImageHeader(new Blob([bytes]))],
  },
  'safetensors header': {
    files: ['formats/safetensors', 'formats/safetensors-writer'],
    seeds: () => [HEADER],
    wrap: headed,
    read: async (bytes) => readAll(await openSafetensors(bytesSource(bytes))),
  },
  safetensors: {
    files: ['formats/safetensors'],
    seeds: () => [safetensors(JSON.parse(HEADER) as object)],
    read: async (bytes) => readAll(await openSafetensors(bytesSource(bytes))),
  },
  'base model’s card': {
    files: ['engine/export/licence'],
    seeds: () => ['---\nlicense: apache-2.0\ntags: [vision]\n---\n# A model\n', '---\nlicense: "mit"   \n---'],
    read: (bytes) => licenceOf(new Map([['README.md', bytesSource(bytes)]])),
  },
  'safetensors index': {
    files: ['formats/checkpoint-files'],
    seeds: () => [JSON.stringify({ weight_map: { a: 'model-1.safetensors', b: 'model-1.safetensors' } })],
    read: async (bytes) =>
      openCheckpoint(
        new Map([
          [INDEX_FILE, bytesSource(bytes)],
          ['model-1.safetensors', bytesSource(safetensors(JSON.parse(HEADER) as object))],
        ]),
      ),
  },
  'quantised elsewhere': {
    files: ['formats/quantised-weights'],
    words: ['.absmax', '.quant_map', '_scale_inv', 'F8_E4M3', '.quant_state.bitsandbytes__nf4'],
    seeds: () => [
      JSON.stringify({
        config: { quantization_config: { quant_method: 'bitsandbytes', load_in_4bit: true } },
        head: {
          'a.weight': { dtype: 'U8', shape: [16, 1], data_offsets: [0, 16] },
          'a.weight.absmax': { dtype: 'F32', shape: [1], data_offsets: [16, 20] },
          'a.weight.quant_map': { dtype: 'F32', shape: [4], data_offsets: [20, 36] },
          'a.weight.quant_state.bitsandbytes__nf4': { dtype: 'U8', shape: [28], data_offsets: [36, 64] },
        },
      }),
      JSON.stringify({
        config: { quantization_config: { quant_method: 'fp8', weight_block_size: [2, 2] } },
        head: {
          'a.weight': { dtype: 'F8_E4M3', shape: [4, 4], data_offsets: [0, 16] },
          'a.weight_scale_inv': { dtype: 'F32', shape: [2, 2], data_offsets: [16, 32] },
        },
      }),
    ],
    async read(bytes) {
      const { config, head } = object(bytes) as { config?: unknown; head?: unknown };
      const weights = headed(new TextEncoder().encode(JSON.stringify(head ?? {})));
      const opened = await openCheckpoint(new Map([['model.safetensors', bytesSource(weights)]]));
      const { checkpoint } = await readableWeights(
        opened,
        typeof config === 'object' && config ? (config as Record<string, unknown>) : {},
      );
      await readAll(checkpoint);
    },
  },
  'config.json': {
    files: [
      'models/load',
      'models/decoder-shape',
      'models/qwen/text',
      'models/qwen/vision-sizes',
      'models/qwen2_5_vl/config',
      'models/qwen2_vl/vision',
      'models/qwen3_vl/vision',
      'models/smolvlm/vision',
      'models/rope',
      'engine/model/published',
      'studio/rooms/model/memory-panel',
    ],
    seeds: () => [...checkpoints, STARTER].map((folder) => text(`${folder}/config.json`)),
    read: (bytes) => void parseArchitecture(object(bytes)),
  },
  'preprocessor_config.json': {
    files: ['models/picture-file', 'models/picture-budget'],
    seeds: () => [...checkpoints, STARTER].map((folder) => text(`${folder}/preprocessor_config.json`)),
    async read(bytes) {
      for (const folder of checkpoints) {
        const architecture = parseArchitecture(JSON.parse(text(`${folder}/config.json`)) as Record<string, unknown>);
        const given = pictureFile(object(bytes), null);
        if (!(given instanceof Fields)) continue;
        const sizes = architecture.pictureSizes(given);
        sizes.modelSize({ width: 640, height: 480 });
        // Of a checkpoint that was loaded: what is no JSON does not get here.
        const file = blobSource(new Blob([JSON.stringify(object(bytes))]));
        await folderUnder(new Map([['preprocessor_config.json', file]]), sizes);
      }
    },
  },
  'tokenizer.json': {
    files: ['text/tokenizer', 'text/tokenizer-patterns'],
    seeds: () => [text(`${checkpoints[0]!}/tokenizer.json`), text(`${checkpoints[4]!}/tokenizer.json`)],
    read(bytes) {
      const tokenizer = new Tokenizer(object(bytes), {});
      tokenizer.decode(tokenizer.encode('Where is the cup? [10, 20]'));
    },
  },
  'tokenizer_config.json': {
    files: ['text/chat-template'],
    seeds: () => [
      text(`${checkpoints[0]!}/tokenizer_config.json`),
      JSON.stringify({ chat_template: [{ name: 'default', template: 'x' }], bos_token: { content: '<s>' } }),
    ],
    read(bytes) {
      const tokenizerConfig = object(bytes);
      const tokenizer = new Tokenizer(JSON.parse(text(`${checkpoints[0]!}/tokenizer.json`)) as object, tokenizerConfig);
      new ChatTemplate(findTemplate({ tokenizerConfig }), { bos_token: tokenizer.named('bos_token') });
    },
  },
  'chat template': {
    files: ['text/chat-template', 'text/template-interpreter'],
    words: [
      '{% for m in messages %}',
      '{% endfor %}',
      '{{ m.content }}',
      '{% if a is defined %}',
      '{% endif %}',
      '| tojson',
      '| trim',
      'range(9999999)',
      'namespace(a=1)',
      '{% set x = x ~ x %}',
      '{% macro f() %}',
      '{{ f() }}',
      '{% endmacro %}',
    ],
    seeds: () => checkpoints.slice(0, 4).map((folder) => text(`${folder}/chat_template.jinja`)),
    read: (bytes) =>
      void new ChatTemplate(decode(bytes)).render([
        { role: 'system', content: 'You point.' },
        {
          role: 'user',
          content: [
            { type: 'image', image: 0 },
            { type: 'text', text: 'Where?' },
          ],
        },
      ]),
  },
  'adapter_config.json': {
    files: ['formats/peft-config', 'train/import', 'engine/merging/folder-adapter'],
    seeds: () => [
      JSON.stringify(ADAPTER),
      JSON.stringify({ ...ADAPTER, target_modules: '.*language_model.*\\.(q|gate)_proj' }),
    ],
    read(bytes) {
      const { config } = readAdapterConfig(decode(bytes));
      resolveLoraTargets(
        MODULES.map((name) => ({ name, linear: true })),
        config,
      );
    },
  },
  'target_modules as a pattern': {
    files: ['base/regex-syntax', 'base/bounded-regex', 'train/peft-targets-regex'],
    words: ['(?:', '.*', ')*', '(?=', '(?!', '\\d+', '{2,9}', '[^.]', '(?P<a>', '|', '^', '$', '(.*\\.?)*z'],
    seeds: () => [
      '^(?!.*visual).*(?:q_proj|gate_proj)$',
      '.*\\.layers\\.\\d+\\.(self_attn|mlp)\\.\\w+',
      '(?P<a>model)\\.(.*\\.?)*z',
    ],
    read: (bytes) => {
      const { config } = readAdapterConfig(JSON.stringify({ ...ADAPTER, target_modules: decode(bytes) }));
      resolveLoraTargets(
        MODULES.map((name) => ({ name, linear: true })),
        config,
      );
    },
  },
  'adapter keys': {
    files: ['formats/peft-keys'],
    words: ['base_model.model.', '.lora_A', '.weight', '.default', 'lora_embedding_A'],
    seeds: () => [
      MODULES.map((name) => `base_model.model.${name}.lora_A.weight\nbase_model.model.${name}.lora_B.weight`).join(
        '\n',
      ),
    ],
    read: (bytes) => void matchAdapterKeys(decode(bytes).split('\n'), MODULES),
  },
  recipe: {
    files: ['train/recipe-schema'],
    seeds: () => [
      JSON.stringify((JSON.parse(text('public/starter/recorded-run.groundwork.json')) as { recipe: unknown }).recipe),
    ],
    read: (bytes) => void parseRecipe(decode(bytes), 'fuzz.json', 'default'),
  },
  'run file': {
    files: ['studio/state/run-file', 'base/json'],
    seeds: () => [shortened(text('public/starter/recorded-run.groundwork.json'))],
    read: (bytes) => void readRunFile(decode(bytes), 'fuzz.json'),
  },
  'checkpoint of a run': {
    files: ['train/checkpoint-file', 'engine/keep/keeper', 'engine/keep/position'],
    seeds: () => [
      JSON.stringify({
        version: 1,
        merged: [],
        learning: [{ module: 'a', r: 2, inFeatures: 4, outFeatures: 4, scaling: 1 }],
        optimizerStep: null,
        rest: { stage: 0 },
      }),
    ],
    wrap: (bytes) =>
      headed(
        new TextEncoder().encode(
          JSON.stringify({
            __metadata__: { groundwork: decode(bytes) },
            'learning.a.lora_A.weight': { dtype: 'F32', shape: [2, 4], data_offsets: [0, 32] },
            'learning.a.lora_B.weight': { dtype: 'F32', shape: [4, 2], data_offsets: [32, 64] },
          }),
        ),
      ),
    read: (bytes) => readCheckpoint(bytesSource(bytes)),
  },
  'records and log pieces': {
    files: ['store/file-records'],
    seeds: () => [
      JSON.stringify({ id: 'a', name: 'x', changedAt: 1 }),
      JSON.stringify({ from: 0, entries: [{ type: 'log' }] }),
    ],
    async read(bytes) {
      const files = memoryFiles();
      await files.writeText('records/projects/a.json', decode(bytes));
      await files.writeText('records/log/a/000000000.json', decode(bytes));
      const records = fileRecords(files);
      await records.all('projects');
      await records.log('a');
    },
  },
  vault: {
    files: ['store/vault'],
    seeds: () => [JSON.stringify({ id: 0, bytes: 3, digest: 'x', at: 1, about: {} })],
    async read(bytes) {
      const files = memoryFiles();
      await files.writeText('runs/000000.json', decode(bytes));
      await files.writeText('runs/000000.bin', 'abc');
      await new Vault(files, 'runs').newest();
    },
  },
  'downloaded models': {
    files: ['store/model-cache', 'store/model-cache-file'],
    seeds: () => [
      JSON.stringify({
        version: 1,
        endpoint: 'https://huggingface.co',
        id: 'a/b',
        revision: 'main',
        commit: 'c',
        files: [{ path: 'config.json', size: 3, sha256: null, gitSha1: null }],
      }),
    ],
    async read(bytes) {
      const files = memoryFiles();
      await files.writeText('a%2Fb/c/manifest.json', decode(bytes));
      await new ModelCache(files).list();
    },
  },
  'answers of a Hub': {
    files: ['store/hub-listing', 'store/hub-request', 'store/hub-download'],
    seeds: () => [
      JSON.stringify({ sha: 'a'.repeat(40) }),
      JSON.stringify([
        {
          type: 'file',
          path: 'model.safetensors',
          size: 9,
          oid: 'b'.repeat(40),
          lfs: { oid: 'c'.repeat(64), size: 9 },
        },
        { type: 'file', path: 'config.json', size: 2, oid: 'b'.repeat(40) },
      ]),
    ],
    async read(bytes) {
      const requests = new HubRequests(hubAddress({ id: 'a/b' }), {
        token: null,
        fetch: () => Promise.resolve(new Response(bytes)),
        sleep: () => Promise.resolve(),
      });
      const signal = new AbortController().signal;
      await refusing(resolveCommit(requests, signal));
      await listFiles(requests, 'a'.repeat(40), signal);
    },
  },
  'rows of benchmarks': {
    files: ['data/benchmark'],
    words: BOX_WORDS,
    seeds: () => [
      JSON.stringify(
        Array.from({ length: 3 }, (_, i) => ({
          image_path: 'images/a.png',
          instruction: `thing ${i}`,
          boxes: [[20, 10, 100, 60]],
        })),
      ),
      JSON.stringify([
        { image_list: ['images/a.png', 'images/b.png'], question: 'who?', bbox_list: ['', '[20, 10, 100, 60]'] },
      ]),
      JSON.stringify(
        ['(B)', '(A)'].map((answer, i) => ({
          idx: `val_Jigsaw_${i}`,
          sub_task: 'Jigsaw',
          question: 'Which?',
          image_1: 'images/a.png',
          image_2: 'images/b.png',
          choices: ['one', 'two'],
          answer,
          prompt: 'Which?\n(A) one\n(B) two',
        })),
      ),
    ],
    read: dataset('LISA_val.json'),
  },
  'answers to benchmarks': {
    files: ['benchmarks/grounding-me', 'benchmarks/odinw'],
    words: [...BOX_WORDS, '{"bbox_2d":', '```json', '{', '}'],
    seeds: () => [...ANSWERS, '{"bbox_2d": [1, 2, 3, 4]}', '```json\n[{"bbox_2d": [1, 2, 3, 4], "label": "cup"}]\n```'],
    read(bytes) {
      const written = { text: decode(bytes), boxes: [], sizes: [{ width: 200, height: 100 }] };
      const truth = { corners: [10, 20, 100, 60] as const, image: 0, label: 'cup' };
      for (const { name, score } of Object.values(BENCHMARKS))
        score(
          'task',
          {
            benchmark: name,
            prompt: '',
            boxes: [truth],
            space: 'natural',
            choice: { letter: 'B', options: 4 },
            categories: ['cup'],
            imageIds: [1],
          },
          written,
        );
    },
  },
  predictions: {
    files: ['evaluate/prediction', 'cli/prediction-log'],
    seeds: () => [
      headerLine({
        groundwork: 'predictions',
        version: 1,
        model: 'm',
        adapter: null,
        dataset: 'd',
        prompt: 'own',
        tokens: null,
        limit: 0,
        seed: 0,
        rows: 1,
        pictures: { minPixels: 1, maxPixels: 9 },
      }) +
        predictionLine({
          row: 'a',
          text: '[1, 2, 3, 4]',
          boxes: [],
          parsed: true,
          refused: false,
          sizes: [{ width: 2, height: 1 }],
        }),
    ],
    read: (bytes) => void readPredictions(decode(bytes)),
  },
  'predictions of other tools': {
    files: ['evaluate/prediction-files', 'evaluate/foreign'],
    words: BOX_WORDS,
    seeds: () => [
      JSON.stringify({ doc_id: 0, resps: [['[1, 2, 3, 4]']], filtered_resps: ['[1, 2, 3, 4]'] }),
      'index\tprediction\n1\t"[1, 2, 3, 4]"\n2\tnone',
    ],
    read(bytes) {
      const said = decode(bytes);
      for (const name of ['a.jsonl', 'a.tsv']) {
        // Of the same bytes one form may be refused, and the other is looked at, too.
        try {
          for (const { key, text: answer } of foreignAnswers(said, name))
            readForeign(key, answer, [{ width: 200, height: 100 }], 'thousandths');
        } catch (error) {
          if ((error as { code?: unknown }).code === undefined) throw error;
        }
      }
    },
  },
  'answers of a teacher': {
    files: ['train/teacher/chat', 'train/teacher/courier', 'train/synthesis/teacher-question'],
    words: [...BOX_WORDS, '<think>', '</think>', 'reasoning_content', 'finish_reason', '"stop"'],
    seeds: () => [
      JSON.stringify({
        choices: [
          {
            message: { content: '<think>The cup.</think>[[10, 20, 300, 400]]', reasoning_content: 'The left one.' },
            finish_reason: 'stop',
          },
        ],
        usage: { prompt_tokens: 3, completion_tokens: 9 },
      }),
      JSON.stringify({ error: { message: 'no such model', code: 'model_not_found' } }),
      JSON.stringify({ data: [{ id: 'm' }] }),
    ],
    async read(bytes) {
      const deliver = fetchCourier(teacherAddress('127.0.0.1:1'), 'key', () => Promise.resolve(new Response(bytes)));
      const letter = { method: 'GET', path: '/models', timeoutMs: 60_000 } as const;
      const { text: said } = await deliver(letter, new AbortController().signal);
      const reply = readChat(said);
      for (const space of ['thousandths', 'pixels'] as const)
        if (reply) readTeacher(reply, [{ width: 200, height: 100 }], space);
      refusalOf(said);
      readModels(said);
    },
  },
  'replies and judgements that are kept': {
    files: ['train/teacher/reply-cache', 'engine/thoughts/judgements'],
    seeds: () => [
      `${JSON.stringify({
        v: 1,
        key: 'a',
        reply: { thought: 't', content: 'c', finished: true, promptTokens: 1, completionTokens: 2 },
      })}\n`,
      JSON.stringify({ a: { verdict: 'accepted', words: 'w' } }),
    ],
    async read(bytes) {
      const files = memoryFiles();
      await files.writeText('kept', decode(bytes));
      (await Judgements.open(files, 'kept')).get('a');
      const cache = await ReplyCache.open(files, 'kept');
      cache.get('a');
      await cache.close();
    },
  },
  'project file': {
    files: ['engine/keep/project-file'],
    seeds: () => [
      JSON.stringify({
        format: 'groundwork-project',
        version: 1,
        project: { name: 'p', createdAt: 1, model: { kind: 'starter' }, dataset: null, recipe: null },
        runs: ['r'],
        data: false,
      }),
      JSON.stringify({
        id: 'r',
        state: 'finished',
        startedAt: 1,
        changedAt: 2,
        step: 3,
        events: 0,
        bytes: 0,
        modelName: 'm',
        datasetName: 'd',
        adapter: 'a',
        identity: { model: 'x', dataset: 'y' },
        keep: {},
        recipe: {},
      }),
    ],
    // Whichever part it was, the others are sound.
    wrap(bytes) {
      const [head, run] = READERS['project file']!.seeds() as readonly string[];
      const whole = (part: string | undefined) => new TextEncoder().encode(part);
      const isRun = decode(bytes).includes('startedAt');
      return zipSync({
        'project.json': isRun ? whole(head) : bytes,
        'edits.json': whole('[]'),
        'answers.json': whole('[]'),
        'runs/r/run.json': isRun ? bytes : whole(run),
        'runs/r/label.json': whole('{"name":"n","tags":["t"]}'),
        'runs/r/log.json': whole('[{"type":"log"}]'),
        'runs/r/checkpoints/1.json': whole('{}'),
      });
    },
    read: (bytes) =>
      takeProjectFile(storageInFiles(memoryFiles()), new Blob([bytes]), () => Promise.resolve('datasets/x')),
  },
  'edits of rows': {
    files: ['data/edits/edit-log'],
    seeds: () => [
      writeEdits('d', [
        {
          kind: 'change',
          at: 1,
          row: 'a',
          digest: 'x',
          change: { kind: 'add-box', box: { image: 0, box: box01(0, 0, 0.5, 0.5), label: 'cup' } },
        },
        { kind: 'undo', at: 2 },
      ]),
    ],
    read(bytes) {
      const entries = readEdits(decode(bytes), 'edits.jsonl');
      editsOf(entries);
      historyOf(entries);
    },
  },
  base64: {
    files: ['formats/base64'],
    words: ['=', '==', '\n', '-', '_'],
    seeds: () => [Buffer.from(header()).toString('base64'), 'QUJD\r\nREVG'],
    read: (bytes) => void base64Bytes(decode(bytes)),
  },
  'flags of coordinates': {
    files: ['cli/intake'],
    words: ['=pixels', '=resized:', ',xyxy', '#list'],
    seeds: () => ['train.json=pixels', 'a#list.json#list=resized:1003520:3136:28,xywh'],
    read: (bytes) => void readCoordinates(decode(bytes)),
  },
};

/** A refusal is one of two that are asked for in a row. */
async function refusing(asked: Promise<unknown>): Promise<void> {
  try {
    await asked;
  } catch (error) {
    if ((error as { code?: unknown }).code === undefined) throw error;
  }
}

/** A run file with few of its events, so that a mutation meets what holds them. */
function shortened(json: string): string {
  const cut = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.slice(0, 4).map(cut)
      : typeof value === 'object' && value !== null
        ? Object.fromEntries(Object.entries(value).map(([key, each]) => [key, cut(each)]))
        : value;
  return JSON.stringify(cut(JSON.parse(json)));
}
