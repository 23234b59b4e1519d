/** From curves to what a chart draws: one list of steps or times, raw and smoothed values on it, and what cannot be drawn. */
import { placesOf, type Horizontal } from './horizontal.ts';
import type { Curve, SeriesBook } from './series-book.ts';
import { smooth } from './smooth.ts';
import { lowerBound, thin } from '../../base/thin.ts';

export interface ChartData {
  /** Places on the axis, then for every curve its raw and its smoothed values. null: a gap; undefined: thinned away, no gap. */
  readonly columns: [number[], ...(number | null | undefined)[][]];
  /** Places at which a curve was not a number or infinite. */
  readonly strange: readonly number[];
  /** Points that a logarithmic scale cannot show. */
  readonly belowLog: number;
  readonly points: number;
}

/** A curve of this run, or of an earlier one laid under it. */
export interface CurveSource {
  readonly book: SeriesBook;
  readonly name: string;
}

/** A curve as a chart draws it. */
export interface DrawnCurve extends CurveSource {
  /** The earlier run it is of; null: the run in view. */
  readonly run: string | null;
}

export interface ChartView {
  readonly axis: Horizontal;
  /** First and last place on the axis. */
  readonly from: number;
  readonly to: number;
  readonly buckets: number;
  readonly weight: number;
  readonly log: boolean;
}

/** A curve's value at a step, drawn or not; undefined: it has none there. */
export function valueAt({ book, name }: CurveSource, step: number): number | undefined {
  const { steps, values } = book.curve(name);
  const i = lowerBound(steps, step);
  return steps[i] === step ? values[i] : undefined;
}

export function chartData(curves: readonly CurveSource[], view: ChartView): ChartData {
  const at = new Map<number, (number | null | undefined)[]>();
  const strange = new Set<number>();
  let belowLog = 0;
  let points = 0;
  curves.forEach(({ book, name }, c) => {
    const { steps, values }: Curve = book.curve(name);
    const places = placesOf(view.axis, book, steps);
    const from = lowerBound(places, view.from);
    const to = lowerBound(places, view.to + Number.EPSILON * Math.abs(view.to) + 1e-9);
    points += to - from;
    if (view.log) for (let i = from; i < to; i++) belowLog += Number(values[i]! <= 0);
    const smoothed = view.weight > 0 ? smooth(values, view.weight) : null;
    for (const i of thin(values, from, to, view.buckets, view.log ? 0 : -Infinity)) {
      const place = places[i]!;
      const raw = values[i]!;
      let row = at.get(place);
      if (!row) at.set(place, (row = new Array<number | null | undefined>(curves.length * 2).fill(undefined)));
      const hidden = view.log && raw <= 0;
      if (!Number.isFinite(raw)) strange.add(place);
      row[c * 2] = Number.isFinite(raw) && !hidden ? raw : null;
      const even = smoothed ? smoothed[i]! : NaN;
      if (Number.isFinite(even) && !(view.log && even <= 0)) row[c * 2 + 1] = even;
    }
  });
  const places = [...at.keys()].sort((a, b) => a - b);
  const columns: ChartData['columns'] = [places];
  for (let c = 0; c < curves.length * 2; c++) columns.push(places.map((place) => at.get(place)![c]!));
  return { columns, strange: [...strange].sort((a, b) => a - b), belowLog, points };
}
