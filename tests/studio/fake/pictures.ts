/** Draws a scene; browser only. */
import type { Scene } from './scenes.ts';

export async function drawScene({ size, ground, things }: Scene): Promise<Blob> {
  const canvas = new OffscreenCanvas(size.width, size.height);
  const context = canvas.getContext('2d')!;
  const shade = context.createLinearGradient(0, 0, size.width, size.height);
  shade.addColorStop(0, ground);
  shade.addColorStop(1, '#00000030');
  context.fillStyle = ground;
  context.fillRect(0, 0, size.width, size.height);
  context.fillStyle = shade;
  context.fillRect(0, 0, size.width, size.height);
  for (const { shape, color, box } of [...things].reverse()) {
    const [x, y, w, h] = [
      box[0] * size.width,
      box[1] * size.height,
      (box[2] - box[0]) * size.width,
      (box[3] - box[1]) * size.height,
    ];
    context.fillStyle = context.strokeStyle = color;
    context.beginPath();
    if (shape === 'square') context.rect(x, y, w, h);
    else if (shape === 'triangle') {
      context.moveTo(x + w / 2, y);
      context.lineTo(x + w, y + h);
      context.lineTo(x, y + h);
      context.closePath();
    } else
      context.ellipse(
        x + w / 2,
        y + h / 2,
        shape === 'ring' ? w * 0.4 : w / 2,
        shape === 'ring' ? h * 0.4 : h / 2,
        0,
        0,
        Math.PI * 2,
      );
    context.lineWidth = w * 0.18;
    if (shape === 'ring') context.stroke();
    else context.fill();
  }
  return canvas.convertToBlob({ type: 'image/png' });
}
