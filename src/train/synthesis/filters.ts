/**
 * Which thoughts are fit to be learned: one entry a fault. Each says alone whether a candidate has it, so that faults can
 * be counted, and a candidate that has none is kept. Duplicates are found among candidates, in `sift`.
 */
import type { Row } from '../../data/row.ts';
import type { Size } from '../../grounding/box.ts';
import { agreementOf } from '../rewards/agreement.ts';
import { succeeds } from '../rewards/success.ts';
import type { ReadAnswer } from '../read-answer.ts';

/** A thought with its answer. */
export interface Candidate {
  readonly answer: ReadAnswer;
  /** It did not come to its end. */
  readonly truncated: boolean;
  /** The true boxes were in its prompt. */
  readonly hinted: boolean;
  /** Numbers in its thought mean other places to the model that is to learn it. */
  readonly foreign?: boolean;
}

/** What it is held against. */
export interface CandidateRow {
  readonly row: Row;
  /** Of its pictures, as they are and as the model sees them. */
  readonly natural: readonly Size[];
  readonly sizes: readonly Size[];
}

export interface FilterSettings {
  /** Smallest IoU of a right answer. */
  readonly iouThreshold: number;
  readonly minThoughtWords: number;
  readonly maxThoughtWords: number;
}

interface Filter {
  /** What is wrong, as a count names it. */
  readonly label: string;
  readonly finds: (candidate: Candidate, of: CandidateRow, settings: FilterSettings) => boolean;
}

const thoughtOf = ({ answer }: Candidate): string => answer.think ?? '';
const wordsIn = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

/** Words of a stretch that must not return too often. */
const STRETCH = 4;
/** Share of stretches that may be repeats. */
const MOST_REPEATS = 0.3;
/** Overlap from which two boxes are the same one. */
const SAME_BOX = 0.5;

export const FILTERS = {
  unfinished: { label: 'cut off', finds: ({ truncated }) => truncated },
  form: { label: 'not in the form asked for', finds: ({ answer }) => !answer.formatOk || answer.think === null },
  wrong: {
    label: 'wrong boxes',
    finds: ({ answer }, { row }, { iouThreshold }) => !succeeds(answer, row, iouThreshold),
  },
  length: {
    label: 'too short or too long',
    finds: (candidate, _, { minThoughtWords, maxThoughtWords }) => {
      const words = wordsIn(thoughtOf(candidate)).length;
      return words < minThoughtWords || words > maxThoughtWords;
    },
  },
  repetition: { label: 'repeats itself', finds: (candidate) => repeats(wordsIn(thoughtOf(candidate))) > MOST_REPEATS },
  language: {
    label: 'another script than the question’s',
    finds: (candidate, { row }) => {
      const [asked, thought] = [scriptOf(questionOf(row)), scriptOf(thoughtOf(candidate))];
      return asked !== null && thought !== null && asked !== thought;
    },
  },
  refusal: { label: 'refuses', finds: (candidate) => REFUSES.test(thoughtOf(candidate)) },
  leak: {
    label: 'gives the hint away',
    finds: (candidate, of) =>
      candidate.hinted && (BETRAYS.test(thoughtOf(candidate)) || namesTruth(thoughtOf(candidate), of)),
  },
  disagreement: {
    label: 'thought and answer disagree',
    finds: ({ answer }) => (agreementOf(answer) ?? 1) < SAME_BOX,
  },
  space: {
    label: 'names boxes in another space',
    finds: ({ answer, foreign }) => foreign === true && answer.thoughtBoxes.length > 0,
  },
} as const satisfies Readonly<Record<string, Filter>>;

export type FilterName = keyof typeof FILTERS;
export const FILTER_NAMES = Object.keys(FILTERS) as FilterName[];

/** Everything that is wrong with a candidate. */
export const faultsOf = (candidate: Candidate, of: CandidateRow, settings: FilterSettings): FilterName[] =>
  FILTER_NAMES.filter((name) => FILTERS[name].finds(candidate, of, settings));

/** What is wrong with a candidate beside the others of its row: equal to one of them, or beyond the number wanted. */
export type Fault = FilterName | 'duplicate' | 'surplus';
export const FAULT_NAMES: readonly Fault[] = [...FILTER_NAMES, 'duplicate', 'surplus'];
export const faultLabel = (fault: Fault): string =>
  fault === 'duplicate'
    ? 'the words of another one'
    : fault === 'surplus'
      ? 'more than wanted of its row'
      : FILTERS[fault].label;

/** Equal for thoughts that differ in case, spaces and punctuation alone. */
export const sameThought = (candidate: Candidate): string => wordsIn(thoughtOf(candidate)).join(' ');

function repeats(words: readonly string[]): number {
  const total = words.length - STRETCH + 1;
  if (total < 2) return 0;
  return 1 - new Set(Array.from({ length: total }, (_, i) => words.slice(i, i + STRETCH).join(' '))).size / total;
}

const questionOf = ({ prompt }: Row): string =>
  prompt
    .filter(({ role }) => role === 'user')
    .flatMap(({ content }) => content.map((part) => (part.type === 'text' ? part.text : '')))
    .join(' ');

const SCRIPTS = [
  'Latin',
  'Cyrillic',
  'Greek',
  'Arabic',
  'Hebrew',
  'Devanagari',
  'Thai',
  'Hangul',
  'Kana',
  'Han',
] as const;
const LETTERS = SCRIPTS.map((name) => {
  const script = name === 'Kana' ? '\\p{Script=Hiragana}\\p{Script=Katakana}' : `\\p{Script=${name}}`;
  return [name, new RegExp(`[${script}]`, 'gu')] as const;
});

/** The script of most letters; null of none. Japanese is known by its kana, however many Han characters it has. */
function scriptOf(text: string): (typeof SCRIPTS)[number] | null {
  const counts = LETTERS.map(([name, letters]) => [name, text.match(letters)?.length ?? 0] as const);
  if (counts.some(([name, count]) => name === 'Kana' && count > 0)) return 'Kana';
  const [name, count] = counts.reduce((a, b) => (b[1] > a[1] ? b : a));
  return count > 0 ? name : null;
}

const REFUSES =
  /\b(?:i(?:['’]m| am) (?:sorry|unable|not able)|i (?:can(?:no|['’])t|cannot) (?:help|answer|assist|determine|see|view)|as an ai\b|unable to (?:help|answer|assist|determine|see|view))/i;
const BETRAYS =
  /\b(?:hints?|hinted|ground[- ]?truth|(?:given|provided|correct|right|true|expected|reference) (?:answer|box|boxes|coordinates|solution)|(?:as|was|were|is|are) (?:given|provided|told|stated))\b/i;

/** A coordinate that is named within this many units of the truth was read off. */
const NEAR = 2;

/** A number of the thought is a coordinate of the truth: in pixels, in thousandths or as a fraction. */
function namesTruth(thought: string, { row, natural, sizes }: CandidateRow): boolean {
  // “Image-2” and “picture 2” name a picture.
  const plain = thought.replace(/\b(?:image|picture|photo|img)[\s-]*#?\d+/gi, ' ');
  const numbers = [...plain.matchAll(/\d+(?:\.\d+)?/g)].map(([text]) => ({
    value: Number(text),
    whole: !text.includes('.'),
  }));
  return row.solution.some(({ image, box: [x1, y1, x2, y2] }) =>
    [
      [x1, 'width'],
      [y1, 'height'],
      [x2, 'width'],
      [y2, 'height'],
    ].some(([at, side]) => {
      const fraction = Number(at);
      const spans = [1000, natural[image]?.[side as 'width'], sizes[image]?.[side as 'width']];
      return numbers.some(({ value, whole }) =>
        whole || value > 1
          ? spans.some((span) => span !== undefined && Math.abs(value - fraction * span) <= NEAR)
          : Math.abs(value - fraction) <= NEAR / 1000,
      );
    }),
  );
}
