/** A project goes out as one file and comes back the same to the last bit. */
import { expect, test } from 'vitest';
import { AnswerShelf } from '../../src/engine/keep/answer-shelf.ts';
import { PredictionShelf } from '../../src/engine/keep/prediction-shelf.ts';
import { takeProjectFile, writeProjectFile } from '../../src/engine/keep/project-file.ts';
import { Projects } from '../../src/engine/keep/projects.ts';
import type { CheckpointAbout, ProjectRecord, RunRecord } from '../../src/engine/protocol/records.ts';
import { openZip, writeZip } from '../../src/formats/zip.ts';
import { memoryStorage, type Storage } from '../../src/store/storage.ts';
import { Vault } from '../../src/store/vault.ts';
import { sftStage } from '../../src/train/stages/index.ts';

const recipe = { name: 'Careful', seed: 4, stages: [sftStage({ maxSteps: 3 })] };

const runOf = (id: string, project: string): RunRecord => ({
  id,
  project,
  recipe,
  startedAt: 1,
  changedAt: 2,
  state: 'finished',
  identity: { model: 'm', dataset: 'd' },
  modelName: 'starter',
  datasetName: 'Scenes',
  adapter: 'some card',
  keep: { everySteps: 1, everyMinutes: 1, keepLast: 2 },
  watch: null,
  step: 3,
  events: 2,
  bytes: 5000,
  failure: null,
});

const projectsOf = (storage: Storage) =>
  new Projects(storage, { discard: async () => undefined }, new AnswerShelf(storage), new PredictionShelf(storage));

async function someProject() {
  const storage = memoryStorage();
  const projects = projectsOf(storage);
  const dataset = {
    version: 1,
    name: 'Scenes',
    sources: [{ kind: 'handle', path: 'scenes.zip', handle: {} as FileSystemFileHandle }],
    options: { seed: 3 },
    fingerprint: 'f-1',
  } as const;
  const { id } = await projects.save(null, { name: 'Streets', dataset, recipe, model: { kind: 'starter' } });
  const edits = [{ row: 'r', change: { kind: 'exclude', reason: 'blurred' }, at: 5 }];
  await storage.records.append(`edits of ${id}`, { from: 0, entries: edits });
  await storage.records.put('runs', runOf('aaaa', id));
  await storage.records.append('aaaa', { from: 0, entries: [{ type: 'metrics', values: { loss: NaN } }] });
  await storage.records.append('aaaa', { from: 1, entries: [{ type: 'notice', message: 'done' }] });
  await projects.label('aaaa', { name: 'low rate', tags: ['paper'] });
  const vault = new Vault<CheckpointAbout>(storage.files, 'runs/aaaa/checkpoints');
  const bytes = Uint8Array.from({ length: 5000 }, (_, i) => (i * 31) % 256);
  const pieces = async function* () {
    yield bytes.subarray(0, 3000);
    yield bytes.subarray(3000);
  };
  await vault.write(pieces(), { reason: 'stage', stage: 1, step: 3, events: 2, score: null });
  return { storage, projects, id, bytes };
}

const fileOf = async (storage: Storage, id: string, data?: Record<string, string>): Promise<Blob> => {
  const project = (await storage.records.get<ProjectRecord>('projects', id))!;
  const runs = (await storage.records.all<RunRecord>('runs')).filter((run) => run.project === id);
  const inside = async function* () {
    for (const [path, text] of Object.entries(data ?? {})) yield { path, open: async () => new Blob([text]) };
  };
  return new Response(writeProjectFile(storage, project, runs, data ? inside() : null)).blob();
};

const never = () => Promise.reject(new Error('no data is inside'));

/** Contents of a file by path. */
const contents = async (file: Blob): Promise<Record<string, string>> => {
  const found: Record<string, string> = {};
  for (const entry of (await openZip(file)).entries)
    found[entry.path] = Buffer.from(await (await entry.blob()).arrayBuffer()).toString('base64');
  return found;
};

test('what a project file holds is the same to the last bit after it was taken elsewhere and written again', async () => {
  const { storage, id, bytes } = await someProject();
  const file = await fileOf(storage, id);
  const other = memoryStorage();
  const { project, renamed } = await takeProjectFile(other, file, never);
  expect(renamed).toBe(0);
  const [view] = await projectsOf(other).list();
  expect(view).toMatchObject({ name: 'Streets', recipe, model: { kind: 'starter' } });
  // A handle belongs to its browser: the file is asked for again, by its name.
  expect(view!.dataset!.sources).toEqual([{ kind: 'once', path: 'scenes.zip', bytes: 0, lastModified: 0 }]);
  expect(view!.runs[0]).toMatchObject({
    id: 'aaaa',
    project: project.id,
    label: { name: 'low rate', tags: ['paper'] },
  });
  expect((await other.records.log('aaaa')).flatMap(({ entries }) => entries)).toEqual([
    { type: 'metrics', values: { loss: NaN } },
    { type: 'notice', message: 'done' },
  ]);
  const newest = await new Vault<CheckpointAbout>(other.files, 'runs/aaaa/checkpoints').newest();
  expect(new Uint8Array(await newest.file!.arrayBuffer())).toEqual(bytes);
  const [first, second] = [await contents(file), await contents(await fileOf(other, project.id))];
  // Which project a run is in is another matter in another browser.
  const run = 'runs/aaaa/run.json';
  expect(atob(second[run]!).replace(project.id, id)).toBe(atob(first[run]!));
  expect({ ...second, [run]: '' }).toEqual({ ...first, [run]: '' });
});

test('a project taken beside its own original has runs of other names, with the same checkpoints', async () => {
  const { storage, projects, id, bytes } = await someProject();
  const { project, renamed } = await takeProjectFile(storage, await fileOf(storage, id), never);
  expect(renamed).toBe(1);
  const views = await projects.list();
  const [own, taken] = [views.find((view) => view.id === id)!, views.find((view) => view.id === project.id)!];
  expect(own.runs.map((run) => run.id)).toEqual(['aaaa']);
  expect(taken.runs).toHaveLength(1);
  expect(taken.runs[0]!.id).not.toBe('aaaa');
  const vault = new Vault<CheckpointAbout>(storage.files, `runs/${taken.runs[0]!.id}/checkpoints`);
  expect(new Uint8Array(await (await vault.newest()).file!.arrayBuffer())).toEqual(bytes);
});

test('a duplicate has runs only if they are asked for, with their logs and checkpoints', async () => {
  const { storage, projects, id, bytes } = await someProject();
  const bare = await projects.duplicate(id);
  const whole = await projects.duplicate(id, true);
  const runs = async (of: string) => (await projects.list()).find((view) => view.id === of)!.runs;
  expect(await runs(bare.id)).toEqual([]);
  const [copy] = await runs(whole.id);
  expect(copy).toMatchObject({ recipe, step: 3, label: { name: 'low rate' } });
  expect(copy!.id).not.toBe('aaaa');
  expect((await storage.records.log(copy!.id)).flatMap(({ entries }) => entries)).toHaveLength(2);
  const vault = new Vault<CheckpointAbout>(storage.files, `runs/${copy!.id}/checkpoints`);
  expect(new Uint8Array(await (await vault.newest()).file!.arrayBuffer())).toEqual(bytes);
});

test('pictures inside are kept in the browser, and the dataset opens from there', async () => {
  const { storage, id } = await someProject();
  const file = await fileOf(storage, id, { 'scenes.zip': 'rows and pictures' });
  const kept: Record<string, string> = {};
  const { project } = await takeProjectFile(memoryStorage(), file, async (name, files) => {
    for (const each of files) kept[`${name}/${each.path}`] = await each.file.text();
    return 'datasets/scenes-1';
  });
  expect(kept).toEqual({ 'Scenes/scenes.zip': 'rows and pictures' });
  expect(project.dataset!.sources).toEqual([{ kind: 'opfs', path: 'scenes.zip', location: 'datasets/scenes-1' }]);
});

test('what is no project file, or is damaged, is refused and leaves nothing behind', async () => {
  const { storage, id } = await someProject();
  const whole = await fileOf(storage, id);
  const changed = async (change: (path: string, text: string) => string | null) => {
    const files: { path: string; data: string | Blob }[] = [];
    for (const entry of (await openZip(whole)).entries) {
      const blob = await entry.blob();
      if (!entry.path.endsWith('.json') || entry.path.includes('checkpoints'))
        files.push({ path: entry.path, data: blob });
      else {
        const text = change(entry.path, await blob.text());
        if (text !== null) files.push({ path: entry.path, data: text });
      }
    }
    return new Response(writeZip(files)).blob();
  };
  const head = (from: string, to: string) => (path: string, text: string) =>
    path === 'project.json' ? text.replace(from, to) : text;
  const files: [Promise<Blob> | Blob, string][] = [
    [new Blob(['no zip']), 'zip-invalid'],
    [new Response(writeZip([{ path: 'a.txt', data: 'a' }])).blob(), 'project-unreadable'],
    [changed(head('groundwork-project', 'something')), 'project-unreadable'],
    [changed(head('"version":1', '"version":2')), 'project-unreadable'],
    [changed(head('"version":1', '"version":{"toString":1,"valueOf":1}')), 'project-unreadable'],
    [changed(head('"aaaa"', '"../x"')), 'project-unreadable'],
    [changed((path, text) => (path === 'runs/aaaa/log.json' ? '{' : text)), 'project-unreadable'],
    [changed((path, text) => (path === 'runs/aaaa/run.json' ? null : text)), 'project-unreadable'],
    [changed((path, text) => (path === 'edits.json' ? '[3]' : text)), 'project-unreadable'],
    [
      changed((path, text) => (path === 'runs/aaaa/run.json' ? text.replace('finished', 'dancing') : text)),
      'project-unreadable',
    ],
  ];
  for (const [file, code] of files) {
    const other = memoryStorage();
    await expect(takeProjectFile(other, await file, never)).rejects.toMatchObject({ code });
    expect(await projectsOf(other).list()).toEqual([]);
    expect(await other.records.all('runs')).toEqual([]);
    expect(await other.records.all('labels')).toEqual([]);
    expect((await other.files.list()).filter(({ path }) => path.startsWith('runs/'))).toEqual([]);
    expect(await other.records.log('aaaa')).toEqual([]);
  }
});
