/**
 * The curves of a run: every metric's points, complete. Drawing asks for thinned copies, a checkpoint for the plain
 * data. Not a database: a run of 100,000 steps with 30 metrics is 48 MB, and real ones are a hundred times shorter.
 */
import { GroundworkError } from '../base/error.ts';

export interface Series {
  /** Steps of the run, ascending. */
  readonly steps: readonly number[];
  readonly values: readonly number[];
}

/** Plain data, for JSON. Values that are not finite are null there. */
export interface HistoryData {
  readonly version: 1;
  readonly series: Readonly<
    Record<string, { readonly steps: readonly number[]; readonly values: readonly (number | null)[] }>
  >;
}

export class History {
  #series = new Map<string, { steps: number[]; values: number[] }>();

  get names(): string[] {
    return [...this.#series.keys()];
  }

  /**
   * One point of every metric given. A step at or before a metric's last one replaces what was there from that step
   * on: a run resumed from a checkpoint lives those steps again.
   */
  append(step: number, values: Readonly<Record<string, number>>): void {
    for (const [name, value] of Object.entries(values)) {
      let series = this.#series.get(name);
      if (!series) this.#series.set(name, (series = { steps: [], values: [] }));
      while (series.steps.length > 0 && series.steps.at(-1)! >= step) {
        series.steps.pop();
        series.values.pop();
      }
      series.steps.push(step);
      series.values.push(value);
    }
  }

  series(name: string): Series {
    return this.#series.get(name) ?? { steps: [], values: [] };
  }

  /** Last value of a metric, undefined before its first. */
  last(name: string): number | undefined {
    return this.#series.get(name)?.values.at(-1);
  }

  serialize(): HistoryData {
    const plain = ({ steps, values }: Series) => ({
      steps: [...steps],
      values: values.map((v) => (Number.isFinite(v) ? v : null)),
    });
    return { version: 1, series: Object.fromEntries([...this.#series].map(([name, s]) => [name, plain(s)])) };
  }

  /** Throws `history-data` when the data is of another version or damaged. */
  static from(data: HistoryData): History {
    const bad = (what: string) =>
      new GroundworkError(
        'history-data',
        `The saved history ${what}.`,
        'The run’s weights are not affected; its curves start anew.',
      );
    if (data?.version !== 1 || typeof data.series !== 'object' || data.series === null)
      throw bad('is of an unknown version');
    const history = new History();
    for (const [name, { steps, values }] of Object.entries(data.series)) {
      if (!Array.isArray(steps) || !Array.isArray(values) || steps.length !== values.length)
        throw bad(`is damaged at ${name}`);
      history.#series.set(name, { steps: [...steps], values: values.map((v: number | null) => v ?? NaN) });
    }
    return history;
  }
}

/**
 * At most 2·`buckets` + 2 points that draw like the whole: first and last point, and of each of `buckets` stretches of
 * equally many points the smallest and the largest value, in their order. Spikes, which are what one looks for,
 * survive. A series short enough is returned as it is; points that are not finite are passed over.
 */
export function thin(series: Series, buckets: number): Series {
  const { steps, values } = series;
  const n = steps.length;
  if (n <= 2 * buckets + 2) return series;
  const kept = new Set<number>([0]);
  for (let b = 0; b < buckets; b++) {
    let [low, high] = [-1, -1];
    for (let i = Math.floor((b * n) / buckets); i < Math.floor(((b + 1) * n) / buckets); i++) {
      if (!Number.isFinite(values[i]!)) continue;
      if (low < 0 || values[i]! < values[low]!) low = i;
      if (high < 0 || values[i]! > values[high]!) high = i;
    }
    if (low < 0) continue;
    kept.add(Math.min(low, high)).add(Math.max(low, high));
  }
  kept.add(n - 1);
  const order = [...kept];
  return { steps: order.map((i) => steps[i]!), values: order.map((i) => values[i]!) };
}
