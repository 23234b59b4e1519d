import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLIP_NORMALISATION } from '../../src/image/normalise.ts';
import { openSafetensors, type Safetensors } from '../../src/formats/safetensors.ts';
import { bytesSource } from '../formats/bytes-source.ts';

const root = join(import.meta.dirname, '../golden/qwen2_5_vl');

export interface GoldenCase {
  readonly name: string;
  readonly folder: string;
  readonly json: {
    readonly messages: readonly {
      readonly role: string;
      readonly content: string | readonly { readonly type: string; readonly image?: string; readonly text?: string }[];
    }[];
    readonly completion?: string;
    readonly processor?: { readonly min_pixels?: number; readonly max_pixels?: number };
  };
}

/** Cases computed by transformers: tests/golden/qwen2_5_vl (see its README). */
export const goldenCases = (): GoldenCase[] =>
  readdirSync(root)
    .filter((name) => existsSync(join(root, name, 'expected.safetensors')))
    .map((name) => ({
      name,
      folder: join(root, name),
      json: readJson(join(root, name, 'case.json')) as GoldenCase['json'],
    }));

export const readJson = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));

export const expectedTensors = (golden: GoldenCase): Promise<Safetensors> =>
  openSafetensors(bytesSource(readFileSync(join(golden.folder, 'expected.safetensors'))));

/** Pictures of a case in the order the prompt shows them. */
export const picturesOf = (golden: GoldenCase): string[] =>
  golden.json.messages.flatMap(({ content }) =>
    typeof content === 'string'
      ? []
      : content.flatMap((part) => (part.type === 'image' ? [join(golden.folder, part.image!)] : [])),
  );

export interface PreprocessorConfig {
  readonly min_pixels?: number;
  readonly max_pixels?: number;
  readonly size?: { readonly shortest_edge: number; readonly longest_edge: number };
  readonly patch_size: number;
  readonly merge_size: number;
  readonly temporal_patch_size: number;
  readonly image_mean: number[];
  readonly image_std: number[];
}

/** What transformers' processor has by itself, where no file says anything. */
const DEFAULTS: PreprocessorConfig = {
  min_pixels: 56 * 56,
  max_pixels: 28 * 28 * 1280,
  patch_size: 14,
  merge_size: 2,
  temporal_patch_size: 2,
  image_mean: CLIP_NORMALISATION.mean as number[],
  image_std: CLIP_NORMALISATION.std as number[],
};

function configOf({ folder }: GoldenCase): PreprocessorConfig {
  const [alone, nested] = ['preprocessor', 'processor'].map((name) => join(folder, `checkpoint/${name}_config.json`));
  if (existsSync(alone!)) return readJson(alone!) as PreprocessorConfig;
  if (!existsSync(nested!)) return DEFAULTS;
  return (readJson(nested!) as { readonly image_processor: PreprocessorConfig }).image_processor;
}

export function preprocessorOf(golden: GoldenCase) {
  const config = configOf(golden);
  return {
    config,
    limits: {
      factor: config.patch_size * config.merge_size,
      minPixels: golden.json.processor?.min_pixels ?? config.min_pixels ?? config.size!.shortest_edge,
      maxPixels: golden.json.processor?.max_pixels ?? config.max_pixels ?? config.size!.longest_edge,
    },
  };
}
