import { beforeEach, expect, test, vi } from 'vitest';
import { EngineClient } from '../../src/engine/client.ts';
import { createProject, type Project } from '../../src/studio/state/project.ts';
import { FakeTransport } from './fake/transport.ts';

vi.stubGlobal('document', { baseURI: 'http://localhost/' });

let state: () => Project;

beforeEach(() => {
  const store = createProject(new EngineClient(new FakeTransport({ loadMs: 20 })));
  state = store.getState;
});

const intake = (name: string) => ({ name, files: [], handles: [] });

test('a dataset that is opened while a model is being loaded waits its turn, and is opened', async () => {
  const model = state().loadStarter();
  const dataset = state().openDataset(intake('mine.zip'));
  await expect.poll(() => state().loading?.title).toBe('Loading the starter model');
  await expect.poll(() => state().waiting).toEqual(['Reading mine.zip']);
  expect(await Promise.all([model, dataset])).toEqual([true, true]);
  expect(state()).toMatchObject({
    model: { name: 'groundwork-starter' },
    dataset: { name: 'mine.zip' },
    loading: null,
    waiting: [],
    problem: null,
  });
});

test('of what is opened one after another the last stays, whatever came of the first', async () => {
  const opened = ['a.zip', 'b.zip', 'c.zip'].map((name) => state().openDataset(intake(name)));
  expect(await Promise.all(opened)).toEqual([true, true, true]);
  expect(state().dataset?.name).toBe('c.zip');
});

test('what a project was left with does not take the place of what a person opened meanwhile', async () => {
  const ref = { version: 1, name: 'left.zip', sources: [], options: {}, fingerprint: '' } as const;
  const opened = [
    state().openDataset(intake('mine.zip')),
    state().reopenDataset(ref, () => state().dataset !== null),
    state().loadModel([], 'my own'),
    state().reopenModel({ kind: 'starter' }, () => state().model !== null),
  ];
  expect(await Promise.all(opened)).toEqual([true, true, true, true]);
  expect(state()).toMatchObject({ dataset: { name: 'mine.zip' }, model: { name: 'my own' } });
});
