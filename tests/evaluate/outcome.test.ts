import { describe, expect, test } from 'vitest';
import type { Row } from '../../src/data/row.ts';
import { withWritten, type RowList } from '../../src/data/row-list.ts';
import { readPosition } from '../../src/engine/keep/position.ts';
import { rowsFor } from '../../src/engine/run/rows.ts';
import { reportsOf } from '../../src/evaluate/outcome.ts';
import type { EvaluatedStage } from '../../src/evaluate/report.ts';

const row = (id: string, think: string, solved = true): Row => ({
  id,
  task: '',
  split: 'train',
  images: ['a.png'],
  prompt: [],
  think,
  answer: [],
  solution: solved ? [{ image: 0, box: [0, 0, 1, 1] as unknown as Row['solution'][number]['box'] }] : [],
  source: { file: 'train.jsonl', line: 1 },
});

const listOf = (...rows: Row[]): RowList => ({
  length: rows.length,
  id: (i) => rows[i]!.id,
  task: (i) => rows[i]!.task,
  file: (i) => rows[i]!.source.file,
  hasSolution: (i) => rows[i]!.solution.length > 0,
  pictures: () => [0],
  read: async (places) => places.map((i) => rows[i]!),
});

const all = (list: RowList) => list.read(Array.from({ length: list.length }, (_, i) => i));
const ids = (list: RowList) => Array.from({ length: list.length }, (_, i) => list.id(i));

describe('rows that a stage has written', () => {
  const dataset = listOf(row('a', 'old'), row('b', 'old', false), row('c', 'old'));

  test('stand in the place of those with their ids, and after the others; the last one written counts', async () => {
    const list = withWritten(dataset, [row('b', 'first'), row('d', 'new'), row('b', 'second')]);
    expect(ids(list)).toEqual(['a', 'b', 'c', 'd']);
    expect((await all(list)).map(({ think }) => think)).toEqual(['old', 'second', 'old', 'new']);
    expect((await list.read([3, 1, 0])).map(({ id }) => id)).toEqual(['d', 'b', 'a']);
    expect([1, 3].map((i) => list.hasSolution(i))).toEqual([true, true]);
    expect(dataset.hasSolution(1)).toBe(false);
  });

  test('are none: the list is as it was', () => {
    expect(withWritten(dataset, [])).toBe(dataset);
  });

  test('are what stages after it read; of those that are kept, what was kept last', () => {
    const heldout = listOf(row('h', ''));
    const reads = (what: Parameters<typeof rowsFor>[0], ...outcomes: Parameters<typeof rowsFor>[3]) =>
      ids(rowsFor(what, dataset, heldout, outcomes));
    expect(reads('train', { kept: ['c'] })).toEqual(['a', 'b', 'c']);
    expect(reads('heldout')).toEqual(['h']);
    expect(reads('kept')).toEqual(['a', 'c']);
    expect(reads('kept', { kept: ['a'] }, { report: { type: 'selection', prompts: 1, kept: 1 } })).toEqual(['a']);
    expect(reads('kept', { kept: ['a'] }, { kept: ['c', 'b'] })).toEqual(['b', 'c']);
    expect(reads('kept', { kept: [] })).toEqual([]);
  });
});

describe('a position of a run', () => {
  const evaluated = { name: 'base', seconds: 3, scores: [], evaluation: { n: 0 } } as unknown as EvaluatedStage;
  const at = { stage: 3, position: { attempts: [] }, seconds: 4, step: 7 };

  test('of an older version has what the kinds of its time could hand on', () => {
    const { outcomes, ...rest } = readPosition({
      ...at,
      curated: ['a', 'c'],
      rejection: { prompts: 5, kept: 2 },
      evaluations: [evaluated],
    });
    expect(rest).toEqual(at);
    expect(outcomes.at(-1)!.kept).toEqual(['a', 'c']);
    expect(reportsOf(outcomes, 'selection')).toEqual([{ type: 'selection', prompts: 5, kept: 2 }]);
    expect(reportsOf(outcomes, 'evaluation')).toEqual([{ type: 'evaluation', ...evaluated }]);
    expect(readPosition({ ...at, curated: null, rejection: null, evaluations: [] }).outcomes).toEqual([]);
  });

  test('comes back from text with the rows that stages have written', () => {
    const position = { ...at, outcomes: [{ rows: [row('n', 'thought')] }, { kept: ['n'] }, {}] };
    expect(readPosition(JSON.parse(JSON.stringify(position)))).toEqual(position);
  });
});
