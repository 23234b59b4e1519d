import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EngineClient } from '../../src/engine/client.ts';
import { grpoStage, sftStage } from '../../src/engine/presets.ts';
import type { DatasetReport, FromEngine, Request, Watch } from '../../src/engine/protocol/index.ts';
import { SeriesBook } from '../../src/studio/charts/series-book.ts';
import { createPastRuns, MOST_SHOWN } from '../../src/studio/state/past-runs.ts';
import { RowCache } from '../../src/studio/state/row-cache.ts';
import { GROUPS_WRITTEN, readRunFile, writeRunFile } from '../../src/studio/state/run-file.ts';
import { matchOf, readingToTry } from '../../src/studio/state/run-match.ts';
import { sameDataset, type RunFile } from '../../src/studio/state/run-records.ts';
import { createRun, SNAPSHOTS_KEPT } from '../../src/studio/state/run.ts';
import { createWatchlist } from '../../src/studio/state/watchlist.ts';
import { stepAt } from '../../src/studio/rooms/run/time-travel.tsx';
import { fakeData } from './fake/scenes.ts';
import { script, watched } from './fake/script.ts';

const data = fakeData(1, 80, 40);
const recipe = { name: 'Short', seed: 42, stages: [sftStage({ maxSteps: 40 }), grpoStage({ maxSteps: 120 })] };
const answer = {
  policy: 'tuned',
  text: 't',
  think: null,
  boxes: [],
  iou: 0.5,
  rightImage: true,
  parsed: true,
} as const;
const dataset = {
  id: 'd',
  name: 'Scenes',
  format: 'f',
  train: 80,
  heldout: 40,
  images: 9,
  tasks: {},
  leftOut: 1,
  rowFormats: ['MIG-Bench'],
  options: {
    conventions: { list: { space: 'natural', layout: 'xywh' } },
    split: 'draw',
    seed: 3,
    skipped: { rows: 1, list: [{ file: 'a.jsonl', line: 3, field: 'images', reason: 'missing' }] },
  },
} as unknown as DatasetReport;

function setUp() {
  let send!: (message: FromEngine) => void;
  const asked: Request[] = [];
  const client = new EngineClient({
    open: (receive) => void (send = receive),
    post: ({ id, request }) => {
      asked.push(request);
      const rows = { total: data.heldout.length, rows: data.heldout };
      const row = request.type === 'row' ? data.rows.find((each) => each.id === request.rowId) : undefined;
      const value = request.type === 'rows' ? rows : request.type === 'row' ? row : { runId: 'r1' };
      queueMicrotask(() =>
        send(
          request.type === 'row' && !row
            ? { kind: 'error', id, code: 'row-missing', message: 'gone', hint: '' }
            : { kind: 'reply', id, value },
        ),
      );
    },
    close: () => undefined,
  });
  const [book, past, rows] = [new SeriesBook(), createPastRuns(client), new RowCache(client)];
  const watchlist = createWatchlist(rows);
  const run = createRun(client, book, { past, watch: (id) => watchlist.getState().forRun(id) });
  return { run, book, past, rows, watchlist, asked };
}

/** As a run that was opened from a file is written. */
const writtenAgain = ({ run, book, rows }: ReturnType<typeof setUp>) =>
  writeRunFile(run.getState(), { dataset: null, model: null, device: null }, book, rows, new Date(9));

async function whole(watch: Watch = { rowIds: ['train-0001', 'gone'], everySteps: 20 }) {
  const studio = setUp();
  await studio.run.getState().start('d', recipe);
  studio.run.getState().receive([...watched(script(recipe, data), watch, () => answer)]);
  const write = () =>
    writeRunFile(studio.run.getState(), { dataset, model: null, device: null }, studio.book, studio.rows, new Date(0));
  return { ...studio, json: await write(), write };
}

describe('the run file', () => {
  it('opened again shows the same run, groups bounded, rows and all', async () => {
    const { json, run, book } = await whole();
    const file = readRunFile(json, 'run.json') as RunFile;
    expect(file).not.toHaveProperty('code');
    const other = setUp();
    other.run.getState().open({ fileName: 'run.json', file });
    const [before, after] = [run.getState(), other.run.getState()];
    expect(after.recipe).toEqual(before.recipe);
    expect(after.stages.map(({ status, firstStep }) => [status, firstStep])).toEqual([
      ['finished', 1],
      ['finished', 41],
    ]);
    expect(after.snapshots).toEqual(
      before.snapshots.map(({ stageIndex, step, rowId }) => ({ stageIndex, step, rowId, answer })),
    );
    expect([before.groups.length, after.groups.length]).toEqual([120, GROUPS_WRITTEN]);
    expect([after.groups[0]!.step, after.groups.at(-1)!.step]).toEqual([41, 160]);
    expect(file.rows.map(({ id }) => id)).toContain('train-0001');
    expect(file.rows.map(({ id }) => id)).not.toContain('gone');
    expect(file.dataset).toMatchObject({
      leftOut: [{ file: 'a.jsonl', line: 3, field: 'images', reason: 'missing' }],
      leftOutRows: 1,
      reading: { conventions: { list: { space: 'natural', layout: 'xywh' } }, split: 'draw', seed: 3 },
    });
    expect(file.dataset!.reading).not.toHaveProperty('skipped');
    expect([...other.book.curve('loss').values].map(String)).toEqual([...book.curve('loss').values].map(String));
    expect(other.book.lastStep).toBe(160);
  });

  it('says which edits of the rows the run saw, and nothing where there were none', async () => {
    const { run, book, rows, write } = await whole();
    expect(readRunFile(await write(), 'run.json')).not.toHaveProperty('edits');
    const edits = { entries: 3, changes: 2, rows: 1, excluded: 1, digest: 'd' };
    const text = await writeRunFile(
      run.getState(),
      { dataset: null, model: null, device: null, edits },
      book,
      rows,
      new Date(0),
    );
    expect(readRunFile(text, 'run.json')).toMatchObject({ edits });
  });

  it('keeps NaN and the infinities, each as it was', async () => {
    const { run, write } = await whole();
    const values = { grad_norm: Infinity, reward: -Infinity, loss: NaN };
    run.getState().receive([{ type: 'metrics', stageIndex: 1, step: 161, values }]);
    const file = readRunFile(await write(), 'run.json') as RunFile;
    const other = setUp();
    other.run.getState().open({ fileName: 'run.json', file });
    expect(['grad_norm', 'reward', 'loss'].map((name) => other.book.last(name))).toEqual([Infinity, -Infinity, NaN]);
    // Written once more, as a run from a file is.
    const again = await writtenAgain(other);
    expect((readRunFile(again, 'again') as RunFile).curves['grad_norm']!.value.at(-1)).toBe(Infinity);
  });

  it('goes out of the studio as it came in', async () => {
    const { json } = await whole();
    const other = setUp();
    other.run.getState().open({ fileName: 'run.json', file: readRunFile(json, 'run.json') as RunFile });
    const again = await writtenAgain(other);
    expect(readRunFile(again, 'again')).toEqual(readRunFile(json, 'run.json'));
  });

  it('says what is wrong with a file that is none', async () => {
    const { json } = await whole();
    const what = (text: string) => {
      const read = readRunFile(text, 'x.json');
      return 'code' in read ? read.what : 'read';
    };
    expect(what(json)).toBe('read');
    expect(what(json.slice(0, 500))).toContain('may be incomplete');
    expect(what('{"stages":[]}')).toContain('not a Groundwork run file');
    expect(what(json.replace('"version":2', '"version":1'))).toContain('version 1');
    expect(what(json.replace(/"advantage":[^,]+/, '"advantage":"high"'))).toContain('groups.0.completions.0.advantage');
    expect(
      what(json.replace('"recipe":{', '"recipe":{"stages":7,"was":{').replace('},"model"', '}},"model"')),
    ).toContain('no readable recipe');
  });

  it('that is shown where there is no WebGPU can be read, and its rows are in it', () => {
    const file = readRunFile(
      readFileSync('public/starter/recorded-run.groundwork.json', 'utf8'),
      'recorded',
    ) as RunFile;
    expect(file).not.toHaveProperty('code');
    const rows = new Set(file.rows.map(({ id }) => id));
    expect([...file.groups, ...file.snapshots].every(({ rowId }) => rows.has(rowId))).toBe(true);
    expect(file.dataset?.name).toBe('Sample dataset');
  });

  it('is compared with what is open by digests, and by its dataset’s name and size where it has none', () => {
    const on = { model: { name: 'm', digest: 'M' }, dataset: { name: 'Scenes', digest: 'D' } };
    const { leftOut: _, ...named } = dataset;
    const file = { madeOn: on, dataset: named };
    expect(matchOf(file, { model: 'M', dataset: 'D' }, dataset)).toEqual({ model: 'same', dataset: 'same' });
    expect(matchOf(file, { model: 'N', dataset: 'E' }, dataset)).toEqual({ model: 'other', dataset: 'other' });
    expect(matchOf(file, { model: null, dataset: null }, null)).toEqual({ model: 'unknown', dataset: 'unknown' });
    const older = { dataset: named };
    expect(matchOf(older, { model: 'M', dataset: 'D' }, dataset)).toEqual({ model: 'unknown', dataset: 'same' });
    expect(matchOf(older, { model: 'M', dataset: 'D' }, { ...dataset, train: 81 }).dataset).toBe('other');
  });

  it('says how its dataset was read, where the one that is open is read in another way', async () => {
    const { json } = await whole();
    const file = readRunFile(json, 'run.json') as RunFile;
    const reading = file.dataset!.reading!;
    expect(readingToTry(file, dataset)).toBeNull();
    expect(readingToTry(file, { ...dataset, options: {} })).toEqual(reading);
    expect(readingToTry(file, { ...dataset, options: { ...dataset.options, seed: 4 } })).toEqual(reading);
    expect(readingToTry(file, { ...dataset, name: 'Others', options: {} })).toBeNull();
    const unknown = { dataset: { ...file.dataset!, reading: { ...reading, format: 'Mine' } } } as unknown as RunFile;
    expect(readingToTry(unknown, dataset)).toBeNull();
    const damaged = readRunFile(json.replace('"layout":"xywh"', '"layout":"xyz"'), 'x');
    expect(damaged).toMatchObject({ code: 'run-file-unreadable' });
  });

  it('knows its dataset by name and size', () => {
    expect(sameDataset(dataset, { ...dataset })).toBe(true);
    expect(sameDataset(dataset, { ...dataset, train: 81 })).toBe(false);
  });
});

describe('earlier runs', () => {
  it('are kept with their curves when the next begins, and at most a few are shown', async () => {
    const { run, past, book } = await whole();
    const before = [...book.curve('loss').values].map(String);
    await run.getState().start('d', recipe);
    expect(book.names()).toEqual([]);
    const [first] = past.getState().runs;
    expect(first).toMatchObject({ name: 'Short, r1', shown: true });
    expect([...first!.book.curve('loss').values].map(String)).toEqual(before);
    for (let i = 0; i < 7; i++)
      past.getState().add({ key: `k${i}`, name: `k${i}`, book: new SeriesBook(), recipe: null });
    const shown = () =>
      past
        .getState()
        .runs.filter((each) => each.shown)
        .map(({ key }) => key);
    expect(shown()).toEqual(['k6', 'k5', 'k4', 'k3', 'k2']);
    past.getState().show('r1', true);
    expect(shown()).toEqual(['k6', 'k5', 'k4', 'k3', 'r1']);
    expect(shown()).toHaveLength(MOST_SHOWN);
    past.getState().show('k6', false);
    expect(shown()).toEqual(['k5', 'k4', 'k3', 'r1']);
  });
});

describe('watched rows', () => {
  it('are a few of different tasks unless some are pinned; 0 steps is off', async () => {
    const { watchlist, run, asked } = setUp();
    const chosen = await watchlist.getState().forRun('d');
    const tasks = chosen!.rowIds.map((id) => data.heldout.find((row) => row.id === id)!.task);
    expect([chosen!.everySteps, tasks.length, new Set(tasks).size]).toEqual([10, 4, 4]);
    watchlist.getState().pin('d', 'heldout-0009', true);
    await run.getState().start('d', recipe);
    expect(asked.at(-1)).toMatchObject({ type: 'start', watch: { rowIds: ['heldout-0009'], everySteps: 10 } });
    watchlist.getState().setEvery(0);
    await run.getState().start('d', recipe);
    expect(asked.at(-1)).not.toHaveProperty('watch');
  });

  it('show the last answer that is not after the step looked at', () => {
    expect([null, 0, 9, 10, 25, 99].map((step) => stepAt([0, 10, 20], step))).toEqual([20, 0, 0, 10, 20, 20]);
  });

  it('thin out evenly rather than lose their beginning', async () => {
    const { run } = setUp();
    await run.getState().start('d', recipe);
    const shots = Array.from({ length: SNAPSHOTS_KEPT + 1 }, (_, step) => ({
      type: 'snapshot' as const,
      stageIndex: 0,
      step,
      rowId: 'a',
      answer,
    }));
    run.getState().receive(shots);
    const steps = run.getState().snapshots.map(({ step }) => step);
    expect([steps.length, steps[0], steps[1], steps.at(-1)]).toEqual([SNAPSHOTS_KEPT / 2 + 1, 0, 2, SNAPSHOTS_KEPT]);
  });
});
