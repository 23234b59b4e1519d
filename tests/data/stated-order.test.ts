/** The order of a box's numbers that a row states in words is the one they are read in, and it is told. */
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/base/random.ts';
import { sidesIn } from '../../src/data/order-votes.ts';
import { ordersIn } from '../../src/data/stated-order.ts';
import type { Order } from '../../src/data/stated-order.ts';
import { allRows, llava, only, open, read } from './make-dataset.ts';

const PIXELS = read('a.json', 'list', 'natural');
const asked = (question: string, answer: string, extra: object = {}) =>
  open({ 'a.json': [llava(`<image>${question}`, answer, 1, extra)] }, PIXELS);
const boxIn = async (dataset: Awaited<ReturnType<typeof asked>>) =>
  (await only(dataset)).solution.map(({ box }) => box.map((n) => Math.round(n * 1e6) / 1e6));
const did = ({ report }: Awaited<ReturnType<typeof asked>>) => report.ledger.map(({ key }) => key);
/** [20, 10, 90, 40] in a picture of 200 × 100. */
const BOX = [[0.1, 0.1, 0.45, 0.4]];

test.each<[string, Order[]]>([
  ['Give [ymin, xmin, ymax, xmax].', [[1, 0, 3, 2]]],
  ['as y1, x1, y2, x2 please', [[1, 0, 3, 2]]],
  ['(top, left, bottom, right)', [[1, 0, 3, 2]]],
  ['[x1, x2, y1, y2]', [[0, 2, 1, 3]]],
  ['<y_min> <x_min> <y_max> <x_max>', [[1, 0, 3, 2]]],
  ['(y0, x0), (y1, x1)', [[1, 0, 3, 2]]],
  ['[y, x, h, w]', [[1, 0, 3, 2]]],
  ['[row_min, col_min, row_max, col_max]', [[1, 0, 3, 2]]],
  ['top-left y, top-left x, bottom-right y, bottom-right x', [[1, 0, 3, 2]]],
  ['[col_start, row_start, col_end, row_end]', [[0, 1, 2, 3]]],
  ['[x1, y1, x2, y2]', [[0, 1, 2, 3]]],
  ['[left, top, width, height]', [[0, 1, 2, 3]]],
  [
    'in [x1, y1, x2, y2], not [y1, x1, y2, x2]',
    [
      [0, 1, 2, 3],
      [1, 0, 3, 2],
    ],
  ],
  ['Is the left, top or right cup larger?', []],
  ['x is a word, y another', []],
])('%s', (text, orders) => expect(ordersIn(text)).toEqual(orders));

describe('boxes are read in it', () => {
  test.each([
    ['the question', 'Find it: [ymin, xmin, ymax, xmax].', '[10, 20, 40, 90]'],
    ['the answer', 'Find it.', '[ymin, xmin, ymax, xmax] = [10, 20, 40, 90]'],
    ['the question, for JSON', 'Answer as {"bbox": [y1, x1, y2, x2]}.', '{"bbox": [10, 20, 40, 90]}'],
    ['the question, both x first', 'Find it: [x1, x2, y1, y2].', '[20, 90, 10, 40]'],
  ])('%s states it', async (_, question, answer) => {
    const dataset = await asked(question, answer);
    expect(await boxIn(dataset)).toEqual(BOX);
    expect(did(dataset)).toContain('order-stated');
  });

  test('the system states it', async () => {
    const dataset = await asked('Find it.', '[10, 20, 40, 90]', { system: 'Boxes are [ymin, xmin, ymax, xmax].' });
    expect(await boxIn(dataset)).toEqual(BOX);
  });

  test('a later turn is read as the first one asked, until another is asked for', async () => {
    const rows = [
      {
        images: ['images/a.png'],
        conversations: [
          { from: 'human', value: '<image>Find the cup as [ymin, xmin, ymax, xmax].' },
          { from: 'gpt', value: '[10, 20, 40, 90]' },
          { from: 'human', value: 'And the dog?' },
          { from: 'gpt', value: '[10, 20, 40, 90]' },
          { from: 'human', value: 'And the cat, as [xmin, ymin, xmax, ymax]?' },
          { from: 'gpt', value: '[20, 10, 90, 40]' },
        ],
      },
    ];
    const [row] = await allRows(await open({ 'a.json': rows }, PIXELS));
    const all = [...row!.prompt.flatMap(({ content }) => content), ...row!.answer];
    expect(
      all.flatMap((segment) => (segment.type === 'box' ? [segment.box.box.map((n) => +n.toFixed(6))] : [])),
    ).toEqual([...BOX, ...BOX, ...BOX]);
  });
});

test('x first changes nothing, and names beside each number count before any order', async () => {
  const plain = await asked('Find it: [x1, y1, x2, y2].', '[20, 10, 90, 40]');
  expect([await boxIn(plain), did(plain)]).toEqual([BOX, []]);
  const named = await asked('Find it: [ymin, xmin, ymax, xmax].', '{"xmin": 20, "ymin": 10, "xmax": 90, "ymax": 40}');
  expect(did(named)).toEqual([]);
});

test('numbers in place keep the order of their file when words around boxes are kept', async () => {
  const dataset = await open(
    { 'a.json': [llava('<image>As [ymin, xmin, ymax, xmax].', 'It is {"bbox": [10, 20, 40, 90]}.', 1)] },
    { ...PIXELS, answers: 'words' },
  );
  const [box] = (await only(dataset)).answer.filter((segment) => segment.type === 'box');
  expect(box).toMatchObject({ spelling: '[$y1, $x1, $y2, $x2]' });
});

test('a row that states two is left out by name', async () => {
  const { report } = await asked('From [x1, y1, x2, y2] to [y1, x1, y2, x2].', '[10, 20, 40, 90]');
  expect(report).toMatchObject({ train: 0, leftOut: 1 });
  expect(report.issues[0]!.reason).toContain('states two orders');
});

test('y first in pixels is found where x first would leave the pictures, and can be chosen', async () => {
  const random = new Random(5);
  const boxes = Array.from({ length: 60 }, () => {
    const [w, h] = [10 + random.below(60), 8 + random.below(40)];
    const [x, y] = [random.below(201 - w), random.below(101 - h)];
    return [y, x, y + h, x + w];
  });
  const rows = boxes.map((box, i) => llava(`<image>Where is ${i}?`, JSON.stringify(box), 1));
  const found = await open({ 'a.json': rows });
  expect(found.report.conventions[0]).toMatchObject({ space: 'natural', layout: 'yxyx' });
  const chosen = await open({ 'a.json': rows.slice(0, 1) }, read('a.json', 'list', 'natural', 'yxyx'));
  const [y1, x1, y2, x2] = boxes[0] as [number, number, number, number];
  expect((await only(chosen)).solution[0]!.box).toEqual([x1 / 200, y1 / 100, x2 / 200, y2 / 100]);
});

describe('numbers that could have either first', () => {
  /** `count` thousandths boxes, x or y first, in landscape pictures; every question names the side with a chance of 90 %. */
  const rowsOf = (count: number, yFirst: boolean, form: (box: readonly number[]) => string, sides: boolean) => {
    const random = new Random(17);
    return Array.from({ length: count }, (_, i) => {
      const [w, h] = [40 + random.below(200), 40 + random.below(200)];
      const [x, y] = [random.below(1001 - w), random.below(1001 - h)];
      const side = x + w / 2 < 500 === random.below(10) < 9 ? 'left' : 'right';
      const box = yFirst ? [y, x, y + h, x + w] : [x, y, x + w, y + h];
      return llava(`<image>Find thing ${i}${sides ? ` on the ${side}` : ''}.`, form(box), 1);
    });
  };
  const list = (box: readonly number[]) => JSON.stringify(box);
  const assumed = async (rows: object[], options?: Parameters<typeof open>[1]) => {
    const { report } = await open({ 'a.json': rows }, options);
    return {
      rows: report.ledger.find(({ key }) => key === 'order-assumed')?.count ?? 0,
      reading: report.conventions[0]!,
    };
  };

  test('x first is told as assumed, with the other layout, and no run waits for it', async () => {
    const { rows, reading } = await assumed(rowsOf(60, false, list, false));
    expect(rows).toBe(60);
    expect(reading).toMatchObject({ space: 'thousand', layout: 'xyxy', ambiguous: false });
    const { report } = await open({ 'a.json': rowsOf(60, false, list, false) });
    expect(report.ledger.find(({ key }) => key === 'order-assumed')!.sentence).toContain('y first');
  });

  test.each<[string, (box: readonly number[]) => string]>([
    ['Qwen’s key', (box) => JSON.stringify([{ bbox_2d: box, label: 'thing' }])],
    ['Qwen’s tokens', ([a, b, c, d]) => `<|box_start|>(${a},${b}),(${c},${d})<|box_end|>`],
    ['names of the sides', ([a, b, c, d]) => JSON.stringify({ x1: a, y1: b, x2: c, y2: d })],
    ['words of the answer', (box) => `[x1, y1, x2, y2] = ${JSON.stringify(box)}`],
  ])('nothing is told where the order is known by %s', async (_, form) =>
    expect((await assumed(rowsOf(60, false, form, false))).rows).toBe(0),
  );

  test('nothing is told where the user chose', async () =>
    expect((await assumed(rowsOf(60, false, list, false), read('a.json', 'list', 'thousand'))).rows).toBe(0));

  test('questions that name a side show x first', async () => {
    const { rows, reading } = await assumed(rowsOf(120, false, list, true));
    expect([rows, reading.layout, reading.ambiguous]).toEqual([0, 'xyxy', false]);
  });

  test('questions that name a side show y first, which is asked about with its count', async () => {
    const { rows, reading } = await assumed(rowsOf(120, true, list, true));
    expect(reading).toMatchObject({ space: 'thousand', layout: 'yxyx', ambiguous: true });
    expect(reading.reason).toMatch(/^of \d+ boxes whose question names a side, .* lie on it only if y comes first$/);
    expect(rows).toBe(0);
  });

  test.each<[string, ReturnType<typeof sidesIn>]>([
    ['the cup on the left', { across: -1, down: 0 }],
    ['the rightmost of the two', { across: 1, down: 0 }],
    ['the man left of the car', { across: 0, down: 0 }],
    ['the man to the left of the image', { across: -1, down: 0 }],
    ['his left hand', { across: 0, down: 0 }],
    ['left or right?', { across: 0, down: 0 }],
    ['the lower shelf, top right', { across: 1, down: 0 }],
    ['左边的杯子', { across: -1, down: 0 }],
    ['上方的灯', { across: 0, down: -1 }],
    ['桌子上的书', { across: 0, down: 0 }],
  ])('“%s”', (question, sides) => expect(sidesIn(question)).toEqual(sides));
});
