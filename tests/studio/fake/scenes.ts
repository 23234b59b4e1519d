/** A made-up dataset for trying the studio: rows over drawn pictures that ask for something in them. */
import { Random } from '../../../src/base/random.ts';
import type { ConventionReport, Row, RowIssue } from '../../../src/engine/protocol/index.ts';
import { box01, type Box01, type GroundedBox, type Size } from '../../../src/grounding/box.ts';

export interface Thing {
  readonly shape: 'disc' | 'square' | 'triangle' | 'ring';
  readonly color: string;
  readonly name: string;
  readonly box: Box01;
}

export interface Scene {
  readonly size: Size;
  readonly ground: string;
  readonly things: readonly Thing[];
}

const SHAPES = ['disc', 'square', 'triangle', 'ring'] as const;
const COLORS = [
  ['red', '#c8452f'],
  ['blue', '#2f6fc8'],
  ['yellow', '#e2b93b'],
  ['green', '#3d8f4f'],
  ['violet', '#7d4fa3'],
  ['white', '#f4f1ea'],
] as const;
const GROUNDS = ['#d9d3c4', '#8fa3a8', '#3b4348', '#c4b59a', '#6f7d5c', '#efeae0'];
const SIZES: readonly Size[] = [
  { width: 320, height: 240 },
  { width: 240, height: 320 },
  { width: 280, height: 280 },
  { width: 400, height: 240 },
];
const TASKS = ['common_object', 'diff', 'region', 'refer', 'group'];

export interface FakeData {
  readonly rows: readonly Row[];
  readonly heldout: readonly Row[];
  readonly scenes: ReadonlyMap<string, Scene>;
}

function scene(random: Random): Scene {
  const size = SIZES[random.below(SIZES.length)]!;
  const things = Array.from({ length: 2 + random.below(4) }, (): Thing => {
    const [word, color] = COLORS[random.below(COLORS.length)]!;
    const shape = SHAPES[random.below(SHAPES.length)]!;
    const side = random.uniform() < 0.25 ? 14 + random.below(14) : 40 + random.below(80);
    const [w, h] = [side / size.width, side / size.height];
    const [x, y] = [random.uniform() * (1 - w), random.uniform() * (1 - h)];
    return { shape, color, name: `${word} ${shape}`, box: box01(x, y, x + w, y + h) };
  });
  return { size, ground: GROUNDS[random.below(GROUNDS.length)]!, things };
}

export function fakeData(seed: number, train: number, heldout: number): FakeData {
  const random = new Random(seed);
  const scenes = new Map<string, Scene>();
  const row = (index: number, split: Row['split']): Row => {
    const images = Array.from({ length: 2 + random.below(3) }, (_, i) => {
      const path = `images/${split}-${String(index).padStart(4, '0')}-${i + 1}.png`;
      scenes.set(path, scene(random));
      return path;
    });
    const image = random.below(images.length);
    const thing = scenes.get(images[image]!)!.things[0]!;
    const box: GroundedBox = { image, box: thing.box, label: thing.name };
    const task = TASKS[index % TASKS.length]!;
    // Markup in the data must never become markup in the page.
    const extra = index === 3 ? ' <img src=x onerror="document.title=1"> <b>bold?</b>' : '';
    return {
      id: `${split}-${String(index).padStart(4, '0')}`,
      task,
      split,
      images,
      prompt: [
        {
          role: 'user',
          content: [
            ...images.map((_, i) => ({ type: 'image' as const, image: i })),
            {
              type: 'text',
              text: ` One picture has a ${thing.name} that the others lack. Find it and give its box.${extra}`,
            },
          ],
        },
      ],
      think: `I compare the ${images.length} pictures. Only Image-${image + 1} has a ${thing.name}, so the answer is there.`,
      answer: [
        { type: 'text', text: `It is in Image-${image + 1}: ` },
        { type: 'box', box },
      ],
      solution: [box],
      source: { file: `${split}.jsonl`, line: index + 1 },
    };
  };
  return {
    scenes,
    rows: Array.from({ length: train }, (_, i) => row(i, 'train')),
    heldout: Array.from({ length: heldout }, (_, i) => row(i, 'heldout')),
  };
}

export const FAKE_ISSUES: readonly RowIssue[] = [
  {
    file: 'train.jsonl',
    line: 17,
    field: 'images[2]',
    reason: 'The picture images/0017-3.png is named but was not among the dropped files.',
    fix: 'Drop the folder that holds images/ together with train.jsonl, or correct the path.',
    severity: 'error',
  },
  {
    file: 'train.jsonl',
    line: 52,
    field: 'objects.bbox[0]',
    reason: 'The box [412, 80, 380, 132] has its right edge left of its left edge.',
    fix: 'Corners go x1, y1, x2, y2 with x1 < x2 and y1 < y2.',
    severity: 'error',
  },
  {
    file: 'train.jsonl',
    line: 52,
    field: 'objects.bbox[1]',
    reason: 'The box reaches 14 pixels beyond the right edge of a picture 320 wide.',
    fix: 'It was cut at the edge. Check that the boxes were not made for a resized picture.',
    severity: 'warning',
  },
  {
    file: 'train.jsonl',
    line: 88,
    field: 'conversations',
    reason: 'The text has 3 <image> marks, the row has 4 pictures.',
    fix: 'Make the numbers agree.',
    severity: 'error',
  },
  {
    file: 'train.jsonl',
    line: 131,
    field: '',
    reason: 'The line is not JSON: unexpected end of input.',
    fix: 'Was the file cut short? Each line must be one complete JSON object.',
    severity: 'error',
  },
  {
    file: 'heldout.jsonl',
    line: 4,
    field: 'images[0]',
    reason: 'The same picture is in the training part (train.jsonl:9).',
    fix: 'Results on this row will flatter the model. Remove it from one of the parts.',
    severity: 'warning',
  },
];

/** A box near another: what a model of some skill would answer. */
export function near(box: Box01, random: Random, spread: number): Box01 {
  const shift = () => random.normal() * spread;
  const [dx, dy] = [shift(), shift()];
  const clamp = (v: number) => Math.min(1, Math.max(0, v));
  return box01(
    clamp(box[0] + dx + shift() / 3),
    clamp(box[1] + dy + shift() / 3),
    clamp(box[2] + dx + shift() / 3),
    clamp(box[3] + dy + shift() / 3),
  );
}

/** A guess that the user has to confirm. */
export const FAKE_CONVENTION: ConventionReport = {
  file: 'train.jsonl',
  way: 'list',
  boxes: 320,
  space: 'natural',
  layout: 'xyxy',
  words: 'pixels of the picture file, as two corners',
  reason: 'they fit into the pictures',
  ambiguous: true,
  candidates: [
    { space: 'natural', layout: 'xyxy', fits: 1 },
    { space: 'natural', layout: 'xywh', fits: 0.61 },
    { space: 'model', layout: 'xyxy', resize: { kind: 'budget', factor: 28, minPixels: 3136 }, fits: 0.98 },
    { space: 'thousand', layout: 'xyxy', fits: 1 },
    { space: 'thousand', layout: 'xywh', fits: 1 },
    { space: 'fraction', layout: 'xyxy', fits: 0 },
  ],
};
