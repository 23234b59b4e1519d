import fc from 'fast-check';
import { expect, test } from 'vitest';
import { History, thin } from '../../src/train/history.ts';

test('points are appended by name; metrics may come at different steps', () => {
  const history = new History();
  history.append(1, { loss: 3, lr: 0.1 });
  history.append(2, { loss: 2 });
  expect(history.series('loss')).toEqual({ steps: [1, 2], values: [3, 2] });
  expect(history.names).toEqual(['loss', 'lr']);
  expect(history.last('loss')).toBe(2);
  expect(history.last('kl')).toBeUndefined();
  expect(history.series('kl')).toEqual({ steps: [], values: [] });
});

test('a resumed run replaces the steps it lives again', () => {
  const history = new History();
  for (const step of [1, 2, 3, 4]) history.append(step, { loss: step });
  history.append(3, { loss: 30 });
  expect(history.series('loss')).toEqual({ steps: [1, 2, 3], values: [1, 2, 30] });
});

test('a history survives JSON, gaps included', () => {
  const history = new History();
  history.append(1, { loss: 1, reward: NaN });
  history.append(2, { loss: 0.5, reward: 1 });
  const back = History.from(JSON.parse(JSON.stringify(history.serialize())) as ReturnType<History['serialize']>);
  expect(back.series('loss')).toEqual(history.series('loss'));
  expect(back.series('reward')).toEqual({ steps: [1, 2], values: [NaN, 1] });
});

test.each([
  { version: 2, series: {} },
  { version: 1, series: null },
  { version: 1, series: { loss: { steps: [1], values: [] } } },
  null,
])('damaged data %j is refused', (data) => {
  expect(() => History.from(data as never)).toThrow(expect.objectContaining({ code: 'history-data' }));
});

test('a short series is drawn whole', () => {
  const series = { steps: [1, 2, 3], values: [1, 2, 3] };
  expect(thin(series, 2)).toBe(series);
});

test('thinning keeps first, last, least and greatest, in order, and as few points as asked', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 1, maxLength: 400 }),
      fc.integer({ min: 1, max: 20 }),
      (values, buckets) => {
        const series = { steps: values.map((_, i) => i * 10), values };
        const thinned = thin(series, buckets);
        expect(thinned.steps.length).toBeLessThanOrEqual(2 * buckets + 2);
        expect([thinned.steps[0], thinned.steps.at(-1)]).toEqual([0, (values.length - 1) * 10]);
        expect(Math.min(...thinned.values)).toBe(Math.min(...values));
        expect(Math.max(...thinned.values)).toBe(Math.max(...values));
        thinned.steps.forEach((s, i) => expect(s).toBeGreaterThan(thinned.steps[i - 1] ?? -1));
        thinned.values.forEach((v, i) => expect(v).toBe(values[thinned.steps[i]! / 10]));
      },
    ),
  );
});

test('a spike survives, and gaps are passed over', () => {
  const values = Array.from({ length: 10_000 }, (_, i) => (i === 7001 ? 99 : i % 10 === 0 ? NaN : 1));
  const thinned = thin({ steps: values.map((_, i) => i), values }, 50);
  expect(thinned.steps).toContain(7001);
  expect(thinned.values.slice(1, -1).every(Number.isFinite)).toBe(true);
});
