/**
 * A frozen matrix [rows, columns] as it lies on the GPU: in one of several formats, and in blocks of rows where it is
 * larger than what the adapter binds (the embedding of a large vocabulary). Everything that reads frozen weights takes
 * a matrix or a plain f32 or f16 tensor, and records its kernel once a block. How quantised formats come about:
 * ops/quantise.ts; how they are read: shaders/lib/weights.wgsl.
 */
import type { Session } from '../gpu/recorder.ts';
import type { Constants } from '../gpu/template.ts';
import { byteSize, Tensor } from '../gpu/tensor.ts';
import { dynamicMap, NF4_BLOCK, nf4ScaleWords } from './nf4.ts';

/**
 * `int8` and `int4`: codes with a scale and a zero point for 64 (or 32) neighbours of a row; `nf4`: 4 bits of
 * bitsandbytes' code book with doubly quantised scales. 8.5, 4.5 and 4.13 bits a weight.
 */
export type MatrixFormat = 'f32' | 'f16' | QuantisedFormat;
export type QuantisedFormat = 'int8' | 'int4' | 'nf4';

const BITS: Readonly<Record<MatrixFormat, number>> = { f32: 32, f16: 16, int8: 8, int4: 4, nf4: 4 };

export const isQuantised = (format: MatrixFormat): format is QuantisedFormat => BITS[format] <= 8;

/** Neighbours in a row that share a scale; 0 where this format cannot hold rows of so many columns. */
export function groupOf(format: QuantisedFormat, columns: number): number {
  if (columns % 64 === 0) return 64;
  return columns % 32 === 0 && format !== 'nf4' ? 32 : 0;
}

/** Rows first … first + rows of the matrix. */
export interface MatrixPart {
  readonly first: number;
  readonly rows: number;
  readonly format: MatrixFormat;
  /** Neighbours that share a scale; 0 without scales. */
  readonly group: number;
  /** [rows, columns] in f32 or f16, else u32 [rows, columns · bits / 32]. */
  readonly values: Tensor;
  /** u32 [rows, columns / group], or what shaders/quant/nf4-scales.wgsl says. */
  readonly scales?: Tensor;
}

export class Matrix {
  readonly label: string;
  readonly format: MatrixFormat;
  readonly columns: number;
  readonly parts: readonly MatrixPart[];

  constructor(label: string, format: MatrixFormat, columns: number, parts: readonly MatrixPart[]) {
    this.label = label;
    this.format = format;
    this.columns = columns;
    this.parts = parts;
  }

  get rows(): number {
    const { first, rows } = this.parts.at(-1)!;
    return first + rows;
  }

  get shape(): readonly [rows: number, columns: number] {
    return [this.rows, this.columns];
  }

  get size(): number {
    return this.rows * this.columns;
  }

  get bytes(): number {
    return this.tensors.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Everything it holds, to be released. */
  get tensors(): Tensor[] {
    return this.parts.flatMap(({ values, scales }) => (scales ? [values, scales] : [values]));
  }

  /** The same with rows up to a multiple of 4, for which there is room; nothing was written there. */
  wholeRows(): Matrix {
    const last = this.parts.at(-1)!;
    const rows = fourfold(last.rows);
    if (rows === last.rows) return this;
    const { values, scales, group } = last;
    const padded = {
      ...last,
      rows,
      values: resized(values, rows),
      ...(scales && { scales: scales.shape.length === 2 ? resized(scales, rows) : scales }),
      group,
    };
    return new Matrix(this.label, this.format, this.columns, [...this.parts.slice(0, -1), padded]);
  }
}

export type Weight = Tensor | Matrix;

export const partsOf = (weight: Weight): readonly MatrixPart[] =>
  weight instanceof Matrix
    ? weight.parts
    : [{ first: 0, rows: weight.rows, format: weight.dtype === 'f16' ? 'f16' : 'f32', group: 0, values: weight }];

/**
 * Rows first … first + count of a weight in f32 or f16 as tensors, one a part they touch, each with its first row's
 * place among them.
 */
export const blocksOf = (weight: Weight, first: number, count: number): (readonly [block: Tensor, at: number])[] =>
  partsOf(weight).flatMap(({ first: start, rows, values }) => {
    const [from, to] = [Math.max(first, start), Math.min(first + count, start + rows)];
    return from < to ? [[values.block(from - start, to - from), from - first] as const] : [];
  });

/** A weight whose rows are rounded up to a multiple of 4 in its own memory; null for a tensor without that room. */
export function wholeRows(weight: Weight): Weight | null {
  if (weight instanceof Matrix) return weight.wholeRows();
  const rows = fourfold(weight.rows);
  const fits = weight.offset + byteSize([rows, weight.columns], weight.dtype) <= weight.storage.bytes;
  return rows === weight.rows ? weight : fits ? resized(weight, rows) : null;
}

const fourfold = (n: number): number => Math.ceil(n / 4) * 4;

const resized = ({ label, dtype, columns, storage, offset }: Tensor, rows: number): Tensor =>
  new Tensor(label, dtype, [rows, columns], storage, offset);

/**
 * Constants of shaders/lib/weights.wgsl: how a part is read. W is the type of an element of its binding; WORDWISE: codes
 * are bound word by word; HELD: lanes hold NF4's table and the words of their neighbours.
 */
export function weightConstants({ format, group }: MatrixPart): Constants & { readonly BITS: number } {
  const bits = BITS[format];
  return {
    BITS: bits,
    W: bits === 32 ? 'vec4<f32>' : bits === 16 ? 'vec2<u32>' : 'u32',
    NF4: format === 'nf4',
    HELD: false,
    WORDWISE: true,
    ...(bits <= 8 && { GROUP: group, MASK: 2 ** bits - 1 }),
  };
}

export const weightBindings = ({ values, scales }: MatrixPart): Readonly<Record<string, Tensor>> =>
  scales ? { w: values, scales } : { w: values };

/** NF4 takes a part's scales together, from all of its values in f32: largest such part, bytes. */
const NF4_STAGING = 512 * 2 ** 20;

/** Rows that one binding takes, in whole tiles where there are several parts. */
function rowsAPart(session: Session, rows: number, columns: number, format: MatrixFormat): number {
  const staged = Math.min(NF4_STAGING, session.gpu.limits.maxStorageBufferBindingSize) / (columns * 4);
  const held = session.weightPartBytes / ((columns * BITS[format]) / 8);
  const most = Math.floor(format === 'nf4' ? Math.min(staged, held) : held);
  if (most >= fourfold(rows)) return rows;
  return Math.max(4, most >= 64 ? most - (most % 64) : most - (most % 4));
}

/**
 * Memory for a matrix, without contents.
 * @throws GroundworkError `binding-limit` where even a few rows are more than the adapter binds
 */
export function allocateMatrix(
  session: Session,
  label: string,
  [rows, columns]: readonly [number, number],
  format: MatrixFormat,
): Matrix {
  const step = rowsAPart(session, rows, columns, format);
  const parts: MatrixPart[] = [];
  for (let first = 0; first < rows; first += step)
    parts.push({ first, ...allocatePart(session, label, Math.min(step, rows - first), columns, format) });
  return new Matrix(label, format, columns, parts);
}

function allocatePart(
  session: Session,
  label: string,
  rows: number,
  columns: number,
  format: MatrixFormat,
): Omit<MatrixPart, 'first'> {
  const room = fourfold(rows);
  if (!isQuantised(format))
    return { rows, format, group: 0, values: resized(session.resident(label, [room, columns], format), rows) };
  const group = groupOf(format, columns);
  const codes = session.resident(label, [room, (columns * BITS[format]) / 32], 'u32');
  const values = resized(codes, rows);
  if (format === 'nf4') {
    const scales = session.resident(label, [nf4ScaleWords((room * columns) / NF4_BLOCK)], 'u32');
    session.write(scales, dynamicMap());
    return { rows, format, group, values, scales };
  }
  const scales = resized(session.resident(label, [room, columns / group], 'u32'), rows);
  return { rows, format, group, values, scales };
}
