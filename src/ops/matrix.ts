/**
 * A frozen matrix [rows, columns] as it lies on the GPU: in one of several formats, and in blocks of rows where it is
 * larger than what the adapter binds (the embedding of a large vocabulary). Everything that reads frozen weights takes
 * a matrix or a plain f32 or f16 tensor, and records its kernel once a block.
 */
import type { Session } from '../gpu/recorder.ts';
import type { Constants } from '../gpu/template.ts';
import { byteSize, Tensor, type DType } from '../gpu/tensor.ts';

export type MatrixFormat = 'f32' | 'f16';

/** Rows first … first + rows of the matrix. */
export interface MatrixPart {
  readonly first: number;
  readonly rows: number;
  /** [rows, columns] in f32 or f16. */
  readonly values: Tensor;
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
    return this.parts.map(({ values }) => values);
  }

  /** The same with rows of zeros up to a multiple of 4, for which there is room: a head is summed over its rows. */
  wholeRows(): Matrix {
    const last = this.parts.at(-1)!;
    const rows = fourfold(last.rows);
    if (rows === last.rows) return this;
    const padded = { ...last, rows, values: resized(last.values, rows) };
    return new Matrix(this.label, this.format, this.columns, [...this.parts.slice(0, -1), padded]);
  }
}

export type Weight = Tensor | Matrix;

export const partsOf = (weight: Weight): readonly MatrixPart[] =>
  weight instanceof Matrix ? weight.parts : [{ first: 0, rows: weight.rows, values: weight }];

/** Rows first … first + count as tensors, one a part they touch, each with its first row's place among them. */
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

/** Constants of shaders/lib/weights.wgsl: how a part is read. W is the type of an element of its binding. */
export function weightConstants({ values }: Pick<MatrixPart, 'values'>): Constants & { readonly BITS: number } {
  const half = values.dtype === 'f16';
  return { BITS: half ? 16 : 32, W: half ? 'vec2<u32>' : 'vec4<f32>' };
}

/** Rows that one binding takes, in whole tiles where there are several parts. */
function rowsAPart(session: Session, rows: number, rowBytes: number): number {
  const most = Math.floor(session.weightPartBytes / rowBytes);
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
  const dtype: DType = format;
  const step = rowsAPart(session, rows, byteSize([4, columns], dtype) / 4);
  const parts: MatrixPart[] = [];
  for (let first = 0; first < rows; first += step) {
    const count = Math.min(step, rows - first);
    const room = session.resident(label, [fourfold(count), columns], dtype);
    parts.push({ first, rows: count, values: resized(room, count) });
  }
  return new Matrix(label, format, columns, parts);
}
