/**
 * Places in a picture as other models and tools write them, which are no boxes here: tokens of a grid, of regions, of
 * masks, clicks. Learned as text they would keep the numbers of the file, which are not the model's own.
 */
import { halfWidth } from '../grounding/loose-json.ts';
import { asksForBox } from './answer-parts.ts';

export interface ForeignPlace {
  readonly what: string;
  readonly fix: string;
}

const POINT: ForeignPlace = { what: 'a point', fix: 'Points are not supported: give [x1, y1, x2, y2].' };
const D = String.raw`-?\d{1,7}(?:\.\d{1,20})?`;
const ACTION = String.raw`(?:(?:left|right|double|triple|middle|long|mouse)[\s_-]?){0,2}(?:click|tap|touch|press|hover|move[\s_-]?to|point)(?:ing|ed|s)?(?:[\s_-]?(?:at|on))?`;

const PLACES: readonly (readonly [RegExp, ForeignPlace])[] = [
  [
    /<patch_index_\d+>/,
    {
      what: 'Kosmos-2’s tokens of a grid (<patch_index_…>)',
      fix: 'Write the box as [x1, y1, x2, y2]: the tokens say only in which of 32 × 32 cells its corners lie.',
    },
  ],
  [
    /<roi>|<\/roi>|<\[?SEG\]?>|\[SEG\]|<region\d*>|<mask_\d+>|<seg\d{3}>/i,
    {
      what: 'a token that stands for a region or a mask of another model',
      fix: 'Write the box as [x1, y1, x2, y2].',
    },
  ],
  [
    /\b(?:start_box|point)\s*=\s*['"]?(?:<\|box_start\|>|<point>)?\(?\s*\d+(?:\.\d+)?[ ,]+\d+(?:\.\d+)?\s*\)?(?!\s*,\s*\d)|\bpyautogui\.\w+\(\s*x\s*=|<\|box_start\|>\s*\(\s*\d+(?:\.\d+)?\s*,\s*\d+(?:\.\d+)?\s*\)\s*<\|box_end\|>/,
    POINT,
  ],
  // click(12, 34), tap [12, 34], CLICK: (12,34), long_press at x=12, y=34; not four numbers, which are a box.
  [
    new RegExp(
      String.raw`\b${ACTION}\s?[:=]?\s?[(\[{<]{0,2}\s?(?:x\s?[=:]\s?)?${D}\s?,\s?(?:y\s?[=:]\s?)?${D}(?![\d.]|\s?,\s?(?:\w{1,8}\s?[=:]\s?)?-?\d)`,
      'i',
    ),
    POINT,
  ],
  [
    new RegExp(
      String.raw`\b(?:drag|swipe|scroll)\w{0,12}\s?\(\s?(?:\w{1,12}\s?=\s?)?[(\[]?\s?(?:x1?\s?=\s?)?${D}\s?,`,
      'i',
    ),
    { what: 'a movement from point to point', fix: 'Movements are not supported: give [x1, y1, x2, y2].' },
  ],
];

/** “x=12, y=34” without a size or a second corner behind it. */
const NAMED_POINT = new RegExp(
  String.raw`(?<![\w.])x\s?[=:]\s?${D}\s?[,;]?\s{0,2}y\s?[=:]\s?${D}(?![\d.]|[,;\s]{1,4}(?:w|h|width|height|x\d?|y\d?)\s?[=:])`,
  'i',
);
const TWO_NUMBERS = new RegExp(String.raw`^[(\[<{]{0,2}\s?${D}\s?[,;\s]\s?${D}\s?[)\]>}]{0,2}[.。]?$`);
const ASKS_FOR_POINT = /\b(?:point|click|tap|press|touch|coordinates?)\b|点击|指出|坐标/i;

/** What in an answer is a place of another kind; null if nothing is. `boxes`: it has boxes that are read. */
export function foreignPlace(answer: string, question: string, boxes: boolean): ForeignPlace | null {
  const text = halfWidth(answer);
  const found = PLACES.find(([pattern]) => pattern.test(text));
  if (found) return found[1];
  if (boxes) return null;
  if (NAMED_POINT.test(text)) return POINT;
  return TWO_NUMBERS.test(text.trim()) && (asksForBox(question) || ASKS_FOR_POINT.test(question)) ? POINT : null;
}
