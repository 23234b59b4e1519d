/** What page and engine say to each other about a model's answers to rows: given, kept, and looked at digit by digit. */
import type { Prediction } from '../../evaluate/prediction.ts';
import type { Box01, GroundedBox } from '../../grounding/box.ts';
import type { MixedGroup } from '../../train/draws.ts';
import type { RowForm } from '../../train/prompt.ts';
import type { Answer, PictureBudget, PolicyName, Recipe, Size } from './words.ts';

/** An answer that was given before, by the weights that are there now. */
export interface KnownAnswer {
  readonly rowId: string;
  readonly answer: Answer;
}

/** Answers for a file of predictions, and how the model's processor limits pictures. */
export interface Predicted {
  readonly predictions: readonly Prediction[];
  readonly pictures: { readonly minPixels: number; readonly maxPixels: number };
}

/** A row as the model sees it. */
export interface EncodedPreview {
  /** The form that its answer is asked for in. */
  readonly form: RowForm;
  readonly sizes: readonly { readonly natural: Size; readonly model: Size; readonly tokens: number }[];
  readonly promptText: string;
  readonly targetText: string;
  readonly tokens: readonly { readonly text: string; readonly inLoss: boolean }[];
  /** Of one draw: its pictures, changed as they are, in the order of the draw, and its boxes; null: the row as it is. */
  readonly drawn: { readonly pictures: readonly Blob[]; readonly solution: readonly GroundedBox[] } | null;
}

/** What a plan's way of drawing makes of a dataset. */
export interface DrawReport {
  /** Files or tasks, by rows, most first; of no mixture, by file. */
  readonly groups: readonly MixedGroup[];
  /** What of the changes is not made to rows and why, in sentences, … */
  readonly unvaried: readonly string[];
  /** … from so many rows that were looked at. */
  readonly looked: number;
}

export interface DigitHeat {
  /** What the token says; a tokenizer may hold several digits in one. */
  readonly text: string;
  /** Negative log-likelihood, nats, all that comes before it in the target being given. */
  readonly loss: number;
}

export interface BoxHeat {
  readonly image: number;
  readonly box: Box01;
  /** Digits of x1, y1, x2, y2: the left, upper, right and lower edge. */
  readonly edges: readonly (readonly DigitHeat[])[];
}

export interface CoordinateHeat {
  readonly policy: PolicyName;
  /** The solution's boxes; empty for a row without one. */
  readonly boxes: readonly BoxHeat[];
}

/** A row's solution in the numbers of others, box by box. */
export interface BoxNumbers {
  /** As the file has them; null: it gives none, or the row was edited. */
  readonly file: readonly (readonly number[])[] | null;
  /** As the loaded model writes them; null: no model is loaded. */
  readonly model: readonly (readonly number[])[] | null;
}

/** How rows are asked for a file of predictions. */
export interface AskedRows {
  readonly prompt: 'published' | 'own';
  readonly tokens: number;
  readonly sampling?: { readonly temperature: number; readonly count: number; readonly seed: number } | undefined;
  readonly swap?: true | undefined;
  /** Whose prompt is put around rows that are asked in their own words, and under whose budget pictures are seen; absent: those of the run in view, if there is one. */
  readonly recipe?: Pick<Recipe, 'prompt' | 'seed' | 'pictures'> | undefined;
}

/** Whose prompt is put around rows; null: none, they are asked as they are written. Absent: that of the run in view. */
export type AskingRecipe = Pick<Recipe, 'prompt' | 'seed'> | null;

export type AnswerRequest =
  /** `pictures`: of the plan, for where no run is in view. */
  | {
      readonly type: 'box-numbers';
      readonly dataset: string;
      readonly rowId: string;
      readonly pictures?: PictureBudget | undefined;
    }
  /** `taught`: as a stage learns it, not as it is sampled from. Without a recipe: as it is written. */
  | {
      readonly type: 'preview';
      readonly dataset: string;
      readonly rowId: string;
      readonly recipe?: Pick<Recipe, 'prompt' | 'draw' | 'pictures' | 'seed'>;
      readonly taught?: boolean;
      /** As draw number so and so, with its pictures changed; absent: as it is. */
      readonly draw?: number;
    }
  | { readonly type: 'draw-report'; readonly dataset: string; readonly recipe: Pick<Recipe, 'draw' | 'seed'> }
  | {
      readonly type: 'answer';
      readonly dataset: string;
      readonly rowId: string;
      readonly policies: readonly PolicyName[];
      /** Pictures in another order: place i shows picture `order[i]`. Boxes and score come in that order, too. */
      readonly order?: readonly number[];
      readonly recipe?: AskingRecipe;
    }
  /** Loss of every digit of the solution's coordinates under a policy, the target being given. */
  | {
      readonly type: 'coordinate-heat';
      readonly dataset: string;
      readonly rowId: string;
      readonly policy: PolicyName;
    }
  /**
   * Rows answered together, one answer each, in their order. `orders`: as in `answer`, by row. Answers to rows as they are
   * are kept with `project`, if this tab has it, and while no run changes the weights.
   */
  | {
      readonly type: 'answer-rows';
      readonly dataset: string;
      readonly rowIds: readonly string[];
      readonly policy: PolicyName;
      readonly orders?: readonly (readonly number[])[];
      readonly project?: string | null;
      readonly recipe?: AskingRecipe;
    }
  /**
   * Rows answered together for a file of predictions. `published`: asked as the script of their benchmark asks. `tokens`:
   * the longest answer. `sampling`: `count` answers a row are drawn; without it each row has its likeliest answer.
   * `swap`: rows are asked again with their pictures swapped, where that tells something.
   */
  | ({
      readonly type: 'predict-rows';
      readonly dataset: string;
      readonly rowIds: readonly string[];
      readonly policy: PolicyName;
    } & AskedRows)
  /** What the weights that are there now have answered before. Of the tuned policy nothing, where it is the base. */
  | {
      readonly type: 'known-answers';
      readonly dataset: string;
      readonly project: string;
      readonly recipe?: AskingRecipe;
    };

export interface AnswerReplies {
  'box-numbers': BoxNumbers;
  preview: EncodedPreview;
  'draw-report': DrawReport;
  answer: readonly Answer[];
  'answer-rows': readonly Answer[];
  'predict-rows': Predicted;
  'known-answers': readonly KnownAnswer[];
  'coordinate-heat': CoordinateHeat;
}
