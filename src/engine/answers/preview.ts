/** One row as the model will see it, for the page; and what drawing makes of all of them. */
import type { Dataset } from '../../data/dataset.ts';
import type { Row } from '../../data/row.ts';
import { spread, subset } from '../../data/row-list.ts';
import { encodeBmp } from '../../image/bmp.ts';
import { changePixels } from '../../image/change.ts';
import { decodeImage } from '../../image/decode.ts';
import { DRAW, type DrawSettings } from '../../train/draw-settings.ts';
import { Draws, Mixture, Unvaried } from '../../train/draws.ts';
import type { Recipe } from '../../train/recipe.ts';
import type { AskOptions } from '../../train/samples.ts';
import type { DrawReport, EncodedPreview } from '../protocol/answers.ts';
import type { Workbench } from '../model/workbench.ts';

/** Pictures are opened no further than their header. Throws what `SampleStore.encode` throws. */
export async function previewRow(
  { loaded, samples }: Workbench,
  row: Row,
  options: AskOptions,
): Promise<EncodedPreview> {
  const [sample] = await samples.encode([row], options);
  const { form, sizes, natural, promptText, targetText, prompt, completion, learnt } = sample!;
  const { tokenizer, gridOf } = loaded.processor;
  const text = (id: number) => tokenizer.decode([id]);
  return {
    sizes: sizes.map((model, i) => ({
      natural: natural[i]!,
      model,
      tokens: loaded.model.featureCount(gridOf(model)),
    })),
    form,
    promptText,
    targetText,
    tokens: [
      ...Array.from(prompt.tokens, (id, i) => ({ text: text(id), inLoss: learnt[i] === 1 })),
      ...Array.from(completion, (id) => ({ text: text(id), inLoss: true })),
    ],
    drawn: null,
  };
}

/** The same of one draw, with its pictures as they are changed for it. Throws what decoding throws, too. */
export async function previewDraw(
  bench: Workbench,
  row: Row,
  options: AskOptions,
  draw: DrawSettings,
  seed: number,
  number: number,
): Promise<EncodedPreview> {
  const one = { ...subset(bench.dataset.rows('train'), []), read: async () => [row] };
  const [drawn] = await new Draws(one, { ...draw, mixBy: 'none' }, seed, bench.samples, true).read([0], number);
  const pictures: Blob[] = [];
  for (const [i, path] of drawn!.images.entries()) {
    const file = await bench.dataset.image(path);
    const change = drawn!.changes?.[i];
    pictures.push(change ? new Blob([encodeBmp(changePixels(await decodeImage(file), change))]) : file);
  }
  const preview = await previewRow(bench, drawn!, options);
  return { ...preview, drawn: { pictures, solution: drawn!.solution } };
}

/** Rows whose words are looked at for what they forbid. */
const ROWS_LOOKED_AT = 512;

/** Throws `no-rows` where every share of a mixture that has rows is 0. */
export async function drawReport(
  dataset: Dataset,
  { draw = DRAW, seed }: Pick<Recipe, 'draw' | 'seed'>,
): Promise<DrawReport> {
  const train = dataset.rows('train');
  const mixed = draw.mixBy === 'none' ? { ...draw, mixBy: 'file' as const, shares: {} } : draw;
  const unvaried = new Unvaried(draw);
  const rows = await spread(train, ROWS_LOOKED_AT);
  for (const row of rows) unvaried.see(row);
  return {
    groups: train.length > 0 ? new Mixture(train, mixed, seed).groups : [],
    unvaried: unvaried.words(),
    looked: rows.length,
  };
}
