/** Two tabs over one storage: the second is told, for every kind of record that both could write, and writes nothing. */
import { beforeEach, expect, test } from 'vitest';
import type { EngineRequest } from '../../src/engine/protocol/index.ts';
import type { RunRecord } from '../../src/engine/protocol/records.ts';
import { EngineSession } from '../../src/engine/session.ts';
import { memoryFiles } from '../../src/store/memory-files.ts';
import { storageInFiles } from '../../src/store/storage.ts';
import { mergeStage, sftStage } from '../../src/train/stages/index.ts';
import { fewRows } from './few-rows.ts';

const recipe = { name: 'a', seed: 1, stages: [sftStage({ maxSteps: 1 }), mergeStage()] };

let files: ReturnType<typeof memoryFiles>;
let [first, second]: EngineSession[] = [];
let project = '';

/** A tab, with locks that all tabs of a browser share. */
const tabs = () => {
  const locks = new Set<string>();
  return () =>
    new EngineSession({
      openGpu: () => Promise.reject(new Error('nothing is computed here')),
      fetchFile: () => Promise.reject(new Error('nothing is fetched')),
      emit: () => undefined,
      storage: storageInFiles(files),
      takeLock: async (name) => {
        if (locks.has(name)) return null;
        locks.add(name);
        return () => void locks.delete(name);
      },
    });
};

/** Everything that is stored. */
const stored = async () => {
  const all = await files.list();
  return Promise.all(all.map(async ({ path }) => [path, await (await files.blob(path))!.text()] as const));
};

beforeEach(async () => {
  files = memoryFiles();
  const open = tabs();
  [first, second] = [open(), open()];
  ({ id: project } = await first.handle({ type: 'save-project', id: null, change: { name: 'Ours' } }));
  const run: Partial<RunRecord> = {
    id: 'run',
    project,
    recipe,
    state: 'running',
    startedAt: 1,
    changedAt: 1,
    step: 0,
    events: 0,
    bytes: 0,
    identity: { model: 'm', dataset: 'd' } as RunRecord['identity'],
  };
  await storageInFiles(files).records.put('runs', run as RunRecord);
});

/** What would write each kind of record, from the second tab. */
const WRITES: Readonly<Record<string, (dataset: string, row: string) => EngineRequest>> = {
  'a project': () => ({ type: 'save-project', id: project, change: { name: 'Theirs' } }),
  'a project, away': () => ({ type: 'delete-project', id: project }),
  'what a run is called': () => ({ type: 'label-run', runId: 'run', label: { name: 'Theirs' } }),
  'a run, away': () => ({ type: 'settle-run', runId: 'run', how: 'discard' }),
  'a run, to its end': () => ({ type: 'settle-run', runId: 'run', how: 'keep' }),
  'a run, from its last checkpoint': (dataset) => ({ type: 'continue-run', runId: 'run', dataset, go: true }),
  'a new run': (dataset) => ({ type: 'start', dataset, recipe, project }),
  edits: (dataset, row) => ({
    type: 'edit-rows',
    dataset,
    project,
    edits: [{ kind: 'change', row, change: { kind: 'exclude', reason: 'mine' } }],
  }),
};

test.each(Object.entries(WRITES))('%s', async (_, write) => {
  const { id } = await second!.handle({ type: 'open-dataset', name: 'few', files: await fewRows() });
  const { rows } = await second!.handle({ type: 'rows', dataset: id, split: 'train', offset: 0, count: 1 });
  const before = await stored();
  await expect(second!.handle(write(id, rows[0]!.id) as never)).rejects.toMatchObject({ code: 'project-busy' });
  expect(await stored()).toEqual(before);
});

test('when the first tab is gone, the second has what it left', async () => {
  await first!.destroy();
  const again = new EngineSession({
    openGpu: () => Promise.reject(new Error('nothing is computed here')),
    fetchFile: () => Promise.reject(new Error('nothing is fetched')),
    emit: () => undefined,
    storage: storageInFiles(files),
  });
  await again.handle({ type: 'settle-run', runId: 'run', how: 'discard' });
  expect(await storageInFiles(files).records.get('runs', 'run')).toBeNull();
});
