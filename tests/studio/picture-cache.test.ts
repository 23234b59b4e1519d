/** Object URLs of pictures: as many as are kept, and each given back once. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { EngineClient } from '../../src/engine/client.ts';
import { PictureCache, PICTURES_KEPT } from '../../src/studio/state/picture-cache.ts';

const live = new Set<string>();
let made = 0;
/** URLs given back that were not out. */
let twice = 0;

beforeEach(() => {
  live.clear();
  twice = 0;
  vi.spyOn(URL, 'createObjectURL').mockImplementation(() => {
    const url = `blob:${made++}`;
    live.add(url);
    return url;
  });
  vi.spyOn(URL, 'revokeObjectURL').mockImplementation((url) => {
    if (!live.delete(url)) twice++;
  });
});
afterEach(() => vi.restoreAllMocks());

const answering = (answer: () => Promise<unknown>) => ({ request: answer }) as unknown as EngineClient;
const picture = () => Promise.resolve({ blob: new Blob(['x']), natural: { width: 2, height: 3 } });

test('of a thousand pictures looked at one after another, no more than are kept have a URL', async () => {
  const cache = new PictureCache(answering(picture));
  for (let i = 0; i < 1000; i++) {
    await cache.acquire('d', `${i}.png`, 256);
    cache.release('d', `${i}.png`, 256);
  }
  expect(live.size).toBe(PICTURES_KEPT);
  expect(twice).toBe(0);
});

test('a picture in use keeps its URL, whatever else is looked at', async () => {
  const cache = new PictureCache(answering(picture));
  const { url } = await cache.acquire('d', 'shown.png', 256);
  for (let i = 0; i < 2 * PICTURES_KEPT; i++) {
    await cache.acquire('d', `${i}.png`, 256);
    cache.release('d', `${i}.png`, 256);
  }
  expect(live.has(url)).toBe(true);
  cache.release('d', 'shown.png', 256);
  await cache.acquire('d', 'one more.png', 256);
  expect(live.size).toBeLessThanOrEqual(PICTURES_KEPT);
});

test('a picture that could not be read has no URL and is asked for again', async () => {
  let tries = 0;
  const cache = new PictureCache(answering(() => (tries++ ? picture() : Promise.reject(new Error('gone')))));
  await expect(cache.acquire('d', 'a.png', 256)).rejects.toThrow('gone');
  await expect(cache.acquire('d', 'a.png', 256)).resolves.toMatchObject({ natural: { width: 2 } });
  expect(live.size).toBe(1);
});

test('a picture of the page’s own has one URL until it is dropped or replaced', () => {
  const cache = new PictureCache(answering(picture));
  cache.put('try', 'mine.png', new Blob(['x']));
  cache.put('try', 'mine.png', new Blob(['y']));
  expect(live.size).toBe(1);
  cache.drop('try', 'mine.png');
  expect(live.size).toBe(0);
  expect(twice).toBe(0);
});
