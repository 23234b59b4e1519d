/**
 * How long a program's commands take, as far as measured, and where to cut them so that no submission holds the GPU for
 * longer than wanted: browsers kill work that does, and the desktop stutters. A command may be cut within, between its
 * cells; one that turns out long is cut finer in the next run. Pure arithmetic; work-queue.ts does the rest.
 */

/** Of the allowed time, what a piece is cut to: measurements vary. */
const FILL = 0.6;
/** Stretches of a long command that make up a piece: cells of a dispatch need not take equally long. */
const STRETCHES = 4;
/** Weight of a new measurement against what was known. */
const NEWS = 0.5;
/** Runs timed at first, and again after a piece took longer than it should; else every eighth is. */
const RUNS = 3;
const EVERY = 8;

/** A command: what it may take, and how many cells it can be cut into. */
export interface Guess {
  readonly ms: number;
  readonly cells: number;
}

/** Cells [start, end) counted through all repetitions. */
export interface Piece {
  readonly start: number;
  readonly end: number;
}

/** Cells of a command that follow each other, and are taken to need equally long. */
interface Stretch {
  ms: number;
  readonly cells: number;
  /** Whether its command begins here. */
  readonly begins: boolean;
}

export class Pace {
  readonly #cells: number;
  #stretches: readonly Stretch[];
  #runs = 0;
  #timedUntil = RUNS;
  #measured = false;

  /** @param guesses of each command before anything was measured */
  constructor(guesses: readonly Guess[]) {
    this.#stretches = guesses.map(({ ms, cells }) => ({ ms: Math.max(ms, 1e-3), cells, begins: true }));
    this.#cells = guesses.reduce((sum, { cells }) => sum + cells, 0);
  }

  /** Counts a run; whether it should be timed. */
  nextIsTimed(): boolean {
    const run = this.#runs++;
    return run < this.#timedUntil || run % EVERY === 0;
  }

  /**
   * Pieces of `times` repetitions, each expected below `budgetMs`; a cell that alone takes longer is a piece. One that
   * begins within a command ends with its repetition: a command has one beginning in a piece.
   */
  cut(times: number, budgetMs: number): Piece[] {
    const most = budgetMs * FILL;
    this.#refine(most / STRETCHES);
    const whole = this.#stretches.reduce((sum, { ms }) => sum + ms, 0) * times;
    // As many pieces as needed, of about equal length.
    const target = whole / Math.max(1, Math.ceil(whole / most));
    const pieces: Piece[] = [];
    let [start, at, sum, within] = [0, 0, 0, false];
    for (let run = 0; run < times; run++)
      this.#stretches.forEach(({ ms, cells, begins }, i) => {
        if (at > start && (sum + ms > target * 1.001 || (within && i === 0))) {
          pieces.push({ start, end: at });
          [start, sum, within] = [at, 0, !begins];
        }
        sum += ms;
        at += cells;
      });
    if (start < at) pieces.push({ start, end: at });
    return pieces;
  }

  /**
   * What the pieces of a run took. The commands of a piece keep their proportions; other cuts of later runs tell them
   * apart, so timing goes on while a piece that could be cut is over the budget.
   */
  learn(timed: readonly { readonly piece: Piece; readonly ms: number }[], budgetMs: number): void {
    for (const { piece, ms } of timed) {
      this.#scale(piece, ms);
      if (ms > budgetMs && piece.end - piece.start > 1) this.#timedUntil = this.#runs + RUNS;
    }
    this.#measured = true;
  }

  /** Cuts stretches that take longer than that, as far as they have cells. Pieces in flight still end where stretches do. */
  #refine(most: number): void {
    if (!this.#stretches.some(({ ms, cells }) => ms > most && cells > 1)) return;
    this.#stretches = this.#stretches.flatMap(({ ms, cells, begins }) => {
      const parts = Math.min(cells, Math.max(1, Math.ceil(ms / most)));
      return Array.from({ length: parts }, (_, i) => {
        const own = Math.floor(((i + 1) * cells) / parts) - Math.floor((i * cells) / parts);
        return { ms: (ms * own) / cells, cells: own, begins: begins && i === 0 };
      });
    });
  }

  #scale({ start, end }: Piece, ms: number): void {
    const n = this.#cells;
    let [at, expected] = [0, 0];
    const covered = this.#stretches.flatMap((stretch) => {
      const often = Math.floor((end - 1 - at) / n) - Math.floor((start - 1 - at) / n);
      at += stretch.cells;
      expected += often * stretch.ms;
      return often > 0 ? [stretch] : [];
    });
    const ratio = this.#measured ? 1 + NEWS * (ms / expected - 1) : ms / expected;
    for (const stretch of covered) stretch.ms = Math.max(1e-6, stretch.ms * ratio);
  }
}
