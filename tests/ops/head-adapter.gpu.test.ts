/** The output head with an adapter that learns, and one merged beside its weights, against sums in doubles. */
import { describe, test } from 'vitest';
import { Random } from '../../src/base/random.ts';
import type { Recorder } from '../../src/gpu/recorder.ts';
import { Tensor } from '../../src/gpu/tensor.ts';
import { logits, logProbs } from '../../src/ops/log-probs.ts';
import { Tape } from '../../src/ops/tape.ts';
import { constant, expectClose, normals, run, useSession } from './harness.ts';

const session = useSession();
const [T, H, R, SCALING, TEMPERATURE] = [6, 8, 4, 0.7, 1.3];
/** Scored rows; the second has two targets, as the end of a prompt of two completions. */
const ROWS = [0, 2, 5];
const TARGETS = [[3], [1, 7], [4]];

interface Numbers {
  readonly V: number;
  readonly hidden: Float64Array;
  readonly head: Float64Array;
  readonly a: Float64Array;
  readonly b: Float64Array;
  readonly frozen: { readonly a: Float64Array; readonly b: Float64Array } | null;
  readonly dlogps: Float64Array;
}

function draw(V: number, withFrozen: boolean): Numbers {
  const random = new Random(V);
  return {
    V,
    hidden: normals(random, T * H),
    head: normals(random, V * H, 0.6),
    a: normals(random, R * H, 0.5),
    b: normals(random, V * R, 0.5),
    frozen: withFrozen ? { a: normals(random, R * H, 0.4), b: normals(random, V * R, 0.4) } : null,
    dlogps: normals(random, TARGETS.flat().length),
  };
}

const at = (m: Float64Array, columns: number, row: number, column: number) => m[row * columns + column]!;
const sum = (n: number, term: (i: number) => number) =>
  Array.from({ length: n }, (_, i) => term(i)).reduce((x, y) => x + y, 0);

function reference({ V, hidden, head, a, b, frozen, dlogps }: Numbers) {
  const effective = Float64Array.from({ length: V * H }, (_, i) => {
    const [v, h] = [Math.floor(i / H), i % H];
    const low = (bb: Float64Array, aa: Float64Array) => sum(R, (k) => at(bb, R, v, k) * at(aa, H, k, h));
    return head[i]! + SCALING * low(b, a) + (frozen ? low(frozen.b, frozen.a) : 0);
  });
  const all = Float64Array.from({ length: T * V }, (_, i) =>
    sum(H, (h) => at(hidden, H, Math.floor(i / V), h) * at(effective, H, i % V, h)),
  );
  const [dhidden, dA, dB] = [new Float64Array(T * H), new Float64Array(R * H), new Float64Array(V * R)];
  const logps: number[] = [];
  let entry = 0;
  ROWS.forEach((row, u) => {
    const scaled = Array.from({ length: V }, (_, v) => at(all, V, row, v) / TEMPERATURE);
    const lse = Math.log(sum(V, (v) => Math.exp(scaled[v]!)));
    const dl = new Float64Array(V);
    for (const target of TARGETS[u]!) {
      logps.push(scaled[target]! - lse);
      const d = dlogps[entry++]!;
      for (let v = 0; v < V; v++) dl[v]! += (d * ((v === target ? 1 : 0) - Math.exp(scaled[v]! - lse))) / TEMPERATURE;
    }
    const z = Array.from({ length: R }, (_, k) => sum(H, (h) => at(hidden, H, row, h) * at(a, H, k, h)));
    const du = Array.from({ length: R }, (_, k) => SCALING * sum(V, (v) => dl[v]! * at(b, R, v, k)));
    for (let h = 0; h < H; h++) dhidden[row * H + h]! += sum(V, (v) => dl[v]! * at(effective, H, v, h));
    for (let k = 0; k < R; k++) {
      for (let h = 0; h < H; h++) dA[k * H + h]! += du[k]! * at(hidden, H, row, h);
      for (let v = 0; v < V; v++) dB[v * R + k]! += SCALING * dl[v]! * z[k]!;
    }
  });
  return { all, logps: Float64Array.from(logps), dhidden, dA, dB };
}

/** A matrix of V rows with room for whole rows behind it, as adapters have it; the room holds something else. */
function roomy(rec: Recorder, name: string, values: Float64Array, V: number, rest: number): Tensor {
  const rows = Math.ceil(V / 4) * 4;
  const wide = new Float64Array(rows * R).fill(rest);
  wide.set(values);
  const { storage, offset } = constant(rec, name, [rows, R], wide);
  return new Tensor(name, 'f32', [V, R], storage, offset);
}

const CASES = [
  { V: 21, frozen: false, chunkBytes: undefined, picked: true },
  { V: 21, frozen: true, chunkBytes: 2 * 24 * 4, picked: true },
  { V: 24, frozen: true, chunkBytes: undefined, picked: false },
  { V: 24, frozen: false, chunkBytes: 1, picked: false },
];

describe.each(CASES)(
  'a head of $V with an adapter (merged ones besides: $frozen; chunks of $chunkBytes bytes; rows picked: $picked)',
  ({ V, frozen, chunkBytes, picked }) => {
    const numbers = draw(V, frozen);
    const wanted = reference(numbers);
    const rowsOf = (m: Float64Array) =>
      Float64Array.from(ROWS.flatMap((row) => [...m.subarray(row * H, (row + 1) * H)]));

    test('log-probs and the gradients of hidden states, A and B', async () => {
      const [logps, dhidden, dA, dB] = await run(session(), (rec) => {
        const tape = new Tape(rec);
        const hidden = tape.track(
          picked
            ? constant(rec, 'hidden', [T, H], numbers.hidden)
            : constant(rec, 'hidden', [ROWS.length, H], rowsOf(numbers.hidden)),
        );
        const gradA = constant(rec, 'gradA', [R, H], new Float64Array(R * H));
        const gradB = roomy(rec, 'gradB', new Float64Array(V * R), V, 0);
        const lora = {
          a: constant(rec, 'a', [R, H], numbers.a),
          b: roomy(rec, 'b', numbers.b, V, 9),
          gradA,
          gradB,
          scaling: SCALING,
        };
        const scored = logProbs(
          tape,
          hidden,
          {
            weight: constant(rec, 'head', [V, H], numbers.head),
            lora,
            ...(numbers.frozen && {
              frozen: { a: constant(rec, 'fa', [R, H], numbers.frozen.a), b: roomy(rec, 'fb', numbers.frozen.b, V, 7) },
            }),
          },
          {
            rows: picked ? constant(rec, 'rows', [ROWS.length], ROWS, 'i32') : null,
            start: constant(rec, 'start', [4], [0, 1, 3, 4], 'u32'),
            targets: constant(rec, 'targets', [4], TARGETS.flat(), 'u32'),
          },
          { temperature: TEMPERATURE, ...(chunkBytes !== undefined && { chunkBytes }) },
        );
        tape.addGrad(scored.logps, constant(rec, 'dlogps', [4], numbers.dlogps));
        tape.backward();
        return [scored.logps, tape.grad(hidden)!, gradA, gradB];
      });
      expectClose(logps, wanted.logps);
      expectClose(dhidden, picked ? wanted.dhidden : rowsOf(wanted.dhidden));
      expectClose(dA, wanted.dA);
      expectClose(dB, wanted.dB);
    });

    test('whole logits, as generation draws from them', async () => {
      const [got] = await run(session(), (rec) => {
        const zeros = (shape: readonly number[]) =>
          constant(rec, 'zeros', shape, new Float64Array(shape.reduce((x, y) => x * y, 1)));
        const [a, b] = [constant(rec, 'a', [R, H], numbers.a), constant(rec, 'b', [V, R], numbers.b)];
        const lora = { a, b, gradA: zeros([R, H]), gradB: zeros([V, R]), scaling: SCALING };
        const beside = numbers.frozen && {
          frozen: {
            a: constant(rec, 'fa', [R, H], numbers.frozen.a),
            b: constant(rec, 'fb', [V, R], numbers.frozen.b),
          },
        };
        const head = { weight: constant(rec, 'head', [V, H], numbers.head), lora, ...beside };
        return [logits(rec, constant(rec, 'hidden', [T, H], numbers.hidden), head)];
      });
      expectClose(got, wanted.all);
    });
  },
);
