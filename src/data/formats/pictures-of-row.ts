/** Pictures of a row under other keys, and other marks for them in its texts, as the formats know them. */
import { isObject } from '../../base/json.ts';
import { isPictureName } from '../../base/picture-files.ts';
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

/** A name of a picture's file, a list of such names, or objects that have one. */
function namesPicture(value: unknown): boolean {
  if (typeof value === 'string') return value.length < 1000 && PATH.test(value) && isPictureName(value);
  if (Array.isArray(value)) return value.length > 0 && value.every(namesPicture);
  return isObject(value) && PLACES.some((key) => namesPicture(value[key]));
}

const PATH = /^[^\n<>"|?*]{1,900}$/;
const PLACES = ['path', 'url', 'image', 'file_name'];

/** Keys of a row under which pictures are named, whatever they are called. */
const pictureKeys = (value: Fields): string[] =>
  Object.keys(value).filter((key) => !TEXTS.test(key) && namesPicture(value[key]));

/** What may end like a file's name and is none: words, and names of other things. */
const TEXTS =
  /^(?:id|(?!image_id).*_id|name|label|title|caption|text|value|content|question|answer|problem|solution|prompt|completion|query|response|instruction|input|output|masks?|mask_.*|.*_mask|depth.*|thumbnail|preview)$/i;

/** The row with its pictures under `images`. */
export function withImages(value: Fields): Fields {
  if (isGiven(value.images) || isGiven(value.image)) return value;
  const key = KEYS.find((each) => isGiven(value[each]));
  if (key !== undefined) return { ...value, images: value[key] };
  const pictures = numbered(value);
  if (pictures.length) return { ...value, images: pictures };
  const named = pictureKeys(value);
  return named.length === 1 ? { ...value, images: value[named[0]!] } : value;
}

/** Fields of a row, or of its turns, that name pictures although the row was read without any. */
export function unreadPictures(value: Fields): readonly string[] {
  const turns = [value.messages, value.conversations, value.conversation].find(Array.isArray) as unknown[] | undefined;
  const ofTurns = (turns ?? []).flatMap((turn, i) =>
    isObject(turn) ? pictureKeys(turn).map((key) => `turn ${i + 1}: ${key}`) : [],
  );
  return [...pictureKeys(value), ...ofTurns];
}

const QWEN_MARK = /<\|vision_start\|><\|image_pad\|><\|vision_end\|>/g;
const NUMBERED_MARKS = [/<image[ _-]?(\d{1,2})>/g, /<\|image_(\d{1,2})\|>/g];
/** What else stands for a picture in the field's prompts: Llama's, InternVL's, Pixtral's, templates of scripts. */
const OTHER_MARKS = [
  /<\|image\|>/g,
  /<IMAGE>|<Image>/g,
  /<ImageHere>/g,
  /<IMG_CONTEXT>/g,
  /\[IMG\]/g,
  /<img>(?!.{1,500}<\/img>)/g,
  /\[image\]/gi,
  /\{image\}/g,
];
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
  for (const mark of NUMBERED_MARKS) {
    const numbers = row.turns.flatMap(({ text }) => Array.from(text.matchAll(mark), ([, n]) => Number(n)));
    if (numbers.length === row.images.length && numbers.every((n, i) => n === i + 1)) return replaced(mark);
  }
  const other = OTHER_MARKS.find((mark) => count(row, mark) === row.images.length);
  return other ? replaced(other) : row;
}

const lastPart = (path: string): string => path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);

/** Whether the turns name other pictures than the row's list. */
export const namesOthers = ({ images, named }: Pick<RawRow, 'images' | 'named'>): boolean =>
  named !== undefined &&
  (named.length > images.length || named.some((path) => !images.some((each) => lastPart(each) === lastPart(path))));
