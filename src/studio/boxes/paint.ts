/** Paints layers of boxes on a canvas, crisp at any pixel ratio. Text is drawn as text, never as markup. */
import { layoutLabels, place, type Labelled, type Rect } from './layout.ts';
import { CASING, LABEL_INK, ROLES, type Layer } from './roles.ts';

const FONT = '600 11px system-ui, "Liberation Sans", sans-serif';
const LABEL_HEIGHT = 15;
const LONGEST_LABEL = 140;
/** Widest edge whose parts have colours of their own; on a small box, thinner. */
const EDGE_WIDTH = 5;

export function paintBoxes(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
  image: number,
  layers: readonly Layer[],
  ratio: number,
): void {
  const pixelWidth = Math.max(1, Math.round(width * ratio));
  const pixelHeight = Math.max(1, Math.round(height * ratio));
  if (canvas.width !== pixelWidth || canvas.height !== pixelHeight) {
    canvas.width = pixelWidth;
    canvas.height = pixelHeight;
  }
  const context = canvas.getContext('2d');
  if (!context) return;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = FONT;
  context.textBaseline = 'middle';
  const drawn = layers.flatMap((layer) =>
    layer.boxes
      .map((box, i) => ({ ...box, edges: layer.edges?.[i] }))
      .filter((box) => box.image === image)
      .map((box) => {
        const text = clip(context, box.label ?? layer.label ?? '');
        const label = text ? { width: Math.ceil(context.measureText(text).width) + 8, height: LABEL_HEIGHT } : null;
        return {
          style: ROLES[layer.role],
          missed: layer.missed === true,
          text,
          box: place(box.box, width, height),
          label,
          edges: box.edges,
        };
      }),
  );
  const labels = layoutLabels(drawn satisfies readonly Labelled[], width, height);
  for (const { box, style, edges } of drawn) {
    const snap = (v: number) => Math.round(v * ratio) / ratio;
    const rect = [snap(box.x), snap(box.y), Math.max(1, snap(box.width)), Math.max(1, snap(box.height))] as const;
    context.setLineDash([]);
    context.strokeStyle = CASING;
    context.lineWidth = style.width + 2;
    context.strokeRect(...rect);
    if (edges) {
      paintEdges(context, rect, edges);
      continue;
    }
    context.setLineDash(style.dash as number[]);
    context.strokeStyle = style.color;
    context.lineWidth = style.width;
    context.strokeRect(...rect);
  }
  context.setLineDash([]);
  for (const { box, style, missed } of drawn) if (missed) paintMiss(context, box, style.color);
  drawn.forEach(({ style, text }, i) => {
    const at = labels[i];
    if (!at) return;
    context.fillStyle = style.color;
    context.beginPath();
    context.roundRect(at.x, at.y, at.width, at.height, 2);
    context.fill();
    context.fillStyle = LABEL_INK;
    context.fillText(text, at.x + 4, at.y + at.height / 2 + 0.5);
  });
}

/** Half the width of the mark of a miss, CSS pixels. */
const MARK = 5;

/** A cross in the lower right corner: where a label lies at the top, it is still seen. */
function paintMiss(context: CanvasRenderingContext2D, box: Rect, color: string): void {
  const [x, y] = [box.x + Math.max(MARK + 3, box.width - MARK - 3), box.y + Math.max(MARK + 3, box.height - MARK - 3)];
  context.beginPath();
  context.arc(x, y, MARK + 3, 0, 2 * Math.PI);
  context.fillStyle = CASING;
  context.fill();
  context.strokeStyle = color;
  context.lineWidth = 2;
  stroke(context, [x - MARK + 1, y - MARK + 1], [x + MARK - 1, y + MARK - 1]);
  stroke(context, [x - MARK + 1, y + MARK - 1], [x + MARK - 1, y - MARK + 1]);
}

/** Edges in parts of their own colours, from the top or the left. */
function paintEdges(
  context: CanvasRenderingContext2D,
  [x, y, width, height]: readonly [number, number, number, number],
  [left = [], upper = [], right = [], lower = []]: readonly (readonly string[])[],
): void {
  const lines = [
    { colors: left, at: (t: number) => [x, y + t * height] as const },
    { colors: upper, at: (t: number) => [x + t * width, y] as const },
    { colors: right, at: (t: number) => [x + width, y + t * height] as const },
    { colors: lower, at: (t: number) => [x + t * width, y + height] as const },
  ];
  const thick = Math.max(2, Math.min(EDGE_WIDTH, width / 6, height / 6));
  for (const { colors, at } of lines)
    colors.forEach((color, i) => {
      context.strokeStyle = CASING;
      context.lineWidth = thick + 2;
      stroke(context, at(i / colors.length), at((i + 1) / colors.length));
      context.strokeStyle = color;
      context.lineWidth = thick;
      stroke(context, at(i / colors.length), at((i + 1) / colors.length - (i + 1 < colors.length ? 0.04 : 0)));
    });
}

function stroke(
  context: CanvasRenderingContext2D,
  from: readonly [number, number],
  to: readonly [number, number],
): void {
  context.beginPath();
  context.moveTo(...from);
  context.lineTo(...to);
  context.stroke();
}

function clip(context: CanvasRenderingContext2D, text: string): string {
  const line = text.replace(/\s+/g, ' ').slice(0, 60);
  if (context.measureText(line).width <= LONGEST_LABEL) return line;
  let end = line.length;
  while (end > 1 && context.measureText(`${line.slice(0, end)}…`).width > LONGEST_LABEL) end--;
  return `${line.slice(0, end)}…`;
}
