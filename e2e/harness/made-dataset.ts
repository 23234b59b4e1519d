/** Datasets for specs and pictures: real images of all shapes, rows of every kind of fault. */
import { zipSync } from 'fflate';
import sharp from 'sharp';
import { Random } from '../../src/base/random.ts';

const SIZES = [
  [640, 480],
  [480, 640],
  [900, 600],
  [1200, 150],
  [120, 960],
  [500, 500],
] as const;
const GROUNDS = ['#c9b58c', '#6f8f9a', '#8c6f5a', '#4c5b52', '#b8aca0', '#75688a'];

interface Drawn {
  readonly width: number;
  readonly height: number;
  /** A disc on it, in pixels. */
  readonly box: readonly [number, number, number, number];
  readonly bytes: Uint8Array;
}

async function draw(random: Random, i: number): Promise<Drawn> {
  const [width, height] = SIZES[i % SIZES.length]!;
  const r = 20 + random.below(Math.min(width, height) / 4);
  const [x, y] = [r + random.below(width - 2 * r), r + random.below(height - 2 * r)];
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="${GROUNDS[i % GROUNDS.length]}"/><path d="M0 ${height * 0.7} Q ${width / 2} ${height * 0.4} ${width} ${height * 0.8} V ${height} H 0Z" fill="#00000033"/><circle cx="${x}" cy="${y}" r="${r}" fill="#e8e2d0"/></svg>`;
  return { width, height, box: [x - r, y - r, x + r, y + r], bytes: await sharp(Buffer.from(svg)).jpeg().toBuffer() };
}

export interface MadeOptions {
  readonly rows: number;
  /** Boxes in pixels of the files, few enough that the numbers do not decide their reading; else in fractions. */
  readonly ambiguous: boolean;
  /** Three rows that cannot be used. */
  readonly faults: boolean;
  /** Default: rows have thoughts. */
  readonly thoughts?: boolean;
}

/** A zip of `train.jsonl`, `val.jsonl` and pictures: 1, 2, 4 and 8 pictures a row. */
export async function madeZip({ rows, ambiguous, faults, thoughts = true }: MadeOptions): Promise<Uint8Array> {
  const random = new Random(11);
  const files: Record<string, Uint8Array> = {};
  const pictures: Drawn[] = [];
  for (let i = 0; i < 24; i++) {
    pictures.push(await draw(random, i));
    files[`images/p${i}.jpg`] = pictures[i]!.bytes;
  }
  const lines: unknown[] = [];
  for (let i = 0; i < rows; i++) {
    const count = [2, 1, 4, 8][i % 4]!;
    const own = Array.from({ length: count }, (_, k) => (i * 3 + k * 5) % pictures.length);
    const at = random.below(count);
    const { box, width, height } = pictures[own[at]!]!;
    const share = box.map((v, k) => (v / (k % 2 ? height : width)).toFixed(4));
    const answer = ambiguous
      ? JSON.stringify([box[0], box[1], box[2], box[3]])
      : `(${share[0]},${share[1]}),(${share[2]},${share[3]})`;
    lines.push({
      id: `row-${i}`,
      task: ['find', 'compare', 'follow'][i % 3],
      images: own.map((n) => `images/p${n}.jpg`),
      conversations: [
        {
          from: 'human',
          value: `${'<image>\n'.repeat(count)}Find the pale disc${i === 2 ? ' <img src=x onerror="document.title=1"> <b>bold?</b>' : ''}.`,
        },
        {
          from: 'gpt',
          value: `${thoughts ? `<think>Image-${at + 1} has it.</think>` : ''}<answer>Image-${at + 1}: ${answer}</answer>`,
        },
      ],
    });
  }
  if (faults) {
    lines.splice(3, 0, { ...(lines[0] as object), id: 'gone', images: ['images/gone.jpg', 'images/p1.jpg'] });
    lines.splice(7, 0, { id: 'none', text: 'what is this?' });
    lines.splice(9, 0, { ...(lines[0] as object), id: 'marks', images: ['images/p1.jpg'] });
  }
  const text = (list: readonly unknown[]) =>
    new TextEncoder().encode(list.map((line) => JSON.stringify(line)).join('\n'));
  const held = Math.ceil(lines.length / 5);
  files['train.jsonl'] = text(lines.slice(0, -held));
  files['val.jsonl'] = text(lines.slice(-held));
  return zipSync(files, { level: 0 });
}
