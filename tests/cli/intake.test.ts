/** On the command line a question names its file and the flag that answers it; one answer settles one file. */
import { describe, expect, test } from 'vitest';
import type { DatasetOptions } from '../../src/data/dataset-ref.ts';
import { readCoordinates, settleByFlags, type IntakeAnswers } from '../../src/cli/intake.ts';
import { llava, open } from '../data/make-dataset.ts';

const bare = [llava('<image>Where?', '[20, 10, 100, 50]', 1), llava('<image>Who?', '[30, 10, 110, 60]', 1)];

async function settle(
  files: Record<string, object[]>,
  coordinates: readonly string[],
  skip = false,
  more: Partial<IntakeAnswers> = {},
) {
  let dataset = await open(files);
  const notes: string[] = [];
  const report = await settleByFlags(
    dataset.report,
    { coordinates, 'skip-unusable': skip, ...more },
    {
      reread: async (options: DatasetOptions) =>
        (dataset = await dataset.reread(options, { tell: () => undefined })).report,
      skipped: () => Promise.resolve(dataset.log.skipped()),
      edit: () => Promise.reject(new Error('no edits were given')),
      note: (line) => void notes.push(line),
    },
  );
  return { report, notes };
}

test('every file in doubt is named with the flag that answers it, and the exit code is 2', async () => {
  const failure = settle({ 'own.json': bare, 'pub.json': bare }, []);
  await expect(failure).rejects.toMatchObject({ code: 'dataset-unsettled', exitCode: 2 });
  await expect(failure).rejects.toThrow(/own\.json: .* --coordinates "own\.json=pixels,xyxy"/);
  await expect(failure).rejects.toThrow(/--coordinates "pub\.json=pixels,xyxy"/);
});

test('an answer for one file leaves the other open; both answers settle both, each in its own way', async () => {
  const files = { 'own.json': bare, 'pub.json': bare };
  await expect(settle(files, ['own.json=pixels'])).rejects.toThrow(/^(?![^]*own\.json:)[^]*pub\.json:/);
  const { report } = await settle(files, ['own.json=pixels', 'pub.json=thousandths']);
  expect(report.questions).toEqual([]);
  expect(report.conventions.map(({ file, space }) => [file, space])).toEqual([
    ['own.json', 'natural'],
    ['pub.json', 'thousand'],
  ]);
});

test('rows that cannot be used are asked about, and left out by the flag; what was done is told', async () => {
  const rows = [...bare, llava('<image>?', '', 1), llava('<image>?', 'Here: [20, 10, 90, 40].', 1)];
  await expect(settle({ 'a.json': rows }, ['a.json=pixels'])).rejects.toThrow(/1 row cannot be used.*--skip-unusable/);
  const { report, notes } = await settle({ 'a.json': rows }, ['a.json=pixels'], true);
  expect(report.questions).toEqual([]);
  expect(notes.join('\n')).toMatch(/1 row has words around the boxes.* \(a\.json:4\)/);
});

test('rows that look like a benchmark’s are asked about by file, and the flag answers it', async () => {
  const rows = [1, 2, 3].map((i) => ({
    image_path: 'images/a.png',
    instruction: `thing ${i}`,
    boxes: [[20, 10, 90, 60]],
  }));
  const files = { 'mine.json': rows };
  await expect(settle(files, [])).rejects.toThrow(
    /3 rows look like LISA-Grounding.*--benchmark "mine\.json=yes" \(or own\)/,
  );
  const { report } = await settle(files, [], false, { benchmark: ['mine.json=yes'] });
  expect(report).toMatchObject({ train: 0, heldout: 3, questions: [] });
  for (const flag of ['mine.json=no', 'other.json=own', 'mine.json'])
    await expect(settle(files, [], false, { benchmark: [flag] })).rejects.toMatchObject({
      code: 'flag-wrong',
      exitCode: 2,
    });
});

test('a picture that no word says is asked for by file, and the flag answers it; a flag for another file is refused', async () => {
  const box = '<|box_start|>(100,100),(500,500)<|box_end|>';
  const files = { 'a.json': Array.from({ length: 24 }, (_, i) => llava(`<image><image>Where is ${i}?`, box, 2)) };
  const thousandths = ['a.json=thousandths'];
  await expect(settle(files, thousandths)).rejects.toThrow(/24 rows do not say.*--unsaid-picture "a\.json=last"/);
  const { report, notes } = await settle(files, thousandths, false, { 'unsaid-picture': ['a.json=first'] });
  expect(report.questions).toEqual([]);
  expect(notes.join()).toContain('in the one that you chose');
  for (const flag of ['b.json=last', 'a.json=middle', 'a.json'])
    await expect(settle(files, thousandths, false, { 'unsaid-picture': [flag] })).rejects.toMatchObject({
      code: 'flag-wrong',
      exitCode: 2,
    });
});

test('what is taught of an answer is told by flags', async () => {
  const talk = {
    images: ['images/a.png'],
    messages: [
      { role: 'user', content: '<image>Where is the cup?' },
      { role: 'assistant', content: 'It is at [20, 10, 90, 40].' },
      { role: 'user', content: 'And the pen?' },
      { role: 'assistant', content: 'It is at [30, 10, 90, 40].' },
    ],
  };
  const { report } = await settle({ 'a.json': [talk] }, ['a.json=pixels'], false, { answers: 'words', turns: 'last' });
  expect(report.options).toMatchObject({ answers: 'words', turns: 'last' });
  expect(report.ledger.map(({ key }) => key)).toEqual(['earlier-answers']);
});

describe('--coordinates', () => {
  test.each([
    ['a.json=pixels', { file: 'a.json', space: 'natural', layout: 'xyxy' }],
    ['b=c.json=percent,cxcywh', { file: 'b=c.json', space: 'percent', layout: 'cxcywh' }],
    ['a.json#list=fractions,xywh', { file: 'a.json', way: 'list', space: 'fraction', layout: 'xywh' }],
    [
      'a.json=resized:1003520',
      {
        file: 'a.json',
        space: 'model',
        layout: 'xyxy',
        resize: { kind: 'budget', factor: 28, minPixels: 3136, maxPixels: 1_003_520 },
      },
    ],
    [
      'a.json=resized:none:1024:32',
      { file: 'a.json', space: 'model', layout: 'xyxy', resize: { kind: 'budget', factor: 32, minPixels: 1024 } },
    ],
    [
      'a.json=resized:1484x980',
      { file: 'a.json', space: 'model', layout: 'xyxy', resize: { kind: 'size', width: 1484, height: 980 } },
    ],
  ])('%s', (text, expected) => expect(readCoordinates(text)).toEqual(expected));

  test.each(['pixels', 'a.json=inches', 'a.json=pixels,diagonal', 'a.json=resized:lots', '=pixels'])(
    '%s is refused with exit code 2',
    (text) => expect(() => readCoordinates(text)).toThrow(expect.objectContaining({ exitCode: 2 })),
  );

  test('a file without boxes is refused by name', async () => {
    await expect(settle({ 'a.json': bare }, ['z.json=pixels'])).rejects.toThrow('z.json has no such boxes');
  });
});
