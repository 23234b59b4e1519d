/** Points, clicks and turned boxes are named and left out: learned as text, they would keep the numbers of their file. */
import { describe, expect, test } from 'vitest';
import { foreignPlace } from '../../src/data/foreign-places.ts';
import { allRows, llava, open, only, read } from './make-dataset.ts';

const PIXELS = {
  readings: [...read('a.json', 'list', 'natural').readings!, ...read('a.json', 'pairs', 'natural').readings!],
};
const answered = (answer: string, question = 'Where is it?') =>
  open({ 'a.json': [llava(`<image>${question}`, answer, 1)] }, PIXELS);

describe('is a point', () => {
  test.each([
    'click(x=120, y=54)',
    'click(120, 54)',
    'CLICK [120, 54]',
    'Tap at (0.12, 0.54)',
    'long_press(120,54)',
    'left_double_click(x=12, y=30)',
    'Action: double click (120, 54)',
    'pyautogui.moveTo(120, 54)',
    '{"action": "click", "x": 120, "y": 54}',
    '{"action": "tap", "position": {"x": 120, "y": 54}}',
    'x=120, y=54',
    '[120, 54]',
    '(120, 54)',
    '120 54',
    '[٤٥, ١٢]',
  ])('%s', async (answer) => {
    const { report } = await answered(answer);
    expect(report).toMatchObject({ train: 0, leftOut: 1 });
    expect(report.issues[0]!.reason).toBe('the answer has a point, which is not read');
  });

  test.each(['swipe(10, 20, 30, 40)', 'drag(start=(10, 20), end=(30, 40))', 'scroll(120, 54, "down")'])(
    'or a movement: %s',
    async (answer) => expect((await answered(answer)).report.issues[0]!.reason).toContain('a movement'),
  );
});

describe('is none', () => {
  test.each(['[20, 10, 90, 40]', 'x=20, y=10, w=70, h=30', 'click(start_box=[20, 10, 90, 40])'])('%s', async (answer) =>
    expect((await only(await answered(answer))).solution).toHaveLength(1),
  );
  test.each([
    ['[3, 2]', 'How many cups and dogs are there?'],
    ['At this point, 3, 4 people wait.', 'How many?'],
    ['Press enter.', 'What now?'],
    ['type("a, b")', 'What now?'],
  ])('%s', (answer, question) => expect(foreignPlace(answer, question, false)).toBeNull());
});

test.each([
  '[3, 2]',
  '(1, 2, 3)',
  '[20, 10], [90, 40]',
  '[(20, 10), (90, 40), (50, 60), (70, 80)]',
  '[𝟐𝟎, 𝟏𝟎, 𝟗𝟎, 𝟒𝟎]',
  '[二〇，一〇，九〇，四〇]',
])('what may be a place and is learned as text is told: %s', async (answer) => {
  const { report } = await answered(answer, 'How many are there?');
  expect(report.ledger.map(({ key }) => key)).toEqual(['numbers-not-read']);
});

describe('a turned box', () => {
  const REASON = /turned|rotated/;
  test.each([
    '{"bbox": [20, 10, 90, 40], "angle": 30}',
    '{"cx": 50, "cy": 20, "width": 40, "height": 20, "rotation": "12.5"}',
    '[{"bbox_2d": [20, 10, 90, 40], "theta": -0.4, "label": "cup"}]',
    '{"bbox": [20, 10, 90, 40, 0.5]}',
  ])('in an answer: %s', async (answer) => {
    const { report } = await answered(answer);
    expect(report.leftOut).toBe(1);
    expect(report.issues[0]!.reason).toMatch(REASON);
  });

  test('an angle of zero is upright', async () => {
    expect((await only(await answered('{"bbox": [20, 10, 90, 40], "angle": 0}'))).solution).toHaveLength(1);
  });

  test.each<[string, string, object | string]>([
    [
      'fields beside the boxes',
      'a.jsonl',
      { file_name: 'images/a.png', objects: { bbox: [[9, 9, 20, 20]], category: ['cup'], angle: [15] } },
    ],
    [
      'a row of its own',
      'b.jsonl',
      { image: 'images/a.png', question: 'Where?', answer: [20, 10, 90, 40], rotation: 3 },
    ],
    [
      'VOC',
      'images/a.xml',
      '<annotation><filename>a.png</filename><object><name>cup</name><robndbox><cx>60</cx><cy>45</cy><w>100</w><h>50</h><angle>0.5</angle></robndbox></object></annotation>',
    ],
    ['YOLO', 'images/a.txt', '0 0.5 0.5 0.2 0.1 1.57\n'],
    [
      'CreateML',
      'labels.json',
      [
        {
          image: 'images/a.png',
          annotations: [{ label: 'cup', coordinates: { x: 60, y: 45, width: 40, height: 20, rotation: 12 } }],
        },
      ],
    ],
    [
      'VoTT',
      'vott.jsonl',
      {
        asset: { name: 'images/a.png', size: { width: 200, height: 100 } },
        regions: [{ tags: ['cup'], rotation: 20, boundingBox: { left: 10, top: 10, width: 40, height: 20 } }],
      },
    ],
    [
      'Label Studio',
      'studio.jsonl',
      {
        data: { image: 'images/a.png' },
        annotations: [
          {
            result: [
              {
                type: 'rectanglelabels',
                value: { x: 10, y: 10, width: 20, height: 20, rotation: 7, rectanglelabels: ['cup'] },
              },
            ],
          },
        ],
      },
    ],
  ])('in %s', async (_, path, content) => {
    const { report } = await open({ [path]: typeof content === 'string' ? content : JSON.stringify(content) });
    expect(report.leftOut).toBe(1);
    expect(report.issues[0]!.reason).toMatch(REASON);
  });

  test('in COCO costs that box', async () => {
    const dataset = await open({
      'instances.json': {
        images: [{ id: 1, file_name: 'images/a.png', width: 200, height: 100 }],
        annotations: [
          {
            id: 1,
            image_id: 1,
            category_id: 1,
            bbox: [10, 20, 50, 30],
            attributes: { occluded: false, rotation: 35.5 },
          },
          { id: 2, image_id: 1, category_id: 1, bbox: [100, 20, 50, 30], attributes: { occluded: false, rotation: 0 } },
        ],
        categories: [{ id: 1, name: 'cup' }],
      },
    });
    expect((await only(dataset)).solution.map(({ box }) => box[0])).toEqual([0.5]);
    expect(dataset.report.issues[0]!.reason).toBe('the box is turned');
  });
});

describe('numbers behind a box of YOLO', () => {
  const labelled = (line: string, yaml = 'names: [cup]\n') => open({ 'images/a.txt': `${line}\n`, 'data.yaml': yaml });
  test.each([
    ['0 0.5 0.5 0.2 0.4 0.91', 'fields-dropped', [0.4, 0.3, 0.6, 0.7], undefined],
    ['0 0.5 0.5 0.2 0.4 0.41 0.42 2 0.3 0.35 1', 'shapes-dropped', [0.4, 0.3, 0.6, 0.7], undefined],
    [
      '0 0.5 0.5 0.2 0.4 0.41 0.42 0.3 0.35',
      'shapes-dropped',
      [0.4, 0.3, 0.6, 0.7],
      'kpt_shape: [2, 2]\nnames: [cup]\n',
    ],
    ['0 0.1 0.1 0.5 0.1 0.5 0.6 0.1 0.6', 'outlines-reduced', [0.1, 0.1, 0.5, 0.6], undefined],
  ] as const)('%s', async (line, key, box, yaml) => {
    const dataset = await labelled(line, yaml);
    expect((await only(dataset)).solution[0]!.box.map((n) => +n.toFixed(6))).toEqual(box);
    expect(dataset.report.ledger.map((each) => each.key)).toEqual([key]);
  });

  test('an outline with a confidence is an outline', async () => {
    const dataset = await labelled('0 0.1 0.1 0.5 0.1 0.5 0.6 0.1 0.6 0.9');
    expect((await allRows(dataset))[0]!.solution[0]!.box).toEqual([0.1, 0.1, 0.5, 0.6]);
    expect(dataset.report.ledger.map(({ key }) => key)).toEqual(['fields-dropped', 'outlines-reduced']);
  });
});
