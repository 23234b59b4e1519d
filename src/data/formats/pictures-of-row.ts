/** Pictures of a row under other keys, and other marks for them in its texts, as the formats know them. */
import type { RawRow } from '../raw-row.ts';

type Fields = Readonly<Record<string, unknown>>;

const KEYS = [
  'imgs',
  'img',
  'image_paths',
  'image_path',
  'img_paths',
  'img_path',
  'image_files',
  'image_file',
  'pictures',
  'picture',
  'image_list',
];
const isGiven = (value: unknown): boolean => value !== null && value !== undefined && value !== '';

/** BLINK's `image_1`, `image_2`, … as one list. */
function numbered(value: Fields): unknown[] {
  const pictures: unknown[] = [];
  for (let i = 1; i <= 64; i++) {
    const picture = [value[`image_${i}`], value[`image${i}`]].find(isGiven);
    if (picture === undefined) break;
    pictures.push(picture);
  }
  return pictures;
}

/** The row with its pictures under `images`. */
export function withImages(value: Fields): Fields {
  if (isGiven(value.images) || isGiven(value.image)) return value;
  const key = KEYS.find((each) => isGiven(value[each]));
  if (key !== undefined) return { ...value, images: value[key] };
  const pictures = numbered(value);
  return pictures.length ? { ...value, images: pictures } : value;
}

const QWEN_MARK = /<\|vision_start\|><\|image_pad\|><\|vision_end\|>/g;
const NUMBERED_MARK = /<image[ _-]?(\d{1,2})>/g;
const INLINE = /(?:Picture \d{1,2}: ?)?<img>([^<]{1,500})<\/img>\n?/g;

const count = (row: Pick<RawRow, 'turns'>, mark: RegExp): number =>
  row.turns.reduce((sum, { text }) => sum + (text.match(mark)?.length ?? 0), 0);

/**
 * `<image>` for what stands for a picture elsewhere: Qwen's placeholder tokens, `<image1>` … in order, and Qwen-VL's
 * `<img>path</img>`, which names the picture as well. Only where it comes out even.
 */
export function withUsualMarks<R extends Omit<RawRow, 'format'>>(row: R): R {
  if (count(row, /<image>/g) > 0) return row;
  const replaced = (mark: RegExp, images = row.images): R => ({
    ...row,
    images,
    turns: row.turns.map((turn) => ({ ...turn, text: turn.text.replace(mark, '<image>') })),
  });
  const inline = row.turns.flatMap(({ text }) => Array.from(text.matchAll(INLINE), ([, path]) => path!.trim()));
  if (inline.length && (row.images.length === 0 || row.images.length === inline.length))
    return replaced(INLINE, row.images.length ? row.images : inline);
  if (row.images.length === 0) return row;
  if (count(row, QWEN_MARK) === row.images.length) return replaced(QWEN_MARK);
  const numbers = row.turns.flatMap(({ text }) => Array.from(text.matchAll(NUMBERED_MARK), ([, n]) => Number(n)));
  return numbers.length === row.images.length && numbers.every((n, i) => n === i + 1) ? replaced(NUMBERED_MARK) : row;
}

const lastPart = (path: string): string => path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);

/** Whether the turns name other pictures than the row's list. */
export const namesOthers = ({ images, named }: Pick<RawRow, 'images' | 'named'>): boolean =>
  named !== undefined &&
  (named.length > images.length || named.some((path) => !images.some((each) => lastPart(each) === lastPart(path))));
