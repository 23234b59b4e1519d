/** Paints layers of boxes on a canvas, crisp at any pixel ratio. Text is drawn as text, never as markup. */
import { layoutLabels, place, type Labelled } from './layout.ts';
import { CASING, LABEL_INK, MISS, ROLES, type Layer } from './roles.ts';

const FONT = '600 11px system-ui, "Liberation Sans", sans-serif';
const LABEL_HEIGHT = 15;
const LONGEST_LABEL = 140;

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
      .filter((box) => box.image === image)
      .map((box) => {
        const text = clip(context, box.label ?? layer.label ?? '');
        const label = text ? { width: Math.ceil(context.measureText(text).width) + 8, height: LABEL_HEIGHT } : null;
        return {
          style: layer.missed ? { ...ROLES[layer.role], color: MISS } : ROLES[layer.role],
          text,
          box: place(box.box, width, height),
          label,
        };
      }),
  );
  const labels = layoutLabels(drawn satisfies readonly Labelled[], width, height);
  for (const { box, style } of drawn) {
    const snap = (v: number) => Math.round(v * ratio) / ratio;
    const rect = [snap(box.x), snap(box.y), Math.max(1, snap(box.width)), Math.max(1, snap(box.height))] as const;
    context.setLineDash([]);
    context.strokeStyle = CASING;
    context.lineWidth = style.width + 2;
    context.strokeRect(...rect);
    context.setLineDash(style.dash as number[]);
    context.strokeStyle = style.color;
    context.lineWidth = style.width;
    context.strokeRect(...rect);
  }
  context.setLineDash([]);
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

function clip(context: CanvasRenderingContext2D, text: string): string {
  const line = text.replace(/\s+/g, ' ').slice(0, 60);
  if (context.measureText(line).width <= LONGEST_LABEL) return line;
  let end = line.length;
  while (end > 1 && context.measureText(`${line.slice(0, end)}…`).width > LONGEST_LABEL) end--;
  return `${line.slice(0, end)}…`;
}
