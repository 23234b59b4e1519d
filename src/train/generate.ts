/**
 * Generation: prompts are prefilled once, packed, and their G completions decode together against the shared keys and
 * values. A decode step is recorded once and replayed; tokens come back in groups of steps.
 */
import type { Program } from '../gpu/program.ts';
import { Recorder } from '../gpu/recorder.ts';
import type { Tensor } from '../gpu/tensor.ts';
import type { Processor } from '../models/processor.ts';
import type { LayerCache } from '../nn/decoder.ts';
import { logits as headLogits, type Head } from '../ops/log-probs.ts';
import { DecodeState, sampleTokens, samplingControl, suppressionMask } from '../ops/sample.ts';
import { Tape } from '../ops/tape.ts';
import { pack, rangesOf, type EncodedPrompt, type Packed, type PackedSizes } from './pack.ts';
import type { Policy } from './policy.ts';
import type { SamplingSettings } from './recipe.ts';
import { RolloutTokens, type OnTokens, type Rollout } from './rollout-tokens.ts';

export type { OnTokens, Rollout } from './rollout-tokens.ts';

/** What generation needs of a sample. */
export interface Promptable {
  readonly prompt: EncodedPrompt;
}

/** Where image features come from, one prompt after the other, f32 [rows, hidden]. */
export interface FeatureSource<S extends Promptable> {
  features(samples: readonly S[]): Float32Array<ArrayBuffer>;
}

export interface GenerateOptions {
  readonly numGenerations: number;
  readonly sampling: SamplingSettings;
  readonly seed: number;
  /** Log-probabilities and entropies are read back too. */
  readonly scores?: boolean;
  /** `base`: neither adapter nor merges; `reference`: merges only. Default `policy`. */
  readonly which?: 'policy' | 'reference' | 'base';
  /** Called as tokens arrive, some steps at a time. Row i·G + g is completion g of sample i. */
  readonly onTokens?: OnTokens;
  /** Aborted: ends soon, and the completions are what was drawn until then. */
  readonly signal?: AbortSignal;
}

/**
 * Tokens are read back in groups of steps: of about this many milliseconds, so that they stream and little is drawn
 * for nothing after the last row has ended, and of no more steps than that.
 */
const GROUP_MS = 60;
const GROUP_STEPS = 16;
/** Steps of the first groups, before any was timed. */
const FIRST_STEPS = 4;
/** Groups submitted and not yet read: while one runs, the next is encoded. */
const AHEAD = 2;

/** Programs and buffers for one shape of batch. */
interface Decoder {
  readonly key: string;
  readonly state: DecodeState;
  readonly cache: readonly LayerCache[];
  readonly capacity: number;
  readonly control: Tensor;
  readonly decode: Program;
  readonly prefills: Map<string, Prefill>;
}

interface Prefill {
  readonly program: Program;
  readonly inputs: Readonly<Record<string, Tensor>>;
}

export class Generator<S extends Promptable = Promptable> {
  readonly #policy: Policy;
  readonly #processor: Processor;
  readonly #samples: FeatureSource<S>;
  readonly #fixed: { readonly suppressed: Tensor; readonly eos: Tensor };
  #rotary: Tensor | null = null;
  #decoder: Decoder | null = null;

  constructor(policy: Policy, processor: Processor, samples: FeatureSource<S>) {
    this.#policy = policy;
    this.#processor = processor;
    this.#samples = samples;
    const { session, vocabSize, suppressedTokens } = policy.model;
    const mask = suppressionMask(vocabSize, suppressedTokens);
    this.#fixed = {
      suppressed: session.resident('suppressed tokens', [mask.length], 'u32', mask),
      eos: session.resident(
        'end tokens',
        [processor.eosTokenIds.length],
        'u32',
        Uint32Array.from(processor.eosTokenIds),
      ),
    };
  }

  /** Completions of each sample, G apiece. Deterministic for a seed on one adapter. */
  async generate(samples: readonly S[], options: GenerateOptions): Promise<Rollout[][]> {
    const { numGenerations: G, sampling } = options;
    const packed = pack(samples.map(({ prompt }) => ({ prompt, completions: [] })));
    const rows = samples.length * G;
    const decoder = this.#prepare(packed, rows, options);
    const { session } = this.#policy.model;
    const starts = promptStarts(samples);
    const firstSlot = decoder.capacity - 1 - decoder.state.rows * decoder.state.maxLength;
    decoder.state.start({
      positions: Array.from({ length: rows }, (_, b) => samples[Math.floor(b / G)]!.prompt.next),
      slots: Array.from({ length: decoder.state.rows }, (_, b) => firstSlot + b * decoder.state.maxLength),
      prompts: Array.from(
        { length: rows },
        (_, b) =>
          [
            starts[Math.floor(b / G)]!,
            starts[Math.floor(b / G)]! + samples[Math.floor(b / G)]!.prompt.tokens.length,
          ] as const,
      ),
    });
    session.write(decoder.control, samplingControl({ ...sampling, seed: options.seed }));
    this.#prefill(decoder, packed, samples, G, options);

    const tokens = new RolloutTokens(rows, this.#processor.eosTokenIds, options.onTokens);
    await this.#decode(decoder, sampling.maxCompletionLength, tokens, options);
    return tokens.rollouts(G, this.#processor.tokenizer);
  }

  destroy(): void {
    this.#dropDecoder();
    this.#policy.model.session.release(
      this.#fixed.suppressed,
      this.#fixed.eos,
      ...(this.#rotary ? [this.#rotary] : []),
    );
  }

  /** Replays the decode step up to `limit` tokens a row (the prefill drew the first), or until all rows have ended. */
  async #decode(
    decoder: Decoder,
    limit: number,
    tokens: RolloutTokens,
    { signal, scores = false }: Pick<GenerateOptions, 'signal' | 'scores'>,
  ): Promise<void> {
    const { session } = this.#policy.model;
    const { output, logProbs, entropies, rows } = decoder.state;
    const readGroup = async (from: number, steps: number) => {
      const parts = await session.readback.read(
        [output, ...(scores ? [logProbs, entropies] : [])].map(({ storage, offset }) => ({
          buffer: storage.buffer!,
          offset: offset + from * rows * 4,
          bytes: steps * rows * 4,
        })),
      );
      return {
        ids: new Uint32Array(parts[0]!),
        drawn: scores ? { logProbs: new Float32Array(parts[1]!), entropies: new Float32Array(parts[2]!) } : undefined,
        steps,
      };
    };
    const read = (from: number, steps: number) => {
      const group = readGroup(from, steps);
      // One that fails ends the loop; those behind it fail with nobody waiting for them.
      group.catch(() => undefined);
      return group;
    };
    const groups = [read(0, 1)];
    let submitted = 1;
    let burst = FIRST_STEPS;
    let arrived = 0;
    while (groups.length) {
      while (groups.length < AHEAD && submitted < limit && !tokens.ended && !signal?.aborted) {
        const steps = Math.min(burst, limit - submitted);
        decoder.decode.run(steps);
        groups.push(read(submitted, steps));
        submitted += steps;
      }
      const { ids, drawn, steps } = await groups.shift()!;
      tokens.take(ids, rows, drawn);
      const now = performance.now();
      // The first group came with the prefill, whose time says nothing of a step's.
      if (arrived) burst = Math.max(1, Math.min(GROUP_STEPS, Math.round((GROUP_MS * steps) / (now - arrived))));
      arrived = now;
    }
  }

  /** The buffers and the decode program for this many rows, made anew when shape or policy changed. */
  #prepare(packed: Packed, rows: number, { sampling, which = 'policy' }: GenerateOptions): Decoder {
    const { model } = this.#policy;
    const maxLength = Math.ceil(sampling.maxCompletionLength / 16) * 16;
    const padded = Math.ceil(rows / 8) * 8;
    const key = JSON.stringify([padded, maxLength, which, this.#policy.version]);
    const capacity = packed.sizes.T + padded * maxLength + 1;
    const longest = packed.axes.reduce((a, b) => Math.max(a, b), 0) + maxLength + 2;
    if (this.#rotary && this.#rotary.shape[0]! < longest) this.#dropDecoder();
    if (this.#decoder?.key === key && this.#decoder.capacity >= capacity) return this.#decoder;
    this.#dropDecoder();
    const { session } = model;
    const positions = Math.ceil(longest / 512) * 512;
    if (!this.#rotary || this.#rotary.shape[0]! < positions) {
      if (this.#rotary) session.release(this.#rotary);
      this.#rotary = session.resident(
        'text rotary table',
        [positions, model.headDim / 2, 2],
        'f32',
        model.textRotaryTable(positions),
      );
    }
    const state = new DecodeState(session, padded, maxLength);
    // Prompts of later batches may be longer: leave room, so that buffers are not made anew for each.
    const roomy = Math.ceil((packed.sizes.T * 1.5) / 64) * 64 + padded * maxLength + 1;
    const cache = model.newCache(roomy);
    const control = session.resident('sampling control', [4], 'u32');
    const rec = new Recorder(session, 'decode');
    const hidden = model.recordDecoder(
      new Tape(rec, { recording: false }),
      state.tokens,
      undefined,
      {
        rotary: { table: this.#rotary, positions: state.positions },
        ranges: state.ranges,
        lora: this.#lora(which),
        cache: { layers: cache, rows: state.slots },
        scattered: true,
      },
      which === 'base' ? undefined : this.#policy.weights,
    );
    sampleTokens(
      rec,
      { logits: headLogits(rec, hidden, this.#head(which)), ...this.#fixed, control },
      state,
      this.#processor.padTokenId,
    );
    this.#decoder = { key, state, cache, capacity: roomy, control, decode: rec.finish(), prefills: new Map() };
    return this.#decoder;
  }

  /** Makes buffers and programs for a batch like this one without running anything; for planning memory. */
  reserve(prompts: readonly EncodedPrompt[], options: GenerateOptions): void {
    const packed = pack(prompts.map((prompt) => ({ prompt, completions: [] })));
    const decoder = this.#prepare(packed, prompts.length * options.numGenerations, options);
    this.#compilePrefill(decoder, packed.sizes, options);
  }

  #prefill(decoder: Decoder, packed: Packed, samples: readonly S[], G: number, options: GenerateOptions): void {
    const { model } = this.#policy;
    const { T } = packed.sizes;
    const { program, inputs } = this.#compilePrefill(decoder, packed.sizes, options);
    const starts = promptStarts(samples);
    const spare = decoder.capacity - 1;
    const last = Int32Array.from({ length: decoder.state.rows }, (_, b) => {
      const sample = Math.min(Math.floor(b / G), samples.length - 1);
      return starts[sample]! + samples[sample]!.prompt.tokens.length - 1;
    });
    const arrays: Record<string, ArrayBufferView> = {
      tokens: packed.tokens,
      rotary: model.rotaryTable(packed.axes),
      positions: Uint32Array.from({ length: T }, (_, i) => i),
      ranges: packed.ranges,
      // Padding goes to the cache's spare last row, which nobody reads.
      slots: Int32Array.from({ length: T }, (_, i) => (i < packed.length ? i : spare)),
      last,
      lastPositions: Uint32Array.from(last),
      lastRanges: rangesOf(packed.ranges, last, last.length),
      features: this.#samples.features(samples),
      feature: packed.featureIndex,
    };
    for (const [name, tensor] of Object.entries(inputs)) program.write(tensor, arrays[name]!);
    program.run();
  }

  #compilePrefill(decoder: Decoder, { T, F }: PackedSizes, { which = 'policy' }: GenerateOptions): Prefill {
    const { model } = this.#policy;
    const key = `${T} ${F}`;
    const known = decoder.prefills.get(key);
    if (known) return known;
    const rec = new Recorder(model.session, `prefill ${key}`);
    const inputs: Record<string, Tensor> = {
      tokens: rec.input('tokens', [T], 'u32'),
      rotary: rec.input('rotary table', [T, model.headDim / 2, 2]),
      positions: rec.input('table rows', [T], 'u32'),
      ranges: rec.input('key ranges of queries', [T, 4], 'u32'),
      slots: rec.input('cache rows', [T], 'i32'),
      last: rec.input('last rows', [decoder.state.rows], 'i32'),
      lastPositions: rec.input('table rows of last rows', [decoder.state.rows], 'u32'),
      lastRanges: rec.input('key ranges of last rows', [decoder.state.rows, 4], 'u32'),
    };
    if (F)
      Object.assign(inputs, {
        features: rec.input('image features', [F, model.featureColumns]),
        feature: rec.input('feature index', [T], 'i32'),
      });
    const tape = new Tape(rec, { recording: false });
    const hidden = model.recordDecoder(
      tape,
      inputs['tokens']!,
      F ? { features: inputs['features']!, index: inputs['feature']! } : undefined,
      {
        rotary: { table: inputs['rotary']!, positions: inputs['positions']! },
        ranges: inputs['ranges']!,
        lora: this.#lora(which),
        cache: { layers: decoder.cache, rows: inputs['slots']! },
        wanted: { rows: inputs['last']!, positions: inputs['lastPositions']!, ranges: inputs['lastRanges']! },
      },
      which === 'base' ? undefined : this.#policy.weights,
    );
    const logits = headLogits(rec, hidden, this.#head(which));
    sampleTokens(rec, { logits, ...this.#fixed, control: decoder.control }, decoder.state, this.#processor.padTokenId);
    const compiled = { program: rec.finish(), inputs };
    decoder.prefills.set(key, compiled);
    return compiled;
  }

  #head(which: GenerateOptions['which']): Head {
    const { model, weights } = this.#policy;
    return model.headLayer(which === 'base' ? undefined : weights, this.#lora(which));
  }

  #lora(which: GenerateOptions['which']) {
    const { adapter } = this.#policy;
    return which === 'policy' && adapter ? (module: string) => adapter.lora(module) : undefined;
  }

  #dropDecoder(): void {
    if (!this.#decoder) return;
    const { state, cache, control, decode, prefills } = this.#decoder;
    state.destroy();
    this.#policy.model.session.release(control, ...cache.flatMap(({ k, v }) => [k, v]));
    decode.destroy();
    for (const { program } of prefills.values()) program.destroy();
    this.#decoder = null;
  }
}

/** First packed row of each prompt. */
function promptStarts(samples: readonly Promptable[]): number[] {
  const starts: number[] = [];
  let row = 0;
  for (const { prompt } of samples) {
    starts.push(row);
    row += prompt.tokens.length;
  }
  return starts;
}
