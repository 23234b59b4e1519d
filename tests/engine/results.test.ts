/** What came of runs, by their logs: figures of each, differences, and answers side by side. */
import { describe, expect, it } from 'vitest';
import { ResultDesk } from '../../src/engine/run/result-desk.ts';
import type { EvaluatedRow, RunRecord, ToldEvent } from '../../src/engine/protocol/index.ts';
import { sftStage } from '../../src/engine/presets.ts';
import { memoryStorage, type Storage } from '../../src/store/storage.ts';

const recipe = { name: 'Plan', seed: 1, stages: [sftStage()] };

const record = (id: string, project: string): RunRecord => ({
  id,
  project,
  recipe,
  startedAt: 0,
  changedAt: 1,
  state: 'finished',
  identity: { model: 'm', dataset: 'd' },
  modelName: 'model',
  datasetName: 'scenes',
  adapter: 'gpu',
  keep: { everySteps: 1, everyMinutes: 1, keepLast: 1 },
  watch: null,
  step: 2,
  events: 0,
  bytes: 0,
  failure: null,
});

const row = (rowId: string, value: number, same = rowId): EvaluatedRow => ({
  rowId,
  task: 'find',
  value,
  parsed: true,
  text: `answer to ${rowId}`,
  boxes: [],
  same,
});

const evaluation = (stageIndex: number, values: readonly number[]): ToldEvent => ({
  type: 'evaluation',
  stageIndex,
  name: 'After',
  evaluation: {
    n: values.length,
    accAt30: 0,
    accAt50: values.filter((v) => v >= 0.5).length / values.length,
    accAt70: 0,
    accAt50Interval: [0, 1],
    meanIoU: values.reduce((a, b) => a + b, 0) / values.length,
    imageAccuracy: 0,
    parseFailures: 0,
    tasks: {},
  },
});

const evaluated = (stageIndex: number, rows: readonly EvaluatedRow[]): ToldEvent[] => [
  { type: 'evaluated', stageIndex, rows: rows.slice(0, 2) },
  { type: 'evaluated', stageIndex, rows: rows.slice(2) },
  evaluation(
    stageIndex,
    rows.map(({ value }) => value),
  ),
];

async function keep(storage: Storage, id: string, events: readonly ToldEvent[], project = 'p') {
  await storage.records.put('runs', record(id, project));
  await storage.records.append(id, { from: 0, entries: events });
}

describe('figures of the runs of a project', () => {
  it('are what each told last, its time, and its evaluations in order; other projects’ runs are not among them', async () => {
    const storage = memoryStorage();
    await keep(storage, 'a', [
      { type: 'stage', index: 0, stage: sftStage(), status: 'started', seconds: 0 },
      { type: 'metrics', stageIndex: 0, step: 1, values: { loss: 2, step_time: 5 } },
      { type: 'metrics', stageIndex: 0, step: 2, values: { loss: 1.5, eval_accuracy: 0.25, eval_answers: 8 } },
      { type: 'metrics', stageIndex: 0, step: 3, values: { loss: NaN } },
      { type: 'stage', index: 0, stage: sftStage(), status: 'finished', seconds: 12 },
      { type: 'metrics', stageIndex: 1, step: 4, values: { reward: 0.5, step_time: 3 } },
      ...evaluated(2, [row('1', 0.9), row('2', 0.1), row('3', 0.6), row('4', 0.2)]),
    ]);
    await keep(storage, 'elsewhere', [], 'q');
    const desk = new ResultDesk(storage);
    const [only, ...others] = await desk.handlers['run-results']({ type: 'run-results', project: 'p' });
    expect(others).toEqual([]);
    expect(only).toMatchObject({
      runId: 'a',
      // A stage that ended says its time; one under way is the sum of its steps.
      seconds: 15,
      loss: 1.5,
      reward: 0.5,
      heldoutLoss: null,
      heldoutAccuracy: { value: 0.25, n: 8 },
      best: null,
      evaluations: [{ stageIndex: 2, name: 'After', n: 4, accAt50: 0.5 }],
    });
  });

  it('are counted again after the run has told more', async () => {
    const storage = memoryStorage();
    await keep(storage, 'a', [{ type: 'metrics', stageIndex: 0, step: 1, values: { loss: 2 } }]);
    const desk = new ResultDesk(storage);
    const loss = async () => (await desk.handlers['run-results']({ type: 'run-results', project: 'p' }))[0]!.loss;
    expect(await loss()).toBe(2);
    const more: ToldEvent = { type: 'metrics', stageIndex: 0, step: 2, values: { loss: 1 } };
    await storage.records.append('a', { from: 1, entries: [more] });
    const changed: RunRecord = { ...record('a', 'p'), changedAt: 2 };
    await storage.records.put('runs', changed);
    expect(await loss()).toBe(1);
  });
});

describe('two runs', () => {
  const before = [row('1', 0.9), row('2', 0.1), row('3', 0.6), row('4', 0.2)];

  it('are paired on the rows that both answered and that are the same', async () => {
    const storage = memoryStorage();
    await keep(storage, 'a', evaluated(1, before));
    // Row 1 was mended in between, row 4 was not drawn, row 5 is new.
    await keep(storage, 'b', evaluated(1, [row('1', 0.1, 'mended'), row('2', 0.7), row('3', 0.8), row('5', 0.9)]));
    const desk = new ResultDesk(storage);
    const { difference, rows } = await desk.handlers['compare-runs']({
      type: 'compare-runs',
      before: 'a',
      after: 'b',
    });
    expect(rows.map((pair) => [pair.before.value, pair.after.value])).toEqual([
      [0.1, 0.7],
      [0.6, 0.8],
    ]);
    expect(difference).toMatchObject({ paired: true, n: [2, 2], gained: 1, lost: 0, difference: 0.5 });
    const all = await desk.handlers['run-differences']({ type: 'run-differences', baseline: 'a', runs: ['b'] });
    expect(all).toEqual({ b: difference });
  });

  it('of other rows are compared as two shares, and a run without an evaluation not at all', async () => {
    const storage = memoryStorage();
    await keep(storage, 'a', evaluated(1, before));
    // Of an older version: its answers were not kept.
    await keep(storage, 'old', [evaluation(0, [0.9, 0.9, 0.9])]);
    await keep(storage, 'none', []);
    const desk = new ResultDesk(storage);
    const all = await desk.handlers['run-differences']({
      type: 'run-differences',
      baseline: 'a',
      runs: ['old', 'none'],
    });
    expect(all['old']).toMatchObject({ paired: false, n: [4, 3], difference: 0.5, p: null });
    expect(all['none']).toBeNull();
  });

  it('compare their last evaluations, not those before', async () => {
    const storage = memoryStorage();
    await keep(storage, 'a', [...evaluated(0, [row('1', 0.1), row('2', 0.1)]), ...evaluated(2, before)]);
    await keep(storage, 'b', evaluated(1, before));
    const desk = new ResultDesk(storage);
    const { difference } = await desk.handlers['compare-runs']({ type: 'compare-runs', before: 'a', after: 'b' });
    expect(difference).toMatchObject({ n: [4, 4], difference: 0, gained: 0, lost: 0, p: 1 });
  });
});
