/** The report of a defect says where it happened, and nothing of the data. */
import { expect, test } from 'vitest';
import { defectReport, withoutWords } from '../../src/studio/defect-report.ts';

test.each([
  ['Two tensors are called “model.layers.0”.', 'Two tensors are called ….'],
  ["Cannot read properties of undefined (reading 'Grandmother')", 'Cannot read properties of undefined (reading …)'],
  ['Row 3 of private/holiday/train.jsonl is no object', 'Row 3 of … is no object'],
  ['cat.jpeg:17 has no size', '… has no size'],
  ['C:\\Users\\eva\\photos is gone', '… is gone'],
  ['Unexpected token \'й\', "квартира"... is not valid JSON', 'Unexpected token …, …... is not valid JSON'],
  ['Cannot convert grandmother at home to a BigInt', 'Cannot convert … to a BigInt'],
  [
    'Invalid regular expression: /(grandmother at home/u: Unterminated group',
    'Invalid regular expression: …: Unterminated group',
  ],
  ['A row has 3 pictures and 2 boxes', 'A row has 3 pictures and 2 boxes'],
])('what is named in “%s” is left out', (message, left) => {
  expect(withoutWords(message)).toBe(left);
});

test('it holds the places in our code without the address of the page', () => {
  const trace =
    'at run (http://127.0.0.1:8080/assets/worker-abc.js:12:34)\n    at https://studio.example/assets/a.js:1:2';
  const text = defectReport(
    { code: 'internal', what: 'x', hint: '', trace },
    { run: { stages: ['sft'] } },
    'Browser 1',
  );
  expect(JSON.parse(text)).toEqual({
    code: 'internal',
    message: 'x',
    places: ['at run (assets/worker-abc.js:12:34)', 'at assets/a.js:1:2'],
    browser: 'Browser 1',
    run: { stages: ['sft'] },
  });
});
