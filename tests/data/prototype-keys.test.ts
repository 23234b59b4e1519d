/** Names that every JavaScript object has are names like any other, wherever a file brings them. */
import { afterEach, expect, test } from 'vitest';
import { parseRecipe } from '../../src/train/recipe-schema.ts';
import { allRows, llava, open, pngHeader } from './make-dataset.ts';

const NAMES = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', 'prototype'];
const bare = JSON.stringify(Object.getOwnPropertyNames(Object.prototype).toSorted());

afterEach(() => {
  const now = JSON.stringify(Object.getOwnPropertyNames(Object.prototype).toSorted());
  if (now !== bare) throw new Error(`Every object has become another one: ${now}`);
});

test('as ids, tasks, files and pictures of rows', async () => {
  const rows = NAMES.map((name, i) => ({
    ...llava('<image>Where?', `<box>(1,2),(3,${i + 4})</box>`, i, { images: [`images/${name}.png`] }),
    id: name,
    task: name,
  }));
  const pictures = Object.fromEntries(NAMES.map((name) => [`images/${name}.png`, pngHeader(200, 100)]));
  const dataset = await open({ ...pictures, '__proto__.json': rows, 'constructor.json': rows.slice(0, 1) });
  const read = await allRows(dataset);
  expect(
    read
      .map(({ id }) => id)
      .filter((id) => NAMES.includes(id))
      .toSorted(),
  ).toEqual(NAMES.toSorted());
  expect(dataset.report.train + dataset.report.heldout + dataset.report.issues.length).toBeGreaterThanOrEqual(
    rows.length,
  );
});

test('as keys of rows: nothing of them reaches any object', async () => {
  const line = `{"__proto__": {"polluted": 1, "id": "stolen"}, "constructor": {"prototype": {"polluted": 1}}, "id": "own", "images": ["images/a.png"], "conversations": [{"from": "human", "value": "<image>Where?", "__proto__": {"value": "other"}}, {"from": "gpt", "value": "(1,2),(3,4)"}]}`;
  const dataset = await open({ 'train.jsonl': line });
  const [row] = await allRows(dataset);
  expect(row?.id ?? 'own').toBe('own');
});

test('as keys of a plan', () => {
  const plan = '{"name": "a", "seed": 1, "__proto__": {"polluted": 1}, "stages": [{"kind": "__proto__", "name": "x"}]}';
  expect(() => parseRecipe(plan, 'plan.json', 'refused')).toThrow(/plan\.json/);
  const kind = '{"name": "a", "seed": 1, "stages": [{"kind": "constructor", "name": "x"}]}';
  expect(() => parseRecipe(kind, 'plan.json', 'refused')).toThrow(/plan\.json/);
});
