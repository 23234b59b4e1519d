/**
 * Rows of a dataset as the model reads them. A picture passes the vision tower once: features are kept on the host (a
 * few tens of kilobytes each) and go back to the GPU with every batch that needs them.
 */
import { PICTURE_FORMATS } from '../base/picture-files.ts';
import { GroundworkError } from '../base/error.ts';
import { Lru } from '../base/lru.ts';
import type { Dataset } from '../data/dataset.ts';
import type { Row } from '../data/row.ts';
import { changedSize } from '../data/variation/picture.ts';
import type { RowList } from '../data/row-list.ts';
import { promptMessages, targetText } from '../data/target.ts';
import type { Size } from '../grounding/box.ts';
import type { PixelInput, VisionLanguageModel } from '../models/model.ts';
import { encodeConversation, readPixels } from '../models/encode.ts';
import type { PictureChange } from '../image/change.ts';
import { budgetKey, type PictureBudget } from '../models/picture-budget.ts';
import type { Processor } from '../models/processor.ts';
import type { EncodedPrompt } from './pack.ts';
import { promptingOf, type Prompting, type RowForm } from './prompt.ts';
import { readAnswer, type ReadAnswer } from './read-answer.ts';
import type { Recipe } from './recipe.ts';
import { VisionRunner } from './vision-runner.ts';

export interface Sample {
  /** As it is in the dataset: what is asked around it is in `prompt`. */
  readonly row: Row;
  /** The form that its answer is asked for in. */
  readonly form: RowForm;
  readonly prompt: EncodedPrompt;
  readonly promptText: string;
  /** Target tokens with the end of the turn. Empty for rows without a target. */
  readonly completion: Uint32Array;
  /** u8 [prompt tokens]: 1 where an earlier answer is learnt in supervised training. */
  readonly learnt: Uint8Array;
  /** Earlier answers that cannot be. */
  readonly unlearnt: number;
  readonly targetText: string;
  readonly natural: readonly Size[];
  /** Pictures as the model sees them. */
  readonly sizes: readonly Size[];
  /** The picture budget that they are seen under. */
  readonly budget: PictureBudget | null;
}

/** How rows are read for some use. */
export interface AskOptions {
  /** Their targets are learned: a row without a thought is not asked to think. Default: they are asked for an answer. */
  readonly taught?: boolean;
  /** For all of them, whatever the plan's form is. */
  readonly form?: RowForm;
  /** Another way to ask than the plan's; null: as they are written. */
  readonly prompting?: Prompting | null;
  /** Another picture budget than the plan's; null: the checkpoint's own. */
  readonly budget?: PictureBudget | null;
}

/** How a plan has its rows asked and their pictures seen. */
export const waysOf = (
  recipe: Pick<Recipe, 'prompt' | 'seed' | 'pictures'>,
): { readonly prompting: Prompting | null; readonly budget: PictureBudget | null } => ({
  prompting: promptingOf(recipe),
  budget: recipe.pictures ?? null,
});

/** For stages that learn the rows' own targets. */
export const TAUGHT: AskOptions = { taught: true };

/** A row to encode, and what it is kept under. */
interface Encoded extends Pick<Sample, 'row' | 'form' | 'budget'> {
  readonly put: Row;
  readonly key: string;
}

/** Encoded rows that are kept: a few kilobytes each. */
const SAMPLES_KEPT = 2048;
/** Image features that are kept. A picture of 256 tokens at hidden size 2048 has two megabytes. */
const FEATURE_BYTES = 512 * 2 ** 20;

export class SampleStore {
  readonly #dataset: Dataset;
  readonly #model: VisionLanguageModel;
  readonly #processor: Processor;
  readonly #vision: VisionRunner;
  /** By what is in the row (`contentOf`): a row may be written anew under the same id. */
  readonly #samples = new Lru<string, Sample>(SAMPLES_KEPT);
  /** Features by picture and budget (`pictureKey`), f32 [rows, hidden]. */
  readonly #features = new Map<string, Float32Array>();
  #featureBytes = 0;
  /** How the rows are asked; null: as they are written. */
  prompting: Prompting | null = null;
  /** How many pixels of a picture reach the model; null: as the checkpoint's files say. */
  budget: PictureBudget | null = null;
  /** Told of the pictures of a batch as they are read. */
  onPictures: ((done: number, total: number) => void) | null = null;
  /** Pictures of the batch to come, read or being read. */
  #ahead = new Map<string, Promise<PixelInput>>();

  constructor(dataset: Dataset, model: VisionLanguageModel, processor: Processor) {
    this.#dataset = dataset;
    this.#model = model;
    this.#processor = processor;
    this.#vision = new VisionRunner(model);
  }

  /** The processor under the plan's picture budget. Throws `budget-unsupported`. */
  get processor(): Processor {
    return this.#processor.under(this.budget);
  }

  /** As a plan has it from now on. Throws `budget-unsupported`. */
  follow(recipe: Pick<Recipe, 'prompt' | 'seed' | 'pictures'>): void {
    const { prompting, budget } = waysOf(recipe);
    this.#processor.under(budget);
    this.prompting = prompting;
    this.budget = budget;
  }

  /** As `askedBy`, by the plan's prompt. */
  get asked(): string | null {
    return this.askedBy(this.prompting);
  }

  /**
   * Tells how rows are seen, and asked by a prompt, from all other ways; null: as they are written, under the checkpoint's
   * own budget.
   */
  askedBy(prompting: Prompting | null): string | null {
    const parts = [prompting?.key ?? '', budgetKey(this.budget)];
    return parts.some((part) => part !== '') ? parts.filter((part) => part !== '').join('\n') : null;
  }

  /** Encodes rows and computes what features are missing, several pictures a pass. Throws `row-encoding`, `image-missing`, `image-shape`. */
  async prepare(rows: readonly Row[], options: AskOptions = {}): Promise<Sample[]> {
    const { budget = this.budget } = options;
    const samples = await this.encode(rows, options);
    await this.#computeFeatures(this.#missing(rows, budget));
    this.#evict(new Set(rows.flatMap((row) => picturesOf(row, budget).map(({ key }) => key))));
    return samples;
  }

  /**
   * Begins to read the pictures that `prepare` will want of these rows next, for while the GPU is at something else.
   * Changes nothing but when they are read; what cannot be read is told of by `prepare`.
   */
  readAhead(list: Pick<RowList, 'read'>, places: readonly number[]): void {
    // A list that comes late must not put its pictures among those of a later batch.
    const ahead = (this.#ahead = new Map<string, Promise<PixelInput>>());
    const { budget } = this;
    const begin = (rows: readonly Row[]) => {
      // One after the other: between two of them, whoever feeds the GPU has its turn.
      let before: Promise<unknown> = Promise.resolve();
      for (const picture of this.#missing(rows, budget)) {
        const pixels = before.then(() => this.#pixels(picture));
        ahead.set(picture.key, pixels);
        before = pixels.catch(() => undefined);
      }
    };
    list.read(places).then(begin, () => undefined);
  }

  /** Tokens and positions only; pictures are not opened beyond their header. */
  async encode(
    rows: readonly Row[],
    { taught = false, form, prompting = this.prompting, budget = this.budget }: AskOptions = {},
  ): Promise<Sample[]> {
    const samples: Sample[] = [];
    const seen = budgetKey(budget);
    for (const row of rows) {
      const asked = form ?? prompting?.formOf(row, taught) ?? 'as-written';
      const content = seen === '' ? contentOf(row) : `${seen} ${contentOf(row)}`;
      const key = prompting ? `${asked} ${prompting.key} ${content}` : content;
      const put = () => prompting?.ask(row, asked, this.#processor.convention.syntax.example) ?? row;
      samples.push(this.#samples.get(key) ?? (await this.#encode({ row, put: put(), form: asked, key, budget })));
    }
    return samples;
  }

  /** Sizes of a row's pictures as their files have them. Throws `image-unreadable`. */
  async naturalSizes(row: Pick<Row, 'images'>): Promise<Size[]> {
    const sizes: Size[] = [];
    for (const path of row.images) {
      const size = await this.#dataset.naturalSize(path);
      if (!size)
        throw new GroundworkError(
          'image-unreadable',
          `${path} is not a readable picture.`,
          `Replace it with a ${PICTURE_FORMATS} file.`,
        );
      sizes.push(size);
    }
    return sizes;
  }

  /** Features of the prompts' pictures, one prompt after the other, [rows, hidden]. */
  features(samples: readonly Sample[]): Float32Array<ArrayBuffer> {
    const parts = samples.flatMap(({ row, budget }) =>
      imageOrder(row).map((i) => this.#features.get(pictureKey(row, i, budget))!),
    );
    const all = new Float32Array(parts.reduce((sum, p) => sum + p.length, 0));
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  /** What the model wrote, read in its own convention and forgiving about form. */
  parse(sample: Sample, text: string): ReadAnswer {
    return readAnswer(text, this.#processor.convention, sample.sizes, sample.form);
  }

  destroy(): void {
    this.#vision.destroy();
  }

  /** `put`: the row with the words that are put around it. */
  async #encode({ row, put, form, key, budget }: Encoded): Promise<Sample> {
    const processor = this.#processor.under(budget);
    const { convention } = processor;
    const natural: Size[] = [];
    for (const [i, size] of (await this.naturalSizes(row)).entries())
      natural.push(row.changes ? changedSize(size, row.changes[i]!) : size);
    const sizes = natural.map((size) => processor.modelSize(size));
    const messages = promptMessages(put, convention, sizes);
    const has = row.answer.length || row.solution.length || row.nothing;
    const target = has ? targetText(put, convention, sizes, form === 'answer') : '';
    const encoded = encodeConversation(processor, row.id, messages, target || null, sizes);
    const { axes, next } = this.#model.positions(encoded.tokens, encoded.grids);
    const sample: Sample = {
      row,
      form,
      prompt: {
        id: row.id,
        tokens: encoded.tokens,
        axes,
        next,
        featureIndex: encoded.featureIndex,
        featureRows: encoded.featureRows,
      },
      promptText: encoded.text,
      completion: encoded.completion,
      learnt: row.lastOnly ? new Uint8Array(encoded.learnt.length) : encoded.learnt,
      unlearnt: row.lastOnly ? 0 : encoded.unlearnt,
      targetText: target,
      natural,
      sizes,
      budget,
    };
    this.#samples.set(key, sample);
    return sample;
  }

  /** Pictures of rows without features, each once. */
  #missing(rows: readonly Row[], budget: PictureBudget | null): WantedPicture[] {
    const all = rows.flatMap((row) => picturesOf(row, budget));
    const wanted = new Map(all.map((picture) => [picture.key, picture]));
    return [...wanted.values()].filter(({ key }) => !this.#features.has(key));
  }

  async #pixels({ path, change, budget }: WantedPicture): Promise<PixelInput> {
    try {
      return await readPixels(this.#processor.under(budget), await this.#dataset.image(path), change);
    } catch (error) {
      if (error instanceof GroundworkError && error.code === 'file-unreadable')
        throw new GroundworkError(
          error.code,
          `${path} cannot be read any more.`,
          'Its file was changed, moved or deleted since the dataset was opened, or its disk is gone. The run is safe up to its last checkpoint. Put the file back as it was, or open the dataset again, then resume the run.',
          { cause: error },
        );
      if (!(error instanceof GroundworkError) || error.code !== 'image-undecodable') throw error;
      throw new GroundworkError(
        error.code,
        `${path} could not be decoded.`,
        'Its file is damaged. The run is safe up to its last checkpoint. Replace the file or remove its rows, then open the dataset again.',
        { cause: error },
      );
    }
  }

  /** Pixels of each picture, where they were not read ahead when they are asked for. */
  async *#read(pictures: readonly WantedPicture[]): AsyncGenerator<PixelInput> {
    this.onPictures?.(0, pictures.length);
    for (const [i, picture] of pictures.entries()) {
      const ahead = this.#ahead.get(picture.key);
      this.#ahead.delete(picture.key);
      const pixels = await (ahead ?? this.#pixels(picture));
      this.onPictures?.(i + 1, pictures.length);
      yield pixels;
    }
  }

  async #computeFeatures(pictures: readonly WantedPicture[]): Promise<void> {
    const features = await this.#vision.run(this.#read(pictures));
    pictures.forEach(({ key }, i) => {
      this.#features.set(key, features[i]!);
      this.#featureBytes += features[i]!.byteLength;
    });
  }

  /** Forgets the pictures that were used longest ago, never one of `inUse`. */
  #evict(inUse: ReadonlySet<string>): void {
    for (const key of inUse) {
      const features = this.#features.get(key)!;
      this.#features.delete(key);
      this.#features.set(key, features);
    }
    for (const [key, features] of this.#features) {
      if (this.#featureBytes <= FEATURE_BYTES || inUse.has(key)) return;
      this.#features.delete(key);
      this.#featureBytes -= features.byteLength;
    }
  }
}

/** Rows as they are sampled from and, where a prompt makes that another thing, as they are taught. */
export async function encodeBoth(samples: SampleStore, rows: readonly Row[]): Promise<Sample[]> {
  const asked = await samples.encode(rows);
  return samples.prompting ? [...asked, ...(await samples.encode(rows, TAUGHT))] : asked;
}

/** Equal for rows that are encoded, scored and named alike. */
const contentOf = (row: Row): string => JSON.stringify(row);

/** A picture that is to pass the vision tower: of a changed one, the file and what is to be done to it. */
interface WantedPicture {
  readonly key: string;
  readonly path: string;
  readonly change?: PictureChange;
  readonly budget: PictureBudget | null;
}

const isUnchanged = (change: PictureChange | undefined): boolean => !change || Object.keys(change).length === 0;

/** Tells pictures apart: by path, by what was changed, and by the budget that they are seen under. */
function pictureKey({ images, changes }: Row, i: number, budget: PictureBudget | null): string {
  const change = changes?.[i];
  const seen = budgetKey(budget);
  return `${images[i]!}${isUnchanged(change) ? '' : `\n${JSON.stringify(change)}`}${seen === '' ? '' : `\n${seen}`}`;
}

const picturesOf = (row: Row, budget: PictureBudget | null): WantedPicture[] =>
  row.images.map((path, i) => {
    const change = row.changes?.[i];
    return { key: pictureKey(row, i, budget), path, budget, ...(change && !isUnchanged(change) && { change }) };
  });

/** Pictures in the order the prompt shows them. */
function imageOrder(row: Row): number[] {
  return row.prompt.flatMap(({ content }) =>
    content.flatMap((segment) => (segment.type === 'image' ? [segment.image] : [])),
  );
}
