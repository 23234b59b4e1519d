/**
 * Boxes and their coordinate spaces. The house stores one form only: `Box01`, corners as fractions of the picture.
 * Every other space is a branded type converted here and nowhere else: boxes shifted by a resize are the field's
 * commonest complaint, and the compiler can prevent them.
 */
declare const space: unique symbol;
type Quad<S extends string> = readonly [x1: number, y1: number, x2: number, y2: number] & { readonly [space]: S };

/** Corners as fractions (0–1) of the picture's width and height. */
export type Box01 = Quad<'fraction'>;
/** Corners in pixels of the picture file. */
export type BoxNatural = Quad<'natural'>;
/** Corners in pixels of the picture as the model sees it, after resizing. */
export type BoxModel = Quad<'model'>;
/** Corners in thousandths of the picture's width and height (Qwen2-VL, Qwen3-VL, MGrounding). */
export type BoxThousand = Quad<'thousand'>;

/** Width and height in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A box on one of a sample's pictures. `image` counts from 0. */
export interface GroundedBox {
  readonly image: number;
  readonly box: Box01;
  readonly label?: string;
  /** The dataset does not say which picture: `image` is our guess, and no answer is wrong for naming another. */
  readonly imageGuessed?: true;
}

export const box01 = (x1: number, y1: number, x2: number, y2: number): Box01 => [x1, y1, x2, y2] as unknown as Box01;

/** Intersection over union, 0 for empty or inverted boxes. Both boxes must be in the same space. */
export function iou<B extends Box01 | BoxModel | BoxThousand>(a: B, b: B): number {
  const area = (q: B) => Math.max(0, q[2] - q[0]) * Math.max(0, q[3] - q[1]);
  const w = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const h = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (w <= 0 || h <= 0) return 0;
  const union = area(a) + area(b) - w * h;
  return union > 0 ? (w * h) / union : 0;
}

/** Boxes whose picture is known; the others cannot be drawn. */
export const groundedBoxes = <B extends { readonly image: number | null }>(boxes: readonly B[]) =>
  boxes.flatMap((b) => (b.image === null ? [] : [{ ...b, image: b.image }]));
