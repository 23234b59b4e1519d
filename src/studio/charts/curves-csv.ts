/** Curves as a table for other programs: every point of them, exactly. */
import { csvLine, csvText } from '../../base/csv.ts';
import type { Curve, SeriesBook } from './series-book.ts';

/** Lines handed over to the browser at a time. */
const LINES = 4096;

export interface NamedRun {
  readonly name: string;
  readonly book: SeriesBook;
}

/**
 * One line a run and step, in their order: run, step, seconds of training until its end, and a column for each of the
 * curves. Empty where a curve has no point; NaN, Infinity and -Infinity by these names, which pandas and R read.
 */
export function curvesCsv(runs: readonly NamedRun[], names: readonly string[]): Blob {
  const parts: string[] = [];
  let lines = csvLine(['run', 'step', 'seconds', ...names].map(csvText));
  let held = 1;
  for (const { name, book } of runs) {
    const run = csvText(name);
    const seconds = reader(book.clock);
    const readers = names.map((curve) => reader(book.curve(curve)));
    for (const step of stepsOf(names.map((curve) => book.curve(curve)))) {
      lines += csvLine([run, String(step), seconds(step), ...readers.map((read) => read(step))]);
      if (++held < LINES) continue;
      parts.push(lines);
      [lines, held] = ['', 0];
    }
  }
  return new Blob([...parts, lines], { type: 'text/csv' });
}

/** All steps of some curves, ascending. */
function stepsOf(curves: readonly Curve[]): Float64Array {
  return Float64Array.from(new Set(curves.flatMap(({ steps }) => [...steps]))).sort();
}

/** A curve's value at steps that are asked for in ascending order. */
function reader({ steps, values }: Curve): (step: number) => string {
  let next = 0;
  return (step) => {
    while (next < steps.length && steps[next]! < step) next++;
    return steps[next] === step ? String(values[next]) : '';
  };
}
