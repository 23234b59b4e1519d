/** What is kept of a row: where it stands, its id, task and flags, and the numbers of its pictures. No text, no box. */
import { Column, TextSet, textHash } from '../base/columns.ts';
import { bitOf, type FindingKey } from './health.ts';
import { LEDGER_KEYS, type LedgerKey } from './ledger.ts';
import type { Split } from './split.ts';

/** Words of 32 bits in which a row's ledger marks fit. */
const MARK_WORDS = Math.ceil(LEDGER_KEYS.length / 32);
const MARKS = new Map(LEDGER_KEYS.map((key, i) => [key, i]));
const markAt = (key: LedgerKey): number => MARKS.get(key)!;

export class RowIndex {
  readonly ids = new TextSet();
  readonly tasks: string[] = [];
  readonly #tables = new Column(Uint32Array);
  readonly #places = new Column(Uint32Array);
  readonly #task = new Column(Uint16Array);
  readonly flags = new Column(Uint32Array);
  readonly pictureEnds = new Column(Uint32Array);
  readonly pictures = new Column(Uint32Array);
  /** What the row or its file says of its part: 0 nothing, 1 train, 2 held out, 3 held out whatever is said (a benchmark). */
  readonly named = new Column(Uint8Array);
  /** Bit 0: a right answer is known: boxes, that nothing is there, or a letter (wanted.ts). Bit 1: it has a thought. */
  readonly #answers = new Column(Uint8Array);
  /** A hash of 53 bits of the question; that of the pictures is mixed in when all of them are known. */
  readonly #questions = new Column(Float64Array);
  /** The next number to try, for ids that were used twice. */
  readonly #taken = new Map<string, number>();
  /** What was done to each row (ledger.ts), MARK_WORDS words a row. */
  readonly #marks = new Column(Uint32Array);
  splits: Split[] = [];

  get length(): number {
    return this.#tables.length;
  }

  get bytes(): number {
    return [
      this.ids,
      this.#tables,
      this.#places,
      this.#task,
      this.flags,
      this.pictureEnds,
      this.pictures,
      this.named,
      this.#answers,
      this.#questions,
      this.#marks,
    ].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  add(row: {
    readonly id: string;
    readonly table: number;
    readonly place: number;
    readonly task: string;
    readonly flags: number;
    readonly pictures: readonly number[];
    readonly named: number;
    readonly judged: boolean;
    readonly thinks: boolean;
    readonly question: string;
    readonly done: Iterable<LedgerKey>;
  }): void {
    let task = this.tasks.indexOf(row.task);
    if (task < 0) task = this.tasks.push(row.task) - 1;
    this.ids.add(row.id);
    this.#tables.push(row.table);
    this.#places.push(row.place);
    this.#task.push(task);
    this.flags.push(row.flags);
    for (const picture of row.pictures) this.pictures.push(picture);
    this.pictureEnds.push(this.pictures.length);
    this.named.push(row.named);
    this.#answers.push(Number(row.judged) | (Number(row.thinks) << 1));
    const marks = Array<number>(MARK_WORDS).fill(0);
    for (const key of row.done) marks[markAt(key) >>> 5]! |= 1 << (markAt(key) & 31);
    for (const word of marks) this.#marks.push(word);
    this.#questions.push(textHash(row.question) * 2 ** 21 + (textHash(row.question, 5381) & 0x1fffff));
  }

  table(row: number): number {
    return this.#tables.get(row);
  }

  place(row: number): number {
    return this.#places.get(row);
  }

  /** Whether a right answer to the row is known. */
  isJudged(row: number): boolean {
    return (this.#answers.get(row) & 1) !== 0;
  }

  /** Whether its answer has a thought. */
  thinks(row: number): boolean {
    return (this.#answers.get(row) & 2) !== 0;
  }

  taskNumbers(): ArrayLike<number> {
    return this.#task.view();
  }

  task(row: number): string {
    return this.tasks[this.#task.get(row)]!;
  }

  /** Whether something of the ledger was done to a row. */
  wasDone(row: number, key: LedgerKey): boolean {
    const at = markAt(key);
    return (this.#marks.get(row * MARK_WORDS + (at >>> 5)) & (1 << (at & 31))) !== 0;
  }

  /** Rows to which it was done. */
  countDone(key: LedgerKey): number {
    let n = 0;
    for (let row = 0; row < this.length; row++) if (this.wasDone(row, key)) n++;
    return n;
  }

  /** An id that no row has yet. */
  freeId(wanted: string): string {
    let id = wanted;
    for (let n = this.#taken.get(wanted) ?? 2; this.ids.find(id) >= 0; n++) {
      id = `${wanted}#${n}`;
      this.#taken.set(wanted, n + 1);
    }
    return id;
  }

  /** Flags rows whose pictures or questions are on both sides, or repeated. `sameAs`: one number for all copies of a picture. */
  compare(sameAs: (picture: number) => number): void {
    const pictureSides = new Map<number, number>();
    const copied = new Set<number>();
    /** Rows and sides of a question about the same pictures. */
    const asked = new Map<string, { rows: number; sides: number }>();
    const questionOf = (row: number) => `${this.#questions.get(row)} ${this.picturesOf(row).map(sameAs).join(' ')}`;
    for (let row = 0; row < this.length; row++) {
      const side = this.splits[row] === 'train' ? 1 : 2;
      for (const picture of this.picturesOf(row)) {
        const first = sameAs(picture);
        if (first !== picture) copied.add(picture).add(first);
        pictureSides.set(first, (pictureSides.get(first) ?? 0) | side);
      }
      const key = questionOf(row);
      const seen = asked.get(key);
      if (seen) {
        seen.rows++;
        seen.sides |= side;
      } else asked.set(key, { rows: 1, sides: side });
    }
    for (let row = 0; row < this.length; row++) {
      const pictures = this.picturesOf(row);
      const { rows, sides } = asked.get(questionOf(row))!;
      if (pictures.some((picture) => pictureSides.get(sameAs(picture)) === 3)) this.#flag(row, 'picture-leak');
      if (pictures.some((picture) => copied.has(picture))) this.#flag(row, 'copied-picture');
      if (sides === 3) this.#flag(row, 'question-leak');
      else if (rows > 1) this.#flag(row, 'repeated-question');
    }
  }

  /** Flags rows with a picture that shows something. */
  mark(key: FindingKey, shows: (picture: number) => boolean): void {
    for (let row = 0; row < this.length; row++) if (this.picturesOf(row).some(shows)) this.#flag(row, key);
  }

  picturesOf(row: number): number[] {
    const from = row === 0 ? 0 : this.pictureEnds.get(row - 1);
    return Array.from(this.pictures.view().subarray(from, this.pictureEnds.get(row)));
  }

  #flag(row: number, key: FindingKey): void {
    this.flags.set(row, this.flags.get(row) | bitOf(key));
  }
}
