/** `npm run evaluate`: answers of any model scored without one, beside each other and beside published rows. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { pngHeader } from '../data/make-dataset.ts';
import { commandOf } from './command.ts';

const home = mkdtempSync(join(tmpdir(), 'groundwork-evaluate-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));
const at = (path: string) => join(home, path);
function put(path: string, content: string | Uint8Array): string {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), content);
  return at(path);
}

const evaluate = commandOf('src/cli/evaluate.ts');

for (const name of ['a', 'b']) put(`mig/images/${name}.png`, pngHeader(200, 100));
const question = (i: number, task: string) => ({
  task,
  images: ['./images/a.png', './images/b.png'],
  question: `Thing ${i}: locate it in the second image. `,
  answer: [0.1, 0.2, 0.3, 0.4],
  additional_info: '',
  need_format: true,
});
put('mig/MIG_data.json', JSON.stringify(Array.from({ length: 4 }, (_, i) => question(i, i < 3 ? 'region' : 'diff'))));
const lines = (texts: readonly string[]) =>
  texts.map((text, i) => JSON.stringify({ doc_id: i, resps: [[text]] })).join('\n');
// Right; right box in the wrong picture; right only for who reads the thought; not readable.
const first = put(
  'samples.jsonl',
  lines([
    'Image-2: (100,200),(300,400)',
    'Image-1: (100,200),(300,400)',
    '<think>(100,200),(300,400)?</think><answer>Image-2: (800,800),(900,900)</answer>',
    'I do not know.',
  ]),
);
const second = put('better.jsonl', lines(Array<string>(4).fill('Image-2: (100,200),(300,400)')));

test('both readings stand side by side, and say why no published row may stand beside them', async () => {
  const table = at('t.md');
  const run = await evaluate(
    '--data',
    at('mig'),
    '--from-predictions',
    second,
    '--space',
    'thousandths',
    '--against',
    first,
    '--table',
    table,
    '--table',
    at('t.csv'),
    '--table',
    at('t.tex'),
    '--vlmevalkit',
    at('v.tsv'),
    '--lmms-eval',
    at('l.jsonl'),
  );
  expect(run.error).toBe('');
  expect(run.code).toBe(0);
  expect(run.out).toMatch(/^MIG-Bench: 4 held-out rows/);
  expect(run.out).toMatch(/region +3 +100\.0 \[43\.9–100\.0\]/);
  expect(run.out).toContain(
    'Not comparable with published rows: not all questions were answered; how these answers were made is not known.',
  );
  // Strict: one of four before, four after.
  expect(run.out).toMatch(
    /better\.jsonl against samples\.jsonl, strict, hits on the same 4 rows: \+75\.0 points \[.*\], 3 gained, 0 lost, p = 0\.250/,
  );
  const markdown = readFileSync(table, 'utf8');
  expect(markdown).toMatch(/\| better\.jsonl \| strict \| 100\.00 \| 100\.00 \| 100\.00 \|/);
  expect(markdown).toMatch(/\| samples\.jsonl \| strict \| 33\.33 \| 0\.00 \| 16\.67 \|/);
  expect(markdown).toMatch(/\| samples\.jsonl \| as published \| 100\.00 \| 0\.00 \| 50\.00 \|/);
  expect(markdown).toMatch(/\| Qwen2-VL-7B \| published \| 15\.54 \| 29\.92 \| 30\.20 \|  \|  \|  \|/);
  expect(readFileSync(at('t.csv'), 'utf8').split('\n')[0]).toBe(
    'model,reading,region (n=3),diff (n=1),average,95 % of all rows,n,"same files, prompt and rule",source',
  );
  expect(readFileSync(at('t.tex'), 'utf8')).toMatch(
    /\\begin\{tabular\}\{llrrrrrr\}[^]*UniVG-R1 & published & 81\.71 & 71\.97 & 72\.64/,
  );
});

test('what was written for other tools is read again, and scores the same', async () => {
  for (const file of ['v.tsv', 'l.jsonl']) {
    const run = await evaluate('--data', at('mig'), '--from-predictions', at(file), '--space', 'thousandths');
    expect(run.code).toBe(0);
    expect(run.out).toMatch(/region +3 +100\.0 \[43\.9–100\.0\]/);
  }
});

test('without the space of its boxes an answer has no strict reading', async () => {
  const run = await evaluate('--data', at('mig'), '--from-predictions', first);
  expect(run.code).toBe(0);
  expect(run.out).toContain('The strict reading needs the coordinates of the boxes');
  expect(run.out).toMatch(/as published +n[^]*region +3 +100\.0/);
  const strict = await evaluate('--data', at('mig'), '--from-predictions', first, '--space', 'thousandths');
  const report = at('r.html');
  const told = await evaluate(
    '--data',
    at('mig'),
    '--from-predictions',
    first,
    '--space',
    'thousandths',
    '--report',
    report,
  );
  expect(told.code, told.error).toBe(0);
  const html = readFileSync(report, 'utf8');
  expect(html).toContain('wrong picture');
  expect(html).toContain('&#60;think&#62;');
  expect(html.match(/<figure>/g)).toHaveLength(3);
  expect(html).toContain('What deserves a look');
  // Nothing is fetched: every picture lies in the file, and the page may load no other.
  expect(html).toContain('default-src &#39;none&#39;; img-src data:');
  expect(html).not.toMatch(/(?:href|src)="(?!data:)/);
  expect(html).toMatch(/<rect\s+class="box truth"\s+x="20"\s+y="20"/);
  expect(strict.out).toMatch(
    /answers +n +right +wrong picture +missed +no box\nregion +3 +1 +1 +1 +0\ndiff +1 +0 +0 +0 +1/,
  );
});

test('answers to other rows, and a command that says neither model nor answers, end with a sentence', async () => {
  const strange = put('strange.jsonl', JSON.stringify({ id: 'nobody', text: 'x' }));
  const run = await evaluate('--data', at('mig'), '--from-predictions', strange);
  expect([run.code, run.error]).toEqual([
    1,
    expect.stringContaining('None of the answers of strange.jsonl belongs to a row'),
  ]);
  expect(await evaluate('--data', at('mig'))).toMatchObject({
    code: 2,
    error: expect.stringContaining('--from-predictions'),
  });
});

test('samples need a model, a temperature at which answers differ, and no output that holds one answer a row', async () => {
  const refused = async (...words: string[]) => {
    const { code, error } = await evaluate('--data', at('mig'), ...words);
    return [code, error.trim().split('\n')[0]];
  };
  expect(await refused('--from-predictions', first, '--samples', '4')).toEqual([
    2,
    '--samples and --temperature draw answers of a model.',
  ]);
  expect(await refused('--model', 'm', '--samples', '4', '--temperature', '0')).toEqual([2, '--temperature is “0”.']);
  expect(await refused('--model', 'm', '--samples', '4', '--report', at('s.html'), '--table', at('s.csv'))).toEqual([
    2,
    '--table, --report cannot be used with samples.',
  ]);
  expect(await refused('--model', 'm', '--samples', '4', '--swap')).toEqual([2, '--swap cannot be used with samples.']);
  expect(await refused('--from-predictions', first, '--swap')).toEqual([2, '--swap asks a model again.']);
});

test('answers to the same row twice, answers to other rows, and NaN among metrics are told or read, never guessed', async () => {
  const text = (i: number) => `Image-2: (${100 + i},100),(500,500)`;
  const twice = put(
    'twice.jsonl',
    [0, 1, 1, 77]
      .map((id, i) => `{"doc_id": ${id}, "filtered_resps": ["${text(i)}"], "iou": NaN, "note": "NaN stays"}`)
      .join('\n'),
  );
  const run = await evaluate('--data', at('mig'), '--from-predictions', twice, '--space', 'thousandths');
  expect(run.code, run.error).toBe(0);
  expect(run.out).toContain('1 answer of twice.jsonl belongs to a row that this dataset does not have.');
  expect(run.out).toContain('1 row has several answers in twice.jsonl that differ. The last of each counts.');
  // One of ours that Python has written again, and that is of another dataset.
  const head =
    '{"groundwork": "predictions", "version": 1, "model": "m", "adapter": null, "dataset": "d", "prompt": "own", "tokens": null, "limit": 0, "seed": 1, "rows": 1, "pictures": null}';
  const line = '{"row": "nobody", "text": "x", "boxes": [], "parsed": false, "refused": false, "sizes": []}';
  const other = await evaluate('--data', at('mig'), '--from-predictions', put('other.jsonl', `${head}\n${line}\n`));
  expect([other.code, other.error]).toEqual([1, expect.stringContaining('None of the answers of other.jsonl belongs')]);
});
