/**
 * What a picture budget makes of a dataset's rows: tokens of a picture and of a row, the smallest true box as the model
 * sees it, and the largest budget that leaves no row out. Rows are encoded once; under another budget only their pictures
 * are counted anew.
 */
import { GroundworkError } from '../../base/error.ts';
import type { Dataset } from '../../data/dataset.ts';
import type { Row } from '../../data/row.ts';
import { spread } from '../../data/row-list.ts';
import type { Size } from '../../grounding/box.ts';
import type { LoadedModel } from '../../models/load.ts';
import type { PictureBudget } from '../../models/picture-budget.ts';
import type { PictureSizes } from '../../models/processor.ts';
import { promptingOf } from '../../train/prompt.ts';
import type { Recipe } from '../../train/recipe.ts';
import { TAUGHT, type Sample, type SampleStore } from '../../train/samples.ts';
import type { PictureReport } from '../protocol/pictures.ts';
import { storeFor } from './memory.ts';

/** Rows that are looked at; of more, an even spread. */
const [TRAIN, HELDOUT] = [4096, 512];
/** Rows that are encoded between two turns. */
const ROWS_A_TURN = 8;

/** What is kept of a row: the row itself would be kilobytes. */
interface RowFacts extends Pick<Row, 'id' | 'solution'> {
  readonly taught: boolean;
  readonly natural: readonly Size[];
  /** Tokens of the prompt and the target that are not of pictures. */
  readonly textTokens: number;
}

interface Facts {
  readonly rows: readonly RowFacts[];
  readonly total: number;
  readonly train: number;
  /** Tokens of a training row under a budget, when it is encoded. */
  measure(id: string, budget: PictureBudget | null): Promise<number>;
}

export interface PictureContext {
  readonly loaded: LoadedModel;
  readonly dataset: Dataset;
  /** Between two pieces of the work. */
  turn(): Promise<void>;
  /** Told of rows as they are looked at for the first time. */
  tell(done: number, total: number): void;
}

/** Of a dataset and a model, by how rows are asked: neither ever changes. */
const known = new WeakMap<Dataset, WeakMap<LoadedModel, Map<string, Promise<Facts>>>>();

function factsOf(recipe: Pick<Recipe, 'prompt' | 'seed'>, { dataset, loaded, tell }: PictureContext): Promise<Facts> {
  const ofDataset = known.get(dataset) ?? new WeakMap<LoadedModel, Map<string, Promise<Facts>>>();
  known.set(dataset, ofDataset);
  const ofModel = ofDataset.get(loaded) ?? new Map<string, Promise<Facts>>();
  ofDataset.set(loaded, ofModel);
  const key = promptingOf(recipe)?.key ?? '';
  const before = ofModel.get(key);
  if (before) return before;
  const found = readFacts(recipe, dataset, loaded, tell);
  // A page that goes through many prompts keeps the last one's.
  ofModel.clear();
  ofModel.set(key, found);
  found.catch(() => ofModel.delete(key));
  return found;
}

async function readFacts(
  recipe: Pick<Recipe, 'prompt' | 'seed'>,
  dataset: Dataset,
  loaded: LoadedModel,
  tell: PictureContext['tell'],
): Promise<Facts> {
  // Pictures as the checkpoint says. Who lets a store go lets its rows go.
  const store = storeFor(dataset, loaded, { ...recipe, pictures: null });
  const [train, heldout] = [dataset.rows('train'), dataset.rows('heldout')];
  const listed = [
    ...(await spread(train, TRAIN)).map((row) => ({ row, taught: true })),
    ...(await spread(heldout, HELDOUT)).map((row) => ({ row, taught: false })),
  ];
  const rows: RowFacts[] = [];
  for (const [i, { row, taught }] of listed.entries()) {
    if (i % ROWS_A_TURN === 0) {
      tell(i, listed.length);
      // Whatever else was asked has its turn. A newer question wants the same rows.
      await new Promise((resolve) => setTimeout(resolve));
    }
    const sample = await encoded(store, row, taught);
    if (!sample) continue;
    const { prompt, completion, natural, sizes } = sample;
    const pictures = pictureTokens(loaded, loaded.processor, sizes).reduce((a, b) => a + b, 0);
    rows.push({
      id: row.id,
      solution: row.solution,
      taught,
      natural,
      textTokens: prompt.tokens.length + completion.length - pictures,
    });
  }
  const measure = async (id: string, budget: PictureBudget | null) => {
    const row = (await dataset.row(id))!;
    const [sample] = await storeFor(dataset, loaded, { ...recipe, pictures: null }).encode([row], {
      ...TAUGHT,
      budget,
    });
    return sample!.prompt.tokens.length + sample!.completion.length;
  };
  return { rows, total: train.length + heldout.length, train: train.length, measure };
}

/** Null for a row that the model cannot take, which is told elsewhere. */
async function encoded(store: SampleStore, row: Row, taught: boolean): Promise<Sample | null> {
  try {
    return (await store.encode([row], { taught }))[0]!;
  } catch (error) {
    if (error instanceof GroundworkError) return null;
    throw error;
  }
}

/** Tokens of pictures with the markers around them. */
const pictureTokens = (
  { architecture: { vision } }: Pick<LoadedModel, 'architecture'>,
  sizes: PictureSizes,
  seen: readonly Size[],
): number[] => seen.map((size) => vision.featureCount(sizes.gridOf(size)) + sizes.markerTokens(size));

interface Seen extends RowFacts {
  readonly sizes: readonly Size[];
  readonly tokens: number;
}

/** Throws `budget-unsupported` */
export async function pictureReport(
  recipe: Pick<Recipe, 'prompt' | 'pictures' | 'seed' | 'stages'>,
  context: PictureContext,
): Promise<PictureReport> {
  const { loaded } = context;
  const sizes = loaded.processor.under(recipe.pictures ?? null);
  const facts = await factsOf(recipe, context);
  const seeUnder =
    (under: PictureSizes) =>
    (row: RowFacts): Seen => {
      const seen = row.natural.map((natural) => under.modelSize(natural));
      const tokens = row.textTokens + pictureTokens(loaded, under, seen).reduce((a, b) => a + b, 0);
      return { ...row, sizes: seen, tokens };
    };
  const rows = facts.rows.map(seeUnder(sizes));
  const allowed = contextOf(recipe, loaded);
  const isLong = ({ taught, tokens }: Seen) => taught && allowed !== null && tokens > allowed.tokens;
  const long = rows.filter(isLong);
  const fits = async (budget: PictureBudget): Promise<boolean> => {
    const under = loaded.processor.under(budget);
    const seen = facts.rows.map(seeUnder(under));
    if (seen.some(isLong)) return false;
    // Coordinates may take another number of digits: the longest are encoded.
    for (const { id } of seen
      .filter(({ taught }) => taught)
      .sort((a, b) => b.tokens - a.tokens)
      .slice(0, LONGEST)) {
      if ((await facts.measure(id, budget)) > allowed!.tokens) return false;
    }
    return true;
  };
  const pictures = rows.flatMap(({ sizes: seen }) => pictureTokens(loaded, { ...sizes, markerTokens: () => 0 }, seen));
  return {
    looked: rows.length,
    total: facts.total,
    pictureTokens: spreadOf(pictures),
    rowTokens: spreadOf(rows.map(({ tokens }) => tokens)),
    context: allowed,
    train: facts.train,
    trainLooked: rows.filter(({ taught }) => taught).length,
    tooLong: long.length,
    longest: long.length > 0 ? long.reduce((a, b) => (a.tokens < b.tokens ? b : a)).id : null,
    ...boxesIn(rows, Math.sqrt(pixelsPerToken(loaded))),
    fitting: long.length > 0 ? await fitting(sizes, rows, fits, context.turn) : null,
  };
}

/** Rows that are encoded to be sure of a budget. */
const LONGEST = 8;

const pixelsPerToken = ({ processor: { patches } }: LoadedModel): number =>
  (patches.patchSize * patches.mergeSize) ** 2;

/** How long a row may be, and who says so: the least of the supervised stages, and of the model. */
function contextOf({ stages }: Pick<Recipe, 'stages'>, { architecture }: LoadedModel): PictureReport['context'] {
  const limits = [
    ...stages.flatMap((stage) =>
      'maxLength' in stage && stage.maxLength > 0 ? [{ tokens: stage.maxLength, of: stage.name }] : [],
    ),
    { tokens: architecture.contextTokens, of: null },
  ];
  return limits.reduce((a, b) => (b.tokens < a.tokens ? b : a));
}

function spreadOf(values: readonly number[]): PictureReport['rowTokens'] {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  return { least: sorted[0]!, median: sorted[Math.floor(sorted.length / 2)]!, most: sorted.at(-1)! };
}

/** The box whose shorter side is the shortest, in pixels of the picture as the model sees it. */
function boxesIn(rows: readonly Seen[], tokenSide: number): Pick<PictureReport, 'boxes' | 'belowToken' | 'smallest'> {
  let [boxes, belowToken] = [0, 0];
  let smallest: PictureReport['smallest'] = null;
  for (const { id, solution, sizes } of rows)
    for (const { image, box } of solution) {
      const size = sizes[image];
      if (!size) continue;
      const [width, height] = [(box[2] - box[0]) * size.width, (box[3] - box[1]) * size.height];
      boxes++;
      if (Math.min(width, height) < tokenSide) belowToken++;
      if (!smallest || Math.min(width, height) < Math.min(smallest.width, smallest.height))
        smallest = { rowId: id, image, width, height };
    }
  return { boxes, belowToken, smallest };
}

/** The largest budget below this one under which no row is too long; null: none is known. */
async function fitting(
  sizes: PictureSizes,
  rows: readonly Seen[],
  fits: (budget: PictureBudget) => Promise<boolean>,
  turn: () => Promise<void>,
): Promise<PictureBudget | null> {
  const { limits, limitedBy } = sizes;
  if (limitedBy.by === 'tiles') {
    const { tile } = limitedBy;
    for (let edge = Math.ceil(limits.longestEdge! / tile) * tile - tile; edge >= tile; edge -= tile) {
      const budget = { longestEdge: edge, imageSplitting: limits.imageSplitting! };
      if (await fits(budget)) return budget;
      await turn();
    }
    return null;
  }
  const step = limitedBy.factor ** 2;
  const budgetOf = (blocks: number): PictureBudget => ({
    minPixels: Math.min(limits.minPixels, blocks * step),
    maxPixels: blocks * step,
  });
  const largest = rows.reduce((most, row) => row.sizes.reduce((m, s) => Math.max(m, s.width * s.height), most), 0);
  let [low, high] = [0, Math.floor(Math.min(limits.maxPixels, largest) / step)];
  // Between: fits, does not. Sizes are rounded, so a few blocks less may be needed than the last that fits.
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (await fits(budgetOf(middle))) low = middle;
    else high = middle;
    await turn();
  }
  return low > 0 ? budgetOf(low) : null;
}
