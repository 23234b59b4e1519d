import { describe, expect, test } from 'vitest';
import { GroundworkError } from '../../src/base/error.ts';
import type { EngineClient } from '../../src/engine/client.ts';
import { Rate } from '../../src/engine/hub/rate.ts';
import type { HubProgressEvent, Request } from '../../src/engine/protocol/index.ts';
import { createHub } from '../../src/studio/state/hub.ts';
import { createProject } from '../../src/studio/state/project.ts';

const MODEL = { key: 'o%2Fm/c', id: 'o/m', commit: 'c', files: [{ path: 'config.json', file: new Blob() }] };

/** Stores over a client that notes what is asked; `hub-load` is answered by the test. */
function setUp() {
  const asked: Request[] = [];
  let finish!: (outcome: typeof MODEL | GroundworkError) => void;
  const client = {
    request: (request: Request) => {
      asked.push(request);
      if (request.type === 'hub-cached') return Promise.resolve({ models: [], space: null });
      if (request.type === 'load-model') return Promise.resolve({ name: request.name });
      if (request.type !== 'hub-load') return Promise.resolve(null);
      return new Promise((resolve, reject) => {
        finish = (outcome) => (outcome instanceof GroundworkError ? reject(outcome) : resolve(outcome));
      });
    },
  } as unknown as EngineClient;
  const project = createProject(client);
  const hub = createHub(client, project);
  hub.getState().edit({ id: ' o/m ', token: ' hf_secret ' });
  return { hub, project, asked, finish: (outcome: Parameters<typeof finish>[0]) => finish(outcome) };
}

const progress = (done: number): HubProgressEvent => ({
  type: 'hub-progress',
  phase: 'fetching',
  file: 'model.safetensors',
  done,
  total: 10,
  bytesPerSecond: null,
  etaSeconds: null,
});

describe('a model from a Hub, in the studio', () => {
  test('is asked for with the token, followed, and handed to the engine under its id', async () => {
    const { hub, project, asked, finish } = setUp();
    const loading = hub.getState().load();
    expect(asked[0]).toMatchObject({ type: 'hub-load', id: ' o/m ', revision: 'main', token: 'hf_secret' });
    expect(hub.getState().underWay).toEqual({ title: 'o/m', progress: null, trouble: null });
    hub.getState().receive([progress(1), progress(4), { type: 'notice', message: 'x' }]);
    expect(hub.getState().underWay?.progress?.done).toBe(4);
    const trouble = { what: 'The Hub has a problem.', attempt: 2, of: 6, waitMs: 1000 };
    hub.getState().receive([{ type: 'hub-trouble', trouble }]);
    expect(hub.getState().underWay).toMatchObject({ trouble, progress: { done: 4 } });
    hub.getState().receive([{ type: 'hub-trouble', trouble: null }, progress(5)]);
    expect(hub.getState().underWay).toMatchObject({ trouble: null, progress: { done: 5 } });
    await hub.getState().load(); // one at a time
    finish(MODEL);
    await loading;
    expect(hub.getState().underWay).toBeNull();
    expect(asked.map(({ type }) => type)).toEqual(['hub-load', 'load-model', 'hub-cached']);
    expect(asked[1]).toMatchObject({ name: 'o/m', files: MODEL.files });
    expect(project.getState().model?.name).toBe('o/m');
  });

  test('stopping it is no failure', async () => {
    const { hub, asked, finish } = setUp();
    const loading = hub.getState().load();
    hub.getState().cancel();
    expect(asked.at(-1)).toEqual({ type: 'hub-cancel' });
    finish(new GroundworkError('cancelled', 'Loading was stopped.', 'What was downloaded is kept.'));
    await loading;
    expect(hub.getState()).toMatchObject({
      problem: null,
      notice: 'Loading was stopped. What was downloaded is kept.',
    });
  });

  test('a failure is told with what to do, and the list is read again', async () => {
    const { hub, asked, finish } = setUp();
    const loading = hub.getState().load();
    finish(new GroundworkError('hub-gated', 'It is gated.', 'Ask. It is safe.'));
    await loading;
    expect(hub.getState().problem).toEqual({ code: 'hub-gated', what: 'It is gated.', hint: 'Ask. It is safe.' });
    expect(asked.at(-1)?.type).toBe('hub-cached');
    hub.getState().dismiss();
    expect(hub.getState().problem).toBeNull();
  });

  test('the list is read again where a project could not open its model', async () => {
    const { hub, project, asked } = setUp();
    project.getState().report({ code: 'hub-private', what: 'A private model needs a token.', hint: 'Give it.' });
    expect(asked.map(({ type }) => type)).toEqual(['hub-cached']);
    project.getState().dismiss();
    expect(asked).toHaveLength(1);
    await expect.poll(() => hub.getState().listing).toEqual({ models: [], space: null });
  });

  test('of two lists asked for, the one asked for last is shown', async () => {
    const answers: ((listing: unknown) => void)[] = [];
    const client = { request: () => new Promise((resolve) => answers.push(resolve)) } as unknown as EngineClient;
    const hub = createHub(client, createProject(client));
    const both = [hub.getState().refresh(), hub.getState().refresh()];
    answers[1]!({ models: [], space: { used: 2, quota: 9 } });
    answers[0]!({ models: [], space: { used: 1, quota: 9 } });
    await Promise.all(both);
    expect(hub.getState().listing?.space?.used).toBe(2);
  });
});

test('the rate is that of the last seconds', () => {
  const rate = new Rate(4000);
  expect(rate.add(0, 0)).toBeNull();
  expect(rate.add(500, 500)).toBeNull();
  expect(rate.add(1000, 1000)).toBe(1000);
  for (let second = 2; second <= 20; second++) rate.add(1000 + (second - 1) * 10, second * 1000);
  expect(rate.add(1000 + 20 * 10, 21_000)).toBe(10);
});
