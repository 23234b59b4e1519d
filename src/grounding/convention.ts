/**
 * How each model family writes a box. The space and the syntax are what the family was pretrained on; the answer for
 * several pictures is ours, because no family has one: `{"image": 2, "bbox_2d": [12, 30, 55, 80]}`, pictures counted
 * from 1, in the family's own space and, for Qwen2-VL, its own tokens.
 */
import { GroundworkError } from '../base/error.ts';
import type { Box01, GroundedBox, Size } from './box.ts';
import { SYNTAXES, type AnswerItem, type BoxSyntax, type Numbers } from './syntaxes/index.ts';
import { asModel, asThousand, fromModel, fromThousand, toModel, toThousand } from './convert.ts';

export type BoxFamily = 'qwen2_5_vl' | 'qwen2_vl' | 'qwen3_vl' | 'smolvlm';
export type { Numbers } from './syntaxes/index.ts';

export interface AnswerOptions {
  /** Around the answer `<answer>…</answer>`. Default true. */
  readonly tags?: boolean;
  /** Write the boxes' labels. Default true. */
  readonly labels?: boolean;
}

export interface BoxConvention {
  readonly family: BoxFamily;
  /** For the user. */
  readonly words: string;
  readonly space: 'model pixels' | 'thousandths';
  readonly syntax: BoxSyntax;
  /** Largest coordinates a box may have. */
  limits(model: Size): { readonly x: number; readonly y: number };
  write(box: Box01, model: Size): Numbers;
  read(numbers: Numbers, model: Size): Box01;
  /** One box inside running text, as in a prompt. `model` is the size of the picture as the model sees it. */
  formatBox(box: Box01, model: Size): string;
  /** A whole answer; `sizes` are those of all the sample's pictures, in order, as the model sees them. */
  formatAnswer(boxes: readonly GroundedBox[], sizes: readonly Size[], options?: AnswerOptions): string;
  /** The answer where there is nothing to find, without tags. */
  formatNothing(): string;
}

type Space = Pick<BoxConvention, 'space' | 'limits' | 'write' | 'read'>;

const modelPixels: Space = {
  space: 'model pixels',
  limits: (model) => ({ x: model.width, y: model.height }),
  write: (box, model) => toModel(box, model),
  read: (numbers, model) => fromModel(asModel(numbers), model),
};

const thousandths: Space = {
  space: 'thousandths',
  limits: () => ({ x: 1000, y: 1000 }),
  write: (box) => toThousand(box),
  read: (numbers) => fromThousand(asThousand(numbers)),
};

function convention(family: BoxFamily, space: Space, syntax: BoxSyntax, words: string): BoxConvention {
  return {
    family,
    words,
    syntax,
    ...space,
    formatBox: (box, model) => syntax.write(space.write(box, model)),
    formatAnswer: (boxes, sizes, { tags = true, labels = true } = {}) => {
      const single = sizes.length === 1;
      const items = boxes.map(({ image, box, label }): AnswerItem => {
        const size = sizes[image];
        if (!size)
          throw new GroundworkError(
            'box-image',
            `A box is in picture ${image + 1}, but the row has ${sizes.length}.`,
            'Check the picture numbers of the dataset.',
          );
        return {
          image: single ? null : image + 1,
          numbers: space.write(box, size),
          label: labels && label ? label : null,
        };
      });
      const body = syntax.answer(items, single);
      return tags ? `<answer>${body}</answer>` : body;
    },
    formatNothing: () => syntax.nothing,
  };
}

export const CONVENTIONS: Readonly<Record<BoxFamily, BoxConvention>> = {
  qwen2_5_vl: convention(
    'qwen2_5_vl',
    modelPixels,
    SYNTAXES.json,
    'JSON, in pixels of the picture as the model sees it (after resizing)',
  ),
  qwen2_vl: convention(
    'qwen2_vl',
    thousandths,
    SYNTAXES.tokens,
    'box tokens, in thousandths (0–1000) of width and height',
  ),
  qwen3_vl: convention('qwen3_vl', thousandths, SYNTAXES.json, 'JSON, in thousandths (0–1000) of width and height'),
  smolvlm: convention(
    'smolvlm',
    thousandths,
    SYNTAXES.json,
    'JSON, in thousandths (0–1000) of width and height. The model learns this format here, because it has none of its own',
  ),
};
