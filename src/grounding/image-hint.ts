/**
 * Words and keys that say which picture is meant: “Image-2”, “the second image”, “2nd image”, “last image”, 第二张图,
 * 2枚目の画像, 두 번째 이미지, `"image": 2`, `"image_index": 0`.
 *
 * Numbers count from 1, but those of keys named an index from 0. Files may count otherwise: a number is given as it is
 * written (`counted`), for whoever has seen all of a file.
 */

/** A picture's number as written, and the word it is written with, or the key, in quotes. */
export interface Counted {
  readonly value: number;
  readonly by: string;
}

export interface Stated {
  /** Counted from 0; −1 is the last; null where a number cannot be counted so. */
  readonly image: number | null;
  readonly counted?: Counted;
}

export interface ImageHint extends Stated {
  readonly start: number;
  readonly end: number;
}

const ORDINALS = [
  'first',
  'second',
  'third',
  'fourth',
  'fifth',
  'sixth',
  'seventh',
  'eighth',
  'ninth',
  'tenth',
  'eleventh',
  'twelfth',
];
const CARDINALS = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve'];
const HAN = ['一', '二', '三', '四', '五', '六', '七', '八', '九', '十', '十一', '十二'];
const HANGUL = ['첫', '두', '세', '네', '다섯', '여섯', '일곱', '여덟', '아홉', '열'];
const LAST = ['last', 'final', '最后一', '最後', '마지막'];

const PICTURE = '(?:image|picture|photo|frame|screenshot|figure)';
/**
 * An ordinal whose noun stands earlier: “in the second: …” is a picture where pictures are spoken of; “the second has …”
 * may be one, or the second thing in it.
 */
const ELLIPTIC = new RegExp(
  String.raw`\b((?:in|on|within|inside)\s{1,2})?(?:the\s)(${ORDINALS.join('|')}|last)(?:\s{1,2}one)?(?=\s?[:：,;.]|\s{1,2}(?:has|have|shows|contains|does|is)\b|\s{0,2}[[({<]|\s{0,2}$)`,
  'gi',
);
/** “Image B”, “image II”: in capitals, or it is an article. */
const LETTERED = /\b(?:[Ii]mage|[Pp]icture|[Pp]hoto|[Ff]igure|[Ff]rame|IMAGE|PICTURE)[\s\-_]{1,2}(II|III|IV|[A-H])\b/g;
const LETTERS = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H'];
const ROMAN = ['I', 'II', 'III', 'IV'];
const HAN_PICTURE = '(?:图片|图像|照片|图|画面|帧|圖片|圖像|圖|画像|写真)';
const HANGUL_PICTURE = '(?:이미지|사진|그림)';
/** The longest first: 十一 is not 十. */
const anyOf = (words: readonly string[]): string => words.toReversed().join('|');

// Every repetition is bounded, so the search is linear in the text.
const HINT = new RegExp(
  [
    String.raw`\b(image|picture|photo|frame|img|pic|screenshot|figure|view)(?:["']?\s{0,2}:\s{0,2}["']?|[\s\-_#]{0,3})(?:(\d{1,3})(?!\d|\.\d)|(${CARDINALS.join('|')})\b)`,
    String.raw`\b(\d{1,3})\s?(?:st|nd|rd|th)[\s\-]{1,2}${PICTURE}\b`,
    String.raw`\b(${ORDINALS.join('|')}|last|final)[\s\-]{1,2}${PICTURE}\b`,
    String.raw`第\s?(\d{1,2}|${anyOf(HAN)})\s?(?:[张張幅个個枚帧]?(?:的|の)?${HAN_PICTURE}|[张張幅](?=\s?[:：,，中里有是]))`,
    String.raw`(最后一|最後)[张張幅个個枚]?(?:的|の)?${HAN_PICTURE}`,
    String.raw`(\d{1,2})(?:枚目|番目|번째|번)\s?(?:の)?\s?(?:${HAN_PICTURE}|${HANGUL_PICTURE})`,
    String.raw`(${anyOf(HANGUL)}|마지막)\s?(?:번째)?\s?${HANGUL_PICTURE}`,
    String.raw`(${HAN_PICTURE}|${HANGUL_PICTURE})\s?[-_#]?\s?(?:(\d{1,2})(?![\d.])|(${anyOf(HAN)})(?!\p{L}))`,
  ].join('|'),
  'giu',
);

/** From 0, of a word for a number. */
const ofWord = (word: string): number =>
  LAST.includes(word) ? -1 : Math.max(...[CARDINALS, ORDINALS, HAN, HANGUL].map((words) => words.indexOf(word)));

/** Keys that are named an index count from 0; `image_id` may count from either. */
function countsFrom(by: string): number | null {
  if (/(?:index|idx)"$/.test(by)) return 0;
  return by.endsWith('id"') ? null : 1;
}

/** @param from what is known of the file: pictures counted by this word or key begin with 0 or 1 */
export function imageOf({ value, by }: Counted, from: number | null = countsFrom(by)): number | null {
  return from === null || value < from ? null : value - from;
}

const counting = (value: number, by: string): Stated => ({ image: imageOf({ value, by }), counted: { value, by } });

/** All hints in reading order. Linear time; never throws. */
export function imageHints(text: string): ImageHint[] {
  const hints: ImageHint[] = [];
  for (const match of text.matchAll(HINT)) {
    const [, noun, digits, cardinal, nth, ordinal, han, last, counter, hangul, sign, signDigits, signHan] = match;
    const place = { start: match.index, end: match.index + match[0].length };
    const number = digits ?? signDigits;
    const word = (
      cardinal ??
      ordinal ??
      last ??
      hangul ??
      signHan ??
      (/\d/.test(han ?? '') ? undefined : han)
    )?.toLowerCase();
    if (number !== undefined) {
      const by = (noun ?? sign)!.toLowerCase();
      hints.push({ ...place, ...counting(Number(number), /["']/.test(match[0]) ? `"${by}"` : by) });
    } else if (word !== undefined) hints.push({ ...place, image: ofWord(word) });
    else if (Number(nth ?? counter ?? han) > 0) hints.push({ ...place, image: Number(nth ?? counter ?? han) - 1 });
  }
  const named = hints.length;
  for (const match of text.matchAll(LETTERED)) {
    const place = { start: match.index, end: match.index + match[0].length };
    hints.push({ ...place, image: Math.max(ROMAN.indexOf(match[1]!), LETTERS.indexOf(match[1]!)) });
  }
  for (const { index, 0: whole, 1: within, 2: word } of hints.length ? text.matchAll(ELLIPTIC) : [])
    hints.push({
      start: index + (within?.length ?? 0),
      end: index + whole.length,
      image: within === undefined ? null : ofWord(word!.toLowerCase()),
    });
  return hints.length === named ? hints : hints.sort((a, b) => a.start - b.start);
}

/** −1 (the last) becomes an index; null if there is no such picture. */
export function resolveHint(image: number, pictures: number): number | null {
  const index = image === -1 ? pictures - 1 : image;
  return index >= 0 && index < pictures ? index : null;
}

/** Words such as “Image-2”, “second”, `image_2` that are nothing but the name of a picture; null if they are not. */
export function imageOfValue(value: string): Stated | null {
  const text = value.trim();
  if (text.length > 40) return null;
  for (const candidate of [text, `${text} image`]) {
    const [hint] = imageHints(candidate);
    if (hint?.start === 0 && hint.end === candidate.length)
      return { image: hint.image, ...(hint.counted && { counted: hint.counted }) };
  }
  return null;
}

const SHORT_NUMBER = /^\s?\d{1,3}\s?$/;
const IMAGE_KEY = /^(?:image|img|picture|photo|frame|page)(?:index|idx|id|number|num|no)?$/;

/** What a field says of the picture: a number, words, or a file's name; null if it says nothing. */
export function imageOfKey(key: string, value: number | string): (Stated & { readonly named?: string }) | null {
  const by = key.toLowerCase().replace(/[\s_-]/g, '');
  if (!IMAGE_KEY.test(by)) return null;
  const number = typeof value === 'number' ? value : SHORT_NUMBER.test(value) ? Number(value) : null;
  if (number !== null) return Number.isInteger(number) && number >= 0 ? counting(number, `"${by}"`) : null;
  return imageOfValue(value as string) ?? { image: null, named: value as string };
}

interface Placed {
  readonly start: number;
  readonly end: number;
  readonly form: 'object' | 'pairs' | 'list';
  readonly image: number | null;
  readonly counted?: Counted;
}

/** Those of ascending hints that do not lie inside one of ascending, disjoint objects. */
function outside(hints: readonly ImageHint[], places: readonly Placed[]): ImageHint[] {
  const objects = places.filter(({ form }) => form === 'object');
  let next = 0;
  return hints.filter((hint) => {
    while (next < objects.length && objects[next]!.end <= hint.start) next++;
    return !(next < objects.length && hint.start >= objects[next]!.start && hint.end <= objects[next]!.end);
  });
}

/**
 * What is said of each place's picture: by its own form, else by the words before it (“Image-2: …”, also for the places
 * that follow), else, where no words precede the first place, by those after it (“… in the second image”). Places are
 * in order; so are `hints`. Linear in both.
 */
export function statedFor(places: readonly Placed[], hints: readonly ImageHint[]): (Stated | null)[] {
  const words = outside(hints, places);
  const trailing = !words.some((hint) => hint.end <= (places[0]?.start ?? 0));
  let carried: Stated | null = null;
  let next = 0;
  return places.map((place, i) => {
    const from = i === 0 ? 0 : places[i - 1]!.end;
    const until = places[i + 1]?.start ?? Infinity;
    let near: ImageHint | undefined;
    if (trailing) {
      while (next < words.length && words[next]!.start < place.end) next++;
      if (next < words.length && words[next]!.end <= until) near = words[next];
      carried = near ?? null;
    } else {
      while (next < words.length && words[next]!.end <= place.start) next++;
      const before = words[next - 1];
      if (before && before.start >= from) carried = before;
    }
    return place.image !== null || place.counted ? place : carried;
  });
}

/** What is looked for, for readers in other languages (jobs/rewards). */
export const HINT_PATTERNS = {
  hint: HINT,
  lettered: LETTERED,
  elliptic: ELLIPTIC,
  imageKey: IMAGE_KEY,
  shortNumber: SHORT_NUMBER,
  last: LAST,
  numbers: [CARDINALS, ORDINALS, HAN, HANGUL],
  letters: [ROMAN, LETTERS],
} as const;
