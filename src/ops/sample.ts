/**
 * Token sampling on the GPU and the state of a batch being decoded. A step needs nothing from the CPU, so many can be
 * submitted in a row: tokens, positions, cache slots, attention ranges and the step counter all advance on the GPU.
 */
import sample from '../../shaders/sample/sample.wgsl';
import tick from '../../shaders/sample/tick.wgsl';
import type { Recorder, Session } from '../gpu/recorder.ts';
import { Tensor, type DType } from '../gpu/tensor.ts';
import { rowConstants } from './groups.ts';

/** Sections start at multiples of this many words (256 bytes: any device's binding alignment). */
const SECTION = 64;

export interface DecodeStart {
  /** Position of each row's first completion token. */
  readonly positions: readonly number[];
  /** Cache row of each row's first completion token; the rest follow. Given for all rows, idle ones too. */
  readonly slots: readonly number[];
  /** Cache rows of each row's prompt, [start, end). */
  readonly prompts: readonly (readonly [number, number])[];
}

/** One buffer with the state of B rows, and views of its sections. */
export class DecodeState {
  readonly rows: number;
  readonly maxLength: number;
  readonly all: Tensor;
  /** u32 [B]: the token each row goes on from. */
  readonly tokens: Tensor;
  /** u32 [B]: its position. */
  readonly positions: Tensor;
  /** i32 [B]: the cache row its key and value go to. */
  readonly slots: Tensor;
  /** u32 [B, 4]: (prompt start, prompt end, own start, own end) in the cache; all zero once the row has finished. */
  readonly ranges: Tensor;
  /** u32 [B]: 1 after an end-of-sequence token. The row then stands still and emits the pad token. */
  readonly finished: Tensor;
  /** u32 [maxLength, B]: steps one after the other, so that what a few of them drew is read in one piece. */
  readonly output: Tensor;
  /** [maxLength, B]: log-probability of each drawn token under the whole softmax(logits / temperature); 0 for padding. */
  readonly logProbs: Tensor;
  /** [maxLength, B]: entropy of that distribution at each draw, nats; 0 for padding. */
  readonly entropies: Tensor;
  readonly offsets: Readonly<
    Record<
      | 'tokensAt'
      | 'positionsAt'
      | 'slotsAt'
      | 'rangesAt'
      | 'finishedAt'
      | 'outputAt'
      | 'logProbsAt'
      | 'entropiesAt'
      | 'stepAt',
      number
    >
  >;
  readonly #session: Session;

  constructor(session: Session, rows: number, maxLength: number) {
    this.#session = session;
    this.rows = rows;
    this.maxLength = maxLength;
    let words = 0;
    const place = (count: number) => {
      const at = words;
      words += Math.ceil(count / SECTION) * SECTION;
      return at;
    };
    this.offsets = {
      tokensAt: place(rows),
      positionsAt: place(rows),
      slotsAt: place(rows),
      rangesAt: place(4 * rows),
      finishedAt: place(rows),
      stepAt: place(1),
      outputAt: place(rows * maxLength),
      logProbsAt: place(rows * maxLength),
      entropiesAt: place(rows * maxLength),
    };
    this.all = session.resident('decode state', [words], 'u32');
    const view = (label: string, dtype: DType, shape: readonly number[], at: number) =>
      new Tensor(label, dtype, shape, this.all.storage, at * 4);
    this.tokens = view('decode tokens', 'u32', [rows], this.offsets.tokensAt);
    this.positions = view('decode positions', 'u32', [rows], this.offsets.positionsAt);
    this.slots = view('decode slots', 'i32', [rows], this.offsets.slotsAt);
    this.ranges = view('decode ranges', 'u32', [rows, 4], this.offsets.rangesAt);
    this.finished = view('decode finished', 'u32', [rows], this.offsets.finishedAt);
    this.output = view('decode output', 'u32', [maxLength, rows], this.offsets.outputAt);
    this.logProbs = view('decode log-probs', 'f32', [maxLength, rows], this.offsets.logProbsAt);
    this.entropies = view('decode entropies', 'f32', [maxLength, rows], this.offsets.entropiesAt);
  }

  /** Sets the state before the first token is drawn: each draw advances it by one. Rows beyond the given ones are finished. */
  start({ positions, slots, prompts }: DecodeStart): void {
    const data = new Uint32Array(this.all.size);
    const { positionsAt, slotsAt, rangesAt, finishedAt } = this.offsets;
    for (let row = 0; row < this.rows; row++) {
      const given = row < positions.length;
      data[positionsAt + row] = given ? positions[row]! - 1 : 0;
      data[slotsAt + row] = given ? slots[row]! - 1 : slots[row]!;
      if (given) data.set([prompts[row]![0], prompts[row]![1], slots[row]!, slots[row]!], rangesAt + 4 * row);
      else data[finishedAt + row] = 1;
    }
    this.#session.write(this.all, data);
  }

  destroy(): void {
    this.#session.release(this.all);
  }
}

/** Bits of tokens never to be drawn, u32 [⌈V/32⌉]. */
export function suppressionMask(vocab: number, tokens: readonly number[]): Uint32Array {
  const mask = new Uint32Array(Math.ceil(vocab / 32));
  for (const token of tokens) if (token < vocab) mask[token >>> 5]! |= 1 << (token & 31);
  return mask;
}

/** control [4]: temperature and top-p as f32 bits, top-k, seed. */
export function samplingControl(o: { temperature: number; topP: number; topK: number; seed: number }): Uint32Array {
  const floats = Float32Array.of(o.temperature, o.topP);
  const words = new Uint32Array(4);
  words.set(new Uint32Array(floats.buffer));
  words[2] = o.topK;
  words[3] = o.seed >>> 0;
  return words;
}

export interface SampleInputs {
  /** [B, V] */
  readonly logits: Tensor;
  /** u32 [⌈V/32⌉] */
  readonly suppressed: Tensor;
  /** u32 [E] */
  readonly eos: Tensor;
  /** u32 [4] */
  readonly control: Tensor;
}

/**
 * Draws a token for every row, keyed by (seed, row, step), and advances the state: token, output, log-prob, entropy, position,
 * cache slot and range of unfinished rows, then the step. Temperature 0 takes the likeliest token, the first of equals.
 * Everything but shapes is read when the commands run, so that they can be replayed with other settings.
 */
export function sampleTokens(
  rec: Recorder,
  { logits, suppressed, eos, control }: SampleInputs,
  state: DecodeState,
  pad: number,
): void {
  const { stepAt } = state.offsets;
  rec.dispatch('sample', sample, {
    constants: rowConstants(rec.session, logits.columns),
    bind: { logits, suppressed, eos, control, state: state.all },
    params: {
      rows: state.rows,
      vocab: logits.columns,
      eosCount: eos.size,
      pad,
      maxLength: state.maxLength,
      ...state.offsets,
    },
    groups: [state.rows],
  });
  rec.dispatch('sample/tick', tick, { bind: { state: state.all }, params: { stepAt }, groups: [1] });
}
