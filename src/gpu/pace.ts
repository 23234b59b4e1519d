/**
 * How long a program's commands take, as far as measured, and where to cut them so that no submission holds the GPU for
 * longer than wanted: browsers kill work that does, and the desktop stutters. Pure arithmetic; work-queue.ts does the rest.
 */

/** Of the allowed time, what a piece is cut to: measurements vary. */
export const FILL = 0.6;
/** Weight of a new measurement against what was known. */
const NEWS = 0.5;
/** Runs timed at first, and again after a piece took longer than it should; else every eighth is. */
const RUNS = 3;
const EVERY = 8;

/** Commands [start, end) counted through all repetitions: command start % n is the first. */
export interface Piece {
  readonly start: number;
  readonly end: number;
}

export class Pace {
  /** Estimated milliseconds of each command. */
  readonly #ms: Float64Array;
  #runs = 0;
  #timedUntil = RUNS;
  #measured = false;

  /** @param guesses milliseconds of each command before anything was measured */
  constructor(guesses: ArrayLike<number>) {
    this.#ms = Float64Array.from(guesses, (ms) => Math.max(ms, 1e-3));
  }

  /** Counts a run; whether it should be timed. */
  nextIsTimed(): boolean {
    const run = this.#runs++;
    return run < this.#timedUntil || run % EVERY === 0;
  }

  /** Pieces of `times` repetitions, each expected below `budgetMs`; a command that alone takes longer is a piece. */
  cut(times: number, budgetMs: number): Piece[] {
    const n = this.#ms.length;
    const whole = this.#ms.reduce((a, b) => a + b, 0) * times;
    // As many pieces as needed, of about equal length.
    const target = whole / Math.max(1, Math.ceil(whole / (budgetMs * FILL)));
    const pieces: Piece[] = [];
    let start = 0;
    let sum = 0;
    for (let i = 0; i < n * times; i++) {
      const ms = this.#ms[i % n]!;
      if (i > start && sum + ms > target * 1.001) {
        pieces.push({ start, end: i });
        start = i;
        sum = 0;
      }
      sum += ms;
    }
    if (start < n * times) pieces.push({ start, end: n * times });
    return pieces;
  }

  /**
   * What the pieces of a run took. The commands of a piece keep their proportions; other cuts of later runs tell them
   * apart, so timing goes on while a piece is over the budget.
   */
  learn(timed: readonly { readonly piece: Piece; readonly ms: number }[], budgetMs: number): void {
    for (const { piece, ms } of timed) {
      this.#scale(piece, ms);
      if (ms > budgetMs && piece.end - piece.start > 1) this.#timedUntil = this.#runs + RUNS;
    }
    this.#measured = true;
  }

  #scale({ start, end }: Piece, ms: number): void {
    const n = this.#ms.length;
    let expected = 0;
    for (let i = start; i < end; i++) expected += this.#ms[i % n]!;
    const ratio = this.#measured ? 1 + NEWS * (ms / expected - 1) : ms / expected;
    for (let i = start; i < Math.min(end, start + n); i++) this.#ms[i % n] = Math.max(1e-6, this.#ms[i % n]! * ratio);
  }
}
