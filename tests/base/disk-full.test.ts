/** A full disk is recognised in every dress in which browsers and Node report it. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { isDiskFull } from '../../src/base/disk-full.ts';
import { describeError, GroundworkError } from '../../src/base/error.ts';
import { problemOf } from '../../src/studio/problem.ts';

afterEach(() => vi.unstubAllGlobals());

/** The class of newer browsers; its name is a getter, and its message is the browser's. */
class QuotaExceededError extends Error {}

const full: readonly [string, () => unknown][] = [
  ['a DOMException by name', () => new DOMException('no', 'QuotaExceededError')],
  ['what is left of one behind a worker', () => ({ name: 'QuotaExceededError', message: 'no' })],
  [
    'a DOMException by its old code',
    () => Object.defineProperty(new DOMException('no', 'Another'), 'code', { value: 22 }),
  ],
  [
    'the class of its own',
    () => {
      vi.stubGlobal('QuotaExceededError', QuotaExceededError);
      return new QuotaExceededError('no');
    },
  ],
  [
    'an error that it caused',
    () => new TypeError('stream failed', { cause: new DOMException('', 'QuotaExceededError') }),
  ],
  ['Node’s', () => Object.assign(new Error('write'), { code: 'ENOSPC' })],
];

describe.each(full)('%s', (_, make) => {
  test('is a full disk, on the page and at the worker’s border', () => {
    const error = make();
    expect(isDiskFull(error)).toBe(true);
    expect(problemOf(error)).toMatchObject({ code: 'storage-full', hint: expect.stringContaining('Free disk space') });
    expect(describeError(error)).toMatchObject({ code: 'storage-full' });
  });
});

test.each([
  ['another DOMException', new DOMException('no', 'AbortError')],
  ['a number', 22],
  ['nothing', null],
  ['an error with that code that is no DOMException', Object.assign(new Error('x'), { code: 22 })],
  ['a circle of causes', Object.assign(new Error('x'), {})],
])('%s is not', (_, error) => {
  if (error instanceof Error && error.message === 'x' && !('code' in error)) error.cause = error;
  expect(isDiskFull(error)).toBe(false);
});

test('words that say more are kept', () => {
  const own = new GroundworkError('storage-full', 'The disk was full after 3 MiB.', 'Free some. It is safe.', {
    cause: new DOMException('', 'QuotaExceededError'),
  });
  expect(problemOf(own)).toEqual({
    code: 'storage-full',
    what: 'The disk was full after 3 MiB.',
    hint: 'Free some. It is safe.',
  });
});
