/** How answers and questions are taken apart: spellings of boxes, pictures, thinking, words, and nothing to find. */
import { describe, expect, test } from 'vitest';
import { answerParts } from '../../src/data/answer-parts.ts';
import { promptMessages, targetText } from '../../src/data/target.ts';
import { CONVENTIONS } from '../../src/grounding/convention.ts';
import { findBoxes } from '../../src/grounding/quads.ts';
import { allRows, llava, only, open, pngHeader } from './make-dataset.ts';

const sizes = (n: number) => Array.from({ length: n }, () => ({ width: 200, height: 100 }));
const qwen3 = CONVENTIONS.qwen3_vl;
const box = [20, 10, 120, 80];

describe('a box however it is spelled', () => {
  test.each([
    ['a key for every number', '{"bbox": {"xmin": 20, "ymin": 10, "xmax": 120, "ymax": 80}}'],
    ['left, top, right, bottom', '{"left": 20, "top": 10, "right": 120, "bottom": 80}'],
    ['corner, width and height by name', '{"x": 20, "y": 10, "w": 100, "h": 70}'],
    ['centre, width and height by name', '{"cx": 70, "cy": 45, "w": 100, "h": 70}'],
    ['numbers in quotes', "{'bbox_2d': ['20', '10', '120', '80']}"],
    ['a list in quotes', '{"bbox_2d": "20, 10, 120, 80"}'],
    ['NumPy’s array', "{'bbox': array([20., 10., 120., 80.], dtype=float32)}"],
    ['NumPy’s print', 'box: [ 20  10 120  80]'],
    ['NumPy’s scalars', '[np.float32(20.0), np.float32(10.0), np.float32(120.0), np.float32(80.0)]'],
    ['a tuple under a key', "{'rect': (20, 10, 120, 80)}"],
    ['full-width signs', '［20，10，120，80］'],
    ['full-width digits', '[２０, １０, １２０, ８０]'],
    ['curly quotes', '{“bbox_2d”: [20, 10, 120, 80]}'],
    ['trailing commas', '[{"bbox_2d": [20, 10, 120, 80,],},]'],
    ['no comma between objects', '{"bbox_2d": [20, 10, 120, 80]} {"score": 1}'],
    ['an apostrophe in single quotes', "{'label': 'the dog's bowl', 'bbox_2d': [20, 10, 120, 80]}"],
    ['cut off in the second box', '[{"bbox_2d": [20, 10, 120, 80]}, {"bbox_2d": [1, 2'],
    ['pixels with their unit', '[20px, 10px, 120px, 80px]'],
    ['names before the numbers', 'xmin: 20, ymin: 10, xmax: 120, ymax: 80'],
    ['tags', '<bndbox><xmin>20</xmin><ymin>10</ymin><xmax>120</xmax><ymax>80</ymax></bndbox>'],
    ['tags around a list', '<bbox>[20, 10, 120, 80]</bbox>'],
    ['numbers alone', ' 20, 10, 120, 80 '],
    ['exponents', '[2e1, 1e1, 1.2e2, 8e1]'],
    ['two corners', '{"bbox": [[20, 10], [120, 80]]}'],
  ])('%s', (_, text) => {
    expect(findBoxes(text).quads.map(({ numbers }) => [...numbers])).toEqual([box]);
  });

  test.each([
    [
      'PaliGemma: y first, in 1024ths, label behind',
      '<loc0512><loc0256><loc1024><loc0768> dog',
      [250, 500, 750, 1000],
      'dog',
    ],
    ['Florence: thousandths, label before', 'dog<loc_250><loc_500><loc_750><loc_999>', [250, 500, 750, 999], 'dog'],
    [
      'Rex-Omni: a token a thousandth',
      '<|object_ref_start|>dog<|object_ref_end|><|box_start|><250><500><750><999><|box_end|>',
      [250, 500, 750, 999],
      'dog',
    ],
    ['MiniGPT-4: hundredths', '<p>dog</p> {<25><50><75><99>}', [250, 500, 750, 990], 'dog'],
    ['Gemini: y first', '[{"box_2d": [500, 250, 999, 750], "label": "dog"}]', [250, 500, 750, 999], 'dog'],
  ])('in thousandths by its form — %s', (_, text, numbers, label) => {
    expect(findBoxes(text).quads).toMatchObject([{ numbers, label, space: 'thousand' }]);
  });

  test('labels under other keys, in parallel lists, and as the key itself', () => {
    const labels = (text: string) => findBoxes(text).quads.map(({ label }) => label);
    expect(labels('[{"bbox": [1, 2, 3, 4], "class_name": "a"}, {"bbox": [5, 6, 7, 8], "category": "b"}]')).toEqual([
      'a',
      'b',
    ]);
    expect(labels('{"bboxes": [[1, 2, 3, 4], [5, 6, 7, 8]], "labels": ["a", "b"]}')).toEqual(['a', 'b']);
    expect(labels('{"cup": [[1, 2, 3, 4], [5, 6, 7, 8]], "objects": [[1, 2, 3, 4]]}')).toEqual([
      'cup',
      'cup',
      undefined,
    ]);
    expect(labels('[{"text": "STOP", "bbox_2d": [1, 2, 3, 4]}]')).toEqual(['STOP']);
  });

  test('outlines, turned boxes and points are no boxes, and are told by name', async () => {
    const kinds = (text: string) => findBoxes(text).misfits.map(({ kind }) => kind);
    expect(kinds('{"polygon": [[1, 2], [30, 2], [30, 40], [1, 40]]}')).toEqual(['quadrilateral']);
    expect(kinds('{"quad": [1, 2, 30, 2, 30, 40, 1, 40]}')).toEqual(['quadrilateral']);
    expect(kinds('<|quad_start|>(1,2),(30,2),(30,40),(1,40)<|quad_end|>')).toEqual(['quadrilateral']);
    expect(kinds('{"bbox": [1, 2, 30, 40, 0.5]}')).toEqual(['rotated box']);
    expect(kinds('{"point_2d": [1, 2]}')).toEqual(['point']);
    expect(kinds('{"box_2d": [1, 2, 30, 1200]}')).toEqual(['box beyond its space']);
    // Beside its box a point is no matter.
    expect(kinds('{"bbox_2d": [1, 2, 30, 40], "point_2d": [9, 9]}')).toEqual([]);
    const { report } = await open({ 'r.json': [llava('<image>Where?', '{"point_2d": [100, 20]}', 1)] });
    expect(report.issues).toMatchObject([
      { field: 'conversations[1].value', reason: 'the answer has a point, which is not read', severity: 'error' },
    ]);
  });

  test('numbers that are no place stay text', () => {
    for (const text of [
      '{"size": [640, 480, 3, 1]}',
      '{"rgba": [255, 0, 0, 1]}',
      '[1, 2, 3, 4, 5]',
      '{"scores": [1, 2, 3, 4]}',
    ])
      expect(findBoxes(text), text).toEqual({ quads: [], misfits: [] });
  });

  test('a box with named sides keeps them where the file’s lists have width and height', async () => {
    const lists = Array.from({ length: 12 }, (_, i) =>
      llava('<image>Where?', `[0.75, 0.4, 0.2, 0.${30 + i}]`, 1, { id: `l${i}` }),
    );
    const dataset = await open({
      'r.json': [
        ...lists,
        llava('<image>Where?', '{"x": 0.5, "y": 0.5, "width": 0.2, "height": 0.3}', 1, { id: 'dict' }),
      ],
    });
    const rows = await allRows(dataset);
    expect(rows.find(({ id }) => id === 'l0')!.solution[0]!.box).toEqual([0.75, 0.4, 0.95, 0.7]);
    expect(rows.find(({ id }) => id === 'dict')!.solution[0]!.box).toEqual([0.5, 0.5, 0.7, 0.8]);
  });
});

describe('which picture', () => {
  const image = async (answer: string, more: readonly object[] = []) => {
    const dataset = await open({ 'r.json': [llava('<image><image><image>Where?', answer, 3, { id: 'it' }), ...more] });
    const row = (await allRows(dataset)).find(({ id }) => id === 'it')!;
    return row.solution.map(({ image: each, imageGuessed }) => (imageGuessed ? 'guessed' : each));
  };
  const list = '[20, 10, 120, 80]';

  test.each([
    [`第二张图片：${list}`, [1]],
    [`在第3张图中 ${list}`, [2]],
    [`图2: ${list}`, [1]],
    [`最后一张图: ${list}`, [2]],
    [`2枚目の画像: ${list}`, [1]],
    [`두 번째 이미지: ${list}`, [1]],
    [`pic 2 ${list}`, [1]],
    [`<image_3>${list}`, [2]],
    [`c.png: ${list}`, [2]],
    [`{"image": "images/b.png", "bbox_2d": ${list}}`, [1]],
    [`{"b.png": [${list}], "c.png": [${list}]}`, [1, 2]],
    [`{"image_1": [${list}], "image_3": [${list}]}`, [0, 2]],
    [`{"label": "Image 2 - cup", "bbox_2d": ${list}}`, [1]],
    [`{"image_index": 0, "bbox_2d": ${list}}`, [0]],
    [`{"img_idx": 2, "bbox_2d": ${list}}`, [2]],
    [`In the left image: ${list}`, ['guessed']],
    [`{"image_id": 1, "bbox_2d": ${list}}`, ['guessed']],
  ])('%s', async (answer, expected) => {
    expect(await image(answer)).toEqual(expected);
  });

  test('a picture 0 anywhere shows that the file counts from 0; the highest that it counts from 1', async () => {
    const other = (n: number, key = 'image') =>
      llava('<image><image><image>Where?', `{"${key}": ${n}, "bbox_2d": ${list}}`);
    expect(await image(`{"image": 1, "bbox_2d": ${list}}`)).toEqual([0]);
    expect(await image(`{"image": 1, "bbox_2d": ${list}}`, [other(0)])).toEqual([1]);
    expect(await image(`{"image": 1, "bbox_2d": ${list}}`, [other(0), other(3)])).toEqual([0]);
    expect(await image(`{"image_id": 1, "bbox_2d": ${list}}`, [other(3, 'image_id')])).toEqual([0]);
    // Another word counts by itself.
    expect(await image(`Image-2: ${list}`, [other(0)])).toEqual([1]);
  });

  test('ms-swift without image_id: the words decide, inside JSON as well; without a word the row is refused', async () => {
    const row = (answer: string, images = 2) => ({
      messages: [
        { role: 'user', content: `${'<image>'.repeat(images)}find it` },
        { role: 'assistant', content: answer },
      ],
      images: ['images/a.png', 'large.png'].slice(0, images),
      objects: { ref: ['fox'], bbox: [[20, 10, 100, 50]] },
      id: answer,
    });
    const dataset = await open({
      'large.png': pngHeader(400, 400),
      'r.json': [
        row('In the second image: <ref-object><bbox>'),
        row('{"image": 2, "bbox_2d": <bbox>, "label": "<ref-object>"}'),
        row('<ref-object><bbox>', 1),
        row('<ref-object> <bbox>'),
      ],
    });
    expect(dataset.report.issues).toMatchObject([
      { line: 4, reason: 'nothing says in which of 2 pictures the box lies', severity: 'error' },
    ]);
    const rows = (await allRows(dataset)).sort((a, b) => a.source.line - b.source.line);
    const second = { image: 1, box: [0.05, 0.025, 0.25, 0.125], label: 'fox' };
    expect(rows.map(({ solution }) => solution)).toEqual([
      [second],
      [second],
      [{ image: 0, box: [0.1, 0.1, 0.5, 0.5], label: 'fox' }],
    ]);
  });
});

describe('JSON in a question keeps its text', () => {
  const prompt = async (question: string) => {
    const row = await only(
      await open(
        { 'r.json': [llava(`<image>${question}`, '[20, 10, 120, 80]', 1)] },
        {
          conventions: { list: { space: 'natural', layout: 'xyxy' }, pairs: { space: 'natural', layout: 'xyxy' } },
        },
      ),
    );
    const said = (family: keyof typeof CONVENTIONS) =>
      promptMessages(row, CONVENTIONS[family], sizes(1))[0]!
        .content.map((part) => (part.type === 'text' ? part.text : ''))
        .join('');
    return { qwen3: said('qwen3_vl'), qwen2: said('qwen2_vl') };
  };

  test('only the numbers are written anew, in every family alike', async () => {
    const said = await prompt('Of {"cup": [[20, 10, 120, 80]], "tin": [[40,20,80,60]], "score": 0.5}, which?');
    expect(said.qwen3).toBe('Of {"cup": [[100, 100, 600, 800]], "tin": [[200,200,400,600]], "score": 0.5}, which?');
    expect(said.qwen2).toBe(said.qwen3);
  });

  test('sides by name stay sides, and y stays first where it was', async () => {
    expect((await prompt('{"x": 20, "y": 10, "w": 100, "h": 70}?')).qwen3).toBe(
      '{"x": 100, "y": 100, "w": 500, "h": 700}?',
    );
    expect((await prompt('{"box_2d": [100, 200, 300, 400]}?')).qwen3).toBe('{"box_2d": [100, 200, 300, 400]}?');
  });

  test('a list in running text is written in the family’s own form', async () => {
    expect((await prompt('What is at [20, 10, 120, 80]?')).qwen2).toBe(
      'What is at <|box_start|>(100,100),(600,800)<|box_end|>?',
    );
  });
});

describe('thinking in other tags', () => {
  test.each([
    ['<think>a</think><answer>b</answer>', 'a', 'b', []],
    ['<THINKING>a</THINKING>\nb', 'a', 'b', ['other-tags']],
    ['<SUMMARY>s</SUMMARY><REASONING>a</REASONING><CONCLUSION>b</CONCLUSION>', 's\na', 'b', ['other-tags']],
    ['<|begin_of_thought|>a<|end_of_thought|><|begin_of_solution|>b<|end_of_solution|>', 'a', 'b', ['other-tags']],
    ['◁think▷a◁/think▷b', 'a', 'b', ['other-tags']],
    ['I look. <answer>b</answer>', 'I look.', 'b', ['words-as-thought']],
    ['<think>a</think> So: <answer>b</answer>', 'a', 'b', ['words-outside-answer']],
    ['<answer>b</answer> Done.', null, 'b', ['words-outside-answer']],
    ['prefilled</think><answer>b</answer>', 'prefilled', 'b', []],
    ['<think>maybe <answer>x</answer></think><answer>b</answer>', 'maybe <answer>x</answer>', 'b', []],
    ['<table><caption>c</caption></table>', null, '<table><caption>c</caption></table>', []],
    ['plain', null, 'plain', []],
  ])('%s', (text, think, answer, done) => {
    const parts = answerParts(text);
    expect(parts).toEqual({ think, answer, done });
  });
});

describe('what is taught', () => {
  test('that there is nothing to find is taught in the form of the others', async () => {
    const dataset = await open({
      'r.json': [
        llava('<image>Give the bounding box of the fox.', 'None', 1, { id: 'none' }),
        llava('<image>Anything?', '[]', 1, { id: 'empty' }),
        llava('<image>How many birds are there?', 'None', 1, { id: 'words' }),
        llava('<image>Find the owl.', '<think>No owl.</think><answer>[]</answer>', 1, { id: 'thought' }),
      ],
    });
    const taught = Object.fromEntries(
      (await allRows(dataset)).map((row) => [
        row.id,
        [targetText(row, qwen3, sizes(1)), targetText(row, CONVENTIONS.qwen2_vl, sizes(1))],
      ]),
    );
    expect(taught).toEqual({
      none: ['<answer>[]</answer>', '<answer>None</answer>'],
      empty: ['<answer>[]</answer>', '<answer>None</answer>'],
      words: ['None', 'None'],
      thought: ['<think>No owl.</think><answer>[]</answer>', '<think>No owl.</think><answer>None</answer>'],
    });
    expect(dataset.report.ledger).toMatchObject([{ key: 'nothing-to-find', count: 3 }]);
  });

  test('labels stay with several pictures', async () => {
    const row = await only(
      await open({
        'r.json': [
          llava('<image><image>Where?', '{"image": 2, "bbox_2d": [0.1, 0.2, 0.5, 0.6], "category": "fox"}', 2),
        ],
      }),
    );
    expect(targetText(row, qwen3, sizes(2))).toBe(
      '<answer>{"image": 2, "bbox_2d": [100, 200, 500, 600], "label": "fox"}</answer>',
    );
  });

  test('words around boxes are dropped and told, or kept, as it is chosen', async () => {
    const rows = [
      llava('<image>Where?', 'The fox [0.1, 0.2, 0.5, 0.6] sits by {"bbox_2d": [0.2, 0.2, 0.5, 0.6]}.', 1, {
        id: 'said',
      }),
      llava('<image>Where?', '[{"bbox_2d": [0.1, 0.2, 0.5, 0.6]}]', 1, { id: 'bare' }),
    ];
    const silent = { tell: () => undefined };
    const boxes = await open({ 'r.json': rows });
    const words = await boxes.reread({ answers: 'words' }, silent);
    const taught = async (dataset: typeof boxes) =>
      Object.fromEntries((await allRows(dataset)).map((row) => [row.id, targetText(row, qwen3, sizes(1))]));
    expect(await taught(boxes)).toEqual({
      said: '<answer>[{"bbox_2d": [100, 200, 500, 600]}, {"bbox_2d": [200, 200, 500, 600]}]</answer>',
      bare: '<answer>[{"bbox_2d": [100, 200, 500, 600]}]</answer>',
    });
    expect(await taught(words)).toEqual({
      said: '<answer>The fox [100, 200, 500, 600] sits by {"bbox_2d": [200, 200, 500, 600]}.</answer>',
      bare: '<answer>[{"bbox_2d": [100, 200, 500, 600]}]</answer>',
    });
    expect(boxes.report.ledger).toMatchObject([{ key: 'answer-reduced', count: 1 }]);
    expect(words.report.ledger).toEqual([]);
    expect(words.report.id).not.toBe(boxes.report.id);
  });

  test('an earlier answer is written as the last one is', async () => {
    const row = await only(
      await open({
        'r.json': [
          {
            images: ['images/a.png'],
            conversations: [
              { from: 'human', value: '<image>Where is the fox?' },
              { from: 'gpt', value: '<reasoning>Red.</reasoning><answer>[0.1, 0.2, 0.5, 0.6]</answer>' },
              { from: 'human', value: 'And the owl?' },
              { from: 'gpt', value: 'None' },
              { from: 'human', value: 'Find the hen.' },
              { from: 'gpt', value: '[0.2, 0.2, 0.5, 0.6]' },
            ],
          },
        ],
      }),
    );
    const said = promptMessages(row, qwen3, sizes(1)).filter(({ role }) => role === 'assistant');
    expect(said.map(({ content }) => content)).toEqual([
      [{ type: 'text', text: '<think>Red.</think><answer>[{"bbox_2d": [100, 200, 500, 600]}]</answer>' }],
      [{ type: 'text', text: 'None' }],
    ]);
    expect(row.solution).toHaveLength(1);
  });
});
