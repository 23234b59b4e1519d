/** Forms in which others publish or export rows: read as what they are, or named with the way round. */
import { describe, expect, test } from 'vitest';
import { allRows, llava, only, open, pngHeader, type Content } from './make-dataset.ts';
import { PUBLISHED } from './published-rows.ts';

const fox = [0.1, 0.2, 0.5, 0.6];
const near = (box: readonly number[]) => box.forEach((v, i) => expect(v).toBeCloseTo(fox[i]!, 9));
const coco = { 'COCO_train2014_000000000007.jpg': pngHeader(200, 100) };

describe.each(Object.entries(PUBLISHED))('%s', (name, row) => {
  test.each<[string, Content]>([
    ['rows.jsonl', JSON.stringify(row)],
    ['rows.json', [row]],
    ['row.json', row],
  ])('in %s', async (file, content) => {
    const dataset = await open({ ...coco, [file]: content });
    expect(dataset.report.issues).toEqual([]);
    expect(dataset.report.format).toBe(name);
    const { solution, images } = await only(dataset);
    expect(images[0]).toMatch(/b\.png$|000007\.jpg$/);
    expect(solution).toHaveLength(1);
    near(solution[0]!.box);
  });
});

describe('labels in files of their own', () => {
  const voc = (objects: string, size = '<size><width>200</width><height>100</height></size>') =>
    `<annotation><filename>b.png</filename>${size}${objects}</annotation>`;
  const object =
    '<object><name>fox &amp; cub</name><bndbox><xmin>20</xmin><ymin>20</ymin><xmax>100</xmax><ymax>60</ymax></bndbox></object>';

  test('VOC: a file a picture; one without sides is told, the others stay', async () => {
    const dataset = await open({
      'Annotations/1.xml': voc(object),
      'Annotations/2.xml': voc('<object><name>owl</name><bndbox><xmin>1</xmin></bndbox></object>'),
    });
    expect(dataset.report).toMatchObject({
      format: 'VOC',
      files: [{ path: 'Annotations/*.xml', kind: 'VOC XML', rows: 2 }],
    });
    expect(dataset.report.issues).toMatchObject([{ file: 'Annotations/2.xml', field: 'object[0].bndbox' }]);
    const row = await only(dataset);
    near(row.solution[0]!.box);
    expect(row.solution[0]!.label).toBe('fox & cub');
    expect(row.source.file).toBe('Annotations/1.xml');
  });

  test('YOLO: names from data.yaml, the picture in images, outlines reduced, parts by the folder', async () => {
    const dataset = await open({
      'data.yaml': 'train: ../train\nnames:\n  0: owl\n  1: "fox"\nnc: 2\n',
      'train/images/p.png': pngHeader(200, 100),
      'train/labels/p.txt': '1 0.3 0.4 0.4 0.4\n',
      'val/images/q.png': pngHeader(200, 100),
      'val/labels/q.txt': '1 0.1 0.2 0.5 0.2 0.5 0.6\n',
      'notes.txt': 'not a label',
    });
    expect(dataset.report).toMatchObject({ format: 'YOLO', train: 1, heldout: 1, issues: [] });
    for (const row of await allRows(dataset)) {
      near(row.solution[0]!.box);
      expect(row.solution[0]!.label).toBe('fox');
      expect(row.images[0]).toBe(row.split === 'train' ? 'train/images/p.png' : 'val/images/q.png');
    }
    expect(dataset.report.ledger.map(({ key }) => key)).toEqual(['file-not-read', 'outlines-reduced']);
  });

  test('YOLO without names is told by number; CVAT’s XML by name', async () => {
    const dataset = await open({
      'images/b.txt': '3 0.3 0.4 0.4 0.4\n',
      'cvat.xml': '<annotations><image name="b.png"><box xtl="1"/></image></annotations>',
    });
    expect((await only(dataset)).solution[0]!.label).toBe('class 3');
    expect(dataset.report.ledger).toMatchObject([{ key: 'classes-by-number', count: 1 }]);
    expect(dataset.report.issues).toMatchObject([{ file: 'cvat.xml', reason: expect.stringContaining('CVAT') }]);
  });

  test('VoTT’s export of a whole project: assets by their ids', async () => {
    const dataset = await open({ 'p.json': { name: 'p', assets: { x1: PUBLISHED.VoTT, x2: PUBLISHED.VoTT } } });
    expect((await allRows(dataset)).map(({ id }) => id).sort()).toEqual(['x1', 'x2']);
  });

  test('labelme’s outlines become the boxes around them, and other shapes are dropped, both told', async () => {
    const dataset = await open({
      'l.json': {
        ...PUBLISHED.labelme,
        shapes: [
          {
            label: 'fox',
            shape_type: 'polygon',
            points: [
              [20, 20],
              [100, 30],
              [60, 60],
            ],
          },
          { label: 'eye', shape_type: 'point', points: [[5, 5]] },
        ],
      },
    });
    near((await only(dataset)).solution[0]!.box);
    expect(dataset.report.ledger.map(({ key }) => key)).toEqual(['outlines-reduced', 'shapes-dropped']);
  });

  test.each([
    ['caption', { id: 1, image_id: 1, caption: 'a fox' }, 'captions'],
    ['panoptic', { image_id: 1, segments_info: [] }, 'panoptic'],
    ['keypoint', { id: 1, image_id: 1, keypoints: [1, 2, 2] }, 'keypoints'],
  ])('COCO’s %s file is named as what it is, once', async (_, annotation, word) => {
    const { report } = await open({
      'c.json': { images: [{ id: 1, file_name: 'a.png' }], annotations: [annotation, annotation] },
    });
    expect(report.issues).toHaveLength(1);
    expect(report.issues[0]!.reason).toContain(word);
    expect(report.issues[0]!.fix).toContain('instances');
  });
});

describe('one document with several lists', () => {
  const row = (id: string) => llava('<image>Where?', '(100,200),(500,600)', 1, { id, images: [`images/${id}.png`] });

  test('train and test are both read, each as its part', async () => {
    const dataset = await open({ 'all.json': { info: { version: 1 }, train: [row('a'), row('b')], test: [row('c')] } });
    expect(dataset.report).toMatchObject({ train: 2, heldout: 1, issues: [], ledger: [] });
    expect((await allRows(dataset)).map(({ id, split }) => `${id} ${split}`)).toEqual([
      'a train',
      'b train',
      'c heldout',
    ]);
  });

  test('rows by their ids take them as ids', async () => {
    const { id: _, ...plain } = row('a') as unknown as { id: string };
    const dataset = await open({ 'byid.json': { x7: plain, x8: plain } });
    expect((await allRows(dataset)).map(({ id }) => id).sort()).toEqual(['x7', 'x8']);
  });

  test('a configuration beside them is no rows', async () => {
    const dataset = await open({
      'dataset_info.json': { mine: { file_name: 'train.json', columns: {} } },
      't.json': [row('a')],
    });
    expect(dataset.report).toMatchObject({ train: 1, issues: [] });
  });
});

describe('pictures in the rows themselves', () => {
  const png = btoa(String.fromCharCode(...pngHeader(200, 100))).padEnd(400, 'A');

  test.each([
    [
      'a data: address in a list',
      { images: [`data:image/png;base64,${png}`], question: 'Where?', answer: '[0.1, 0.2, 0.5, 0.6]' },
    ],
    ['base64 alone', { image: png, question: 'Where?', answer: '[0.1, 0.2, 0.5, 0.6]' }],
    [
      'an address in a turn',
      {
        messages: [
          {
            role: 'user',
            content: [
              { type: 'image_url', image_url: { url: `data:image/png;base64,${png}` } },
              { type: 'text', text: 'Where?' },
            ],
          },
          { role: 'assistant', content: '[0.1, 0.2, 0.5, 0.6]' },
        ],
      },
    ],
  ])('%s', async (_, row) => {
    const dataset = await open({ 'r.jsonl': `\n${JSON.stringify(row)}` });
    expect(dataset.report.issues).toEqual([]);
    const { images } = await only(dataset);
    expect(images[0]!.length).toBeLessThan(80);
    expect(await dataset.naturalSize(images[0]!)).toEqual({ width: 200, height: 100 });
  });

  test('no message repeats one, whatever is wrong', async () => {
    const { report } = await open({
      'r.jsonl': [
        JSON.stringify({ images: [`data:image/png;base64,${'A'.repeat(50_000)}`], question: 'Where?', answer: 'x' }),
        JSON.stringify({ images: [`${'y'.repeat(50_000)}.png`], question: 'Where?', answer: 'x' }),
        `{"images": ["data:image/png;base64,${png.repeat(100)}"`,
      ].join('\n'),
    });
    expect(report.issues.length).toBeGreaterThanOrEqual(3);
    expect(JSON.stringify(report.issues).length).toBeLessThan(5000);
  });
});

describe('rows that are not taught are refused by name', () => {
  const turns = (content: unknown) => ({
    messages: [
      { role: 'user', content },
      { role: 'assistant', content: 'fine' },
    ],
  });
  test.each([
    [{ ...turns('<video>What?'), videos: ['clip.mp4'] }, 'the row has a video (clip.mp4)'],
    [
      turns([
        { type: 'video', video: 'a.mp4' },
        { type: 'text', text: 'What?' },
      ]),
      'the row has a video',
    ],
    [turns('<audio>What?'), 'the row has a sound'],
    [turns([{ type: 'input_audio', input_audio: {} }]), 'the row has a sound'],
    [{ ...turns('<image>?'), images: ['images/a.png'], tools: [{ name: 'x' }] }, 'the row has tools'],
    [{ prompt: '?', chosen: 'a', rejected: 'b' }, 'the row has a chosen and a rejected answer'],
    [
      { prompt: '?', completion: 'a', label: false },
      'the row has an answer that is marked as a bad one (label: false)',
    ],
    [{ ...turns('?'), kto_tag: false }, 'the row has an answer that is marked as a bad one (label: false)'],
  ])('%j', async (row, reason) => {
    const { report } = await open({ 'r.json': [row] });
    expect(report.issues).toMatchObject([{ reason, fault: 'not-taught' }]);
  });

  test('a row of words about videos is none', async () => {
    const dataset = await open({
      'r.json': [{ ...turns('<image>Is this a video?'), images: ['images/a.png'], videos: [] }],
    });
    expect(dataset.report).toMatchObject({ train: 1, issues: [] });
  });
});

describe('pictures under other keys and marks', () => {
  const turns = (content: unknown) => [
    { role: 'user', content },
    { role: 'assistant', content: '[0.1, 0.2, 0.5, 0.6]' },
  ];
  const b = 'images/b.png';
  test.each<[string, object, number]>([
    ['imgs', { messages: turns('Where?'), imgs: [b] }, 1],
    ['image_path', { messages: turns('Where?'), image_path: b }, 1],
    [
      'image_1 and image_2',
      { question: 'Where? Image-2', answer: '[0.1, 0.2, 0.5, 0.6]', image_1: 'images/a.png', image_2: b },
      2,
    ],
    [
      'input_image',
      {
        messages: turns([
          { type: 'input_image', image_url: b },
          { type: 'input_text', text: 'Where?' },
        ]),
      },
      1,
    ],
    ['parts without a type', { messages: turns([{ image: b }, { text: 'Where?' }]) }, 1],
    [
      'LLaMA-Factory’s values',
      {
        messages: turns([
          { type: 'image_url', value: b },
          { type: 'text', value: 'Where?' },
        ]),
      },
      1,
    ],
    ['Mantis’s conversation', { conversation: turns('<image> Where?'), images: [{ path: b }] }, 1],
    ['Qwen’s tokens', { messages: turns('<|vision_start|><|image_pad|><|vision_end|>Where?'), images: [b] }, 1],
    ['Qwen-VL’s path in the text', { messages: turns(`Picture 1: <img>${b}</img>\nWhere?`) }, 1],
    [
      'numbered marks',
      { messages: turns('<image1> and <image2>: find it in image 2.'), images: ['images/a.png', b] },
      2,
    ],
    [
      'Ferret’s boxes by their place',
      {
        conversations: [
          { from: 'human', value: '<image>Where is the fox near <bbox_location0>?' },
          { from: 'gpt', value: 'fox <bbox_location0>' },
        ],
        image: b,
        image_w: 400,
        image_h: 200,
        box_x1y1x2y2: [[[0, 0, 40, 40]], [[40, 40, 200, 120]]],
      },
      1,
    ],
  ])('%s', async (_, row, pictures) => {
    const dataset = await open({ 'r.json': [row] });
    expect(dataset.report.issues.filter(({ severity }) => severity === 'error')).toEqual([]);
    const { images, prompt, solution } = await only(dataset);
    expect(images).toHaveLength(pictures);
    expect(images.at(-1)).toBe(b);
    expect(prompt.flatMap(({ content }) => content.filter(({ type }) => type === 'image'))).toHaveLength(pictures);
    expect(JSON.stringify(prompt)).not.toMatch(/<\|vision|<img>|<image|bbox_location/);
    near(solution[0]!.box);
  });

  test('what a system prompt says stands before the turns', async () => {
    const row = await only(
      await open({ 'r.json': [llava('<image>Where?', '(1,2),(3,4)', 1, { system_prompt: 'Be brief.' })] }),
    );
    expect(row.prompt[0]).toEqual({ role: 'system', content: [{ type: 'text', text: 'Be brief.' }] });
  });
});

describe('places that other models write and that are no boxes here are refused, never learned as words', () => {
  test.each([
    ['Kosmos-2', '<phrase>a cup</phrase><object><patch_index_0044><patch_index_0863></object>', 'patch_index'],
    ['LISA', 'It is [SEG].', 'a mask'],
    ['Groma', '<p>the cup</p><roi><r12></roi>', 'a mask'],
    ['UI-TARS', "Action: click(start_box='(120,340)')", 'a point'],
    ['UI-TARS with tokens', "click(start_box='<|box_start|>(120,340)<|box_end|>')", 'a point'],
    ['pyautogui', 'pyautogui.click(x=0.41, y=0.5)', 'a point'],
  ])('%s', async (_, answer, word) => {
    const { report } = await open({ 'a.json': [llava('<image>Where?', answer, 1)] });
    expect(report).toMatchObject({ train: 0, leftOut: 1 });
    expect(report.issues[0]!.reason).toContain(word);
  });

  test('a click that gives a box is read', async () => {
    const row = await only(await open({ 'a.json': [llava('<image>?', "click(start_box='[20, 10, 100, 60]')", 1)] }));
    expect(row.solution).toHaveLength(1);
  });
});

describe('annotations in forms that are not read are refused by their name, with the way round', () => {
  const file = 'images/a.png';
  test.each([
    ['Datumaro', { id: 'a', image: { path: file, size: [9, 9] }, annotations: [{ label_id: 0, bbox: [1, 2, 3, 4] }] }],
    ['ODVG', { filename: file, detection: { instances: [{ bbox: [1, 2, 3, 4], category: 'cup' }] } }],
    ['GRIT', { image: file, caption: 'a cup', ref_exps: [[0, 1, 0, 0, 1, 1, 1]], noun_chunks: [] }],
    ['Visual Genome', { image_id: 1, objects: [{ x: 1, y: 2, w: 3, h: 4, names: ['cup'] }] }],
    ['BDD100K', { name: file, labels: [{ category: 'car', box2d: { x1: 1, y1: 2, x2: 3, y2: 4 } }] }],
    ['xmin', { filename: file, class: 'cup', xmin: 1, ymin: 2, xmax: 3, ymax: 4 }],
    ['Shikra', { img_path: file, expression: 'the cup', bbox: [1, 2, 3, 4] }],
    [
      'boxes_seq',
      {
        image: file,
        boxes: [[1, 2, 3, 4]],
        conversations: [
          { from: 'human', value: '<image>?' },
          { from: 'gpt', value: 'A cup <boxes>.', boxes_seq: [[0]] },
        ],
      },
    ],
  ])('%s', async (name, row) => {
    const { report } = await open({ 'a.jsonl': `${JSON.stringify(row)}\n${JSON.stringify(row)}` });
    expect(report).toMatchObject({ train: 0, heldout: 0, leftOut: 2 });
    expect(report.issues[0]!.reason).toContain(name);
    expect(report.issues[0]!.fix).not.toBe('');
  });

  test('PaliGemma’s prefix and suffix are question and answer, its tokens y first', async () => {
    const suffix = '<loc0102><loc0205><loc0512><loc0819> cup';
    const { solution } = await only(
      await open({ 'a.jsonl': JSON.stringify({ image: file, prefix: 'detect cup', suffix }) }),
    );
    expect(solution[0]!.box.map((n) => Math.round(n * 10))).toEqual([2, 1, 8, 5]);
  });
});

describe('pictures of rows are found whatever their key is called, or the row is refused', () => {
  const turns = [
    { role: 'user', content: 'What is it?' },
    { role: 'assistant', content: 'A cup.' },
  ];
  test.each(['image_url', 'photo', 'file_name', 'screenshot'])('%s', async (key) => {
    const row = await only(await open({ 'a.json': [{ messages: turns, [key]: 'images/a.png' }] }));
    expect(row.images).toEqual(['images/a.png']);
  });

  test('objects with an address or with bytes', async () => {
    const bytes = Buffer.from(pngHeader(20, 10)).toString('base64').padEnd(400, 'A');
    for (const image of [{ url: 'images/a.png' }, { bytes }])
      expect((await only(await open({ 'a.json': [{ messages: turns, images: [image] }] }))).images).toHaveLength(1);
  });

  test.each([
    ['two keys', { before: 'images/a.png', after: 'images/b.png' }],
    ['a turn of its own', { messages: [{ ...turns[0], picture: 'images/a.png' }, turns[1]] }],
  ])('%s: not read as words alone', async (_, extra) => {
    const { report } = await open({ 'a.json': [{ messages: turns, ...extra }] });
    expect(report).toMatchObject({ train: 0, leftOut: 1 });
    expect(report.issues[0]!.reason).toContain('names pictures that are not read');
  });

  test.each(['[IMG]', '<|image|>', '<IMAGE>', '<ImageHere>', '<|image_1|>'])(
    '%s stands for the picture',
    async (mark) => {
      const messages = [{ role: 'user', content: `See ${mark} here.` }, turns[1]];
      const { prompt } = await only(await open({ 'a.json': [{ messages, images: ['images/a.png'] }] }));
      expect(prompt[0]!.content.map(({ type }) => type)).toEqual(['text', 'image', 'text']);
    },
  );

  test('a video’s name beside frames taken from it is no reason to refuse them; without frames it is', async () => {
    const row = { messages: turns, video_path: 'x.mp4' };
    const { report } = await open({ 'a.json': [{ ...row, images: ['images/a.png'] }, row] }, { split: 'files' });
    expect(report).toMatchObject({ train: 1, leftOut: 1 });
    expect(report.issues[0]!.reason).toContain('a video (x.mp4)');
  });
});

describe('rows deeper in a document', () => {
  const row = (id: string) => ({ ...llava('<image>What is it?', 'A cup.', 1), id });
  test.each<[string, object, number, number]>([
    ['parts of rows by ids', { train: { a: row('a'), b: row('b') }, test: { c: row('c') } }, 2, 1],
    ['lists in an object', { data: { train: [row('a')], test: [row('b')] } }, 1, 1],
    ['rows by ids under a name', { version: 1, samples: { a: row('a'), b: row('b') } }, 2, 0],
  ])('%s', async (_, document, train, heldout) => {
    const { report } = await open({ 'all.json': document }, { split: 'files' });
    expect(report).toMatchObject({ train, heldout, leftOut: 0 });
  });

  test('a file without rows is named, beside rows and alone', async () => {
    const beside = await open({ 'train.json': [row('a')], 'settings.json': { colour: 'red' }, 'rows.feather': 'x' });
    expect(beside.report.ledger).toMatchObject([
      { key: 'file-not-read', count: 2, places: [{ file: 'settings.json' }, { file: 'rows.feather' }] },
    ]);
    const run = JSON.stringify(row('a'));
    expect((await open({ 'a.json': run + run })).report.issues[0]!.reason).toContain('several JSON values');
    const wide = new Uint8Array(Array.from(run).flatMap((c) => [c.charCodeAt(0), 0, 0, 0]));
    expect((await open({ 'a.json': wide })).report.issues[0]!.reason).toContain('UTF-32');
  });
});
