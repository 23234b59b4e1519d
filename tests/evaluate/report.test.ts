import { expect, test } from 'vitest';
import { type RowScore, summarize } from '../../src/evaluate/metrics.ts';
import { buildReport, type EvaluatedStage, printReport, writeReport } from '../../src/evaluate/report.ts';

const stage = (name: string, ious: number[]): EvaluatedStage => {
  const scores = ious.map((iou, i): RowScore => ({
    rowId: `r${i}`,
    task: i % 2 ? 'diff' : 'region',
    iou,
    rightImage: true,
    parsed: iou > 0,
  }));
  return { name, scores, evaluation: summarize(scores), seconds: 12.34 };
};
const stages = [stage('base', [0, 0, 0.6, 0]), stage('sft', [0.6, 0, 0.6, 0.2]), stage('rl', [0.6, 0.9, 0.6, 0.8])];
const report = buildReport({ adapter: 'llvmpipe', seed: 7, stages, rejection: { prompts: 40, kept: 11 } });

test('report.json has the agreed fields', () => {
  const json = JSON.parse(writeReport(report)) as typeof report;
  expect(Object.keys(json)).toEqual(['adapter', 'seed', 'stages', 'rejection', 'differences']);
  expect(Object.keys(json.stages[0]!)).toEqual([
    'name',
    'n',
    'accAt50',
    'accAt50Interval',
    'meanIoU',
    'parseFailures',
    'seconds',
    'tasks',
  ]);
  expect(json).toMatchObject({ adapter: 'llvmpipe', seed: 7, rejection: { prompts: 40, kept: 11 } });
  expect(json.stages.map((s) => [s.name, s.n, s.accAt50, s.parseFailures])).toEqual([
    ['base', 4, 0.25, 3],
    ['sft', 4, 0.5, 1],
    ['rl', 4, 1, 0],
  ]);
  expect(json.stages[0]!.accAt50Interval).toHaveLength(2);
});

test('every stage is compared with the one before, and the last with the first, on the same rows', () => {
  expect(report.differences.map((d) => [d.from, d.to, d.n, d.accAt50])).toEqual([
    ['base', 'sft', 4, 0.25],
    ['sft', 'rl', 4, 0.5],
    ['base', 'rl', 4, 0.75],
  ]);
  const fewer = { ...stages[2]!, scores: stages[2]!.scores.slice(0, 2) };
  expect(buildReport({ adapter: '', seed: 1, stages: [stages[0]!, fewer] }).differences[0]).toMatchObject({
    n: 2,
    accAt50: 1,
  });
});

test('rows of several files are compared file by file, and told apart in the printed report', () => {
  const of = (name: string, hit: readonly boolean[]): EvaluatedStage => {
    const scores = hit.map((right, i): RowScore => ({
      rowId: `r${i}`,
      task: 't',
      iou: Number(right),
      rightImage: null,
      parsed: true,
      file: i < 2 ? 'heldout.jsonl' : 'heldout-outside.jsonl',
      ...(i === 3 && { kind: 'nothing' }),
      ...(i === 0 && !right && { refused: true }),
    }));
    return { name, scores, evaluation: summarize(scores), seconds: 1 };
  };
  const apart = buildReport({
    adapter: '',
    seed: 1,
    stages: [
      of('a', [false, false, true, false]),
      of('b', [true, false, true, true]),
      of('c', [true, true, false, true]),
      of('d', [true, true, true, true]),
    ],
  });
  expect(apart.differences.map(({ from, to }) => `${from} ${to}`)).toEqual(['a b', 'b c', 'c d', 'a d', 'b d']);
  expect(apart.differences[3]!.files).toMatchObject({
    'heldout.jsonl': { n: 2, accAt50: 1, gained: 2, lost: 0 },
    'heldout-outside.jsonl': { n: 2, accAt50: 0.5 },
  });
  expect(apart.stages[0]).toMatchObject({ overRefused: 1, kinds: { nothing: { n: 1, accAt50: 0 } } });
  const printed = printReport(apart);
  expect(printed).toContain('  heldout-outside.jsonl: +50.0 points');
  expect(printed).toContain('a: nothing there 0.0 % of 1; “nothing” said of 1 rows where something is');
});

test('a run without rejection, or of one stage, has a report too', () => {
  expect(buildReport({ adapter: '', seed: 1, stages: stages.slice(0, 1) })).toMatchObject({
    rejection: { prompts: 0, kept: 0 },
    differences: [],
  });
});

test('a stage of no rows is null in JSON, not a crash', () => {
  const empty = buildReport({ adapter: '', seed: 1, stages: [stage('base', [])] });
  expect(JSON.parse(writeReport(empty))).toMatchObject({
    stages: [{ n: 0, accAt50: null, accAt50Interval: [null, null] }],
  });
  expect(printReport(empty)).toContain('–');
});

test('the table can be read in a terminal', () => {
  const lines = printReport(report).split('\n');
  expect(lines[0]).toMatch(/^stage +n +acc@0\.5 % +95 % +mean IoU +unparsed +seconds$/);
  expect(lines[3]).toMatch(/^rl +4 +100\.0 +\[51\.0, 100\.0\] +0\.725 +0 +12\.3$/);
  expect(lines).toContainEqual(
    expect.stringMatching(/^base → rl: \+75\.0 points \[.*\] on 4 rows, 3 gained, 0 lost, p = 0\.250$/),
  );
  expect(lines).toContain('rejection sampling kept 11 of 40 prompts');
  expect(lines).toContainEqual(expect.stringMatching(/^region +2 +100\.0/));
});
