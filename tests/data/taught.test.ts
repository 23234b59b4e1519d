/** What only the owner of a dataset knows is asked and not guessed; what of an answer is taught can be chosen. */
import { describe, expect, test } from 'vitest';
import type { DatasetOptions } from '../../src/data/dataset-ref.ts';
import { allRows, llava, only, open } from './make-dataset.ts';

const box = '<|box_start|>(100,100),(500,500)<|box_end|>';
const marks = '<image>\n<image>\n';
const progress = { tell: () => undefined };

describe('a box of which nothing says in which picture it lies', () => {
  const silent = { ...llava(`${marks}Where?`, box, 2), id: 'silent' };
  const files = {
    'own.json': [silent, { ...llava(`${marks}Where?`, `Image-1: ${box}`, 2), id: 'said' }],
    'pub.json': [{ ...silent, id: 'other' }],
  };

  test('is asked about by file, and one answer settles one file', async () => {
    const dataset = await open(files, { split: 'files' });
    const asked = ({ questions }: typeof dataset.report) =>
      questions.flatMap((each) => (each.kind === 'picture' ? [[each.file, each.rows]] : []));
    expect(asked(dataset.report)).toEqual([
      ['own.json', 1],
      ['pub.json', 1],
    ]);
    const first = await dataset.reread(
      { split: 'files', unsaidPictures: [{ file: 'own.json', as: 'first' }] },
      progress,
    );
    expect(asked(first.report)).toEqual([['pub.json', 1]]);
    expect(first.report.ledger.filter(({ key }) => key !== 'answer-reduced')).toMatchObject([
      { key: 'picture-guessed', rows: 1 },
      { key: 'picture-told', rows: 1 },
    ]);
    const pictureOf = (rows: Awaited<ReturnType<typeof allRows>>) =>
      Object.fromEntries(rows.map(({ id, solution: [one] }) => [id, [one!.image, one!.imageGuessed ?? false]]));
    expect(pictureOf(await allRows(first))).toEqual({ silent: [0, false], said: [0, false], other: [1, true] });
    expect(first.report.id).not.toBe(dataset.report.id);
  });

  test('may be left out, with its row told', async () => {
    const dataset = await open(files, { split: 'files', unsaidPictures: [{ file: 'own.json', as: 'leave-out' }] });
    expect(dataset.report).toMatchObject({ leftOut: 1, train: 2 });
    expect(dataset.report.issues).toMatchObject([
      { file: 'own.json', line: 1, severity: 'error' },
      { file: 'pub.json' },
    ]);
  });
});

describe('of a conversation', () => {
  const talk = {
    ...llava('<image>Where is the cup?', box, 1),
    conversations: [
      { from: 'human', value: '<image>Where is the cup?' },
      { from: 'gpt', value: `There: ${box}` },
      { from: 'human', value: 'And the pen?' },
      { from: 'gpt', value: box },
    ],
  };
  const read = (options: DatasetOptions) => open({ 'a.json': [talk] }, options);

  test('every answer is taught unless the last alone is chosen, and then it is told', async () => {
    const all = await read({});
    expect(all.report.conversations).toBe(1);
    expect((await only(all)).lastOnly).toBeUndefined();
    const last = await all.reread({ turns: 'last' }, progress);
    expect((await only(last)).lastOnly).toBe(true);
    expect(last.report.ledger.find(({ key }) => key === 'earlier-answers')).toMatchObject({ rows: 1 });
    expect(last.report.id).not.toBe(all.report.id);
  });

  test('a row with one answer is the same either way', async () => {
    const dataset = await open({ 'a.json': [llava('<image>Where?', box, 1)] }, { turns: 'last' });
    expect((await only(dataset)).lastOnly).toBeUndefined();
    expect(dataset.report.conversations).toBe(0);
  });
});
