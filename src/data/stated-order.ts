/**
 * The order of a box's four numbers as a row's own words state it: “[ymin, xmin, ymax, xmax]”, “y1, x1, y2, x2”. Lists
 * are read x first, or by width and height, as their numbers show; what puts y first, or both x before both y, can only
 * be known from such words.
 */
import type { Side } from '../grounding/box-values.ts';
import type { Numbers } from '../grounding/convention.ts';
import type { Quad } from '../grounding/quads.ts';
import type { SearchedText } from './places.ts';

/** Where each number of a list x first stands in the list as written. */
export type Order = readonly [number, number, number, number];

/** Names of four numbers, x first. */
const NAMES: readonly (readonly string[])[] = [
  ['x1', 'y1', 'x2', 'y2'],
  ['x0', 'y0', 'x1', 'y1'],
  ['xmin', 'ymin', 'xmax', 'ymax'],
  ['minx', 'miny', 'maxx', 'maxy'],
  ['xtl', 'ytl', 'xbr', 'ybr'],
  ['xleft', 'ytop', 'xright', 'ybottom'],
  ['left', 'top', 'right', 'bottom'],
  ['l', 't', 'r', 'b'],
  ['x', 'y', 'w', 'h'],
  ['x', 'y', 'width', 'height'],
  ['x1', 'y1', 'w', 'h'],
  ['xmin', 'ymin', 'width', 'height'],
  ['left', 'top', 'width', 'height'],
  ['cx', 'cy', 'w', 'h'],
  ['xcenter', 'ycenter', 'width', 'height'],
];

const NAME = String.raw`["'\x60$]?([xywhltrb]|[xy][_\s]?(?:[0-2]|min|max|tl|br|left|right|top|bottom|cent(?:er|re))|(?:min|max)[_\s]?[xy]|c[xy]|(?:row|col(?:umn)?)[_\s]?(?:min|max|start|end|[0-2])|(?:top|upper)[_\s-]?left[_\s-]?[xy]|(?:bottom|lower)[_\s-]?right[_\s-]?[xy]|left|top|right|bottom|width|height)["'\x60$]?`;
const BETWEEN = String.raw`\s{0,2}[,;/|)(<>\s\]\[]{1,6}`;
/** Four names with little between them. Bounded repetitions: linear in the text. */
const STATED = new RegExp(
  String.raw`(?<![\p{L}\p{N}_])${[NAME, NAME, NAME, NAME].join(BETWEEN)}(?![\p{L}\p{N}_])`,
  'giu',
);

/** Other words for the same side: rows go down, columns across. */
const SAME: readonly (readonly [RegExp, string])[] = [
  [/centre/, 'center'],
  [/^(?:top|upper)left([xy])$/, '$11'],
  [/^(?:bottom|lower)right([xy])$/, '$12'],
  [/^row/, 'y'],
  [/^col(?:umn)?/, 'x'],
  [/start$/, 'min'],
  [/end$/, 'max'],
];
const plainName = (name: string): string =>
  SAME.reduce((text, [from, to]) => text.replace(from, to), name.toLowerCase().replace(/[_\s-]/g, ''));

/** Orders that a text states, each once; x first is one of them. */
export function ordersIn(text: string): Order[] {
  const found = new Map<string, Order>();
  for (const match of text.matchAll(STATED)) {
    const written = match.slice(1).map(plainName);
    const names = NAMES.find((each) => each.every((name) => written.includes(name)));
    if (!names) continue;
    const order = names.map((name) => written.indexOf(name)) as unknown as Order;
    found.set(order.join(' '), order);
  }
  return [...found.values()];
}

export const isXFirst = (order: Order): boolean => order.every((at, i) => at === i);

const XYXY: readonly Side[] = ['x1', 'y1', 'x2', 'y2'];

/** A list of four, or pairs, whose form does not name the sides: its numbers x first. */
function reordered(quad: Quad, order: Order): Quad {
  const numbers = order.map((at) => quad.numbers[at]!) as unknown as Numbers;
  const { inner } = quad;
  if (!inner) return { ...quad, numbers, ordered: true };
  const slots = inner.slots.map((slot, at) => ({ ...slot, side: XYXY[order.indexOf(at)]! }));
  return { ...quad, numbers, ordered: true, inner: { ...inner, slots } };
}

/** A text whose boxes are written in an order that words state. Boxes of the row's own fields stay as they are. */
export function inOrder(text: SearchedText, order: Order): SearchedText {
  const quads = text.quads.map((quad) =>
    quad.corners || quad.space || text.marks.has(quad) ? quad : reordered(quad, order),
  );
  return { ...text, quads };
}

/** Whether such an order would change how any of its boxes is read. */
export const hasLooseOrder = ({ quads, marks }: SearchedText): boolean =>
  quads.some((quad) => !quad.corners && !quad.space && !marks.has(quad));
