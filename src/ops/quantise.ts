/**
 * Fills quantised matrices on the GPU from rows of f32, and measures what that loses. Rows come in order, matrix by
 * matrix; codes and scales do not depend on how the rows were cut into blocks.
 */
import errorKernel from '../../shaders/quant/error.wgsl';
import groups from '../../shaders/quant/groups.wgsl';
import nf4Blocks from '../../shaders/quant/nf4-blocks.wgsl';
import nf4Mean from '../../shaders/quant/nf4-mean.wgsl';
import nf4Scales from '../../shaders/quant/nf4-scales.wgsl';
import { readTensors } from '../gpu/program.ts';
import { Recorder, type Session } from '../gpu/recorder.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { flatGroups } from './groups.ts';
import { weightBindings, weightConstants, type Matrix, type MatrixPart } from './matrix.ts';
import { NF4_BLOCK } from './nf4.ts';

/** What a format lost of a matrix. */
export interface ReconstructionError {
  readonly count: number;
  /** Σ (ŵ − w)² */
  readonly squares: number;
  /** Σ w² */
  readonly reference: number;
  /** max |ŵ − w| */
  readonly largest: number;
}

export const NO_ERROR: ReconstructionError = { count: 0, squares: 0, reference: 0, largest: 0 };

export const sumErrors = (a: ReconstructionError, b: ReconstructionError): ReconstructionError => ({
  count: a.count + b.count,
  squares: a.squares + b.squares,
  reference: a.reference + b.reference,
  largest: Math.max(a.largest, b.largest),
});

/** ‖ŵ − w‖ / ‖w‖ */
export const relativeRms = ({ squares, reference }: ReconstructionError): number =>
  reference > 0 ? Math.sqrt(squares / reference) : 0;

/** Invocations that measure, each with sums of its own. */
export const INVOCATIONS = 1024;

export class Quantiser {
  readonly #session: Session;
  readonly #sums: Tensor;
  #staging: Tensor | null = null;
  #largest: Tensor | null = null;

  constructor(session: Session) {
    this.#session = session;
    this.#sums = session.resident('reconstruction error', [INVOCATIONS, 4]);
  }

  /** Rows first … of a matrix, values [rows, columns]. Resolves with the error after the last row, else with null. */
  async write(matrix: Matrix, first: number, values: Float32Array): Promise<ReconstructionError | null> {
    const { columns, parts } = matrix;
    const count = values.length / columns;
    if (first === 0) this.#session.write(this.#sums, new Float32Array(INVOCATIONS * 4));
    for (const part of parts) {
      const [from, to] = [Math.max(first, part.first), Math.min(first + count, part.first + part.rows)];
      if (from >= to) continue;
      const rows = values.subarray((from - first) * columns, (to - first) * columns);
      if (part.format === 'nf4') this.#stagePart(part, from - part.first, rows, columns);
      else this.#groups(part, from - part.first, rows, columns);
    }
    return first + count === matrix.rows ? this.#error(matrix) : null;
  }

  destroy(): void {
    this.#session.release(this.#sums, ...[this.#staging, this.#largest].filter((t) => t !== null));
  }

  /** Groups stand for themselves: rows are quantised as they come. */
  #groups(part: MatrixPart, row: number, values: Float32Array, columns: number): void {
    this.#staging = this.#room(this.#staging, 'staged weights', values.length);
    this.#session.write(this.#staging, values);
    this.#run(part, this.#staging, { first: row * columns, count: values.length });
  }

  /** The mean of a part's scales is known when all its rows are there. */
  #stagePart(part: MatrixPart, row: number, values: Float32Array, columns: number): void {
    const count = part.rows * columns;
    this.#staging = this.#room(this.#staging, 'staged weights', count);
    this.#session.write(this.#staging, values, row * columns * 4);
    if (row * columns + values.length < count) return;
    this.#largest = this.#room(this.#largest, 'largest magnitudes', count / NF4_BLOCK);
    this.#run(part, this.#staging, { first: 0, count });
  }

  #run(part: MatrixPart, staged: Tensor, range: Range): void {
    const rec = new Recorder(this.#session, 'quantise');
    if (part.format === 'nf4') quantiseNf4(rec, part, staged, this.#largest!, range.count);
    else quantiseGroups(rec, part, staged, range);
    measureError(rec, part, staged, this.#sums, range);
    const program = rec.finish();
    program.run();
    program.destroy();
  }

  async #error(matrix: Matrix): Promise<ReconstructionError> {
    const [sums] = await readTensors(this.#session, this.#sums);
    let total: ReconstructionError = { ...NO_ERROR, count: matrix.size };
    for (let i = 0; i < INVOCATIONS; i++) {
      const [squares, reference, largest] = sums!.subarray(4 * i, 4 * i + 3) as unknown as [number, number, number];
      total = sumErrors(total, { count: 0, squares, reference, largest });
    }
    return total;
  }

  #room(known: Tensor | null, label: string, size: number): Tensor {
    if (known && known.size >= size) return known;
    if (known) this.#session.release(known);
    return this.#session.resident(label, [size]);
  }
}

/** Weights of a part, counted in row order; whole groups. */
interface Range {
  readonly first: number;
  readonly count: number;
}

/** staged [count] → codes and scales of `range` in an int8 or int4 part. */
export function quantiseGroups(rec: Recorder, part: MatrixPart, staged: Tensor, { first, count }: Range): void {
  const { group, values, scales } = part;
  const { BITS } = weightConstants(part);
  rec.dispatch('quant/groups', groups, {
    constants: { BITS, LEVELS: 2 ** BITS - 1, GROUP: group },
    bind: { values: staged, codes: values, scales: scales! },
    params: { groups: count / group, firstGroup: first / group },
    groups: flatGroups(count / group),
  });
}

/** staged [count] → codes and scales of a whole NF4 part; largest [count / 64] is scratch. */
export function quantiseNf4(rec: Recorder, part: MatrixPart, staged: Tensor, largest: Tensor, count: number): void {
  const blocks = count / NF4_BLOCK;
  const scales = part.scales!;
  rec.dispatch('quant/nf4-blocks', nf4Blocks, {
    bind: { values: staged, codes: part.values, largest },
    params: { blocks },
    groups: flatGroups(blocks),
  });
  rec.dispatch('quant/nf4-mean', nf4Mean, { bind: { largest, scales }, params: { blocks }, groups: [1] });
  rec.dispatch('quant/nf4-scales', nf4Scales, {
    bind: { largest, scales },
    params: { blocks },
    groups: flatGroups(Math.ceil(blocks / 256)),
  });
}

/** Adds what `range` lost to sums [INVOCATIONS, 4]. */
export function measureError(rec: Recorder, part: MatrixPart, staged: Tensor, sums: Tensor, range: Range): void {
  rec.dispatch('quant/error', errorKernel, {
    constants: { ...weightConstants(part), INVOCATIONS },
    bind: { values: staged, ...weightBindings(part), sums },
    params: { count: range.count / 4, first: range.first / 4 },
    groups: [INVOCATIONS / 64],
  });
}
