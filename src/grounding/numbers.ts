/** Four numbers of a file as a box: by their layout, by the frame they are measured in, and turned as the picture is shown. */
import { box01, type Box01, type Size } from './box.ts';
import type { Numbers } from './convention.ts';

/** Two corners, x first or y first; a corner with width and height; the centre with width and height. */
export type BoxLayout = 'xyxy' | 'yxyx' | 'xywh' | 'cxcywh';

/** Corners, whatever the layout. */
export function cornersOf([a, b, c, d]: Numbers, layout: BoxLayout): Numbers {
  if (layout === 'xyxy') return [a, b, c, d];
  if (layout === 'yxyx') return [b, a, d, c];
  return layout === 'xywh' ? [a, b, a + c, b + d] : [a - c / 2, b - d / 2, a + c / 2, b + d / 2];
}

/**
 * Corners as fractions, in the frame `whole` that the numbers are measured in. May be inverted or outside. `turned`:
 * the EXIF orientation (1–8) by which a picture that lies as `whole` is turned to be shown.
 */
export function boxOfNumbers(numbers: Numbers, layout: BoxLayout, whole: Size, turned = 1): Box01 {
  const [x1, y1, x2, y2] = cornersOf(numbers, layout);
  return turn(box01(x1 / whole.width, y1 / whole.height, x2 / whole.width, y2 / whole.height), turned);
}

/** A box on a picture as stored → the same box on the picture as shown (EXIF 2.32 §4.6.4, Orientation). */
function turn([x1, y1, x2, y2]: Box01, orientation: number): Box01 {
  switch (orientation) {
    case 2:
      return box01(1 - x2, y1, 1 - x1, y2);
    case 3:
      return box01(1 - x2, 1 - y2, 1 - x1, 1 - y1);
    case 4:
      return box01(x1, 1 - y2, x2, 1 - y1);
    case 5:
      return box01(y1, x1, y2, x2);
    case 6:
      return box01(1 - y2, x1, 1 - y1, x2);
    case 7:
      return box01(1 - y2, 1 - x2, 1 - y1, 1 - x1);
    case 8:
      return box01(y1, 1 - x2, y2, 1 - x1);
    default:
      return box01(x1, y1, x2, y2);
  }
}
