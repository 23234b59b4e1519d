/** A report of one file: what comes of data stays text, nothing is fetched, and each part says what it was given. */
import { describe, expect, it } from 'vitest';
import { curvesPart } from '../../src/engine/report/curves.ts';
import { html, htmlTable } from '../../src/engine/report/markup.ts';
import { galleriesOf, reportPage, type GalleryItem } from '../../src/engine/report/report.ts';
import type { DatasetReport, Evaluation, Row, RunRecord, ToldEvent } from '../../src/engine/protocol/index.ts';
import { reportDesk } from '../../src/engine/report/report-desk.ts';
import { sftStage } from '../../src/engine/presets.ts';
import { box01 } from '../../src/grounding/box.ts';
import { scoreAll, scoreRow } from '../../src/evaluate/benchmark-scores.ts';
import { pngHeader } from '../data/make-dataset.ts';

const EVIL = `"><script>alert(1)</script><img src=x onerror=alert(2)>'</svg></style></pre>&lt;b&gt;`;

const row = (id: string, images = ['a.png']): Row => ({
  id,
  task: EVIL,
  split: 'heldout',
  images,
  prompt: [
    {
      role: 'user',
      content: [
        { type: 'image', image: 0 },
        { type: 'text', text: `Where is ${EVIL}?` },
      ],
    },
  ],
  answer: [],
  solution: [{ image: 0, box: box01(0.1, 0.2, 0.3, 0.4) }],
  source: { file: EVIL, line: 1 },
});

const answer = (value: number, text = EVIL) => ({
  name: EVIL,
  value,
  text,
  boxes: [{ image: 0, box: box01(0.1, 0.2, 0.35, 0.4) }],
});

const item = (rowId: string, after: number, before?: number): GalleryItem => ({
  rowId,
  before: before === undefined ? null : answer(before),
  after: answer(after),
});

const picture = () => Promise.resolve(new Blob([pngHeader(40, 20) as BlobPart]));
const world = { rows: 2, row: (id: string) => Promise.resolve(row(id)), picture };

const evaluation: Evaluation = {
  n: 4,
  accAt30: 0.75,
  accAt50: 0.5,
  accAt70: 0.25,
  accAt50Interval: [0.15, 0.85],
  meanIoU: 0.4,
  imageAccuracy: 1,
  parseFailures: 0,
  tasks: { [EVIL]: { n: 4, accAt50: 0.5, meanIoU: 0.4, parseFailures: 0 } },
};

const metrics = (step: number, values: Record<string, number>): ToldEvent => ({
  type: 'metrics',
  stageIndex: 0,
  step,
  values,
});

async function hostile(): Promise<string> {
  const scored = scoreAll([
    scoreRow(row('1'), { row: '1', text: EVIL, boxes: [], parsed: false, refused: false, sizes: [] }),
  ]);
  return reportPage({
    title: EVIL,
    facts: [[EVIL, EVIL]],
    recipe: { name: EVIL, seed: 3, stages: [{ ...sftStage(), name: EVIL }] },
    data: {
      report: { name: EVIL, format: EVIL, train: 1, heldout: 1, images: 1, leftOut: 0 } as DatasetReport,
      health: null,
    },
    told: [metrics(1, { [EVIL]: 1 }), metrics(2, { [EVIL]: 2 })],
    evaluations: [{ name: EVIL, evaluation, difference: null }],
    benchmarks: [[{ name: EVIL, header: null, scores: scored[0]! }]],
    galleries: await galleriesOf([item('1', 0.1)], ['worst'], world),
  });
}

describe('what comes of data', () => {
  it('stays text in every part of the page', async () => {
    const page = await hostile();
    // Of the tags that the data wrote, none is one; of its quotes, none ends an attribute.
    expect(page).not.toContain('<script');
    expect(page).not.toContain('<img');
    // No tag has an attribute that listens, whatever stands in the quotes of others.
    expect(page.replace(/"[^"]*"/g, '""')).not.toMatch(/<[^>]*\son\w+=/);
    expect(page.match(/<\/style>/g)).toHaveLength(1);
    expect(page.split(EVIL.slice(0, 8))).toHaveLength(1);
    expect(page.split('&#60;script&#62;alert(1)').length).toBeGreaterThan(10);
    // What was escaped already is shown as it was written.
    expect(page).toContain('&#38;lt;b&#38;gt;');
  });

  it('cannot make the page fetch anything: every address lies inside, and the policy forbids others', async () => {
    const page = await hostile();
    expect(page).toContain('http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;; img-src data:');
    expect(page.match(/href="(?!data:image\/png;base64,)/g)).toBeNull();
    expect(page).not.toMatch(/url\(|@import|<link|<iframe|<base/);
    expect(page.match(/<image href="data:image\/png;base64,/g)).toHaveLength(1);
  });
});

describe('markup', () => {
  it('escapes texts, keeps pieces of its own, and leaves nothing where there is nothing', () => {
    expect(`${html`<p title="${'"'}">${'<'}${html`<b>${'&'}</b>`}${null}${[1, html`<i></i>`]}</p>`}`).toBe(
      '<p title="&#34;">&#60;<b>&#38;</b>1<i></i></p>',
    );
  });

  it('gives a table a head and names of rows that a screen reader hears', () => {
    const table = String(
      htmlTable('T', [
        ['a', 'b'],
        ['x', '1'],
      ]),
    );
    expect(table).toMatch(/<th scope="col">a<\/th>[^]*<th scope="row">x<\/th>\s*<td>1<\/td>/);
  });
});

describe('galleries', () => {
  const items = [item('1', 0.1, 0.9), item('2', 0.9, 0.1), item('3', 0.3, 0.2), item('4', 0), item('5', 0.6, 0.7)];
  const named = async (kind: 'worst' | 'best' | 'gained' | 'lost') => {
    const [gallery] = await galleriesOf(items, [kind], world);
    return [gallery!.cards.map(({ title }) => title.split(',')[0]), gallery!.of];
  };

  it('show the rows that their names say, as many as asked for, and say how many there are', async () => {
    expect(await named('worst')).toEqual([['4', '1'], 3]);
    expect(await named('best')).toEqual([['2', '5'], 2]);
    expect(await named('gained')).toEqual([['2'], 1]);
    expect(await named('lost')).toEqual([['1'], 1]);
  });

  it('give an overlap where boxes were asked for, and right or wrong where a letter was, or that nothing is there', async () => {
    const words = async (change: Partial<Row>, value: number) => {
      const row = async (id: string) => ({ ...(await world.row(id))!, ...change });
      const [gallery] = await galleriesOf([item('1', value)], [value < 0.5 ? 'worst' : 'best'], { ...world, row });
      return gallery!.cards[0]!.answers[0]!.name.split(', ').at(-1);
    };
    const says = (text: string): Row['answer'] => [{ type: 'text', text }];
    const letters: Partial<Row> = {
      solution: [],
      answer: says('B'),
      prompt: [{ role: 'user', content: says('Which? A. a cup B. a pan') as never }],
    };
    expect(await words({}, 0.625)).toBe('IoU 0.63');
    expect([await words(letters, 0), await words(letters, 1)]).toEqual(['wrong letter', 'right letter']);
    const none: Partial<Row> = { solution: [], nothing: true };
    expect([await words(none, 0), await words(none, 1)]).toEqual(['not refused', 'rightly refused']);
  });

  it('show a row without its picture where that cannot be read', async () => {
    const broken = { ...world, picture: () => Promise.reject(new Error('gone')) };
    const [gallery] = await galleriesOf(items, ['best'], broken);
    expect(gallery!.cards[0]!.pictures).toEqual([{ data: '', width: 160, height: 120 }]);
    expect(reportPage({ title: 'T', facts: [], galleries: [gallery!] })).toContain('Image 1: 1 right box');
  });
});

describe('curves', () => {
  it('are thinned without losing a spike, and leave a gap where a value is no number', () => {
    const told = Array.from({ length: 5000 }, (_, i) =>
      metrics(i + 1, { loss: i === 2345 ? 77 : i === 4000 ? NaN : 1 }),
    );
    const page = String(curvesPart(told));
    expect(page).toContain('>77<');
    expect(page).toContain('1 point is no number');
    expect(
      page
        .match(/d="M[^"]*"/g)!
        .at(-1)!
        .match(/M/g)!.length,
    ).toBe(2);
    expect(page.length).toBeLessThan(20_000);
  });

  it('of a run that told none are left out', () => {
    expect(curvesPart([])).toBeNull();
    expect(reportPage({ title: 'T', facts: [] })).not.toContain('Curves');
  });
});

describe('a report that is asked for', () => {
  const record = {
    id: 'r1',
    recipe: { name: 'Plan A', seed: 1, stages: [sftStage()] },
    startedAt: 0,
    state: 'finished',
    identity: { model: 'm', dataset: 'd' },
    modelName: 'small',
    datasetName: 'scenes',
    adapter: 'gpu',
    step: 2,
  } as unknown as RunRecord;
  const rowOf = (rowId: string, value: number) => ({
    rowId,
    task: '',
    value,
    parsed: true,
    text: 'x',
    boxes: [],
    same: rowId,
  });
  const told: ToldEvent[] = [
    { type: 'evaluated', stageIndex: 0, rows: [rowOf('1', 0.1), rowOf('2', 0.9)] },
    { type: 'evaluation', stageIndex: 0, name: 'Before', evaluation: { ...evaluation, n: 2 } },
    metrics(1, { loss: 2 }),
    { type: 'evaluated', stageIndex: 2, rows: [rowOf('1', 0.7), rowOf('2', 0.9)] },
    { type: 'evaluation', stageIndex: 2, name: 'After', evaluation: { ...evaluation, n: 2, accAt50: 1 } },
  ];
  const desk = reportDesk({
    dataset: () => {
      throw new Error('none is open');
    },
    run: () => Promise.resolve({ record, told }),
    entries: () => Promise.resolve([]),
    picture,
  });
  const ask = (runId: string | null) =>
    desk['report-file']({
      type: 'report-file',
      dataset: null,
      project: null,
      runId,
      sets: [],
      galleries: ['worst'],
      rows: 3,
    });

  it('tells a run whose dataset is not open, each evaluation against the one before, and has no pictures', async () => {
    const { fileName, stream } = await ask('r1');
    expect(fileName).toMatch(/^Plan-A-r1\.html$/i);
    const text = await new Response(stream).text();
    expect(text).toContain('Run “Plan A”');
    expect(text).toContain('small');
    expect(text).toMatch(/\+50\.0 points \[[^\]]*\], the same 2 rows: 1 gained, 0 lost, p = 1\.000/);
    expect(text).not.toContain('Missed, the worst first');
  });

  it('of nothing is refused with what to do', async () => {
    await expect(ask(null)).rejects.toMatchObject({ code: 'report-empty', hint: expect.stringContaining('evaluate') });
  });
});
