/** An alert stays until what it is about succeeds, or something else goes wrong. */
import { expect, test } from 'vitest';
import type { ErrorCode } from '../../src/base/error-codes.ts';
import { GroundworkError } from '../../src/base/error.ts';
import { EngineClient } from '../../src/engine/client.ts';
import { createProject } from '../../src/studio/state/project.ts';

const silent = { open: () => undefined, post: () => undefined, close: () => undefined };
const open = () => createProject(new EngineClient(silent)).getState;
const failing = (code: ErrorCode) => () => Promise.reject(new GroundworkError(code, 'It failed.', 'Try again.'));

test('an alert goes when the work it is about succeeds', async () => {
  const state = open();
  expect(await state().attempt('issues', failing('storage-failed'))).toBeUndefined();
  expect(state().problem).toMatchObject({ code: 'storage-failed', about: 'issues' });
  expect(await state().attempt('issues', async () => 7)).toBe(7);
  expect(state().problem).toBeNull();
});

test('an alert stays while other work succeeds, and makes room for a newer one', async () => {
  const state = open();
  await state().attempt('issues', failing('storage-failed'));
  await state().attempt('health', async () => undefined);
  expect(state().problem).toMatchObject({ code: 'storage-failed' });
  await state().attempt('health', failing('engine-lost'));
  expect(state().problem).toMatchObject({ code: 'engine-lost', about: 'health' });
});
