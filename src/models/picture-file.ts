/**
 * What a checkpoint says of pictures: preprocessor_config.json, or since transformers 5 the `image_processor` of
 * processor_config.json, which goes before. What cannot be done as it says is refused, and what it leaves to defaults is
 * told.
 */
import type { Normalisation } from '../image/normalise.ts';
import type { Resampling } from '../image/resize.ts';
import { Fields, type Json } from './fields.ts';

/** @param preprocessor preprocessor_config.json, if there is one; @param processor processor_config.json, likewise */
export function pictureFile(preprocessor: Json | null, processor: Json | null): Fields {
  const nested = processor?.['image_processor'];
  if (typeof nested === 'object' && nested !== null && !Array.isArray(nested))
    return new Fields(processor, 'processor_config.json').at('image_processor');
  return new Fields(preprocessor ?? {}, 'preprocessor_config.json');
}

/** Settings that a family takes from here, each under one of its names. */
const NEEDED: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'the smallest number of pixels': [['min_pixels'], ['size', 'min_pixels'], ['size', 'shortest_edge']],
  'the largest number of pixels': [['max_pixels'], ['size', 'max_pixels'], ['size', 'longest_edge']],
  'the mean of colours': [['image_mean']],
  'their deviation': [['image_std']],
};

/** @param there whether the folder has a file about pictures at all; @param used the limits that apply, for the user */
export function notesOnPictures(file: Fields, there: boolean, used: string): string[] {
  const asked = (path: readonly string[]) => file.asks(path);
  const missing = Object.entries(NEEDED).flatMap(([name, ways]) =>
    ways.some(asked) && !ways.some((path) => file.holds(path)) ? [name] : [],
  );
  if (!there)
    return [
      `The folder has neither preprocessor_config.json nor processor_config.json, so pictures are read with this family’s defaults: ${used}.`,
    ];
  return missing.length
    ? [`${file.file} does not say ${missing.join(', ')}: this family’s defaults are used (${used}).`]
    : [];
}

/** Steps that are always done here, and others that never are. @throws GroundworkError `config-invalid` */
export function checkPictureFile(file: Fields): void {
  for (const step of ['do_resize', 'do_rescale', 'do_normalize']) file.only(step, true);
  file.only('do_center_crop', false);
  // Pictures are read as RGB, always.
  file.only('do_convert_rgb', true, false);
}

const FILTERS: Readonly<Record<number, Resampling>> = { 1: 'lanczos', 2: 'bilinear', 3: 'bicubic' };

/** Pillow's number of a filter. @throws GroundworkError `config-invalid` */
export function resamplingOf(file: Fields, fallback: Resampling): Resampling {
  if (!file.has('resample')) return fallback;
  return FILTERS[file.only('resample', 1, 2, 3)]!;
}

/** @throws GroundworkError `config-invalid` */
export function normalisationOf(file: Fields, { mean, std }: Normalisation): Normalisation {
  const channels = (key: string, fallback: readonly number[], valid: (v: number) => boolean) => {
    const values = file.numbers(key, fallback);
    if (values.length !== 3 || !values.every(valid)) throw file.invalid(key, 'a number for each of three channels');
    return values;
  };
  return {
    mean: channels('image_mean', mean, () => true),
    std: channels('image_std', std, (v) => v > 0),
    rescaleFactor: file.number('rescale_factor', 1 / 255),
  };
}
