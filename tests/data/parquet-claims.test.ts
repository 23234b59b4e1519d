/** Pages of Parquet are held against their bytes before they are decoded: what they claim costs nothing. */
import { expect, test } from 'vitest';
import { footerMisfit, leavesOf, pagesMisfit, type Levels } from '../../src/data/tables/parquet-claims.ts';

type About = Parameters<typeof pagesMisfit>[2];

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return [...bytes, left];
    bytes.push(128 + (left % 128));
  }
}
const i32 = (value: number): number[] => [0x15, ...varint(2 * value)];

interface Page {
  readonly values: number;
  readonly body: readonly number[];
  readonly encoding?: number;
  readonly packed?: number;
  readonly unpacked?: number;
}

/** A data page of the first version, as Thrift's compact protocol writes its header. */
const page = ({ values, body, encoding = 0, packed = body.length, unpacked = body.length }: Page): Uint8Array =>
  Uint8Array.from([
    ...i32(0),
    ...i32(unpacked),
    ...i32(packed),
    0x2c,
    ...i32(values),
    ...i32(encoding),
    ...i32(3),
    ...i32(3),
    0,
    0,
    ...body,
  ]);

const flat: Levels = { repetition: 0, definition: 0 };
const optional: Levels = { repetition: 0, definition: 1 };
const column = (values: number) => ({ codec: 'UNCOMPRESSED', num_values: BigInt(values), type: 'INT64' }) as About;
const misfit = (bytes: Uint8Array, values: number, levels = flat, index: Uint8Array | null = null) =>
  pagesMisfit(bytes, 100, column(values), levels, (packed) => packed, index);

/** A run of `count` times 1, with its length before it, as definition levels are stored. */
const run = (count: number): number[] => {
  const bytes = [...varint(2 * count), 1];
  return [bytes.length, 0, 0, 0, ...bytes];
};

test('pages that are what they claim are let through', () => {
  const eight = Array.from({ length: 64 }, () => 0);
  expect(misfit(page({ values: 8, body: eight }), 8)).toBeNull();
  expect(misfit(page({ values: 8, body: [...run(8), ...eight] }), 8, optional)).toBeNull();
  // A million rows of one value are a few bytes, and a group of eight is filled up.
  expect(misfit(page({ values: 1e6, encoding: 8, body: [1, ...varint(2e6), 0] }), 1e6)).toBeNull();
  expect(misfit(page({ values: 3, encoding: 8, body: [1, 3, 0b101] }), 3)).toBeNull();
});

test('a run that repeats its value a thousand million times is refused', () => {
  expect(misfit(page({ values: 8, body: run(1e9) }), 8, optional)).toContain('repeats a value');
  expect(misfit(page({ values: 8, encoding: 8, body: [1, ...varint(2e9), 0] }), 8)).toContain('repeats a value');
  expect(misfit(page({ values: 8, encoding: 8, body: [0, ...varint(2 ** 31 + 1), 0] }), 8)).toContain(
    'repeats a value',
  );
});

test('a page that claims more values, bytes or places than there are is refused', () => {
  expect(misfit(page({ values: 9, body: [0] }), 8)).toContain('more values');
  expect(misfit(page({ values: 1, body: [0], packed: 2 }), 1)).toContain('longer than its column');
  expect(misfit(page({ values: 1, body: [0], unpacked: 2e9 }), 1)).toContain('more bytes');
  const whole = page({ values: 1, body: [0] });
  expect(misfit(whole.slice(0, 5), 1)).toContain('cut off');
});

test('a page index names the pages that there are', () => {
  const index = (offset: number) => Uint8Array.from([0x19, 0x1c, 0x16, ...varint(2 * offset), 0, 0]);
  const one = page({ values: 1, body: [0] });
  expect(misfit(one, 1, flat, index(100))).toBeNull();
  expect(misfit(one, 1, flat, index(107))).toContain('page index');
});

test('metadata with a list longer than the file, nested without end or cut off is refused', async () => {
  const footer = (...bytes: number[]) =>
    footerMisfit(new Blob([Uint8Array.from(bytes), Uint8Array.from([bytes.length, 0, 0, 0]), 'PAR1']));
  expect(await footer(0x15, 2, 0)).toBeNull();
  expect(await footer(0x19, 0xfc, ...varint(2e9), 0)).toContain('longer than the file');
  expect(await footer(0x18, 5)).toContain('cut off');
  expect(await footer(...Array.from({ length: 200 }, () => 0x1c))).toContain('too deep');
  expect(await footerMisfit(new Blob(['PAR1']))).toContain('too short');
  expect(await footerMisfit(new Blob([Uint8Array.from([255, 255, 255, 0]), 'PAR1']))).toContain('longer than the file');
});

test('levels follow from what stands above a column, and a schema without end is told', () => {
  const element = (name: string, num_children: number, repetition_type: 'OPTIONAL' | 'REPEATED' | 'REQUIRED') => ({
    name,
    num_children,
    repetition_type,
  });
  expect(
    leavesOf([
      element('schema', 2, 'REQUIRED'),
      element('id', 0, 'REQUIRED'),
      element('images', 1, 'OPTIONAL'),
      element('list', 1, 'REPEATED'),
      element('element', 0, 'OPTIONAL'),
    ]),
  ).toEqual(
    new Map([
      ['id', { repetition: 0, definition: 0 }],
      ['images.list.element', { repetition: 1, definition: 3 }],
    ]),
  );
  expect(leavesOf(Array.from({ length: 5000 }, () => element('a', 1, 'OPTIONAL')))).toBeNull();
});
