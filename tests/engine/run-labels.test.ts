/** A run's name, notes and tags are kept beside its record, and go with it. */
import { expect, test } from 'vitest';
import { AnswerShelf } from '../../src/engine/keep/answer-shelf.ts';
import { PredictionShelf } from '../../src/engine/keep/prediction-shelf.ts';
import { Projects } from '../../src/engine/keep/projects.ts';
import { RunLabels } from '../../src/engine/keep/run-labels.ts';
import { runName } from '../../src/engine/protocol/records.ts';
import type { StoredRecord } from '../../src/store/records.ts';
import { memoryStorage } from '../../src/store/storage.ts';

const run = (id: string, project: string, changedAt: number) =>
  ({ id, project, changedAt, bytes: 1, recipe: { name: 'Careful', seed: 1, stages: [] } }) as StoredRecord;

async function someRuns() {
  const storage = memoryStorage();
  const discard = async () => undefined;
  const projects = new Projects(storage, { discard }, new AnswerShelf(storage), new PredictionShelf(storage));
  const { id } = await projects.save(null, { name: 'Scenes' });
  for (const [name, at] of [
    ['old', 1],
    ['new', 2],
  ] as const)
    await storage.records.put('runs', run(name, id, at));
  const listed = async () => (await projects.list())[0]!.runs;
  return { storage, projects, id, listed };
}

test('a run has its recipe’s name until it is given one, and its record stays as it was', async () => {
  const { storage, projects, listed } = await someRuns();
  expect((await listed()).map(runName)).toEqual(['Careful', 'Careful']);
  await projects.label('old', { name: '  low rate ', tags: ['paper', ' paper', '', 'r 8'] });
  await projects.label('old', { notes: 'the curve dips at 40' });
  const old = (await listed()).find(({ id }) => id === 'old')!;
  expect(runName(old)).toBe('low rate');
  expect(old.label).toEqual({
    name: 'low rate',
    notes: 'the curve dips at 40',
    tags: ['paper', 'r 8'],
    pinned: false,
    archived: false,
  });
  expect(await storage.records.get('runs', 'old')).toEqual(run('old', old.project!, 1));
});

test('of changes of a project and of its run made at once none is lost', async () => {
  const { projects, id, listed } = await someRuns();
  await Promise.all([
    projects.save(id, { name: 'Streets', named: true }),
    projects.save(id, { name: 'a.zip', recipe: null, model: { kind: 'starter' } }),
    projects.label('old', { pinned: true }),
    projects.label('old', { name: 'low rate' }),
    projects.label('old', { archived: true }),
  ]);
  const [project] = await projects.list();
  expect(project).toMatchObject({ name: 'Streets', model: { kind: 'starter' } });
  expect((await listed())[0]!.label).toMatchObject({ pinned: true, name: 'low rate', archived: true });
  // What a person named keeps its name, whatever is chosen later.
  await projects.save(id, { name: 'b.zip' });
  expect((await projects.list())[0]!.name).toBe('Streets');
});

test('a pinned run is listed before newer ones', async () => {
  const { projects, listed } = await someRuns();
  expect((await listed()).map(({ id }) => id)).toEqual(['new', 'old']);
  await projects.label('old', { pinned: true });
  expect((await listed()).map(({ id }) => id)).toEqual(['old', 'new']);
});

test('a run of a project that another tab has cannot be renamed, and one that is gone is told', async () => {
  const { storage, projects } = await someRuns();
  await storage.records.put('runs', run('theirs', 'another', 3));
  await expect(projects.label('theirs', { name: 'mine' })).rejects.toMatchObject({ code: 'project-busy' });
  await expect(projects.label('gone', {})).rejects.toMatchObject({ code: 'run-missing' });
});

test('what is forgotten with a run is not there for the next', async () => {
  const { storage, projects, listed } = await someRuns();
  await projects.label('new', { name: 'mine', archived: true });
  await new RunLabels(storage).forget('new');
  expect((await listed()).map(({ label }) => label.name)).toEqual(['', '']);
});
