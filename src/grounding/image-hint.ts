/** Words that say which picture is meant: “Image-2”, “image 2”, “the second image”, “2nd image”, “"image": 2”, “last image”. */
export interface ImageHint {
  readonly start: number;
  readonly end: number;
  /** Counted from 0; −1 is the last. */
  readonly image: number;
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
const PICTURE = '(?:image|picture|photo|frame)';

// Every repetition is bounded, so the search is linear in the text.
const HINT = new RegExp(
  [
    String.raw`\b(?:image|picture|photo|frame|img)(?:["']?\s{0,2}:\s{0,2}["']?|[\s\-_#]{0,3})(?:(\d{1,3})(?!\d|\.\d)|(${CARDINALS.join('|')})\b)`,
    String.raw`\b(\d{1,3})\s?(?:st|nd|rd|th)[\s\-]{1,2}${PICTURE}\b`,
    String.raw`\b(${ORDINALS.join('|')}|last|final)[\s\-]{1,2}${PICTURE}\b`,
  ].join('|'),
  'gi',
);

/** All hints in reading order. Linear time; never throws. */
export function imageHints(text: string): ImageHint[] {
  const hints: ImageHint[] = [];
  for (const match of text.matchAll(HINT)) {
    const [, digits, cardinal, ordinalDigits, ordinal] = match;
    const word = (cardinal ?? ordinal)?.toLowerCase();
    const image =
      word === undefined
        ? Number(digits ?? ordinalDigits) - 1
        : word === 'last' || word === 'final'
          ? -1
          : Math.max(CARDINALS.indexOf(word), ORDINALS.indexOf(word));
    if (image >= 0 || word) hints.push({ start: match.index, end: match.index + match[0].length, image });
  }
  return hints;
}

/** −1 (the last) becomes an index; null if there is no such picture. */
export function resolveHint(image: number, pictures: number): number | null {
  const index = image === -1 ? pictures - 1 : image;
  return index >= 0 && index < pictures ? index : null;
}

/** A number or words from a JSON field: 2, "2", "Image-2", "second" → 1; null if it says nothing. */
export function imageOfValue(value: unknown): number | null {
  if (typeof value === 'number') return Number.isInteger(value) && value >= 1 ? value - 1 : null;
  if (typeof value !== 'string' || value.length > 40) return null;
  const text = value.trim();
  if (/^\d{1,3}$/.test(text)) return Number(text) >= 1 ? Number(text) - 1 : null;
  return imageHints(text)[0]?.image ?? imageHints(`${text} image`)[0]?.image ?? null;
}
