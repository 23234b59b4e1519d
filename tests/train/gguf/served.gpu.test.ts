/** llama.cpp loads what we write, and says token for token what we say: after text, after pictures, with an adapter. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, describe, expect, test } from 'vitest';
import { writeFiles } from '../../../src/cli/node-files.ts';
import type { GoldenCase } from '../../../src/engine/golden/case.ts';
import type { BoxFamily } from '../../../src/grounding/convention.ts';
import { loadModel } from '../../../src/models/load.ts';
import { combine } from '../../../src/train/combine.ts';
import type { OutputFile } from '../../../src/train/checkpoint-folder.ts';
import { ggufAdapterFiles } from '../../../src/train/gguf/adapter.ts';
import { ggufFiles } from '../../../src/train/gguf/model.ts';
import type { GgufPrecision } from '../../../src/train/gguf/precisions.ts';
import { useSession } from '../../ops/harness.ts';
import { Tiny } from '../tiny-model.ts';
import { hasLlama, llama, PICTURE, printed } from './llama.ts';
import { servable } from './servable.ts';

const session = useSession();
const scratch = mkdtempSync(join(tmpdir(), 'groundwork-gguf-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const COUNT = 12;
/** Pictures side by side llama.cpp takes for frames of a video, in the families of Qwen2. */
const BETWEEN = ' and ';
const QUESTION = 'Where is the red disc? Answer in 2 numbers: 37, 58.';

/** Of a size that the model sees as it is, so that no resampling comes between. */
const SIZES: Readonly<Record<BoxFamily, readonly [number, number]>> = {
  qwen2_vl: [224, 168],
  qwen2_5_vl: [224, 168],
  qwen3_vl: [160, 128],
  // Every resampling keeps one colour.
  smolvlm: [112, 112],
};

/** Noise in blocks, another for every seed; one colour for the family whose pictures are always resampled. */
async function picture(family: BoxFamily, seed: number): Promise<Buffer> {
  const [width, height] = SIZES[family];
  const pixel = (x: number, y: number, c: number) =>
    family === 'smolvlm'
      ? [200 - seed * 90, 60, 90 + seed * 70][c]!
      : ((Math.floor(x / 12) * 73 + Math.floor(y / (12 + seed)) * 151 + c * 89) % 17) * 15;
  const data = Buffer.alloc(width * height * 3);
  for (let i = 0; i < data.length; i++) data[i] = pixel(Math.floor(i / 3) % width, Math.floor(i / 3 / width), i % 3);
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

async function withServable<T>(
  family: BoxFamily,
  use: (tiny: Tiny, png: readonly Buffer[]) => Promise<T>,
  change: Record<string, unknown> = {},
): Promise<T> {
  const png = [await picture(family, 0), await picture(family, 1)];
  const golden = { image: async (path: string) => new Blob([png[Number(path)] as BlobPart]) } as unknown as GoldenCase;
  const tiny = new Tiny(
    session(),
    golden,
    await loadModel(session(), await servable(family, change), { dtype: 'f32' }),
  );
  try {
    return await use(tiny, png);
  } finally {
    tiny.destroy();
  }
}

let folders = 0;
async function write(files: readonly OutputFile[]): Promise<string> {
  const folder = join(scratch, String(folders++));
  await writeFiles(folder, files);
  return folder;
}

const exported = async (tiny: Tiny, precision: GgufPrecision) => {
  const { files } = await ggufFiles(
    { ...tiny.loaded, name: 'tiny' },
    tiny.policy.adapter ? await tiny.policy.learnt() : [],
    precision,
  );
  const folder = await write(files);
  return { model: join(folder, files[0]!.path), mmproj: join(folder, files[1]!.path) };
};

/** The rendered conversation, with a mark for each picture. */
function prompt(tiny: Tiny, pictures: number): string {
  const content = [
    ...Array.from({ length: pictures }, (_, i) => [
      ...(i > 0 ? [{ type: 'text' as const, text: BETWEEN }] : []),
      { type: 'image' as const },
    ]).flat(),
    { type: 'text' as const, text: QUESTION },
  ];
  return tiny.loaded.processor.template
    .render([{ role: 'user', content }])
    .replaceAll('<|vision_start|><|image_pad|><|vision_end|>', PICTURE)
    .replaceAll('<image>', PICTURE);
}

/** Greedy tokens of our engine, printed, and how likely each was. */
async function ours(tiny: Tiny, pictures: number) {
  const sample = await tiny.sample(
    QUESTION,
    Array.from({ length: pictures }, (_, i) => String(i)),
    BETWEEN,
  );
  const sampling = { temperature: 0, topK: 0, topP: 1, maxCompletionLength: COUNT };
  const [group] = await tiny.generator().generate([sample], { numGenerations: 1, seed: 1, sampling });
  const { tokenizer } = tiny.loaded.processor;
  return Array.from(group![0]!.tokens, (id) => printed(tokenizer, id));
}

const FAMILIES: readonly BoxFamily[] = ['qwen2_vl', 'qwen2_5_vl', 'qwen3_vl', 'smolvlm'];

const texts = (steps: readonly { readonly text: string }[]) => steps.map(({ text }) => text);

/** A prompt of text alone or about pictures, for llama.cpp. */
const asked = (tiny: Tiny, png: readonly Buffer[], pictures: number) => ({
  prompt: prompt(tiny, pictures),
  media: png.slice(0, pictures).map((bytes) => `data:image/png;base64,${bytes.toString('base64')}`),
  count: COUNT,
});

describe.skipIf(!hasLlama)('what llama.cpp says', () => {
  test.each(FAMILIES)('%s: the same tokens, after text and after two pictures', async (family) => {
    await withServable(family, async (tiny, png) => {
      const rendered = prompt(tiny, 0);
      const files = await exported(tiny, 'f16');
      // A process each: the binding takes what it still holds of the prompt before for the beginning of the next.
      const [text, pictures] = [
        await llama({ ...files, tokenize: [rendered], prompts: [asked(tiny, png, 0)] }),
        await llama({ ...files, prompts: [asked(tiny, png, 2)] }),
      ];
      expect(text.tokens[0]).toEqual([...tiny.encode(rendered)]);
      expect(texts(text.completions[0]!)).toEqual(await ours(tiny, 0));
      expect(texts(pictures.completions[0]!)).toEqual(await ours(tiny, 2));
    });
  });

  test.each(FAMILIES)('%s: with what was learnt folded in, or laid over as an adapter of its own', async (family) => {
    await withServable(family, async (tiny, png) => {
      const bare = await exported(tiny, 'f16');
      const before = await ours(tiny, 1);
      tiny.attach(3, { r: 4 });
      const prompts = [asked(tiny, png, 1)];
      const wanted = await ours(tiny, 1);
      expect(wanted).not.toEqual(before);
      const [file] = await ggufAdapterFiles({ ...tiny.loaded, name: 'tiny' }, combine(await tiny.policy.learnt()));
      const lora = join(await write([file!]), file!.path);
      const folded = await exported(tiny, 'f16');
      const answers = [await llama({ ...folded, prompts }), await llama({ ...bare, lora, prompts })];
      expect(answers.map(({ completions }) => texts(completions[0]!))).toEqual([wanted, wanted]);
    });
  });

  test.each(['bf16', 'q8_0', 'q4_0'] as const)('it loads %s, and goes on from a picture', async (precision) => {
    await withServable('qwen2_5_vl', async (tiny, png) => {
      const { completions } = await llama({ ...(await exported(tiny, precision)), prompts: [asked(tiny, png, 1)] });
      expect(completions[0]).toHaveLength(COUNT);
    });
  });
});
