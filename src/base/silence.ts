/**
 * Notices that an answer stays out. Time is counted in ticks of whoever waits: a page or worker that was frozen hears no
 * tick, and takes nobody's silence for what was its own sleep.
 */

/** Ticks come once a second; so many without an answer are told. */
const LONG = 10;

export class Silence {
  readonly #tell: (silent: boolean) => void;
  #waiting = 0;
  #ticks = 0;
  #told = false;

  /** @param tell called with true when an answer has stayed out for long, and with false when one came after that */
  constructor(tell: (silent: boolean) => void) {
    this.#tell = tell;
  }

  get waiting(): boolean {
    return this.#waiting > 0;
  }

  /** Something was asked, and will be answered. */
  asked(): void {
    this.#waiting++;
  }

  /** One answer has come; whatever else is waited for has not stood still. */
  answered(): void {
    this.#waiting = Math.max(0, this.#waiting - 1);
    this.heard();
  }

  /** A sign of life that answers nothing. */
  heard(): void {
    this.#ticks = 0;
    if (!this.#told) return;
    this.#told = false;
    this.#tell(false);
  }

  /** Once a second. */
  tick(): void {
    if (!this.waiting || this.#told || ++this.#ticks < LONG) return;
    this.#told = true;
    this.#tell(true);
  }
}
