/**
 * Where the labels of boxes go. A label stands outside its box if the box is small, never covers any small box, and
 * keeps off other labels; with no such place it is left out (colour and dashes still tell the role).
 */
export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Labelled {
  readonly box: Rect;
  /** Size of the label; null: none. */
  readonly label: { readonly width: number; readonly height: number } | null;
}

const GAP = 2;
/** A box counts as small below this multiple of a label's area: a label on it would hide what it shows. */
export const SMALL = 12;

const area = (r: Rect) => r.width * r.height;

export function overlap(a: Rect, b: Rect): number {
  const w = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const h = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return w > 0 && h > 0 ? w * h : 0;
}

function* places({ box, label }: Labelled): Generator<Rect> {
  const { width, height } = label!;
  const at = (x: number, y: number): Rect => ({ x, y, width, height });
  const right = box.x + box.width;
  const bottom = box.y + box.height;
  yield at(box.x, box.y - height - GAP);
  yield at(box.x, bottom + GAP);
  yield at(right - width, box.y - height - GAP);
  yield at(right - width, bottom + GAP);
  yield at(right + GAP, box.y);
  yield at(box.x - width - GAP, box.y);
  yield at(right + GAP, bottom - height);
  yield at(box.x - width - GAP, bottom - height);
  // Inside, in a corner of its own large box.
  yield at(box.x, box.y);
  yield at(right - width, box.y);
  yield at(box.x, bottom - height);
  yield at(right - width, bottom - height);
}

const within = (r: Rect, width: number, height: number) =>
  r.x >= 0 && r.y >= 0 && r.x + r.width <= width && r.y + r.height <= height;

export function layoutLabels(items: readonly Labelled[], width: number, height: number): (Rect | null)[] {
  const taken: Rect[] = [];
  return items.map((item) => {
    if (!item.label) return null;
    const limit = SMALL * item.label.width * item.label.height;
    const small = items.filter(({ box }) => area(box) < limit).map(({ box }) => box);
    let best: Rect | null = null;
    let bestCost = Infinity;
    for (const place of places(item)) {
      if (
        !within(place, width, height) ||
        small.some((box) => overlap(place, box) > 0) ||
        taken.some((label) => overlap(place, label) > 0)
      )
        continue;
      // Prefer a place over bare picture; covering part of a large box is the lesser evil.
      const cost = items.reduce((sum, { box }) => sum + overlap(place, box), 0);
      if (cost < bestCost) [best, bestCost] = [place, cost];
      if (cost === 0) break;
    }
    if (best) taken.push(best);
    return best;
  });
}

/** A fraction box on a picture drawn `width` × `height`, put in order and kept on the picture. */
export function place(box: readonly [number, number, number, number], width: number, height: number): Rect {
  const clamp = (v: number) => Math.min(1, Math.max(0, Number.isFinite(v) ? v : 0));
  const [x1, x2] = [clamp(Math.min(box[0], box[2])) * width, clamp(Math.max(box[0], box[2])) * width];
  const [y1, y2] = [clamp(Math.min(box[1], box[3])) * height, clamp(Math.max(box[1], box[3])) * height];
  return { x: x1, y: y1, width: x2 - x1, height: y2 - y1 };
}
