/** What a model would refuse in the middle of a run is found before it, by file and row, and can be left out. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { settleByFlags } from '../../src/cli/intake.ts';
import type { DatasetOptions } from '../../src/data/dataset-ref.ts';
import { unfitRows } from '../../src/engine/model/unfit-rows.ts';
import { parseArchitecture } from '../../src/models/load.ts';
import { pictureFile } from '../../src/models/picture-file.ts';
import { llava, open, pngHeader } from '../data/make-dataset.ts';
import { checkpointText } from '../text/checkpoint-text.ts';

const folder = fileURLToPath(new URL('../golden/qwen2_5_vl/one-image/checkpoint', import.meta.url));
const read = async (name: string) => JSON.parse(await readFile(`${folder}/${name}`, 'utf8')) as Record<string, unknown>;

async function processorOf() {
  const preprocessor = pictureFile(await read('preprocessor_config.json'), null);
  return parseArchitecture(await read('config.json')).processor({
    preprocessor,
    generation: {},
    ...checkpointText(folder),
  });
}

const narrow = { images: ['images/thin.png'], conversations: llava('<image>What is it?', 'A line.', 1).conversations };
const rows = [
  llava('<image>What is it?', 'A cup.', 1),
  narrow,
  llava('<image>What does <|image_pad|> mean?', 'A picture.', 1),
  llava('<image>What is it?', 'A cup.<|im_end|>', 1),
  llava('<image>What is <|no_such_token|>?', 'Words.', 1),
];
const files = { 'images/thin.png': pngHeader(5, 2000), 'a.json': rows };

test('a picture too narrow and the model’s own tokens in words are named with file and row', async () => {
  const dataset = await open(files);
  const found = await unfitRows(dataset, await processorOf());
  expect(found.map(({ file, line }) => [file, line])).toEqual([
    ['a.json', 2],
    ['a.json', 3],
    ['a.json', 4],
  ]);
  expect(found[0]!.reason).toMatch(/thin\.png: A picture of 5 × 2000 pixels is too narrow.*1 : 200/);
  expect(found[1]!.reason).toContain('<|image_pad|>');
  expect(found[2]!.reason).toContain('<|im_end|>');
  // Without a model it is told what looks like such a token.
  expect(dataset.report.ledger.find(({ key }) => key === 'control-tokens')).toMatchObject({ rows: 3 });
});

test('the command line says so before the run, and leaves them out by its flag', async () => {
  const processor = await processorOf();
  let dataset = await open(files);
  const notes: string[] = [];
  const settle = (skip: boolean) =>
    settleByFlags(
      dataset.report,
      { 'skip-unusable': skip },
      {
        reread: async (options: DatasetOptions) =>
          (dataset = await dataset.reread(options, { tell: () => undefined })).report,
        skipped: () => Promise.resolve(dataset.log.skipped()),
        edit: () => Promise.reject(new Error('no edits were given')),
        unfit: () => unfitRows(dataset, processor),
        note: (line) => void notes.push(line),
      },
    );
  await expect(settle(false)).rejects.toMatchObject({ code: 'rows-unfit', exitCode: 2 });
  await expect(settle(false)).rejects.toThrow(/cannot take 3 rows, such as a\.json:2: .*too narrow/);
  expect(notes.join('\n')).toMatch(/a\.json:3: the model cannot take it/);
  const report = await settle(true);
  expect(report).toMatchObject({ leftOut: 3, questions: [] });
  expect(report.options.skipped!.list.map(({ line }) => line)).toEqual([2, 3, 4]);
  expect(await unfitRows(dataset, processor)).toEqual([]);
});
