/** What becomes of a picture's size, and of boxes on it, when it is changed for one draw of a row. */
import { box01, type Box01, type Size } from '../../grounding/box.ts';
import type { PictureChange } from '../../image/change.ts';

/** Of the changed picture, in pixels. */
export function changedSize(natural: Size, { crop, scale = 1 }: PictureChange): Size {
  const [left, top, right, bottom] = crop ?? [0, 0, natural.width, natural.height];
  return {
    width: Math.max(1, Math.round((right - left) * scale)),
    height: Math.max(1, Math.round((bottom - top) * scale)),
  };
}

/** The same thing on the changed picture. A box that the crop does not hold is cut at its edge. */
export function changedBox([x1, y1, x2, y2]: Box01, natural: Size, { crop, flip }: PictureChange): Box01 {
  const [left, top, right, bottom] = crop ?? [0, 0, natural.width, natural.height];
  const across = (x: number) => Math.min(1, Math.max(0, (x * natural.width - left) / (right - left)));
  const down = (y: number) => Math.min(1, Math.max(0, (y * natural.height - top) / (bottom - top)));
  const [a, b] = [across(x1), across(x2)];
  return flip ? box01(1 - b, down(y1), 1 - a, down(y2)) : box01(a, down(y1), b, down(y2));
}
