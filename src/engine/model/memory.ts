/** Answers the page's question what a recipe needs of a model, loaded or published, before anything is allocated. */
import { GroundworkError } from '../../base/error.ts';
import type { Dataset } from '../../data/dataset.ts';
import { spread } from '../../data/row-list.ts';
import type { Row } from '../../data/row.ts';
import type { GpuTraits } from '../../gpu/dry.ts';
import type { Architecture } from '../../models/architecture.ts';
import { parseArchitecture, type LoadedModel } from '../../models/load.ts';
import { halved, type PictureBudget } from '../../models/picture-budget.ts';
import { pictureFile } from '../../models/picture-file.ts';
import type { PictureSizes } from '../../models/processor.ts';
import { fitsInto, memoryRungs, type MemoryRung } from '../../train/memory-advice.ts';
import {
  longestRow,
  patchesOf,
  piecesOf,
  planInPieces,
  type Longest,
  type MemoryPlan,
  type MemoryRequest,
  type Smaller,
} from '../../train/memory-plan.ts';
import { promptCharacters, type PromptSettings } from '../../train/prompt.ts';
import type { Recipe } from '../../train/recipe.ts';
import { encodeBoth, SampleStore, type Sample } from '../../train/samples.ts';
import { PUBLISHED, publishedPreprocessor } from './published.ts';
import type { Request } from '../protocol/messages.ts';
import type { MemoryReport, MemoryRow } from '../protocol/model.ts';

/** Rows of each part that are looked at for the longest one; more are sampled evenly. */
const ROWS_LOOKED_AT = 256;

export interface MemoryContext {
  readonly gpu: GpuTraits;
  readonly loaded: LoadedModel | null;
  readonly dataset: Dataset | null;
  /** Called between two pieces of the work: whatever else waits has its turn. Rejects where nobody wants the answer any more. */
  turn(): Promise<void>;
  /** Told of what is reckoned: rows that were measured, then pieces of plans. */
  tell(what: 'rows' | 'plans', done: number, total: number): void;
}

type MemoryQuestion = Extract<Request, { type: 'memory-plan' }>;

/** @throws GroundworkError `model-missing`, `model-unknown`, `binding-limit` and what resolving LoRA targets throws */
export async function answerMemory(question: MemoryQuestion, context: MemoryContext): Promise<MemoryReport> {
  const { gpu, loaded, dataset } = context;
  const rows = dataset
    ? [
        ...(await spread(dataset.rows('train'), ROWS_LOOKED_AT)),
        ...(await spread(dataset.rows('heldout'), ROWS_LOOKED_AT)),
      ]
    : [];
  const { recipe } = question;
  let request: Omit<MemoryRequest, 'longest' | 'recipe' | 'gpu'>;
  let sizes: PictureSizes;
  let longestOf: (under: PictureBudget | null) => Promise<Longest>;
  if (question.model === null) {
    if (!loaded)
      throw new GroundworkError('model-missing', 'No model is loaded.', 'Load a model, or choose a published one.');
    request = { architecture: loaded.architecture, dtype: loaded.dtype };
    sizes = loaded.processor;
    // A store of its own: one that belongs to a run must not be touched for a forecast.
    longestOf = async (pictures) =>
      dataset && rows.length
        ? longestRow(await encoded(storeFor(dataset, loaded, { ...recipe, pictures }), rows, context), loaded.processor)
        : estimatedRow(loaded.architecture, loaded.processor.under(pictures), question.row);
  } else {
    const config = question.config ?? PUBLISHED.find(({ id }) => id === question.model)?.config;
    if (!config)
      throw new GroundworkError(
        'model-unknown',
        `Groundwork does not know the sizes of ${question.model}.`,
        `Open its config.json, or choose one of ${PUBLISHED.map(({ id }) => id).join(', ')}.`,
      );
    const architecture = parseArchitecture(config);
    const published = architecture.pictureSizes(pictureFile(publishedPreprocessor(config), null));
    sizes = published;
    request = { architecture, dtype: 'f16' };
    longestOf = async (pictures) =>
      dataset && rows.length
        ? longestUnread(architecture, published.under(pictures), dataset, rows, recipe.prompt, context)
        : estimatedRow(architecture, published.under(pictures), question.row);
  }
  const budget = recipe.pictures ?? null;
  const longest = await longestOf(budget);
  const smaller = async (): Promise<Smaller | undefined> => {
    const pictures = halved(sizes.under(budget), pixelsOf(sizes, longest.patches));
    return pictures ? { pictures, longest: await longestOf(pictures) } : undefined;
  };
  return report({ ...request, longest, recipe, gpu }, smaller, question, context);
}

/** Pixels behind so many patches. */
function pixelsOf(sizes: PictureSizes, patches: Longest['patches']): number {
  const any = sizes.modelSize({ width: 64, height: 64 });
  return (patchesOf(patches) * any.width * any.height) / patchesOf(sizes.gridOf(any));
}

/** A store of its own, which asks as the recipe does. */
export function storeFor(
  dataset: Dataset,
  loaded: LoadedModel,
  { prompt, seed, pictures }: Pick<Recipe, 'prompt' | 'seed'> & { readonly pictures: PictureBudget | null },
): SampleStore {
  const samples = new SampleStore(dataset, loaded.model, loaded.processor);
  samples.follow({ seed, ...(prompt && { prompt }), ...(pictures && { pictures }) });
  return samples;
}

/** Rows that are measured between two turns. */
const ROWS_A_TURN = 8;

async function encoded(samples: SampleStore, rows: readonly Row[], { turn, tell }: MemoryContext): Promise<Sample[]> {
  const found: Sample[] = [];
  for (let start = 0; start < rows.length; start += ROWS_A_TURN) {
    found.push(...(await encodeBoth(samples, rows.slice(start, start + ROWS_A_TURN))));
    tell('rows', Math.min(rows.length, start + ROWS_A_TURN), rows.length);
    await turn();
  }
  return found;
}

async function report(
  request: MemoryRequest,
  smaller: () => Promise<Smaller | undefined>,
  { recipe, availableBytes }: MemoryQuestion,
  { turn, tell }: MemoryContext,
): Promise<MemoryReport> {
  const { promptTokens, targetTokens, featureRows } = request.longest;
  let fits: MemoryReport['fits'] = null;
  const piecesIn = (rungs: readonly MemoryRung[]) => rungs.reduce((sum, rung) => sum + piecesOf(rung.request), 0);
  let [done, total] = [0, piecesIn(memoryRungs(request))];
  const planned = async (of: MemoryRequest): Promise<MemoryPlan> => {
    const pieces = planInPieces(of);
    for (;;) {
      const piece = pieces.next();
      tell('plans', ++done, total);
      if (piece.done) return piece.value;
      await turn();
    }
  };
  const asked = await planned(request);
  if (fitsInto(asked, availableBytes))
    fits = { changes: [], totalBytes: asked.totalBytes, recipe, storage: request.dtype };
  else {
    const rungs = memoryRungs({ ...request, smaller: await smaller() });
    total = piecesIn(rungs);
    for (const { changes, request: changed } of rungs.slice(1)) {
      const plan = await planned(changed);
      if (fitsInto(plan, availableBytes)) {
        const {
          recipe: { stages },
          pictures,
          dtype: storage,
        } = changed;
        const changedRecipe = { ...recipe, ...(pictures && { pictures }), stages };
        fits = { changes, totalBytes: plan.totalBytes, recipe: changedRecipe, storage };
        break;
      }
      await turn();
    }
  }
  const longest = { promptTokens, targetTokens, imageTokens: featureRows };
  return { ...asked, storage: request.dtype, longest, fits };
}

/** Characters a token, on the low side: words in Latin script have four and more, numbers one. */
const CHARACTERS_A_TOKEN = 2.5;
/** The template's own words: roles, turns, a default system message. */
const TEMPLATE_TOKENS = 24;

/** For a model whose tokenizer is not here: pictures by their true sizes, text by its length. */
async function longestUnread(
  architecture: Architecture,
  sizes: PictureSizes,
  dataset: Dataset,
  rows: readonly Row[],
  asked: PromptSettings | undefined,
  { turn, tell }: MemoryContext,
): Promise<Longest> {
  const longest: { -readonly [K in keyof Longest]: Longest[K] } = { ...NONE };
  const grown = (value: keyof Omit<Longest, 'patches' | 'leastPatches'>, to: number) =>
    (longest[value] = Math.max(longest[value], to));
  for (const [i, row] of rows.entries()) {
    if (i % ROWS_A_TURN === 0) {
      tell('rows', i, rows.length);
      await turn();
    }
    let [features, markers] = [0, 0];
    for (const path of row.images) {
      const natural = await dataset.naturalSize(path);
      if (!natural) continue;
      const size = sizes.modelSize(natural);
      const grid = sizes.gridOf(size);
      features += architecture.vision.featureCount(grid);
      markers += sizes.markerTokens(size);
      if (patchesOf(grid) > patchesOf(longest.patches)) longest.patches = grid;
      if (!patchesOf(longest.leastPatches) || patchesOf(grid) < patchesOf(longest.leastPatches))
        longest.leastPatches = grid;
    }
    const words = (segments: Row['answer']) =>
      segments.reduce((n, s) => n + (s.type === 'text' ? s.text.length : 24), 0);
    const around = asked ? promptCharacters(asked, row) : 0;
    const prompt = (row.prompt.reduce((n, { content }) => n + words(content), 0) + around) / CHARACTERS_A_TOKEN;
    const target = (words(row.answer) + (row.think?.length ?? 0)) / CHARACTERS_A_TOKEN;
    grown('featureRows', features);
    grown('promptTokens', features + markers + Math.ceil(prompt) + TEMPLATE_TOKENS);
    grown('targetTokens', Math.ceil(target) + TEMPLATE_TOKENS);
    grown('picturesInRow', row.images.length);
  }
  return { ...longest, picturesInAll: dataset.report.images };
}

const NONE: Longest = {
  promptTokens: 0,
  featureRows: 0,
  targetTokens: 0,
  patches: { height: 0, width: 0 },
  leastPatches: { height: 0, width: 0 },
  picturesInRow: 0,
  picturesInAll: 0,
};

/** A row of some pictures of one size, where there is no dataset to look at. */
export function estimatedRow(architecture: Architecture, sizes: PictureSizes, row: MemoryRow): Longest {
  const { pictures, width, height, promptTokens, targetTokens } = row;
  const size = sizes.modelSize({ width, height });
  const grid = sizes.gridOf(size);
  const featureRows = pictures * architecture.vision.featureCount(grid);
  return {
    promptTokens: featureRows + pictures * sizes.markerTokens(size) + promptTokens,
    featureRows,
    targetTokens,
    patches: pictures ? grid : NONE.patches,
    leastPatches: pictures ? grid : NONE.leastPatches,
    picturesInRow: pictures,
    // As many as a pass of the vision tower takes.
    picturesInAll: Infinity,
  };
}
