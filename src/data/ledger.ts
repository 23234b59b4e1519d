/**
 * What was done to the rows that a person brought, beyond reading them: answers reduced, words dropped, pictures
 * assumed, files not read. Readers and interpreters write into it; the data room and the command line show it. It is
 * no list of faults: a row that is left out is in the issue log. A row costs a few bits (row-index.ts), an entry a
 * count by file and a few places.
 */
import { subject } from '../base/counts.ts';

/** What an entry counts. Only of rows can all be listed; of the others, the first places are kept. */
type Unit = 'row' | 'box' | 'file' | 'annotation' | 'picture';

interface Words {
  readonly of: Unit;
  /** One sentence with the count. */
  say(n: number): string;
}

const about = (noun: string) => (n: number, one: string, many: string) => subject(n, noun, one, many);
const rows = about('row');
const files = about('file');
const pictures = about('picture');
const annotations = about('annotation');

/** Every kind of thing that may be done: one line each, the more consequential first. */
export const LEDGER = {
  'file-not-read': {
    of: 'file',
    say: (n) => `${files(n, 'lies', 'lie')} beside the rows and ${n === 1 ? 'is' : 'are'} not read.`,
  },
  'list-not-read': {
    of: 'file',
    say: (n) => `${files(n, 'holds', 'hold')} further lists that are not read as rows.`,
  },
  'numbers-not-read': {
    of: 'row',
    say: (n) => `${rows(n, 'has', 'have')} numbers in the answer that look like a place and are learned as text.`,
  },
  'rows-composed': {
    of: 'row',
    say: (n) => `${rows(n, 'is', 'are')} composed of annotations of several pictures: the question is ours.`,
  },
  'beside-benchmark': {
    of: 'row',
    say: (n) =>
      `${rows(n, 'lies', 'lie')} in one file with rows of a benchmark: those are held out, ${n === 1 ? 'this is' : 'these are'} read as usual.`,
  },
  'fields-dropped': {
    of: 'row',
    say: (n) =>
      `${rows(n, 'has', 'have')} further fields beside the boxes of the answer (scores, points, attributes): they are not learned.`,
  },
  'thought-beside': {
    of: 'row',
    say: (n) => `${rows(n, 'has', 'have')} reasoning in a field beside the answer: it is not learned.`,
  },
  'rejected-not-read': {
    of: 'row',
    say: (n) => `${rows(n, 'has', 'have')} a rejected answer beside the one that is learned: it is not read.`,
  },
  'weights-not-read': {
    of: 'row',
    say: (n) => `${rows(n, 'weighs', 'weigh')} the loss of a row or a turn: every answer is learned with weight 1.`,
  },
  'control-tokens': {
    of: 'row',
    say: (n) =>
      `${rows(n, 'has', 'have')} words in the form of a model’s control tokens (<|…|>): the model that has such a token reads it as one.`,
  },
  'answer-reduced': {
    of: 'row',
    say: (n) => `${rows(n, 'has', 'have')} words around the boxes of the answer: only the boxes are learned.`,
  },
  'words-outside-answer': {
    of: 'row',
    say: (n) => `${rows(n, 'loses', 'lose')} the words outside its <answer> tags.`,
  },
  'classes-by-number': {
    of: 'row',
    say: (n) =>
      `${rows(n, 'names', 'name')} its classes by number only: they are asked for as “class 0”, “class 1”, ….`,
  },
  'outlines-reduced': {
    of: 'row',
    say: (n) => `${rows(n, 'has', 'have')} outlines: the boxes around them are learned.`,
  },
  'shapes-dropped': {
    of: 'row',
    say: (n) => `${rows(n, 'has', 'have')} shapes other than boxes (points, lines, circles): these are dropped.`,
  },
  'phrase-of-several': {
    of: 'row',
    say: (n) => `${rows(n, 'is', 'are')} one of several phrases for a box: each phrase is a row of its own.`,
  },
  'y-first': {
    of: 'row',
    say: (n) =>
      `${rows(n, 'writes', 'write')} boxes under box_2d: they are read as Gemini's, [ymin, xmin, ymax, xmax] in thousandths.`,
  },
  'order-stated': {
    of: 'row',
    say: (n) =>
      `${rows(n, 'states', 'state')} another order of a box's numbers, such as [ymin, xmin, ymax, xmax]: they are read in it, and taught in the model's own.`,
  },
  'order-assumed': {
    of: 'row',
    say: (n) =>
      `${rows(n, 'has', 'have')} boxes as four numbers that could have y first as well: x first is assumed, [x1, y1, x2, y2]. If it is y, choose “two corners, y first” for the file (on the command line --coordinates FILE=SPACE,yxyx).`,
  },
  'words-as-thought': {
    of: 'row',
    say: (n) => `${rows(n, 'has', 'have')} words before the <answer> tag: they are learned as the thinking.`,
  },
  'other-tags': {
    of: 'row',
    say: (n) =>
      `${rows(n, 'writes', 'write')} thinking or answer in tags of its own: they are learned in <think> and <answer>.`,
  },
  'nothing-to-find': {
    of: 'row',
    say: (n) =>
      `${rows(n, 'says', 'say')} that there is nothing to find: the answer is learned as an empty one, in the form of the others.`,
  },
  'picture-guessed': {
    of: 'row',
    say: (n) =>
      `${rows(n, 'does', 'do')} not say in which picture the box lies: the last is assumed, and no answer is called wrong for naming another.`,
  },
  'picture-told': {
    of: 'row',
    say: (n) =>
      `${rows(n, 'does', 'do')} not say in which picture the box lies: it is put in the one that you chose for the file.`,
  },
  'earlier-answers': {
    of: 'row',
    say: (n) => `${rows(n, 'has', 'have')} earlier answers that are not learned: only the last one is, as you chose.`,
  },
  'prompt-box-in-first': {
    of: 'row',
    say: (n) => `${rows(n, 'has', 'have')} a box in the question without a picture: it is put in the first.`,
  },
  'picture-from-question': {
    of: 'row',
    say: (n) => `${rows(n, 'names', 'name')} the picture of the box only in the question.`,
  },
  'pictures-put-first': {
    of: 'row',
    say: (n) => `${rows(n, 'has', 'have')} no <image> in the text: the pictures were put in front of the question.`,
  },
  'coordinates-in-thinking': {
    of: 'row',
    say: (n) =>
      `${rows(n, 'has', 'have')} coordinates in the thinking: those are left as written, in the dataset's own space.`,
  },
  'other-size': {
    of: 'row',
    say: (n) => `${rows(n, 'has', 'have')} a picture of another size than the file gives for it.`,
  },
  'turned-picture': {
    of: 'row',
    say: (n) =>
      `${rows(n, 'has', 'have')} a picture that is turned by its EXIF data: boxes are laid on it as it is shown, unless Coordinates say otherwise.`,
  },
  'boxes-dropped': {
    of: 'row',
    say: (n) => `${rows(n, 'loses', 'lose')} a box that cannot be one: the others are kept.`,
  },
  'box-cut': {
    of: 'row',
    say: (n) => `${rows(n, 'has', 'have')} a box that reached a little beyond its picture and was cut at the edge.`,
  },
  'boxes-of-outlines': {
    of: 'annotation',
    say: (n) => `${annotations(n, 'has', 'have')} an outline and no box: the box around it is taken.`,
  },
  'crowd-skipped': {
    of: 'annotation',
    say: (n) =>
      `${annotations(n, 'marks', 'mark')} a crowd or a region to ignore, not one object, and ${n === 1 ? 'is' : 'are'} skipped.`,
  },
  'picture-without-boxes': {
    of: 'picture',
    say: (n) => `${pictures(n, 'has', 'have')} no annotation and ${n === 1 ? 'is' : 'are'} not asked about.`,
  },
} as const satisfies Readonly<Record<string, Words>>;

export type LedgerKey = keyof typeof LEDGER;
export const LEDGER_KEYS = Object.keys(LEDGER) as readonly LedgerKey[];

/** A row's or a file's place; line 0 is the file as a whole. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

export interface LedgerEntry {
  readonly key: LedgerKey;
  readonly count: number;
  readonly sentence: string;
  /** Rows of the dataset to which it happened: all of them can be listed with `RowFilter.done`. */
  readonly rows: number;
  /** The first places, at most PLACES_KEPT. */
  readonly places: readonly Place[];
  /** By file, the most first; of very many files at most FILES_LISTED. */
  readonly files: readonly { readonly file: string; readonly count: number }[];
  readonly fileCount: number;
}

export const PLACES_KEPT = 20;
export const FILES_LISTED = 50;

interface Tally {
  count: number;
  readonly places: Place[];
  readonly files: Map<string, number>;
}

export class Ledger {
  readonly #tallies = new Map<LedgerKey, Tally>();

  /** `times`: of boxes or annotations, how many at this place. */
  add(key: LedgerKey, { file, line }: Place, times = 1): void {
    const tally = this.#of(key);
    tally.count += times;
    tally.files.set(file, (tally.files.get(file) ?? 0) + times);
    if (tally.places.length < PLACES_KEPT) tally.places.push({ file, line });
  }

  #of(key: LedgerKey): Tally {
    let tally = this.#tallies.get(key);
    if (!tally) this.#tallies.set(key, (tally = { count: 0, places: [], files: new Map() }));
    return tally;
  }

  /** Of several ledgers as one, in the table's order. `rowsWith`: kept rows that have a mark. */
  static entries(ledgers: readonly Ledger[], rowsWith: (key: LedgerKey) => number): LedgerEntry[] {
    return LEDGER_KEYS.flatMap((key) => {
      const tallies = ledgers.flatMap((ledger) => ledger.#tallies.get(key) ?? []);
      const total = tallies.reduce((sum, tally) => sum + tally.count, 0);
      if (total === 0) return [];
      const byFile = new Map<string, number>();
      for (const { files: each } of tallies)
        for (const [file, n] of each) byFile.set(file, (byFile.get(file) ?? 0) + n);
      return [
        {
          key,
          count: total,
          sentence: LEDGER[key].say(total),
          rows: rowsWith(key),
          places: tallies.flatMap(({ places }) => places).slice(0, PLACES_KEPT),
          files: [...byFile]
            .sort((a, b) => b[1] - a[1])
            .slice(0, FILES_LISTED)
            .map(([file, n]) => ({ file, count: n })),
          fileCount: byFile.size,
        },
      ];
    });
  }
}
