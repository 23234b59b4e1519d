import { beforeEach, describe, expect, test, vi } from 'vitest';
import { EngineClient } from '../../src/engine/client.ts';
import type { Request, RunRecord, RunState } from '../../src/engine/protocol/index.ts';
import { copyRef, readersOf } from '../../src/studio/state/copies.ts';
import type { ProjectRecord } from '../../src/engine/protocol/index.ts';
import { currentProject, interruptedRun } from '../../src/studio/state/kept.ts';
import { foundationOf } from '../../src/studio/state/run-file.ts';
import { noteReached, stepsLost, wantsItsAnswers } from '../../src/studio/state/resumable.ts';
import { createStudio, type Studio } from '../../src/studio/state/studio.ts';
import { MemoryFolder } from '../store/memory-folder.ts';
import { FakeTransport } from './fake/transport.ts';

vi.stubGlobal('document', {
  baseURI: 'http://localhost/',
  visibilityState: 'hidden',
  addEventListener: () => undefined,
});
vi.stubGlobal('navigator', {});
vi.stubGlobal('addEventListener', () => undefined);

let transport: FakeTransport;
let studio: Studio;
let memory: Map<string, string>;

beforeEach(async () => {
  memory = new Map();
  transport = new FakeTransport({ loadMs: 0, perTick: 400, tickMs: 1 });
  studio = createStudio(new EngineClient(transport), {
    getItem: (key) => memory.get(key) ?? null,
    setItem: (key, value) => void memory.set(key, value),
  });
  await studio.keeping.getState().begin();
});

const kept = () => studio.keeping.getState();
const saved = async (what: object) => {
  await expect.poll(() => currentProject(kept())).toMatchObject(what);
};

/** The next answer to a request of this type waits until what is returned is called. */
function holdOnce(type: Request['type']): () => void {
  const real = transport.keep.answer.bind(transport.keep);
  const answer = vi.spyOn(transport.keep, 'answer');
  let go = () => undefined as void;
  const slow = new Promise<void>((resolve) => (go = resolve));
  answer.mockImplementation(async (request) => {
    if (request.type !== type) return real(request);
    answer.mockRestore();
    await slow;
    return real(request);
  });
  return go;
}

describe('a project', () => {
  test('begins with the first choice, and every later one is saved without being asked', async () => {
    expect([kept().projects, kept().current]).toEqual([[], null]);
    await studio.project.getState().openSample();
    await saved({ name: 'Sample scenes', dataset: { sources: [{ kind: 'sample' }] }, model: null });
    await studio.project.getState().loadStarter();
    await saved({ model: { kind: 'starter' } });
    studio.recipe.getState().reseed(77);
    await saved({ recipe: { seed: 77 } });
    expect(kept().projects).toHaveLength(1);
  });

  test('comes back in another visit as it was left: plan, dataset and model', async () => {
    await studio.project.getState().startWithSample();
    studio.recipe.getState().reseed(99);
    await saved({ model: { kind: 'starter' }, recipe: { seed: 99 } });
    const visit = createStudio(new EngineClient(transport), null);
    await visit.keeping.getState().begin();
    expect(visit.recipe.getState().recipe.seed).toBe(99);
    expect(visit.project.getState()).toMatchObject({
      dataset: { name: 'Sample scenes' },
      model: { name: 'groundwork-starter' },
    });
  });

  test('has its model’s weights held as they were', async () => {
    studio.project.getState().chooseStorage('int4');
    await studio.project.getState().loadStarter();
    await saved({ model: { kind: 'starter', storage: 'int4' } });
    const visit = createStudio(new EngineClient(transport), null);
    await visit.keeping.getState().begin();
    expect(visit.project.getState()).toMatchObject({ storage: 'int4', model: { storage: 'int4' } });
  });

  test('that another tab has can be looked at and is not written to', async () => {
    await studio.project.getState().openSample();
    await saved({ name: 'Sample scenes' });
    transport.keep.busy = true;
    const { changedAt, id } = currentProject(kept())!;
    const other = createStudio(new EngineClient(transport), null);
    // The pretended engine is one; what this tab held is let go as if another had it.
    transport.keep.letGo();
    await other.keeping.getState().begin();
    expect(other.keeping.getState()).toMatchObject({ current: id, owned: false });
    vi.useFakeTimers();
    other.recipe.getState().reseed(5);
    // Longer than a change waits until it is saved.
    await vi.advanceTimersByTimeAsync(60_000);
    vi.useRealTimers();
    await other.keeping.getState().refresh();
    expect(currentProject(other.keeping.getState())!.changedAt).toBe(changedAt);
  });

  test('shows what was changed last, also if what was asked for earlier is answered later', async () => {
    await studio.project.getState().openSample();
    await saved({ name: 'Sample scenes' });
    // A reader of the disk's room that takes its time, once: beside it the list of projects is already old.
    const go = holdOnce('storage');
    const early = kept().refresh();
    const renamed = kept().rename(kept().current!, 'Streets');
    await new Promise((resolve) => setTimeout(resolve, 20));
    go();
    await Promise.all([early, renamed]);
    expect(currentProject(kept())!.name).toBe('Streets');
  });

  test('is busy until the last of what it does has ended', async () => {
    await studio.project.getState().openSample();
    await saved({ name: 'Sample scenes' });
    const go = holdOnce('duplicate-project');
    const long = kept().duplicate(kept().current!);
    await kept().refresh();
    expect(kept().busy).toBe(true);
    go();
    await long;
    expect(kept().busy).toBe(false);
  });

  test('with files that can be read in one visit only says that they must be chosen again', async () => {
    await studio.project.getState().loadModel([]);
    await saved({ model: { kind: 'once', name: 'my-model' } });
    const visit = createStudio(new EngineClient(transport), null);
    await visit.keeping.getState().begin();
    expect(visit.keeping.getState().needs).toEqual({ dataset: null, model: 'choose' });
    expect(visit.project.getState().model).toBeNull();
  });
});

describe('a model’s folder', () => {
  class ModelFolder extends MemoryFolder {
    permission: PermissionState = 'granted';
    answer: PermissionState = 'granted';
    queryPermission = async () => this.permission;
    requestPermission = async () => (this.permission = this.answer);
  }
  let folder: ModelFolder;

  beforeEach(async () => {
    folder = new ModelFolder('my-model');
    for (const name of ['config.json', 'model.safetensors']) await folder.getFileHandle(name, { create: true });
    const handles = [{ path: '', handle: folder.handle }];
    await studio.project.getState().openModel({ name: 'my-model', files: [], handles });
    await saved({ model: { kind: 'folder', name: 'my-model', digest: 'fake' } });
  });
  const visit = async () => {
    // A browser's records hold handles; these are text.
    const { records } = transport.keep.storage;
    const [project] = await records.all<ProjectRecord>('projects');
    const model = { ...project!.model, handle: folder.handle };
    vi.spyOn(records, 'all').mockImplementation(async (name: string) =>
      name === 'projects' ? ([{ ...project, model }] as never[]) : [],
    );
    const next = createStudio(new EngineClient(transport), null);
    await next.keeping.getState().begin();
    return next;
  };

  test('is opened again in another visit where the browser still allows it', async () => {
    const { project } = await visit();
    expect(project.getState()).toMatchObject({ model: { name: 'my-model' }, problem: null });
  });

  test('waits for a click where the browser asks, and stays closed after a no', async () => {
    folder.permission = 'prompt';
    folder.answer = 'denied';
    const { project, keeping } = await visit();
    expect(keeping.getState().needs).toEqual({ dataset: null, model: 'permission' });
    expect(await keeping.getState().reopen()).toBe(false);
    expect(project.getState().model).toBeNull();
    folder.answer = 'granted';
    expect(await keeping.getState().reopen()).toBe(true);
    expect(project.getState().model).toMatchObject({ name: 'my-model' });
  });

  test('whose files have changed is loaded, and the change is told', async () => {
    transport.modelDigest = 'other';
    const { project } = await visit();
    expect(project.getState()).toMatchObject({ model: { name: 'my-model' }, problem: { code: 'model-changed' } });
  });

  test('that is gone is told by its name', async () => {
    folder.entries = () => {
      throw new DOMException('gone', 'NotFoundError');
    };
    const { project } = await visit();
    expect(project.getState()).toMatchObject({ model: null, problem: { code: 'folder-gone' } });
    expect(project.getState().problem!.what).toContain('my-model');
  });
});

describe('a copy of a dataset', () => {
  const copied = async () => {
    studio.project.getState().keep('copy');
    await studio.project.getState().openDataset({ name: 'My set', files: [], handles: [] });
    await saved({ name: 'My set', dataset: { sources: [{ kind: 'opfs' }] } });
    await studio.copies.getState().refresh();
    return studio.copies.getState().list![0]!.location;
  };

  test('is listed with the project that reads it, and opened as that project reads it', async () => {
    const location = await copied();
    expect(readersOf(location, kept().projects).map(({ name }) => name)).toEqual(['My set']);
    expect(copyRef(location, kept().projects)).toMatchObject({ name: 'My set', fingerprint: 'fake' });
    expect(copyRef('datasets/other-set-m4k2', kept().projects)).toMatchObject({ name: 'other-set', options: {} });
  });

  test('is open when its project, which is just opening it, has done so', async () => {
    const location = await copied();
    const visit = createStudio(new EngineClient(transport), null);
    const begun = visit.keeping.getState().begin();
    await expect.poll(() => visit.keeping.getState().current).not.toBeNull();
    expect(await visit.copies.getState().open(location)).toBe(true);
    expect(visit.project.getState()).toMatchObject({ dataset: { name: 'My set' }, problem: null, loading: null });
    await begun;
    // And where another dataset is open, it takes its place.
    visit.project.setState({ dataset: null, sources: [] });
    expect(await visit.copies.getState().open(location)).toBe(true);
    expect(visit.project.getState()).toMatchObject({ dataset: { name: 'My set' }, problem: null });
  });

  test('that is deleted closes the dataset, and its project asks for the files again', async () => {
    const location = await copied();
    await studio.copies.getState().remove(location);
    expect(studio.copies.getState().list).toEqual([]);
    expect(studio.project.getState()).toMatchObject({ dataset: null, problem: null });
    expect(kept().needs.dataset).toBe('copy-deleted');
    expect(currentProject(kept())).toMatchObject({ dataset: { name: 'My set' } });
  });

  test('whose project another tab has stays', async () => {
    const location = await copied();
    transport.keep.letGo();
    transport.keep.busy = true;
    await studio.copies.getState().remove(location);
    expect(studio.project.getState()).toMatchObject({ dataset: { name: 'My set' }, problem: { code: 'project-busy' } });
    await studio.copies.getState().refresh();
    expect(studio.copies.getState().list).toHaveLength(1);
  });
});

describe('an interrupted run', () => {
  const interrupted = async (state: RunRecord['state'] = 'running') => {
    await studio.project.getState().startWithSample();
    await saved({ model: { kind: 'starter' } });
    const metrics = [1, 2, 3].map((step) => ({
      type: 'metrics' as const,
      stageIndex: 0,
      step,
      values: { loss: 1 / step },
    }));
    await transport.keep.remember(kept().current!, studio.recipe.getState().recipe, metrics, state);
    await kept().refresh();
  };

  test('is found, and resumed with its curves', async () => {
    await interrupted();
    const run = interruptedRun(kept())!;
    expect(run.step).toBe(3);
    await kept().resume(run);
    await expect.poll(() => [...studio.book.curve('loss').values]).toEqual([1, 1 / 2, 1 / 3]);
    expect(studio.run.getState()).toMatchObject({ runId: run.id, dataset: 'fake' });
  });

  test('waits for its files by name, takes no others, and follows what is opened', async () => {
    await interrupted();
    await transport.keep.storage.records.put('projects', {
      ...currentProject(kept())!,
      dataset: {
        version: 1,
        name: 'Sample scenes',
        sources: [{ kind: 'once', path: 'scenes.jsonl', bytes: 9, lastModified: 0 }],
        options: {},
        fingerprint: 'fake',
      },
    } as ProjectRecord);
    const visit = createStudio(new EngineClient(transport), null);
    await visit.keeping.getState().begin();
    const now = () => visit.keeping.getState();
    // The model needs no click, and does not wait for the dataset.
    expect(visit.project.getState()).toMatchObject({ dataset: null, model: { name: 'groundwork-starter' } });
    expect(now().needs).toEqual({ dataset: 'choose', model: null });
    await expect.poll(() => now().fit).toEqual({ dataset: null, model: true });

    const real = transport.keep.answer.bind(transport.keep);
    const answer = vi.spyOn(transport.keep, 'answer');
    answer.mockImplementation(async (request) =>
      request.type === 'identity' ? { model: 'model-1', dataset: 'other rows' } : real(request),
    );
    const opening = visit.project.getState().openSample();
    // Its project holds another dataset, and it is asked where this one is meant to be.
    await expect.poll(() => now().asked).toMatchObject({ dataset: 'Sample dataset', runs: 1 });
    now().asked!.answer('here');
    await opening;
    await expect.poll(() => now().fit).toEqual({ dataset: false, model: true });
    expect(now().needs).toEqual({ dataset: null, model: null });
    answer.mockRestore();
    await visit.project.getState().openSample();
    await expect.poll(() => now().fit).toEqual({ dataset: true, model: true });
  });

  test('has the answers that were given about its files when they are chosen again', async () => {
    const options = { seed: 3 };
    const ref = { version: 1, name: 'a.zip', sources: [], options, fingerprint: '12ab-1' } as const;
    expect(wantsItsAnswers(ref, { name: 'a.zip', id: '12ab-2', options: {} })).toBe(true);
    // The answer agreed with the guess.
    expect(wantsItsAnswers(ref, { name: 'a.zip', id: '12ab-1', options: {} })).toBe(true);
    expect(wantsItsAnswers(ref, { name: 'a.zip', id: '12ab-1', options })).toBe(false);
    expect(wantsItsAnswers(ref, { name: 'a.zip', id: '12ac-2', options: {} })).toBe(false);
    expect(wantsItsAnswers(ref, { name: 'b.zip', id: '12ab-2', options: {} })).toBe(false);
  });

  test('says how many steps it will make again, where they were seen', () => {
    const local = {
      getItem: (key: string) => memory.get(key) ?? null,
      setItem: (k: string, v: string) => void memory.set(k, v),
    };
    expect(stepsLost(local, { id: 'a', step: 4 })).toBe(0);
    noteReached(local, 'a', 7);
    expect(stepsLost(local, { id: 'a', step: 4 })).toBe(3);
    expect(stepsLost(local, { id: 'a', step: 7 })).toBe(0);
    expect(stepsLost(local, { id: 'b', step: 0 })).toBe(0);
    memory.set('groundwork.reached', '{');
    expect(stepsLost(local, { id: 'a', step: 4 })).toBe(0);
  });

  test('is kept as it stands, or discarded', async () => {
    await interrupted();
    await kept().settle(interruptedRun(kept())!, 'keep');
    expect(interruptedRun(kept())).toBeNull();
    expect(currentProject(kept())!.runs).toMatchObject([{ state: 'stopped' }]);
    await kept().settle(currentProject(kept())!.runs[0]!, 'discard');
    expect(currentProject(kept())!.runs).toEqual([]);
  });

  test('a run that ended is none, and is shown again as it was', async () => {
    await interrupted('finished');
    expect(interruptedRun(kept())).toBeNull();
    await kept().show(currentProject(kept())!.runs[0]!);
    await expect.poll(() => studio.book.lastStep).toBe(3);
    expect(studio.run.getState().state).toBe('finished');
  });

  test('a project is opened with its newest run, and with the tuned policy that came of it', async () => {
    await interrupted('failed');
    const asked = vi.spyOn(transport.keep, 'answer');
    const visit = createStudio(new EngineClient(transport), null);
    await visit.keeping.getState().begin();
    const [newest] = currentProject(kept())!.runs;
    expect(asked.mock.calls.map(([request]) => request)).toContainEqual({
      type: 'continue-run',
      runId: newest!.id,
      dataset: 'fake',
      go: false,
    });
    expect(visit.run.getState()).toMatchObject({ runId: newest!.id, state: 'failed', failure: null });
    await expect.poll(() => visit.book.lastStep).toBe(3);
  });

  test('that waits to be gone on with is not put aside for one that ended', async () => {
    await interrupted('finished');
    await interrupted();
    const visit = createStudio(new EngineClient(transport), null);
    await visit.keeping.getState().begin();
    expect(visit.run.getState()).toMatchObject({ runId: null, state: 'idle' });
  });
});

describe('answers', () => {
  const pairs = (of: Studio) =>
    [...of.answers.getState().byRow].map(([id, pair]) => [id, pair.base?.text, pair.tuned?.text]);
  const ids = Array.from({ length: 10 }, (_, i) => `heldout-000${i}`);

  test('are asked for a few rows at a time, those that are there not again, and are there in another visit', async () => {
    await studio.project.getState().startWithSample();
    await saved({ model: { kind: 'starter' } });
    const asked: Request[] = [];
    const post = transport.post.bind(transport);
    transport.post = (message) => {
      if (message.request.type === 'answer-rows') asked.push(message.request);
      post(message);
    };
    await studio.answers.getState().ask('fake', ids.slice(0, 2));
    await studio.answers.getState().ask('fake', ids);
    const rows = asked.flatMap((request) => (request.type === 'answer-rows' ? [request.rowIds.length] : []));
    expect(rows).toEqual([2, 2, 2, 2, 4, 4, 2, 2]);
    expect(studio.answers.getState()).toMatchObject({ batch: null, pending: [], problem: null });
    const before = pairs(studio);
    expect(before.flat()).not.toContain(undefined);
    expect(before).toHaveLength(10);
    const visit = createStudio(new EngineClient(transport), null);
    await visit.keeping.getState().begin();
    await expect.poll(() => pairs(visit)).toEqual(before);
  });

  test('of which the engine knows none, or that were cancelled, leave nothing behind', async () => {
    await studio.project.getState().startWithSample();
    await saved({ model: { kind: 'starter' } });
    const asking = studio.answers.getState().ask('fake', ids);
    studio.answers.getState().cancel();
    await asking;
    expect(pairs(studio).length).toBeLessThanOrEqual(4);
    expect(studio.answers.getState()).toMatchObject({ batch: null, pending: [] });
  });
});

test('a run file says what the run was made on, even when something else is open by then', async () => {
  await studio.project.getState().startWithSample();
  await saved({ model: { kind: 'starter' } });
  const id = await transport.keep.remember(kept().current!, studio.recipe.getState().recipe, [], 'finished');
  const { client, project } = studio;
  const same = await foundationOf(client, project.getState(), id);
  expect(same).toMatchObject({
    dataset: { name: 'Sample scenes' },
    model: { name: 'groundwork-starter' },
    madeOn: {
      model: { name: 'groundwork-starter', digest: 'model-1' },
      dataset: { name: 'Sample scenes', digest: 'rows of fake' },
    },
  });
  transport.keep.model = 'model-2';
  expect(await foundationOf(client, project.getState(), id)).toEqual({ ...same, model: null });
  const unknown = await foundationOf(client, project.getState(), 'gone');
  expect(unknown).toMatchObject({ model: { name: 'groundwork-starter' } });
  expect(unknown).not.toHaveProperty('madeOn');
});

test('a stored run lies under the curves in view and does not take their place', async () => {
  await studio.project.getState().openSample();
  await saved({ name: 'Sample scenes' });
  const point = (step: number, tokens: number) => ({
    type: 'metrics' as const,
    stageIndex: 0,
    step,
    values: { loss: 1 / step, num_tokens: tokens, step_time: 2 },
  });
  const { recipe } = studio.recipe.getState();
  const id = await transport.keep.remember(kept().current!, recipe, [point(1, 10), point(2, 30)], 'finished');
  await kept().refresh();
  studio.book.push(1, { loss: 7 });
  await studio.past.getState().read(currentProject(kept())!.runs[0]!);
  const [laid] = studio.past.getState().runs;
  expect(laid).toMatchObject({ key: id, name: `${recipe.name}, ${id}`, shown: true });
  expect([...laid!.book.curve('loss').values]).toEqual([1, 1 / 2]);
  expect([...laid!.book.curve('tokens_per_second').values]).toEqual([5, 10]);
  expect([...studio.book.curve('loss').values]).toEqual([7]);
  expect(studio.run.getState().runId).toBeNull();
});

test('the browser is asked to keep what a run leaves, once, and not again when it promised', async () => {
  let promised = false;
  let asked = 0;
  vi.stubGlobal('navigator', {
    storage: {
      persisted: async () => promised,
      persist: async () => {
        asked++;
        return (promised = true);
      },
    },
  });
  try {
    await kept().refresh();
    expect([kept().persisted, asked]).toEqual([false, 0]);
    await kept().forRun();
    await expect.poll(() => kept().persisted).toBe(true);
    await kept().forRun();
    expect(asked).toBe(1);
  } finally {
    vi.stubGlobal('navigator', {});
  }
});

test('saves take turns: what asks at the same time makes one project', async () => {
  vi.useFakeTimers();
  const asked = studio.project
    .getState()
    .openSample()
    .then(() => Promise.all([kept().forRun(), kept().forRun()]));
  // Longer than a change waits until it is saved.
  await vi.advanceTimersByTimeAsync(60_000);
  await asked;
  vi.useRealTimers();
  expect(kept().projects).toHaveLength(1);
});

test('a save that failed is told, and made with the next one', async () => {
  const answer = vi.spyOn(transport.keep, 'answer').mockRejectedValueOnce(new Error('no room'));
  await studio.project.getState().openSample();
  await expect.poll(() => studio.project.getState().problem?.what).toContain('no room');
  expect(kept().projects).toEqual([]);
  answer.mockRestore();
  await kept().forRun();
  await saved({ name: 'Sample scenes' });
  // It succeeded, so the alert goes.
  expect(studio.project.getState().problem).toBeNull();
});

describe('an engine that was started anew', () => {
  const died = async (state: RunState, known = true) => {
    const first = new FakeTransport({ loadMs: 0 });
    const second = Object.assign(new FakeTransport({ loadMs: 0 }), { keep: first.keep });
    const own = createStudio(new EngineClient(first, () => second), null);
    await own.keeping.getState().begin();
    await own.project.getState().startWithSample();
    const { project } = await own.keeping.getState().forRun();
    const runId = await first.keep.remember(project!, own.recipe.getState().recipe, [], 'running');
    await own.keeping.getState().refresh();
    own.run.setState({ state, runId: known ? runId : 'another' });
    const answer = vi.spyOn(first.keep, 'answer');
    first.die();
    const continued = () => answer.mock.calls.map(([request]) => request).filter(({ type }) => type === 'continue-run');
    return { own, runId, continued };
  };

  test('opens what was open, and goes on with the run', async () => {
    const { own, runId, continued } = await died('running');
    await expect.poll(continued).toMatchObject([{ runId, go: true, paused: false }]);
    expect(own.project.getState()).toMatchObject({
      dataset: { name: 'Sample scenes' },
      model: { name: 'groundwork-starter' },
    });
  });

  test('holds a run that was being stopped', async () => {
    const { continued } = await died('stopping');
    await expect.poll(continued).toMatchObject([{ paused: true }]);
  });

  test('is given the tuned policy of the run in view', async () => {
    const { own, runId, continued } = await died('finished');
    await expect.poll(continued).toMatchObject([{ runId, go: false }]);
    expect(own.run.getState().state).toBe('finished');
  });

  test('calls a run failed that it knows nothing of', async () => {
    const { own, continued } = await died('running', false);
    await expect.poll(() => own.run.getState().state).toBe('failed');
    expect(continued()).toEqual([]);
  });
});

test('how runs are kept is remembered, and nonsense is not', () => {
  const settings = { everySteps: 3, everyMinutes: 1, keepLast: 9 };
  kept().set(settings);
  const open = () =>
    createStudio(new EngineClient(new FakeTransport()), {
      getItem: (key) => memory.get(key) ?? null,
      setItem: () => undefined,
    }).keeping.getState().settings;
  expect(open()).toEqual(settings);
  memory.set('groundwork.keep', '{"everySteps":0,"everyMinutes":"soon","keepLast":4}');
  expect(open()).toEqual({ everySteps: 20, everyMinutes: 2, keepLast: 4 });
  memory.set('groundwork.keep', '{');
  expect(open().everySteps).toBe(20);
});
