import { expect, test } from 'vitest';
import { pipelined } from '../../src/base/pipelined.ts';

/** Work that ends when told to. */
function work() {
  const log: string[] = [];
  const ends: ((failure?: Error) => void)[] = [];
  const begin = (item: string) => {
    log.push(item);
    return new Promise<string>((resolve, reject) => {
      ends.push((failure) => (failure ? reject(failure) : resolve(item.toUpperCase())));
    });
  };
  return { log, ends, begin };
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

test('begins with as many as may be under way, then one more for each that is done, and keeps their order', async () => {
  const { log, ends, begin } = work();
  const all = pipelined(['a', 'b', 'c', 'd'], 2, begin);
  await turn();
  expect(log).toEqual(['a', 'b']);
  ends[1]!();
  await turn();
  expect(log).toEqual(['a', 'b']);
  ends[0]!();
  await turn();
  expect(log).toEqual(['a', 'b', 'c', 'd']);
  ends[3]!();
  ends[2]!();
  expect(await all).toEqual(['A', 'B', 'C', 'D']);
});

test('takes items as they come, and none give none', async () => {
  const items = async function* () {
    yield 'a';
    await turn();
    yield 'b';
  };
  expect(await pipelined(items(), 3, async (item) => item)).toEqual(['a', 'b']);
  expect(await pipelined([], 2, async (item) => item)).toEqual([]);
});

test('tells the first failure, by order of items, and begins with nothing more', async () => {
  const { log, ends, begin } = work();
  const all = pipelined(['a', 'b', 'c'], 2, begin);
  await turn();
  ends[1]!(new Error('second'));
  await turn();
  ends[0]!(new Error('first'));
  await expect(all).rejects.toThrow('first');
  expect(log).toEqual(['a', 'b']);
});
