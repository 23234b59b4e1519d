/** Every curve of a run, as growing columns: appended to in place, so that a point costs no copy of the past. */
export interface Curve {
  readonly steps: Float64Array;
  readonly values: Float64Array;
}

class Column {
  #steps = new Float64Array(256);
  #values = new Float64Array(256);
  #count = 0;

  push(step: number, value: number): void {
    if (this.#count === this.#steps.length) {
      const steps = new Float64Array(this.#count * 2);
      const values = new Float64Array(this.#count * 2);
      steps.set(this.#steps);
      values.set(this.#values);
      this.#steps = steps;
      this.#values = values;
    }
    this.#steps[this.#count] = step;
    this.#values[this.#count++] = value;
  }

  get last(): number | undefined {
    return this.#count > 0 ? this.#values[this.#count - 1] : undefined;
  }

  view(): Curve {
    return { steps: this.#steps.subarray(0, this.#count), values: this.#values.subarray(0, this.#count) };
  }
}

const NOTHING: Curve = { steps: new Float64Array(0), values: new Float64Array(0) };

export class SeriesBook {
  #columns = new Map<string, Column>();
  /** Seconds that training steps had taken by the end of each. */
  #clock = new Column();
  readonly #listeners = new Set<() => void>();
  /** Changes when a new curve appears, so that the layout of charts need not look at every point. */
  namesVersion = 0;
  lastStep = 0;

  push(step: number, values: Readonly<Record<string, number>>): void {
    for (const name in values) {
      let column = this.#columns.get(name);
      if (!column) {
        this.#columns.set(name, (column = new Column()));
        this.namesVersion++;
      }
      column.push(step, values[name]!);
    }
    const seconds = values['step_time'];
    if (seconds !== undefined && seconds >= 0 && Number.isFinite(seconds))
      this.#clock.push(step, (this.#clock.last ?? 0) + seconds);
    this.lastStep = Math.max(this.lastStep, step);
  }

  names(): string[] {
    return [...this.#columns.keys()];
  }

  /** A view, valid until the next push of this curve. */
  curve(name: string): Curve {
    return this.#columns.get(name)?.view() ?? NOTHING;
  }

  /**
   * The run's training time: at each step that tells its time, the seconds of all steps until its end. What lies
   * between steps is not in it: pauses, loading, evaluation. Empty where no step tells.
   */
  get clock(): Curve {
    return this.#clock.view();
  }

  last(name: string): number | null {
    const { values } = this.curve(name);
    return values.length > 0 ? values[values.length - 1]! : null;
  }

  /** A book with what is in this one, which then starts empty. */
  handOver(): SeriesBook {
    const past = new SeriesBook();
    past.#columns = this.#columns;
    past.#clock = this.#clock;
    past.lastStep = this.lastStep;
    past.namesVersion = 1;
    this.clear();
    return past;
  }

  /** Fills an empty book from a run file's curves. */
  fill(
    curves: Readonly<Record<string, { readonly step: readonly number[]; readonly value: readonly (number | null)[] }>>,
  ): void {
    for (const [name, { step, value }] of Object.entries(curves))
      step.forEach((at, i) => this.push(at, { [name]: value[i] ?? NaN }));
    this.notify();
  }

  clear(): void {
    this.#columns = new Map();
    this.#clock = new Column();
    this.namesVersion++;
    this.lastStep = 0;
    this.notify();
  }

  /** Called by whoever pushed, once a batch. */
  notify(): void {
    for (const listener of this.#listeners) listener();
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** For the run file. */
  toJSON(): Record<string, { step: number[]; value: number[] }> {
    return Object.fromEntries(
      this.names().map((name) => {
        const { steps, values } = this.curve(name);
        return [name, { step: [...steps], value: [...values] }];
      }),
    );
  }
}
