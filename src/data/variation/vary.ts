/**
 * One draw of a training row with its pictures changed and its boxes following: mirrored, cut, made smaller, recoloured,
 * in another order. What a row's words would make wrong is not done to it: `whyNot` says what and why.
 */
import type { Random } from '../../base/random.ts';
import type { GroundedBox, Size } from '../../grounding/box.ts';
import type { PictureChange } from '../../image/change.ts';
import { boxSegments, wordsOf, type Row, type Segment } from '../row.ts';
import { reordered, whyInOrder } from './order.ts';
import { changedBox } from './picture.ts';

export const VARIATIONS = ['order', 'flip', 'crop', 'scale', 'colour'] as const;
export type Variation = (typeof VARIATIONS)[number];

export interface VariationSettings {
  /** Shares of the draws (0–1) that have their pictures in another order, … */
  readonly order: number;
  /** … mirrored left to right, … */
  readonly flip: number;
  /** … cut around the boxes, down to this part of each side, … */
  readonly crop: number;
  readonly cropLeast: number;
  /** … made smaller, down to this part of each side, … */
  readonly scale: number;
  readonly scaleLeast: number;
  /** … and with brightness, contrast and saturation changed by at most this part. */
  readonly colour: number;
  readonly colourMost: number;
}

const SIDES =
  /\b(?:left(?:most)?|right(?:most)?|(?:anti-?)?clockwise|west(?:ern)?|east(?:ern)?|mirror(?:ed)?|flipped)\b|[左右西东東]|顺时针|順時針|逆时针|镜像/iu;
const WRITING =
  /\b(?:reads?|text|letters?|words?|written|writing|number(?:ed)?|digits?|sign|label(?:led|ed)?|logo|caption|button|icon|menu|title)\b|文字|字母|数字|數字|按钮|标志|标题/iu;
const PLACES =
  /\b(?:top(?:most)?|bottom(?:most)?|upper|lower|corner|cent(?:er|re)|central|middle|edge|border|side|background|foreground|above|below|under(?:neath)?|beside|near(?:est)?|farthest|next to|between|behind|in front|quarter|half|region|area|scene|whole|entire)\b|[上下中间間角边邊旁]|背景|前景/iu;
const COMPARED =
  /\b(?:mov(?:e|ed|es|ing)|chang(?:e|ed|es)|differ(?:s|ent|ence|ences)?|same (?:place|position|spot)|larger|largest|smaller|smallest|bigger|biggest|size|distance|closer|closest|further|missing|added|removed)\b|移动|移動|变化|變化|不同|差异|差異|大小|更大|更小|最大|最小/iu;
const SHADES =
  /\b(?:colou?rs?|shade|tint|dark(?:er|est)?|bright(?:er|est)?|light(?:er|est)?|pale|black|white|gr[ae]y|faded|vivid)\b|颜色|顏色|深色|浅色|亮|暗|黑|白|灰/iu;
/** The lists above know English and Chinese: rows in other words are left as they are. */
const ENGLISH = /\b(?:the|of|is|are|find|which|what|where|locate|detect|please|and|with|this|that|each|object)\b/i;
const HAN = /\p{Script=Han}/u;
const OTHER_SCRIPT = /[^\P{L}\p{Script=Latin}\p{Script=Han}]/u;
const isUnderstood = (words: string): boolean =>
  !/\p{L}/u.test(words) || (!OTHER_SCRIPT.test(words) && (HAN.test(words) || ENGLISH.test(words)));

/** Numbers of a place that stand in words: no change of the picture reaches them. */
const NUMBERS = /\d\s*[,，、]\s*\d/;

/** Why a change is not made to a row, by change; what is absent may be made. */
export function whyNot(row: Row): Partial<Record<Variation, string>> {
  // Its id is among the words that are searched, and says nothing here.
  const words = wordsOf({ ...row, id: '' });
  const foreign = isUnderstood(words) ? null : 'is in a language whose words are not known here';
  const moves = words.match(NUMBERS) ? 'has numbers of places in its words' : null;
  const grounding = row.solution.length > 0 || row.nothing === true ? null : 'has an answer without boxes';
  const reason = (...reasons: readonly (string | null | false)[]) => reasons.find((each) => each) || null;
  const names = (pattern: RegExp, what: string) => pattern.test(words) && `speaks of ${what}`;
  const found: Record<Variation, string | null> = {
    order: reason(foreign, moves, whyInOrder(row)),
    flip: reason(foreign, moves, grounding, names(SIDES, 'sides'), names(WRITING, 'writing')),
    crop: reason(
      foreign,
      moves,
      grounding,
      row.solution.length === 0 && 'has no box to keep',
      names(SIDES, 'sides'),
      names(PLACES, 'places in the picture'),
      names(COMPARED, 'differences'),
    ),
    scale: reason(foreign, names(COMPARED, 'differences')),
    colour: reason(foreign, names(SHADES, 'colours')),
  };
  return Object.fromEntries(Object.entries(found).filter(([, why]) => why !== null)) as Partial<
    Record<Variation, string>
  >;
}

/** Edges around all of a row's boxes on a picture, as fractions; null: it has none. */
function around(row: Row, image: number): [number, number, number, number] | null {
  const written = boxSegments(row).map(({ box }) => box);
  const boxes = [...row.solution, ...written].filter((each) => each.image === image).map(({ box }) => box);
  if (boxes.length === 0) return null;
  const least = (at: 0 | 1) => Math.min(...boxes.map((box) => box[at]));
  const most = (at: 2 | 3) => Math.max(...boxes.map((box) => box[at]));
  return [least(0), least(1), most(2), most(3)];
}

/** From where to where a side stays: at least `least` of it and all of `from` to `to`, in pixels. */
function kept(side: number, from: number, to: number, least: number, random: Random): [number, number] {
  const [first, end] = [Math.floor(from * side), Math.ceil(to * side)];
  const shortest = Math.max(end - first, Math.ceil(least * side));
  const length = shortest + random.below(side - shortest + 1);
  const [lowest, highest] = [Math.max(0, end - length), Math.min(first, side - length)];
  const start = lowest + random.below(highest - lowest + 1);
  return [start, start + length];
}

/** Whether every picture is told to be as it is. */
const isNothing = (changes: readonly PictureChange[]): boolean =>
  changes.every((change) => Object.keys(change).length === 0);

/**
 * The row as it is drawn this time. The same settings, row and random numbers give the same draw.
 * @param natural sizes of the row's pictures as their files have them, in the row's order
 */
export function vary(row: Row, natural: readonly Size[], settings: VariationSettings, random: Random): Row {
  const not = whyNot(row);
  // Each is drawn whether it may be made or not: what one row's words forbid does not shift the numbers of another.
  const drawn = (what: Variation) => random.uniform() < settings[what] && not[what] === undefined;
  const [order, flip, crop, scale, colour] = VARIATIONS.map(drawn);
  const between = (least: number) => least + (1 - least) * random.uniform();
  const factor = () => 1 + settings.colourMost * (2 * random.uniform() - 1);
  const changes = row.images.map((_, image): PictureChange => {
    const size = natural[image]!;
    const held = crop ? around(row, image) : null;
    const across = held && kept(size.width, held[0], held[2], settings.cropLeast, random);
    const down = held && kept(size.height, held[1], held[3], settings.cropLeast, random);
    return {
      ...(across && down && { crop: [across[0], down[0], across[1], down[1]] as const }),
      ...(flip && { flip: true as const }),
      ...(scale && { scale: between(settings.scaleLeast) }),
      ...(colour && { colour: [factor(), factor(), factor()] as const }),
    };
  });
  const changed = isNothing(changes) ? row : withChanges(row, natural, changes);
  if (!order) return changed;
  const places = random.shuffle(row.images.map((_, i) => i));
  const moved = reordered(changed, places);
  return changed.changes ? { ...moved, changes: places.map((i) => changed.changes![i]!) } : moved;
}

function withChanges(row: Row, natural: readonly Size[], changes: readonly PictureChange[]): Row {
  const follow = <B extends GroundedBox>(box: B): B => ({
    ...box,
    box: changedBox(box.box, natural[box.image]!, changes[box.image]!),
  });
  const segments = (content: readonly Segment[]) =>
    content.map((segment) => (segment.type === 'box' ? { ...segment, box: follow(segment.box) } : segment));
  return {
    ...row,
    changes,
    prompt: row.prompt.map((message) => ({ ...message, content: segments(message.content) })),
    answer: segments(row.answer),
    solution: row.solution.map(follow),
  };
}
