/** How rows are asked for a file of predictions: the prompt of a recipe is put around a dataset's own words, and around nothing else. */
import { expect, test } from 'vitest';
import type { Row } from '../../src/data/row.ts';
import { askedAsPublished, predictRows } from '../../src/engine/answers/predict.ts';
import type { Workbench } from '../../src/engine/model/workbench.ts';
import { differences, headerLine, readPredictions, type PredictionHeader } from '../../src/evaluate/prediction.ts';
import { PROMPT, promptingOf } from '../../src/train/prompt.ts';
import type { AskOptions } from '../../src/train/samples.ts';

const recipe = { seed: 3, prompt: { ...PROMPT, answerForm: 'answer', answerWords: 'Boxes only: {boxes}' } } as const;
const row: Row = {
  id: 'one',
  task: '',
  split: 'heldout',
  images: ['a.png'],
  prompt: [{ role: 'user', content: [{ type: 'text', text: 'Find the cup.' }] }],
  answer: [],
  solution: [],
  nothing: true,
  source: { file: 'f.jsonl', line: 1 },
};

test('the prompt of a recipe reaches rows in their own words, and no published question', async () => {
  const asked: string[] = [];
  const bench = {
    samples: {
      prepare: async (rows: readonly Row[], { prompting }: AskOptions) => {
        for (const each of rows) {
          const put = prompting!.ask(each, prompting!.formOf(each, false), () => '[box]');
          const [{ content }] = put.prompt as [Row['prompt'][number]];
          asked.push(content.map((part) => (part.type === 'text' ? part.text : '#')).join(''));
        }
        return rows.map(() => ({ natural: [] }));
      },
      parse: () => ({ boxes: [], parsed: false, answer: '', thoughtBoxes: [] }),
    },
    generator: { generate: async (samples: readonly unknown[]) => samples.map(() => [{ text: 'none' }]) },
  } as unknown as Workbench;
  const question = { benchmark: 'mig-bench', prompt: 'Locate it.', boxes: [], space: 'fraction' } as const;
  const rows = [row, askedAsPublished({ ...row, benchmark: question as unknown as NonNullable<Row['benchmark']> })];
  const options = { prompting: promptingOf(recipe) };
  expect(await predictRows(bench, rows, 'base', 9, undefined, { options })).toHaveLength(2);
  expect(asked).toEqual(['Find the cup. Boxes only: [box]', '#Locate it.']);
});

test('answers that were asked for with another prompt are not gone on with', () => {
  const header: PredictionHeader = {
    groundwork: 'predictions',
    version: 1,
    model: 'm',
    adapter: null,
    dataset: 'd',
    prompt: 'own',
    tokens: null,
    limit: 0,
    seed: 1,
    rows: 1,
    pictures: null,
    recipe: { name: 'mine', ...recipe },
  };
  const kept = readPredictions(headerLine(header)).header!;
  expect(kept).toEqual(header);
  expect(differences(kept, header)).toEqual([]);
  const other = { ...header, recipe: { name: 'mine', seed: 3, prompt: PROMPT } };
  expect(differences(kept, other)).toHaveLength(1);
  const { recipe: _, ...without } = header;
  expect(differences(kept, without)[0]).toMatch(/^recipe: .+ there, none now$/);
});
