/** Draws of rows with changed pictures: the box stays on its thing, words follow their pictures, and what words forbid is not done. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Random } from '../../../src/base/random.ts';
import type { Row, Segment } from '../../../src/data/row.ts';
import { changedSize } from '../../../src/data/variation/picture.ts';
import { reordered, whyInOrder } from '../../../src/data/variation/order.ts';
import { vary, whyNot, type VariationSettings } from '../../../src/data/variation/vary.ts';
import { box01, type GroundedBox } from '../../../src/grounding/box.ts';
import { changePixels } from '../../../src/image/change.ts';

const ALL: VariationSettings = {
  order: 1,
  flip: 1,
  crop: 1,
  cropLeast: 0.4,
  scale: 1,
  scaleLeast: 1,
  colour: 0,
  colourMost: 0,
};
const NONE: VariationSettings = { ...ALL, order: 0, flip: 0, crop: 0, scale: 0 };

const text = (words: string): Segment => ({ type: 'text', text: words });
const picture = (image: number): Segment => ({ type: 'image', image });
const boxes = (...all: GroundedBox[]): Segment[] => all.map((box) => ({ type: 'box', box }));

function row(question: readonly Segment[], solution: readonly GroundedBox[], more: Partial<Row> = {}): Row {
  return {
    id: 'r',
    task: 't',
    split: 'train',
    images: ['a.png', 'b.png', 'c.png'],
    prompt: [{ role: 'user', content: question }],
    answer: boxes(...solution),
    solution,
    source: { file: 'f.jsonl', line: 1 },
    ...more,
  };
}

const shown = [picture(0), picture(1), picture(2)];
const on = (image: number, x1 = 0.25, y1 = 0.5, x2 = 0.5, y2 = 0.75) => ({ image, box: box01(x1, y1, x2, y2) });
const wordsOf = ({ prompt }: Row) =>
  prompt[0]!.content.map((part) => (part.type === 'text' ? part.text : '#')).join('');

test('a box lies on its thing after every change, whatever was drawn', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 4, max: 60 }),
      fc.integer({ min: 4, max: 60 }),
      fc.tuple(fc.nat(100), fc.nat(100), fc.nat(100), fc.nat(100)),
      fc.nat(2),
      fc.nat(1e6),
      (width, height, [a, b, c, d], which, seed) => {
        const span = (from: number, to: number, side: number) => {
          const start = Math.floor((Math.min(from, to) / 101) * side);
          return [start, Math.max(start + 1, Math.ceil((Math.max(from, to) / 101) * side))] as const;
        };
        const [[x1, x2], [y1, y2]] = [span(a, b, width), span(c, d, height)];
        // Red where the thing is, on the one picture that has it.
        const files = [0, 1, 2].map((image) => {
          const data = new Uint8Array(width * height * 3);
          if (image === which)
            for (let y = y1; y < y2; y++) for (let x = x1; x < x2; x++) data[(y * width + x) * 3] = 255;
          return { width, height, data };
        });
        const thing = { image: which, box: box01(x1 / width, y1 / height, x2 / width, y2 / height) };
        const drawn = vary(
          row([...shown, text('Find the thing.')], [thing]),
          files,
          { ...ALL, flip: seed % 2 },
          new Random(seed),
        );
        const [found] = drawn.solution;
        let wrong = 0;
        expect(drawn.answer).toEqual(boxes(found!));
        drawn.images.forEach((path, place) => {
          const file = files['abc'.indexOf(path[0]!)]!;
          const change = drawn.changes?.[place] ?? {};
          const seen = changePixels(file, change);
          expect({ width: seen.width, height: seen.height }).toEqual(changedSize(file, change));
          const [left, top, right, bottom] = found!.box;
          for (let y = 0; y < seen.height; y++)
            for (let x = 0; x < seen.width; x++) {
              const [across, down] = [(x + 0.5) / seen.width, (y + 0.5) / seen.height];
              const inside = across > left && across < right && down > top && down < bottom;
              if ((seen.data[(y * seen.width + x) * 3] === 255) !== (place === found!.image && inside)) wrong++;
            }
        });
        expect(wrong).toBe(0);
      },
    ),
    { numRuns: 60 },
  );
});

test('the same draw is made of the same numbers, and nothing is done to a row by default', () => {
  const sizes = [0, 1, 2].map(() => ({ width: 40, height: 30 }));
  const given = row([...shown, text('Find it.')], [on(1)]);
  expect(vary(given, sizes, NONE, new Random(1))).toBe(given);
  expect(vary(given, sizes, ALL, new Random(1))).toEqual(vary(given, sizes, ALL, new Random(1)));
  expect(vary(given, sizes, ALL, new Random(1))).not.toEqual(vary(given, sizes, ALL, new Random(2)));
});

describe('pictures in another order', () => {
  const order = [2, 0, 1]; // a.png goes to place 2, b.png to 3, c.png to 1

  test.each([
    ['Where in Image-2 is the cup of image 1?', 'Where in Image-3 is the cup of image 2?'],
    ['The cup of the third image, in the first picture:', 'The cup of the first image, in the second picture:'],
    ['The 2nd photo shows it.', 'The 3rd photo shows it.'],
    ['在第二张图中找到第1张图片里的杯子。', '在第三张图中找到第2张图片里的杯子。'],
    ['Picture B has it, picture 12% larger.', 'Picture B has it, picture 12% larger.'],
  ])('%s', (before, after) => {
    const given = row([...shown, text(before)], [on(1)]);
    if (before === after) return expect(whyInOrder(given)).not.toBeNull();
    expect(whyInOrder(given)).toBeNull();
    const moved = reordered(given, order);
    expect(moved.images).toEqual(['c.png', 'a.png', 'b.png']);
    expect(wordsOf(moved)).toBe(`###${after}`);
    expect(moved.solution[0]!.image).toBe(2);
  });

  test('the name before a picture belongs to its place, and stays', () => {
    const given = row(
      [
        text('Image-1: '),
        picture(0),
        text('\nImage-2: '),
        picture(1),
        text('\nImage-3: '),
        picture(2),
        text('\nIn Image-1?'),
      ],
      [on(0)],
      { think: 'It is in image 1.' },
    );
    expect(whyInOrder(given)).toBeNull();
    const moved = reordered(given, order);
    expect(wordsOf(moved)).toBe('Image-1: #\nImage-2: #\nImage-3: #\nIn Image-2?');
    expect(moved.think).toBe('It is in image 2.');
  });

  test.each([
    ['has fewer than two pictures', row([picture(0), text('Find it.')], [on(0)], { images: ['a.png'] })],
    ['speaks of an order', row([...shown, text('What moved from the previous frame?')], [on(0)])],
    ['names pictures in a way that cannot follow', row([...shown, text('Find it in the last image.')], [on(2)])],
    ['has an answer without boxes, which may count pictures', row([...shown, text('Which one?')], [])],
    [
      'has words between its pictures',
      row([picture(0), text('This is it. Find it in '), picture(1), picture(2)], [on(1)]),
    ],
    ['does not say which picture its boxes are on', row(shown, [{ ...on(1), imageGuessed: true }])],
  ])('is not given to a row that %s', (why, given) => {
    expect(whyInOrder(given)).toBe(why);
  });
});

describe('what a row’s words forbid', () => {
  const about = (words: string, more: Partial<Row> = {}) =>
    Object.keys(whyNot(row([...shown, text(words)], [on(1)], more))).sort();
  test.each([
    ['Find the cup.', []],
    ['Find the cup on the left.', ['crop', 'flip']],
    ['找到左边的杯子', ['crop', 'flip']],
    ['Find the top of the tree.', ['crop']],
    ['Click the button that reads OK.', ['flip']],
    ['What is different?', ['crop', 'scale']],
    ['Find the dark cup.', ['colour']],
    ['Find the cup at [10, 20, 30, 40].', ['crop', 'flip', 'order']],
    ['Trouver la tasse à gauche.', ['colour', 'crop', 'flip', 'order', 'scale']],
    ['Найди the чашку слева.', ['colour', 'crop', 'flip', 'order', 'scale']],
    ['左の箱の中', ['colour', 'crop', 'flip', 'order', 'scale']],
  ])('%s', (words, forbidden) => {
    expect(about(words)).toEqual(forbidden);
  });

  test('is looked for in its thought as well', () => {
    expect(about('Find the cup.', { think: 'It is on the right of the plate.' })).toEqual(['crop', 'flip']);
  });

  test('does not change what is drawn for another change', () => {
    const sizes = [0, 1, 2].map(() => ({ width: 400, height: 300 }));
    const settings = { ...ALL, order: 0, crop: 0, scaleLeast: 0.5 };
    const scales = (words: string) =>
      vary(row([...shown, text(words)], [on(1)]), sizes, settings, new Random(3)).changes!.map(({ scale }) => scale);
    expect(scales('Find the cup on the left.')).toEqual(scales('Find the cup.'));
  });
});
