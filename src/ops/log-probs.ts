/**
 * The output head without ever holding all logits: log-probabilities and entropies of given targets, in chunks of rows.
 * A per-target coefficient d loss / d log-prob makes the same two kernels serve SFT and every policy-gradient loss.
 */
import gradient from '../../shaders/head/gradient.wgsl';
import stats from '../../shaders/head/stats.wgsl';
import { invariant } from '../base/error.ts';
import type { Recorder } from '../gpu/recorder.ts';
import type { Tensor } from '../gpu/tensor.ts';
import { gatherRows, scatterRows } from './gather.ts';
import { rowConstants, rowGroups } from './groups.ts';
import { matmulNn, matmulNt } from './matmul.ts';
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
}

/**
 * hidden [T, H], head [V, H] frozen → log-probs and entropies [S].
 * In the backward pass the gradient of `logps` must have been given with `tape.addGrad`; that of `entropy` may have been.
 */
export function logProbs(
  tape: Tape,
  hidden: Tensor,
  head: Weight,
  { rows, start, targets }: Targets,
  temperature = 1,
  chunkBytes = CHUNK_BYTES,
): LogProbs {
  const { rec } = tape;
  const [U, S, vocab] = [rows?.size ?? hidden.rows, targets.size, head.rows];
  const wide = headWithWholeRows(rec, head);
  const stride = wide.rows;
  invariant(start.size === U + 1, `log-probs: ${U} rows need ${U + 1} starts, not ${start.size}`);
  const logps = rec.empty('logps', [S]);
  const entropy = rec.empty('entropy', [S]);
  const correct = rec.empty('correct', [S]);
  const lse = rec.empty('lse', [U]);
  const inverseTemperature = 1 / temperature;
  const chunks = rowChunks(rec, U, stride, chunkBytes);
  // A gathered copy: gradients are scattered by hand below, so it is not on the tape.
  const picked = rows ? gatherRows(new Tape(rec, { recording: false }), hidden, rows) : hidden;
  // With one chunk the logits live on and the backward pass turns them into their gradient in place.
  let kept: Tensor | null = null;
  for (const [first, count] of chunks) {
    const logits = chunkLogits(rec, picked, wide, first, count);
    if (chunks.length === 1) kept = logits;
    rec.dispatch('head/stats', stats, {
      constants: rowConstants(rec.session, vocab),
      bind: { logits, start, targets, lse, logps, entropy, correct },
      params: { rows: count, vocab, stride, firstRow: first, inverseTemperature },
      groups: rowGroups(count),
    });
  }
  tape.node([hidden], [logps, entropy], () => {
    const [dlogps, dentropy] = [tape.grad(logps), tape.grad(entropy)];
    invariant(dlogps, 'log-probs without a gradient');
    const dpicked = rec.empty('d picked', picked.shape);
    for (const [first, count] of chunks) {
      const logits = kept ?? chunkLogits(rec, picked, wide, first, count);
      rec.dispatch('head/gradient', gradient, {
        constants: { ...rowConstants(rec.session, vocab), ENTROPY: dentropy !== null },
        bind: { logits, start, targets, lse, dlogps, ...(dentropy && { entropy, dentropy }) },
        params: { rows: count, vocab, stride, firstRow: first, inverseTemperature },
        groups: rowGroups(count),
      });
      if (chunks.length === 1) matmulNn(rec, logits, wide, dpicked);
      else {
        const part = rec.empty('d picked part', [count, head.columns]);
        matmulNn(rec, logits, wide, part);
        rec.copy(part, dpicked, { toByte: first * head.columns * 4 });
      }
    }
    if (rows) scatterRows(tape, dpicked, rows, hidden);
    else tape.addGrad(hidden, dpicked);
  });
  return { logps, entropy, correct };
}

/** Logits of hidden rows [U, H] → [U, V]; for generation and for checks, where a few rows are wanted whole. */
export function logits(rec: Recorder, hidden: Tensor, head: Weight): Tensor {
  const y = rec.empty('logits', [hidden.rows, head.rows]);
  matmulNt(rec, hidden, head, y);
  return y;
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

function chunkLogits(rec: Recorder, picked: Tensor, head: Weight, first: number, count: number): Tensor {
  if (count === picked.rows) return logits(rec, picked, head);
  const part = rec.empty('picked part', [count, picked.columns]);
  rec.copy(picked, part, { fromByte: first * picked.columns * 4, bytes: part.bytes });
  return logits(rec, part, head);
}
