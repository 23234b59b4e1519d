/** `npm run dataset`: what a dataset is read as, told without a GPU; a question ends it with exit code 2. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, expect, test } from 'vitest';
import { openZip } from '../../src/formats/zip.ts';
import { madeMigBench } from '../data/make-benchmark.ts';
import { rowDigest } from '../../src/data/edits/change.ts';
import { writeEdits, type EditEntry } from '../../src/data/edits/edit-log.ts';
import { box01 } from '../../src/grounding/box.ts';
import { commandOf } from './command.ts';
import { llava, only, open, pngHeader, read } from '../data/make-dataset.ts';

const home = mkdtempSync(join(tmpdir(), 'groundwork-dataset-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

function put(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(join(home, path)), { recursive: true });
  writeFileSync(join(home, path), content);
}

/** The command on a folder of the house. */
const command = commandOf('src/cli/dataset.ts');
const dataset = (folder: string, ...args: string[]) => command(join(home, folder), ...args);

for (const name of ['a', 'b', 'c']) put(`few/images/${name}.png`, pngHeader(200, 100));
const cup = llava('<image>Find the cup.', 'Here: [20, 10, 90, 40]', 1);
put('few/rows.json', JSON.stringify([cup]));

test('a question ends it with 2, after rows, readings and what was done were shown', async () => {
  const asked = await dataset('few');
  expect(asked.code).toBe(2);
  expect(asked.out).toMatch(/1 training row, 0 held out, 0 left out, 1 picture/);
  expect(asked.out).toMatch(/only the boxes are learned\. \(rows\.json:1\)/);
  expect(asked.out).toContain('⟨picture 1⟩Find the cup.');
  expect(asked.out).toContain('⟨picture 1, 0.100 0.100 0.450 0.400⟩');
  expect(asked.error).toContain('--coordinates "rows.json=pixels,xyxy"');
});

test('the flag answers it, and the rows shown are those of the answer', async () => {
  const answered = await dataset('few', '--coordinates', 'rows.json=thousandths');
  expect(answered).toMatchObject({ code: 0, error: '' });
  expect(answered.out).toContain('⟨picture 1, 0.020 0.010 0.090 0.040⟩');
});

test('a place where nothing is, is refused in a sentence', async () => {
  const nowhere = await dataset('nowhere');
  expect(nowhere.code).toBe(2);
  expect(nowhere.error).toContain('There is nothing at');
});

test('several folders are one dataset: the first keeps its paths, the next comes under its name', async () => {
  for (const [folder, id] of [
    ['few-first', 'one'],
    ['few-second', 'two'],
  ] as const) {
    put(`${folder}/images/a.png`, pngHeader(200, 100));
    put(`${folder}/rows.json`, JSON.stringify([{ ...cup, id, images: ['images/a.png'] }]));
  }
  const said = ['--coordinates', 'rows.json=pixels', '--coordinates', 'few-second/rows.json=thousandths'];
  const both = await dataset('few-first', join(home, 'few-second'), ...said);
  expect(both).toMatchObject({ code: 0, error: '' });
  expect(both.out).toMatch(/2 training rows, 0 held out, 0 left out, 2 pictures/);
  expect(both.out).toContain('few-second/rows.json: ');
  expect(both.out).toContain('⟨picture 1, 0.100 0.100 0.450 0.400⟩');
  expect(both.out).toContain('⟨picture 1, 0.020 0.010 0.090 0.040⟩');
  const gone = await dataset('few-first', join(home, 'nowhere'));
  expect([gone.code, gone.error]).toEqual([2, expect.stringContaining('There is nothing at')]);
});

test('rows composed of annotations are written with their pictures, and open as a dataset', async () => {
  const pictures = Array.from({ length: 12 }, (_, i) => i);
  for (const i of pictures) put(`coco/p/${i}.png`, pngHeader(200, 100));
  const sheet = {
    images: pictures.map((i) => ({ id: i, file_name: `p/${i}.png`, width: 200, height: 100 })),
    annotations: pictures.map((i) => ({ id: i, image_id: i, category_id: i % 3, bbox: [10 + 10 * i, 10, 40, 30] })),
    categories: ['cat', 'dog', 'cup'].map((name, id) => ({ id, name })),
  };
  put('coco/set.json', JSON.stringify(sheet));
  const out = join(home, 'made');
  const flags = ['--compose', 'find,count', '--pictures', '2', '--rows', '8', '--seed', '7', '--out', out];
  const written = await dataset('coco', ...flags, '--show', '1');
  expect(written).toMatchObject({ code: 0, error: '' });
  expect(written.out).toMatch(/8 rows are composed of annotations[^]*Written to .*made: 8 rows and \d+ pictures/);
  const opened = await dataset('made', '--show', '0');
  expect(opened).toMatchObject({ code: 0 });
  expect(opened.out).toMatch(/8 training rows, 0 held out, 0 left out/);
  const first = readFileSync(join(out, 'train.jsonl'), 'utf8');
  rmSync(out, { recursive: true });
  await dataset('coco', ...flags, '--show', '0');
  expect(readFileSync(join(out, 'train.jsonl'), 'utf8')).toBe(first);
  expect((await dataset('coco', '--compose', 'find,paint')).error).toMatch(/“paint”[^]*find, common, count/);
  expect((await dataset('coco', '--out', out)).error).toContain('--compose');
});

test('edits of a file are laid over the rows, and those that fit none are named', async () => {
  const row = await only(await open({ 'rows.json': [cup] }, read('rows.json', 'list', 'thousand')));
  const box = { image: 0, box: box01(0.25, 0.5, 0.75, 1) };
  const edit = (id: string): EditEntry => {
    return { kind: 'change', at: 1, row: id, digest: rowDigest(row), change: { kind: 'set-box', index: 0, box } };
  };
  put('mine.edits.jsonl', writeEdits('few', [edit(row.id), edit('gone')]));
  const edits = join(home, 'mine.edits.jsonl');
  const edited = await dataset('few', '--coordinates', 'rows.json=thousandths', '--edits', edits);
  expect(edited).toMatchObject({ code: 0, error: '' });
  expect(edited.out).toContain('⟨picture 1, 0.250 0.500 0.750 1.000⟩');
  expect(edited.out).toMatch(/1 edit of 1 row, 0 of them left out \(edits [0-9a-f]{12}\)/);
  expect(edited.out).toContain('gone: the dataset has no such row');
});

test('a benchmark’s picture that was scaled into the training part is told, with both files', async () => {
  const { entries } = await openZip(new Blob([await madeMigBench(8)]));
  for (const entry of entries)
    put(`both/bench/${entry.path}`, new Uint8Array(await (await entry.blob()).arrayBuffer()));
  const picture = sharp(join(home, 'both/bench/pictures/2.jpg'));
  put('both/photos/taken.png', await picture.clone().resize(200, 150).png().toBuffer());
  put('both/photos/other.png', await picture.clone().negate().flop().png().toBuffer());
  const rows = ['taken', 'other'].map((name) => ({
    images: [`photos/${name}.png`],
    conversations: [
      { from: 'human', value: '<image>Find the disc.' },
      { from: 'gpt', value: 'Here: [20, 10, 90, 40]' },
    ],
  }));
  put('both/train.json', JSON.stringify(rows));
  const told = await dataset('both', '--coordinates', 'train.json=pixels', '--show', '0');
  expect(told.code, told.error).toBe(0);
  expect(told.out).toMatch(/\d+ rows with a picture that looks like one of the other part of the split\. It may be/);
  expect(told.out).toContain('bench/pictures/2.jpg looks like photos/taken.png of the training part');
  expect(told.out).not.toContain('other.png of the training part');
});
