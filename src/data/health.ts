/** What a dataset looks like from afar, counted while it is read; and what about it should make one look twice. */
import type { LooksCompared } from './look-alikes.ts';
import type { Fault, Row, RowIssue } from './row.ts';
import type { Split } from './split.ts';

/** Cells of the heat map along each side. */
export const HEAT = 24;

/** Reasons to look at a row; each is a bit of its flags. The row is kept. */
export const FINDINGS = [
  'picture-leak',
  'picture-alike',
  'question-leak',
  'repeated-question',
  'copied-picture',
  'same-picture-twice',
  'clipped-box',
  'tiny-box',
  'whole-picture-box',
  'picture-guessed',
  'no-box',
  'long-answer',
  'narrow-picture',
  'cut-picture',
] as const;
export type FindingKey = (typeof FINDINGS)[number];

export const bitOf = (key: FindingKey): number => 1 << FINDINGS.indexOf(key);

export interface Finding {
  readonly key: FindingKey;
  readonly rows: number;
  /** `bad` makes what is measured wrong; `odd` may be meant. */
  readonly severity: 'bad' | 'odd';
  readonly title: string;
  readonly fix: string;
}

const WORDS: Readonly<Record<FindingKey, Omit<Finding, 'key' | 'rows'>>> = {
  'picture-leak': {
    severity: 'bad',
    title: 'with a picture that is both in training and held out',
    fix: 'The measured accuracy will be too high. Draw the split here: rows that share pictures stay together.',
  },
  'picture-alike': {
    severity: 'bad',
    title: 'with a picture that looks like one of the other part of the split',
    fix: 'It may be the same picture, scaled or packed again: then the measured accuracy will be too high. Look at them, and leave such rows out of training.',
  },
  'question-leak': {
    severity: 'bad',
    title: 'with a question that is asked of the same pictures in training and held out',
    fix: 'The model can memorise the answer. Draw the split here, or remove the copies.',
  },
  'repeated-question': {
    severity: 'odd',
    title: 'with a question that is asked of the same pictures elsewhere',
    fix: 'Copies weigh double in training. Remove them unless they are meant.',
  },
  'copied-picture': {
    severity: 'odd',
    title: 'with a picture that also exists under another name',
    fix: 'The split treats copies as one picture, so they do not leak.',
  },
  'same-picture-twice': {
    severity: 'odd',
    title: 'with the same picture twice',
    fix: 'The model cannot learn which of the two is meant. Check whether a path is wrong.',
  },
  'clipped-box': {
    severity: 'odd',
    title: 'with a box that reached a little beyond its picture and was cut at the edge',
    fix: 'Rounding causes this. If there are many, the coordinates may be read in the wrong way.',
  },
  'tiny-box': {
    severity: 'odd',
    title: 'with a box under 0.1 % of its picture',
    fix: 'After resizing it may be smaller than what the model sees. Raise the pixel limit, or leave them out.',
  },
  'whole-picture-box': {
    severity: 'odd',
    title: 'with a box over 95 % of its picture',
    fix: 'A box of the whole picture teaches nothing about places. Check whether the coordinates are read in the right way.',
  },
  'picture-guessed': {
    severity: 'odd',
    title: 'with a box whose picture is not stated: the last picture is assumed',
    fix: 'No answer counts as wrong for naming another picture. State the picture in the answer or the question.',
  },
  'no-box': {
    severity: 'odd',
    title: 'with no box in the answer',
    fix: 'They train in SFT only: rewards and evaluation need a box.',
  },
  'long-answer': {
    severity: 'odd',
    title: 'with an answer over 4,000 characters',
    fix: 'Rows longer than max_length are left out of training, never cut.',
  },
  'narrow-picture': {
    severity: 'odd',
    title: 'with a picture more than 8 times as long as wide',
    fix: 'Resizing leaves little of its short side. Crop the picture if the box is small.',
  },
  'cut-picture': {
    severity: 'bad',
    title: 'with a picture whose file is truncated or damaged',
    fix: 'A run stops when it reaches one. Copy or download it again.',
  },
};

const FAULT_WORDS: Readonly<Record<Fault, string>> = {
  'not-taught': 'with a video, a sound, tools or preferences, which are not taught',
  'picture-missing': 'with a picture that is not among the files',
  'picture-unreadable': 'with a picture that cannot be read',
  'box-outside': 'with a box that lies outside its picture',
};

/** Why rows are left out. A row may have several faults. */
export interface FaultCount {
  readonly fault: Fault | 'other';
  readonly rows: number;
  readonly title: string;
}

export interface Health {
  readonly rows: number;
  /** Key and count, by key. */
  readonly imagesPerRow: readonly (readonly [number, number])[];
  readonly boxesPerRow: readonly (readonly [number, number])[];
  /** Which picture of the sample the box is on, from 1: a dataset in which it is always the first teaches only that. */
  readonly answerImage: readonly (readonly [number, number])[];
  /** Share of the picture a box covers, in decades: under 0.1 %, 1 %, 10 %, 100 %. */
  readonly boxSizes: readonly [number, number, number, number];
  /** Boxes over each cell of a HEAT × HEAT grid, row by row. */
  readonly heat: readonly number[];
  /** Answers by length in characters: up to the key. */
  readonly answerLengths: readonly (readonly [number, number])[];
  readonly tasks: readonly { readonly name: string; readonly train: number; readonly heldout: number }[];
  readonly findings: readonly Finding[];
  /** Of rows that are left out. */
  readonly faults: readonly FaultCount[];
  readonly pictures: PicturesChecked;
  /** null: there is only one part, so nothing to compare. */
  readonly looks: LooksCompared | null;
}

/** How many of the pictures that rows use are known to be whole, or not. */
export interface PicturesChecked {
  readonly total: number;
  /** Only the beginning of these was read. */
  readonly unchecked: number;
  readonly uncheckedBytes: number;
}

/** What the reading of rows alone tells. */
export type RowHealth = Omit<Health, 'pictures' | 'looks'>;

/** By the flags of all rows. */
export function findingsOf(flags: ArrayLike<number>): Finding[] {
  return FINDINGS.flatMap((key): Finding[] => {
    let rows = 0;
    for (let i = 0; i < flags.length; i++) if (flags[i]! & bitOf(key)) rows++;
    return rows ? [{ key, rows, ...WORDS[key] }] : [];
  });
}

const LONG_ANSWER = 4000;

type Tally = Map<number, number>;
const count = (tally: Tally, key: number): void => void tally.set(key, (tally.get(key) ?? 0) + 1);
const sorted = (tally: Tally): (readonly [number, number])[] => [...tally].sort((a, b) => a[0] - b[0]);

export class HealthTally {
  #rows = 0;
  readonly #images: Tally = new Map();
  readonly #boxes: Tally = new Map();
  readonly #answerImage: Tally = new Map();
  readonly #lengths: Tally = new Map();
  readonly #sizes: [number, number, number, number] = [0, 0, 0, 0];
  readonly #heat = new Float64Array(HEAT * HEAT);
  readonly #faults = new Map<Fault | 'other', number>();

  /** Counts a row; returns the flags that it shows by itself. */
  add(row: Omit<Row, 'id' | 'split'>, clipped: number, narrow: boolean): number {
    let flags = 0;
    const flag = (key: FindingKey, on: boolean) => void (flags |= on ? bitOf(key) : 0);
    this.#rows++;
    count(this.#images, row.images.length);
    count(this.#boxes, row.solution.length);
    const length =
      (row.think?.length ?? 0) +
      row.answer.reduce((sum, segment) => sum + (segment.type === 'text' ? segment.text.length : 24), 0);
    count(this.#lengths, 2 ** Math.max(3, Math.ceil(Math.log2(Math.max(1, length)))));
    for (const { image, box } of row.solution) {
      count(this.#answerImage, image + 1);
      const share = Math.max(0, box[2] - box[0]) * Math.max(0, box[3] - box[1]);
      this.#sizes[share < 0.001 ? 0 : share < 0.01 ? 1 : share < 0.1 ? 2 : 3]++;
      flag('tiny-box', share < 0.001);
      flag('whole-picture-box', share > 0.95);
      this.#cover(box);
    }
    flag('clipped-box', clipped > 0);
    flag('narrow-picture', narrow);
    flag(
      'picture-guessed',
      row.solution.some(({ imageGuessed }) => imageGuessed),
    );
    flag('no-box', row.solution.length === 0);
    flag('long-answer', length > LONG_ANSWER);
    flag('same-picture-twice', new Set(row.images).size < row.images.length);
    return flags;
  }

  /** Counts a row that is left out by what is wrong with it. */
  leaveOut(issues: readonly RowIssue[]): void {
    const faults = new Set(issues.flatMap(({ severity, fault }) => (severity === 'error' ? (fault ?? 'other') : [])));
    for (const fault of faults) this.#faults.set(fault, (this.#faults.get(fault) ?? 0) + 1);
  }

  #cover(box: readonly [number, number, number, number]): void {
    const cell = (v: number) => Math.min(HEAT - 1, Math.max(0, Math.floor(v * HEAT)));
    for (let y = cell(box[1]); y <= cell(box[3] - 1e-9); y++)
      for (let x = cell(box[0]); x <= cell(box[2] - 1e-9); x++) this.#heat[y * HEAT + x]!++;
  }

  /** `flags` and `splits` of all rows, as the scan ended with them. */
  finish(
    flags: ArrayLike<number>,
    splits: readonly Split[],
    tasks: ArrayLike<number>,
    names: readonly string[],
  ): RowHealth {
    const byTask = names.map((name) => ({ name, train: 0, heldout: 0 }));
    splits.forEach((split, i) => byTask[tasks[i]!]![split]++);
    return {
      rows: this.#rows,
      imagesPerRow: sorted(this.#images),
      boxesPerRow: sorted(this.#boxes),
      answerImage: sorted(this.#answerImage),
      boxSizes: this.#sizes,
      heat: [...this.#heat],
      answerLengths: sorted(this.#lengths),
      tasks: byTask,
      findings: findingsOf(flags),
      faults: ([...Object.keys(FAULT_WORDS), 'other'] as const).flatMap((key) => {
        const fault = key as FaultCount['fault'];
        const rows = this.#faults.get(fault) ?? 0;
        return rows ? [{ fault, rows, title: fault === 'other' ? 'with another error' : FAULT_WORDS[fault] }] : [];
      }),
    };
  }
}
