/**
 * The output head without ever holding all logits: log-probabilities and entropies of given targets, in chunks of rows.
 * A per-target coefficient d loss / d log-prob makes the same two kernels serve SFT and every policy-gradient loss.
 */
import gradient from '../../shaders/head/gradient.wgsl';
import stats from '../../shaders/head/stats.wgsl';
import topTokens from '../../shaders/head/top.wgsl';
import { invariant } from '../base/error.ts';
import type { Recorder } from '../gpu/recorder.ts';
import { Tensor } from '../gpu/tensor.ts';
import { dropout } from './dropout.ts';
import { gatherRows, scatterRows } from './gather.ts';
import { rowConstants, rowGroups } from './groups.ts';
import type { LinearWeights, Lora } from './linear.ts';
import { matmulNn, matmulNt, matmulTn } from './matmul.ts';
import { Matrix, wholeRows, type Weight } from './matrix.ts';
import { Tape } from './tape.ts';

/** Bytes of logits held at once. */
const CHUNK_BYTES = 64 * 2 ** 20;

/**
 * Which hidden rows are scored, and against what. Distinct rows come first, then their targets in row order: row u's
 * targets are entries start[u] … start[u + 1] − 1, so that completions sharing a prompt share its last row.
 */
export interface Targets {
  /** i32 [U]: distinct hidden rows; −1 pads. null: all of them, in order. */
  readonly rows: Tensor | null;
  /** u32 [U + 1] */
  readonly start: Tensor;
  /** u32 [S] */
  readonly targets: Tensor;
}

export interface LogProbs {
  /** [S] log softmax(logits / temperature)[target] */
  readonly logps: Tensor;
  /** [S] entropy of the same distribution, nats. */
  readonly entropy: Tensor;
  /** [S] 1 where the target is the most likely token, else 0. */
  readonly correct: Tensor;
  /** Where asked for, the k likeliest tokens of each row, ascending, as numbers, and their log-probs: both [U, k]. */
  readonly top: { readonly tokens: Tensor; readonly logps: Tensor } | null;
}

export interface LogProbOptions {
  readonly temperature?: number;
  /** How many of each row's likeliest tokens are wanted; 0: none. At most the vocabulary. */
  readonly top?: number;
  readonly chunkBytes?: number;
}

/** The output head as a linear layer: frozen weights [V, H], low-rank terms merged into them, an adapter that learns. */
export interface Head extends LinearWeights {
  readonly lora?: Lora | undefined;
}

const headOf = (head: Weight | Head): Head => ('weight' in head ? head : { weight: head });

/**
 * hidden [T, H], head [V, H] → log-probs and entropies [S]. The head's weights are frozen, its adapter learns.
 * In the backward pass the gradient of `logps` must have been given with `tape.addGrad`; that of `entropy` may have been.
 */
export function logProbs(
  tape: Tape,
  hidden: Tensor,
  head: Weight | Head,
  { rows, start, targets }: Targets,
  { temperature = 1, top: wanted = 0, chunkBytes = CHUNK_BYTES }: LogProbOptions = {},
): LogProbs {
  const { rec } = tape;
  const { weight, frozen, lora } = headOf(head);
  const [U, S, vocab] = [rows?.size ?? hidden.rows, targets.size, weight.rows];
  const wide = headWithWholeRows(rec, weight);
  const stride = wide.rows;
  invariant(start.size === U + 1, `log-probs: ${U} rows need ${U + 1} starts, not ${start.size}`);
  const logps = rec.empty('logps', [S]);
  const entropy = rec.empty('entropy', [S]);
  const correct = rec.empty('correct', [S]);
  const lse = rec.empty('lse', [U]);
  const k = Math.min(wanted, vocab);
  const top = k > 0 ? { tokens: rec.empty('top tokens', [U, k]), logps: rec.empty('top logps', [U, k]) } : null;
  const inverseTemperature = 1 / temperature;
  const chunks = rowChunks(rec, U, stride, chunkBytes);
  // A gathered copy: the weights' gradients are scattered by hand below, so it is on the tape for the adapter alone.
  const picked = rows ? gatherRows(lora ? tape : new Tape(rec, { recording: false }), hidden, rows) : hidden;
  const low: LowRank[] = [
    ...(frozen ? [{ z: down(rec, picked, frozen.a), b: whole(rec, frozen.b), scale: 1 }] : []),
    ...(lora ? [{ z: adapterDown(tape, picked, lora), b: whole(rec, lora.b), scale: lora.scaling }] : []),
  ];
  // With one chunk the logits live on and the backward pass turns them into their gradient in place.
  let kept: Tensor | null = null;
  for (const [first, count] of chunks) {
    const logits = chunkLogits(rec, { x: picked, low }, wide, first, count);
    if (chunks.length === 1) kept = logits;
    rec.dispatch('head/stats', stats, {
      constants: rowConstants(rec.session, vocab),
      bind: { logits, start, targets, lse, logps, entropy, correct },
      params: { rows: count, vocab, stride, firstRow: first, inverseTemperature },
      groups: rowGroups(count),
    });
    if (top)
      rec.dispatch('head/top', topTokens, {
        constants: rowConstants(rec.session, vocab),
        bind: { logits, lse, ...top },
        params: { rows: count, vocab, stride, firstRow: first, k, inverseTemperature },
        groups: rowGroups(count),
      });
  }
  const learning = low.at(-1);
  const inputs = lora ? [hidden, learning!.z] : [hidden];
  tape.node(inputs, [logps, entropy], () => {
    const [dlogps, dentropy] = [tape.grad(logps), tape.grad(entropy)];
    invariant(dlogps, 'log-probs without a gradient');
    const dpicked = tape.tracks(hidden) ? rec.empty('d picked', picked.shape) : null;
    const dz = lora ? rec.empty('d head z', learning!.z.shape) : null;
    for (const [first, count] of chunks) {
      const logits = kept ?? chunkLogits(rec, { x: picked, low }, wide, first, count);
      rec.dispatch('head/gradient', gradient, {
        constants: { ...rowConstants(rec.session, vocab), ENTROPY: dentropy !== null },
        bind: { logits, start, targets, lse, dlogps, ...(dentropy && { entropy, dentropy }) },
        params: { rows: count, vocab, stride, firstRow: first, inverseTemperature },
        groups: rowGroups(count),
      });
      if (lora) {
        const gradB = wholeRows(lora.gradB);
        invariant(gradB instanceof Tensor, 'the gradient of a head’s adapter has no room for whole rows');
        const z = rowsOf(rec, learning!.z, first, count);
        matmulTn(rec, logits, z, gradB, { scale: lora.scaling, accumulate: true });
        intoRows(rec, dz!, first, count, (du) => matmulNn(rec, logits, learning!.b, du, { scale: lora.scaling }));
      }
      if (dpicked)
        intoRows(rec, dpicked, first, count, (dx) => {
          matmulNn(rec, logits, wide, dx);
          if (!frozen) return;
          const u = rec.empty('head frozen u', [count, frozen.a.rows]);
          matmulNn(rec, logits, low[0]!.b, u);
          matmulNn(rec, u, frozen.a, dx, { accumulate: true });
        });
    }
    if (dz) tape.addGrad(learning!.z, dz);
    if (!dpicked) return;
    if (rows) scatterRows(tape, dpicked, rows, hidden);
    else tape.addGrad(hidden, dpicked);
  });
  return { logps, entropy, correct, top };
}

/** Logits of hidden rows [U, H] → [U, V]; for generation and for checks, where a few rows are wanted whole. */
export function logits(rec: Recorder, hidden: Tensor, head: Weight | Head): Tensor {
  const { weight, frozen, lora } = headOf(head);
  const low = [
    ...(frozen ? [{ z: down(rec, hidden, frozen.a), b: frozen.b, scale: 1 }] : []),
    ...(lora ? [{ z: down(rec, hidden, lora.a), b: lora.b, scale: lora.scaling }] : []),
  ];
  return product(rec, { x: hidden, low }, weight);
}

/** A low-rank term of the head: scale · z [U, r] · b [V, r]ᵀ. */
interface LowRank {
  readonly z: Tensor;
  readonly b: Tensor;
  readonly scale: number;
}

interface HeadInput {
  readonly x: Tensor;
  readonly low: readonly LowRank[];
}

/** x [U, H] → [U, V], with one low-rank term added by the product itself and others before it. */
function product(rec: Recorder, { x, low }: HeadInput, weight: Weight): Tensor {
  const y = rec.empty('logits', [x.rows, weight.rows]);
  const [last, ...others] = [...low].reverse();
  let before: Tensor | undefined;
  for (const { z, b, scale } of others) {
    invariant(scale === 1, 'a merged term of the head with a scale');
    before = rec.empty('head frozen', y.shape);
    matmulNt(rec, z, b, before);
  }
  matmulNt(rec, x, weight, y, { ...(last && { lora: last }), ...(before && { residual: before }) });
  return y;
}

function down(rec: Recorder, x: Tensor, a: Tensor): Tensor {
  const z = rec.empty('head z', [x.rows, a.rows]);
  matmulNt(rec, x, a, z);
  return z;
}

/** z = dropout(x)·Aᵀ, whose gradient goes to A and, where it is wanted, to x. */
function adapterDown(tape: Tape, x: Tensor, lora: Lora): Tensor {
  const { rec } = tape;
  const dropped = lora.dropout ? dropout(tape, x, lora.dropout) : x;
  const z = down(rec, dropped, lora.a);
  tape.node(
    [dropped],
    [z],
    () => {
      const dz = tape.grad(z);
      invariant(dz, 'the head’s adapter without a gradient');
      matmulTn(rec, dz, dropped, lora.gradA, { accumulate: true });
      if (!tape.tracks(dropped)) return;
      const dx = tape.sink(dropped);
      matmulNn(rec, dz, lora.a, dx.tensor, { accumulate: dx.accumulate });
    },
    true,
  );
  return z;
}

/** A matrix b [V, r] with its rows rounded up as the head's are. */
function whole(rec: Recorder, b: Tensor): Tensor {
  const wide = headWithWholeRows(rec, b);
  invariant(!(wide instanceof Matrix), 'an adapter that is a matrix of parts');
  return wide;
}

const rowsOf = (rec: Recorder, x: Tensor, first: number, count: number): Tensor => {
  if (count === x.rows) return x;
  const part = rec.empty('rows', [count, x.columns]);
  rec.copy(x, part, { fromByte: first * x.columns * 4, bytes: part.bytes });
  return part;
};

/** Lets `write` fill rows first … first + count of y. */
function intoRows(rec: Recorder, y: Tensor, first: number, count: number, write: (part: Tensor) => void): void {
  if (count === y.rows) return write(y);
  const part = rec.empty('rows', [count, y.columns]);
  write(part);
  rec.copy(part, y, { toByte: first * y.columns * 4 });
}

/**
 * The head with its rows rounded up to a multiple of 4, as the backward product sums over them (SmolVLM has 49,155).
 * Weights are loaded with that room (models/weights.ts), so nothing is copied; the kernels leave the extra columns out.
 */
function headWithWholeRows(rec: Recorder, head: Weight): Weight {
  const wide = wholeRows(head);
  if (wide || head instanceof Matrix) return wide ?? head;
  const copy = rec.empty('head with whole rows', [Math.ceil(head.rows / 4) * 4, head.columns], head.dtype);
  rec.clear(copy);
  rec.copy(head, copy);
  return copy;
}

function rowChunks(rec: Recorder, rows: number, stride: number, chunkBytes: number): [first: number, count: number][] {
  const budget = Math.min(chunkBytes, rec.session.gpu.limits.maxStorageBufferBindingSize);
  const size = Math.max(1, Math.min(rows, Math.floor(budget / (stride * 4))));
  const chunks: [number, number][] = [];
  for (let first = 0; first < rows; first += size) chunks.push([first, Math.min(size, rows - first)]);
  return chunks;
}

const chunkLogits = (rec: Recorder, { x, low }: HeadInput, head: Weight, first: number, count: number): Tensor =>
  product(
    rec,
    {
      x: rowsOf(rec, x, first, count),
      low: low.map(({ z, ...term }) => ({ ...term, z: rowsOf(rec, z, first, count) })),
    },
    head,
  );
