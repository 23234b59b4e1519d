import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { lonely } from '../../src/studio/charts/lonely.ts';
import { chartData, valueAt } from '../../src/studio/charts/chart-data.ts';
import { placeOf, placesOf, stepAt } from '../../src/studio/charts/horizontal.ts';
import { panelsFor } from '../../src/engine/protocol/panels.ts';
import { curvesCsv } from '../../src/studio/charts/curves-csv.ts';
import { roomy } from '../../src/studio/charts/roomy.ts';
import { SeriesBook } from '../../src/studio/charts/series-book.ts';
import { smooth } from '../../src/studio/charts/smooth.ts';
import { lowerBound, thin } from '../../src/base/thin.ts';

const view = { axis: 'step', from: -Infinity, to: Infinity, buckets: 50, weight: 0, log: false } as const;

const of = (book: SeriesBook, ...names: string[]) => names.map((name) => ({ book, name }));

describe('thinning', () => {
  it('keeps the highest and lowest value, both ends and every NaN, in order, within four points a bucket and the NaNs', () => {
    const value = fc.oneof(
      { weight: 9, arbitrary: fc.double({ min: -1e6, max: 1e6, noNaN: true }) },
      { weight: 1, arbitrary: fc.constant(NaN) },
    );
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: 3000 }),
        fc.integer({ min: 1, max: 40 }),
        (list, buckets) => {
          const values = Float64Array.from(list);
          const kept = thin(values, 0, values.length, buckets);
          const numbers = list.filter((v) => !Number.isNaN(v));
          const strange = list.length - numbers.length;
          const shown = [...kept].map((i) => values[i]!);
          expect(kept[0]).toBe(0);
          expect(kept.at(-1)).toBe(list.length - 1);
          expect(kept.length).toBeLessThanOrEqual(Math.max(buckets * 4 + strange, 1));
          for (let i = 1; i < kept.length; i++) expect(kept[i]!).toBeGreaterThan(kept[i - 1]!);
          expect(shown.filter(Number.isNaN)).toHaveLength(strange);
          if (numbers.length > 0) {
            expect(Math.max(...shown.filter((v) => !Number.isNaN(v)))).toBe(Math.max(...numbers));
            expect(Math.min(...shown.filter((v) => !Number.isNaN(v)))).toBe(Math.min(...numbers));
          }
        },
      ),
    );
  });

  it('keeps a spike of one step among a hundred thousand', () => {
    const values = new Float64Array(100_000).fill(1);
    values[77_123] = 50;
    expect([...thin(values, 0, values.length, 100)]).toContain(77_123);
  });

  it('keeps the lowest value that a log scale can show, and one that it cannot for the gap', () => {
    const values = Float64Array.from({ length: 1000 }, (_, i) => (i === 40 ? 1e-6 : i % 7 === 0 ? 0 : 1));
    const kept = [...thin(values, 0, 1000, 10, 0)];
    expect(kept).toContain(40);
    expect(kept.some((i) => i > 0 && i < 99 && values[i] === 0)).toBe(true);
    expect(kept.length).toBeLessThanOrEqual(50);
  });

  it('finds the first step at or after another', () => {
    const steps = Float64Array.of(1, 3, 5, 7);
    expect([0, 1, 2, 7, 8].map((step) => lowerBound(steps, step))).toEqual([0, 0, 1, 3, 4]);
  });
});

describe('smoothing', () => {
  it('leaves a constant curve alone, from its first point', () => {
    for (const v of smooth(new Float64Array(50).fill(3), 0.95)) expect(v).toBeCloseTo(3, 10);
  });

  it('with weight 0 is the curve itself', () => {
    expect([...smooth(Float64Array.of(1, 5, 2), 0)]).toEqual([1, 5, 2]);
  });

  it('passes over a NaN', () => {
    const even = smooth(Float64Array.of(2, NaN, 2), 0.9);
    expect(even[1]).toBeCloseTo(2);
    expect(even[2]).toBeCloseTo(2);
  });
});

describe('the series book', () => {
  it('keeps all points of curves that start at different steps', () => {
    const book = new SeriesBook();
    for (let step = 1; step <= 1000; step++) book.push(step, step > 500 ? { loss: step, kl: -step } : { loss: step });
    expect(book.curve('loss').values).toHaveLength(1000);
    expect(book.curve('kl').steps[0]).toBe(501);
    expect(book.last('kl')).toBe(-1000);
    expect(book.last('none')).toBeNull();
  });

  it('writes NaN as null', () => {
    const book = new SeriesBook();
    book.push(1, { loss: NaN });
    expect(JSON.parse(JSON.stringify(book))).toEqual({ loss: { step: [1], value: [null] } });
  });
});

describe('what a chart draws', () => {
  it('leaves a gap and a mark at a NaN, and no gap where another curve was thinned', () => {
    const book = new SeriesBook();
    for (let step = 0; step < 5; step++) book.push(step, { a: step === 2 ? NaN : step });
    book.push(9, { b: 1 });
    const { columns, strange, points } = chartData(of(book, 'a', 'b'), view);
    expect(strange).toEqual([2]);
    expect(columns[0]).toEqual([0, 1, 2, 3, 4, 9]);
    expect(columns[1]).toEqual([0, 1, null, 3, 4, undefined]);
    expect(points).toBe(6);
  });

  it('counts what a log scale cannot show', () => {
    const book = new SeriesBook();
    for (const [step, a] of [0, -1, 10, 100].entries()) book.push(step, { a });
    const { belowLog, columns } = chartData(of(book, 'a'), { ...view, log: true });
    expect(belowLog).toBe(2);
    expect(columns[1]).toEqual([null, null, 10, 100]);
    // Of all points, not of those that are drawn.
    for (let step = 4; step < 5000; step++) book.push(step, { a: -1 });
    expect(chartData(of(book, 'a'), { ...view, log: true }).belowLog).toBe(4998);
  });

  it('knows the value at a step that was thinned away, and none where the curve has none', () => {
    const book = new SeriesBook();
    for (let step = 1; step <= 10_000; step++)
      book.push(step, { a: Math.sin(step), ...(step === 9 && { b: Infinity }) });
    const [a, b] = of(book, 'a', 'b');
    expect(chartData([a!], view).columns[0]).not.toContain(4321);
    expect(valueAt(a!, 4321)).toBe(Math.sin(4321));
    expect([valueAt(b!, 9), valueAt(b!, 10), valueAt(a!, 10_001)]).toEqual([Infinity, undefined, undefined]);
  });

  it('keeps to the window of steps', () => {
    const book = new SeriesBook();
    for (let step = 0; step < 100; step++) book.push(step, { a: step });
    expect(chartData(of(book, 'a'), { ...view, from: 10, to: 12 }).columns[0]).toEqual([10, 11, 12]);
  });
});

test('a level curve, smoothed or not, gets a scale that can be divided', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), fc.integer({ min: 1, max: 60 }), (level, count) => {
      const even = smooth(new Float64Array(count).fill(level), 0.8);
      const [low, high] = roomy(Math.min(...even), Math.max(...even));
      expect(high - low).toBeGreaterThan(Math.max(1e-7, Math.abs(level) * 1e-3));
      expect(low <= Math.min(...even) && high >= Math.max(...even)).toBe(true);
    }),
  );
  expect(roomy(0, 1)).toEqual([0, 1.08]);
  expect(roomy(null, null)).toEqual([0, 1]);
});

test('points with nothing on either side are drawn as such', () => {
  expect(lonely([1])).toEqual([0]);
  expect(lonely([1, 2, null, 3, null, 4, 5])).toEqual([3]);
  expect(lonely([null, 1, undefined, undefined, 2, null, undefined, 3])).toEqual([7]);
  expect(lonely([])).toEqual([]);
});

describe('panels', () => {
  it('group what belongs together by the names of TRL, and lose nothing', () => {
    const names = [
      'loss',
      'reward',
      'reward_std',
      'rewards/iou/mean',
      'rewards/format/mean',
      'kl',
      'completions/mean_length',
      'something/new',
      'num_tokens',
    ];
    const panels = panelsFor(names);
    expect(panels.map(({ title }) => title)).toEqual([
      'Loss',
      'Reward',
      'Reward terms',
      'Completion length',
      'KL',
      'something/new',
    ]);
    expect(panels.flatMap(({ curves }) => curves).sort()).toEqual(names.filter((name) => name !== 'num_tokens').sort());
  });
});

describe('curves as CSV', () => {
  it('have every point exactly, a line a run and step, with the training time', async () => {
    const [own, past] = [new SeriesBook(), new SeriesBook()];
    own.push(1, { loss: 0.1 + 0.2, step_time: 2 });
    own.push(2, { loss: NaN, step_time: 0.5 });
    own.push(3, { reward: -1 });
    past.push(2, { loss: Infinity });
    const runs = [
      { name: '=HYPERLINK("x")', book: own },
      { name: 'before', book: past },
    ];
    const text = await curvesCsv(runs, ['loss', 'reward', 'none']).text();
    expect(text.split('\r\n')).toEqual([
      '"run","step","seconds","loss","reward","none"',
      `"'=HYPERLINK(""x"")",1,2,0.30000000000000004,,`,
      `"'=HYPERLINK(""x"")",2,2.5,NaN,,`,
      `"'=HYPERLINK(""x"")",3,,,-1,`,
      '"before",2,,Infinity,,',
      '',
    ]);
  });

  it('are not thinned', async () => {
    const book = new SeriesBook();
    for (let step = 1; step <= 10_000; step++) book.push(step, { loss: step });
    const lines = (await curvesCsv([{ name: 'r', book }], ['loss']).text()).trimEnd().split('\r\n');
    expect(lines).toHaveLength(10_001);
    expect(lines.at(-1)).toBe('"r",10000,,10000');
  });
});

describe('training time', () => {
  /** Steps of so many seconds each, from step 1. */
  const paced = (...seconds: number[]) => {
    const book = new SeriesBook();
    seconds.forEach((each, i) => book.push(i + 1, { loss: 10 * (i + 1), step_time: each }));
    return book;
  };

  it('is where a step stands, and leads back to it', () => {
    const book = paced(2, 3, 0.5);
    book.push(5, { eval: 1 });
    expect([0, 1, 2, 3, 4, 5].map((step) => placeOf('time', book, step))).toEqual([0, 2, 5, 5.5, 5.5, 5.5]);
    expect([...placesOf('time', book, Float64Array.of(1, 3, 5))]).toEqual([2, 5.5, 5.5]);
    expect([0, 2, 4.9, 5, 100].map((at) => stepAt('time', book, at))).toEqual([1, 1, 1, 2, 3]);
    expect([placeOf('time', book, Infinity), stepAt('time', book, -Infinity)]).toEqual([Infinity, -Infinity]);
    expect([placeOf('step', book, 7), stepAt('step', book, 7.5)]).toEqual([7, 7.5]);
  });

  it('lays runs of different pace over each other by time, and takes a window of it', () => {
    const [slow, fast] = [paced(4, 4, 4), paced(1, 1, 1, 1)];
    const curves = [...of(slow, 'loss'), ...of(fast, 'loss')];
    const { columns } = chartData(curves, { ...view, axis: 'time' });
    expect(columns[0]).toEqual([1, 2, 3, 4, 8, 12]);
    expect(columns[1]).toEqual([undefined, undefined, undefined, 10, 20, 30]);
    expect(columns[3]).toEqual([10, 20, 30, 40, undefined, undefined]);
    const narrow = chartData(curves, { ...view, axis: 'time', from: 2, to: 8 });
    expect(narrow.columns[0]).toEqual([2, 3, 4, 8]);
    expect(narrow.points).toBe(5);
  });

  it('goes with a run that makes room, and comes back with a file', () => {
    const book = paced(2, 3);
    const past = book.handOver();
    expect(placeOf('time', past, 2)).toBe(5);
    expect(book.clock.steps).toHaveLength(0);
    book.fill(past.toJSON());
    expect(placeOf('time', book, 2)).toBe(5);
  });
});
