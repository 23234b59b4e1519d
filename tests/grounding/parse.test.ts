import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { GroundedBox, Size } from '../../src/grounding/box.ts';
import { CONVENTIONS, type BoxFamily, type Numbers } from '../../src/grounding/convention.ts';
import { parseAnswer } from '../../src/grounding/parse.ts';
import { findQuads } from '../../src/grounding/quads.ts';

const families = Object.keys(CONVENTIONS) as BoxFamily[];
const three: Size[] = [
  { width: 280, height: 140 },
  { width: 644, height: 476 },
  { width: 56, height: 56 },
];

/** A box that the family can write exactly, on one of the pictures. */
const writable = (family: BoxFamily, sizes: readonly Size[]) =>
  fc.nat(sizes.length - 1).chain((image) => {
    const [width, height] =
      CONVENTIONS[family].space === 'thousandths' ? [1001, 1001] : [sizes[image]!.width, sizes[image]!.height];
    const span = (n: number) =>
      fc.tuple(fc.nat(n - 1), fc.nat(n - 1)).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
    return fc
      .record({ x: span(width), y: span(height), label: fc.constantFrom(undefined, 'cat', 'a “red” cup, 2nd image') })
      .map(({ x, y, label }): GroundedBox => {
        const numbers: Numbers = [x[0], y[0], x[1], y[1]];
        return {
          image,
          box: CONVENTIONS[family].read(numbers, sizes[image]!),
          ...(label === undefined ? {} : { label }),
        };
      });
  });

describe.each(families)('%s', (family) => {
  const convention = CONVENTIONS[family];
  test.each([1, 3])('what is written for %i pictures is read back, in the strict form', (pictures) => {
    const sizes = three.slice(0, pictures);
    fc.assert(
      fc.property(fc.array(writable(family, sizes), { minLength: 1, maxLength: 4 }), fc.boolean(), (boxes, labels) => {
        const text = `<think>In Image-1 I see (3,4),(5,6); image 2 has [1, 2, 3, 4].</think>\n${convention.formatAnswer(boxes, sizes, { labels })}<|im_end|>`;
        const parsed = parseAnswer(text, { convention, sizes });
        expect(parsed.boxes).toEqual(
          boxes.map(({ image, box, label }) => ({ image, box, ...(labels && label ? { label } : {}) })),
        );
        expect(parsed).toMatchObject({ formatOk: true, tagsOk: true, parsed: true });
      }),
    );
  });

  test('a box inside running text is found where it stands', () => {
    const text = `See ${convention.formatBox(convention.read([1, 2, 30, 40], three[0]!), three[0]!)} here`;
    expect(findQuads(text)).toMatchObject([{ start: 4, end: text.length - 5, numbers: [1, 2, 30, 40] }]);
  });
});

test('answers as the project writes them', () => {
  const box = { image: 1, box: CONVENTIONS.qwen2_5_vl.read([12, 30, 55, 80], three[1]!), label: 'cup' };
  expect(CONVENTIONS.qwen2_5_vl.formatAnswer([box], three)).toBe(
    '<answer>{"image": 2, "bbox_2d": [12, 30, 55, 80], "label": "cup"}</answer>',
  );
  expect(CONVENTIONS.qwen2_5_vl.formatAnswer([box, box], three, { tags: false, labels: false })).toBe(
    '[{"image": 2, "bbox_2d": [12, 30, 55, 80]}, {"image": 2, "bbox_2d": [12, 30, 55, 80]}]',
  );
  const alone = { ...box, image: 0, box: CONVENTIONS.qwen2_5_vl.read([12, 30, 55, 80], three[0]!) };
  expect(CONVENTIONS.qwen2_5_vl.formatAnswer([alone], three.slice(0, 1), { tags: false })).toBe(
    '[{"bbox_2d": [12, 30, 55, 80], "label": "cup"}]',
  );
  expect(
    CONVENTIONS.qwen2_vl.formatAnswer(
      [{ image: 2, box: CONVENTIONS.qwen2_vl.read([316, 58, 764, 999], three[0]!) }],
      three,
    ),
  ).toBe('<answer>Image-3: <|box_start|>(316,58),(764,999)<|box_end|></answer>');
  expect(() => CONVENTIONS.qwen2_vl.formatAnswer([{ ...box, image: 3 }], three)).toThrow(
    'picture 4, but the row has 3',
  );
});

describe('forms found in the wild', () => {
  const boxes = (answer: string, sizes = three) =>
    parseAnswer(`<answer>${answer}</answer>`, { convention: CONVENTIONS.qwen3_vl, sizes }).boxes.map(
      ({ image, box }) => [image, ...box.map((v) => Math.round(v * 1000))],
    );

  test.each<[string, (number | null)[][]]>([
    ['{"image": 2, "bbox_2d": [12, 30, 55, 80]}', [[1, 12, 30, 55, 80]]],
    ['{"image": "Image-3", "bbox": [12, 30, 55, 80]}', [[2, 12, 30, 55, 80]]],
    [
      '```json\n[\n\t{"bbox_2d": [1, 2, 3, 4], "image": 1, "label": "a"},\n\t{"bbox_2d": [5, 6, 7, 8], "image": 3}\n]\n```',
      [
        [0, 1, 2, 3, 4],
        [2, 5, 6, 7, 8],
      ],
    ],
    [
      '{"image": 2, "boxes": [{"box": [[1, 2], [3, 4]]}, {"box": [5, 6, 7, 8]}]}',
      [
        [1, 1, 2, 3, 4],
        [1, 5, 6, 7, 8],
      ],
    ],
    ["It's in the third image. <|box_start|>(316,58),(764,999)<|box_end|>", [[2, 316, 58, 764, 999]]],
    ['(316, 58), (764, 999)', [[null, 316, 58, 764, 999]]],
    ['<|box_start|>(316,58),(764,999)<|box_start|> in the 2nd image', [[1, 316, 58, 764, 999]]],
    ['Image-2: [1, 2, 3, 4]', [[1, 1, 2, 3, 4]]],
    ['Image 2: (1, 2, 3, 4)', [[1, 1, 2, 3, 4]]],
    [
      '(1,2),(3,4) in the first image and (5,6),(7,8) in the second image',
      [
        [0, 1, 2, 3, 4],
        [1, 5, 6, 7, 8],
      ],
    ],
    [
      'In the first image (1,2),(3,4) and (5,6),(7,8); in the last image (9,9),(10,10)',
      [
        [0, 1, 2, 3, 4],
        [0, 5, 6, 7, 8],
        [2, 9, 9, 10, 10],
      ],
    ],
    ['<box>1 2 3 4</box>', [[null, 1, 2, 3, 4]]],
    ["[{'Position': [1, 2, 3, 4], 'Confidence': 0.9}]", [[null, 1, 2, 3, 4]]],
    ['{"image": 2, "bbox_2d": [1, 2, 3, 4]', [[1, 1, 2, 3, 4]]], // cut off
    ['{"image": 9, "bbox_2d": [1, 2, 3, 4]}', [[null, 1, 2, 3, 4]]],
    ['[1, 2, 3]', []],
    ['no box', []],
  ])('%s', (answer, expected) => {
    expect(boxes(answer)).toEqual(expected);
  });

  test('the picture needs no word where there is only one', () => {
    expect(boxes('(1,2),(3,4)', three.slice(0, 1))).toEqual([[0, 1, 2, 3, 4]]);
  });
});

describe('which part of the text counts', () => {
  const parse = (text: string, mode: 'strict' | 'tolerant' = 'strict') =>
    parseAnswer(text, { convention: CONVENTIONS.qwen3_vl, sizes: three, mode });

  test('a box thought of does not win over the answer', () => {
    expect(
      parse(
        '<think>maybe <answer>{"image": 1, "bbox_2d": [9, 9, 9, 9]}</answer></think><answer>{"image": 2, "bbox_2d": [1, 2, 3, 4]}</answer>',
      ).boxes,
    ).toMatchObject([{ image: 1 }]);
  });

  test('without tags nothing counts in strict mode, everything after the thinking in tolerant mode', () => {
    const text = '<think>[9, 9, 9, 9]</think> Image-1: [1, 2, 3, 4]';
    expect(parse(text)).toMatchObject({ boxes: [], parsed: false, think: '[9, 9, 9, 9]' });
    expect(parse(text, 'tolerant')).toMatchObject({ boxes: [{ image: 0 }], parsed: true, formatOk: false });
  });

  test('fractions are read as such in tolerant mode only', () => {
    expect(parse('<answer>Image-1: [0.1, 0.2, 0.3, 0.4]</answer>', 'tolerant').boxes[0]!.box).toEqual([
      0.1, 0.2, 0.3, 0.4,
    ]);
    expect(parse('<answer>Image-1: [0.1, 0.2, 0.3, 0.4]</answer>').boxes[0]!.box[0]).toBeCloseTo(0.0001);
  });

  test.each([
    ['<answer>{"image": 2, "bbox_2d": [1, 2, 3, 4]}</answer>', 'no thinking'],
    ['<think>a</think><answer>{"image": 2, "bbox_2d": [1, 2, 3, 4]}</answer> and more', 'text after it'],
    [
      '<think>a</think><answer>{"image": 2, "bbox_2d": [1, 2, 3, 4]}</answer><answer>{"image": 2, "bbox_2d": [1, 2, 3, 4]}</answer>',
      'two answers',
    ],
    ['<think>a</think><answer>The box is {"image": 2, "bbox_2d": [1, 2, 3, 4]}</answer>', 'words around the JSON'],
    ['<think>a</think><answer>{"bbox_2d": [1, 2, 3, 4]}</answer>', 'no picture'],
    ['<think>a</think><answer>{"image": 2, "bbox_2d": [1, 2, 3, 4.5]}</answer>', 'broken pixels'],
    ['<think>a</think><answer>{"image": 2, "bbox_2d": [3, 2, 1, 4]}</answer>', 'corners swapped'],
    ['<think>a</think><answer>{"image": 2, "bbox_2d": [1, 2, 3, 1004]}</answer>', 'outside the picture'],
    ['<think>a</think><answer>Image-2: (1,2),(3,4)</answer>', "another family's form"],
    ['<think>a<answer>{"image": 2, "bbox_2d": [1, 2, 3, 4]}</answer>', 'thinking not closed'],
  ])('%s breaks the form: %s', (text) => {
    expect(parse(text)).toMatchObject({ formatOk: false, parsed: true });
  });

  test('thinking begun by the prompt', () => {
    const answer = 'so</think><answer>{"image": 2, "bbox_2d": [1, 2, 3, 4]}</answer>';
    expect(
      parseAnswer(answer, { convention: CONVENTIONS.qwen3_vl, sizes: three, thinking: 'prefilled' }),
    ).toMatchObject({ formatOk: true, think: 'so' });
  });
});

const pieces = fc.constantFrom(
  '<think>',
  '</think>',
  '<answer>',
  '</answer>',
  '{"image": ',
  '"bbox_2d": [',
  '[',
  ']',
  '}',
  '{',
  '(',
  ')',
  ',',
  ' ',
  '"',
  '\\',
  '1',
  '99999',
  '-2',
  '.5',
  'first image',
  'Image-',
  '```json\n',
  '```',
  '\n',
  '<|box_start|>',
  '<|box_end|>',
  '<|object_ref_start|>',
  '<box>',
  'é',
);

test('no text makes it throw', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(pieces, fc.string()), { maxLength: 60 }),
      fc.constantFrom(...families),
      fc.nat(3),
      (parts, family, pictures) => {
        for (const mode of ['strict', 'tolerant'] as const) {
          const parsed = parseAnswer(parts.join(''), {
            convention: CONVENTIONS[family],
            sizes: three.slice(0, pictures),
            mode,
          });
          for (const { image, box } of parsed.boxes)
            expect((image === null || image < pictures) && box.every((v) => v >= 0 && v <= 1)).toBe(true);
        }
      },
    ),
    { numRuns: 300 },
  );
});

test.each([
  '(',
  '[',
  '{',
  '"',
  '["',
  '"\\"',
  '(1,',
  '[1, 1, 1, ',
  '(1,1)      ',
  ' ',
  '<box>1 ',
  '[[1, 2], ',
  '<answer>',
  'image ',
  'first ',
  '\\',
  '[1,2,3,4]',
  '{"image": 1,',
  '1',
])('time stays linear for %j repeated', (unit) => {
  const text = `<answer>${unit.repeat(Math.ceil(100_000 / unit.length))}`;
  const start = process.cpuUsage();
  parseAnswer(text, { convention: CONVENTIONS.qwen2_vl, sizes: three, mode: 'tolerant' });
  // Of the processor, in microseconds: the clock says what else the machine does.
  expect(process.cpuUsage(start).user).toBeLessThan(3e6);
});
