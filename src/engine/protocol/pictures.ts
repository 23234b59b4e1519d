/** What page and engine say to each other about picture budgets: what one makes of the rows that are open. */
import type { PictureBudget, Recipe } from './words.ts';

interface Spread {
  readonly least: number;
  readonly median: number;
  readonly most: number;
}

/** What a picture budget makes of a dataset's rows on the loaded model. */
export interface PictureReport {
  /** Rows that were looked at, of so many. */
  readonly looked: number;
  readonly total: number;
  /** Tokens of a picture's features; null: no row has one. */
  readonly pictureTokens: Spread | null;
  /** Tokens of a row with its target. */
  readonly rowTokens: Spread | null;
  /** How long a training row may be, and the stage that says so; null: the model's own positions. */
  readonly context: { readonly tokens: number; readonly of: string | null } | null;
  /** Training rows, those of them that were looked at, and those that are longer than the context. */
  readonly train: number;
  readonly trainLooked: number;
  readonly tooLong: number;
  /** The longest of those. */
  readonly longest: string | null;
  /** True boxes, and those with a side below that of one token. */
  readonly boxes: number;
  readonly belowToken: number;
  /** The box with the shortest side, in pixels as the model sees its picture. */
  readonly smallest: {
    readonly rowId: string;
    readonly image: number;
    readonly width: number;
    readonly height: number;
  } | null;
  /** The largest budget under which no row is too long; null: none is, or none helps. */
  readonly fitting: PictureBudget | null;
}

/** Of the loaded model. Throws `model-missing`, `budget-unsupported`; `superseded` where a newer one was asked. */
export interface PictureRequest {
  readonly type: 'picture-report';
  readonly dataset: string;
  readonly recipe: Pick<Recipe, 'prompt' | 'pictures' | 'seed' | 'stages'>;
}

export interface PictureReplies {
  'picture-report': PictureReport;
}
