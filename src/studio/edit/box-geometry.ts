/**
 * What dragging and arrow keys make of a box, in pixels of the picture. A corner that is dragged lands on a whole pixel;
 * what is not touched keeps its numbers. No box leaves its picture or is thinner than a pixel.
 */
import { asNatural, fromNatural, toNatural } from '../../grounding/convert.ts';
import type { Box01, BoxNatural, Size } from '../../grounding/box.ts';

/** Where a box is held: an edge or corner by the sides that it moves, or the whole of it. */
export type Grip = 'move' | 'n' | 's' | 'w' | 'e' | 'nw' | 'ne' | 'sw' | 'se';

export const GRIPS: readonly Exclude<Grip, 'move'>[] = ['nw', 'n', 'ne', 'e', 'se', 's', 'sw', 'w'];

const within = (v: number, least: number, most: number): number => Math.min(Math.max(v, least), Math.max(least, most));

/** @param dx, dy pixels by which the pointer has moved */
export function dragged(box: BoxNatural, grip: Grip, dx: number, dy: number, size: Size): BoxNatural {
  let [x1, y1, x2, y2] = box;
  if (grip === 'move') {
    const [mx, my] = [Math.round(dx), Math.round(dy)];
    const sx = within(mx, -x1, size.width - x2);
    const sy = within(my, -y1, size.height - y2);
    return asNatural([x1 + sx, y1 + sy, x2 + sx, y2 + sy]);
  }
  if (grip.includes('w') && dx !== 0) x1 = within(Math.round(x1 + dx), 0, x2 - 1);
  if (grip.includes('e') && dx !== 0) x2 = within(Math.round(x2 + dx), x1 + 1, size.width);
  if (grip.includes('n') && dy !== 0) y1 = within(Math.round(y1 + dy), 0, y2 - 1);
  if (grip.includes('s') && dy !== 0) y2 = within(Math.round(y2 + dy), y1 + 1, size.height);
  return asNatural([x1, y1, x2, y2]);
}

/** The box between two points, on whole pixels; null if it is too small to be meant. */
export function drawn(from: readonly [number, number], to: readonly [number, number], size: Size): BoxNatural | null {
  const x = [from[0], to[0]].map((v) => within(Math.round(v), 0, size.width)).sort((a, b) => a - b);
  const y = [from[1], to[1]].map((v) => within(Math.round(v), 0, size.height)).sort((a, b) => a - b);
  return x[1]! - x[0]! < 2 || y[1]! - y[0]! < 2 ? null : asNatural([x[0]!, y[0]!, x[1]!, y[1]!]);
}

/** A box to begin with, a quarter as wide and high as what is in view, in its middle. */
export function centred(view: { x: number; y: number; width: number; height: number }, size: Size): BoxNatural {
  const [cx, cy] = [view.x + view.width / 2, view.y + view.height / 2];
  const [w, h] = [Math.max(2, view.width / 4), Math.max(2, view.height / 4)];
  const x1 = within(Math.round(cx - w / 2), 0, size.width - 2);
  const y1 = within(Math.round(cy - h / 2), 0, size.height - 2);
  return asNatural([
    x1,
    y1,
    within(x1 + Math.round(w), x1 + 1, size.width),
    within(y1 + Math.round(h), y1 + 1, size.height),
  ]);
}

/** One of the four numbers set by hand; the others stay. */
export function withNumber(box: BoxNatural, at: 0 | 1 | 2 | 3, value: number, size: Size): BoxNatural {
  const numbers: [number, number, number, number] = [box[0], box[1], box[2], box[3]];
  const most = at % 2 === 0 ? size.width : size.height;
  numbers[at] = at < 2 ? within(value, 0, numbers[at + 2]! - 1) : within(value, numbers[at - 2]! + 1, most);
  return asNatural(numbers);
}

const STEPS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** What a key does to the chosen box: arrows move it by a pixel, with Ctrl its lower right corner, with Alt its upper left; Shift: by ten. */
export function nudged(
  box: BoxNatural,
  key: { key: string; shiftKey: boolean; ctrlKey: boolean; metaKey: boolean; altKey: boolean },
  size: Size,
): BoxNatural | null {
  const step = STEPS[key.key];
  if (!step) return null;
  const by = key.shiftKey ? 10 : 1;
  const grip: Grip = key.ctrlKey || key.metaKey ? 'se' : key.altKey ? 'nw' : 'move';
  return dragged(box, grip, step[0] * by, step[1] * by, size);
}

/** On its own picture as fractions; a side that was not moved keeps its fraction to the last bit. */
export function toFractions(box: BoxNatural, before: Box01 | null, size: Size): Box01 {
  if (!before) return fromNatural(box, size);
  const [was, now] = [toNatural(before, size), fromNatural(box, size)];
  return [0, 1, 2, 3].map((i) => (box[i] === was[i] ? before[i]! : now[i]!)) as unknown as Box01;
}

/** How a picture lies in its view: CSS pixels a picture pixel, and where its upper left corner is. */
export interface View {
  readonly scale: number;
  readonly x: number;
  readonly y: number;
}

export const MAX_SCALE = 32;

/** The whole picture in the middle, a small picture at most eight times as large as it is. */
export function fitted(size: Size, stage: Size): View {
  const scale = Math.min(stage.width / size.width, stage.height / size.height, 8);
  return { scale, x: (stage.width - size.width * scale) / 2, y: (stage.height - size.height * scale) / 2 };
}

/** Zoomed by a factor around a point of the stage. */
export function zoomed(view: View, by: number, at: readonly [number, number], size: Size, stage: Size): View {
  const least = Math.min(fitted(size, stage).scale, 1) / 2;
  const scale = within(view.scale * by, least, MAX_SCALE);
  const ratio = scale / view.scale;
  return { scale, x: at[0] - (at[0] - view.x) * ratio, y: at[1] - (at[1] - view.y) * ratio };
}

/** A point of the stage in pixels of the picture. */
export const toPicture = (view: View, [x, y]: readonly [number, number]): [number, number] => [
  (x - view.x) / view.scale,
  (y - view.y) / view.scale,
];

/** What of the picture is in sight, in its pixels. */
export function inSight(view: View, size: Size, stage: Size) {
  const [x, y] = toPicture(view, [0, 0]).map((v) => Math.max(0, v)) as [number, number];
  const [x2, y2] = toPicture(view, [stage.width, stage.height]);
  return { x, y, width: Math.max(1, Math.min(x2, size.width) - x), height: Math.max(1, Math.min(y2, size.height) - y) };
}
