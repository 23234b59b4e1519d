/**
 * What charts are drawn along: steps, or training time. A step of a run has a place on the axis; runs that are laid over
 * each other are compared at the same step, or after the same time. Windows and the crosshair are kept in steps of the
 * run in view, so that they stay where they are when the axis changes.
 */
import type { SeriesBook } from './series-book.ts';
import { lowerBound } from '../../base/thin.ts';

export type Horizontal = 'step' | 'time';

/** How many of `list`, which ascends, are at or below a value. */
function atOrBelow(list: Float64Array, value: number): number {
  const i = lowerBound(list, value);
  return list[i] === value ? i + 1 : i;
}

/** Where a step stands: the step itself, or the seconds of training until its end. The infinities stay what they are. */
export function placeOf(axis: Horizontal, { clock }: SeriesBook, step: number): number {
  if (axis === 'step' || !Number.isFinite(step)) return step;
  const before = atOrBelow(clock.steps, step);
  return before > 0 ? clock.values[before - 1]! : 0;
}

/** Places of steps that ascend. */
export function placesOf(axis: Horizontal, { clock }: SeriesBook, steps: Float64Array): Float64Array {
  if (axis === 'step') return steps;
  let next = 0;
  return steps.map((step) => {
    while (next < clock.steps.length && clock.steps[next]! <= step) next++;
    return next > 0 ? clock.values[next - 1]! : 0;
  });
}

/** The run's last step at or before a place; before its first, the first. The infinities stay what they are. */
export function stepAt(axis: Horizontal, { clock }: SeriesBook, place: number): number {
  if (axis === 'step' || !Number.isFinite(place)) return place;
  return clock.steps[Math.max(0, atOrBelow(clock.values, place) - 1)] ?? 0;
}
