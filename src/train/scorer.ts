/**
 * Programs over packed sequences: log-probabilities of completions, with or without a backward pass. SFT, GRPO and the
 * reference policy are this one thing with different losses and with adapters on or off.
 */
import { invariant } from '../base/error.ts';
import type { Program } from '../gpu/program.ts';
import { Recorder } from '../gpu/recorder.ts';
import type { Tensor } from '../gpu/tensor.ts';
import type { PolicyWeights, VisionLanguageModel } from '../models/model.ts';
import type { Adapter } from '../nn/adapter.ts';
import type { Dropout } from '../ops/dropout.ts';
import type { Lora } from '../ops/linear.ts';
import { logProbs, type LogProbs } from '../ops/log-probs.ts';
import { entropyBonus, needsSpans, nllLoss, policyLoss, type PolicySettings } from '../ops/policy-loss.ts';
import { Tape } from '../ops/tape.ts';
import { completionSpans, type Packed, type PackedSizes } from './pack.ts';

export type ScoreMode =
  /** Log-probs and entropies only; with `top` also so many likeliest tokens of each scored row. */
  | { readonly kind: 'score'; readonly top?: number }
  /** Loss −Σ weight·logp and its gradients. */
  | { readonly kind: 'nll' }
  | {
      readonly kind: 'policy';
      readonly settings: PolicySettings;
      /** The policy has not moved since the rollout. */
      readonly onPolicy: boolean;
      /** The objective counts at some tokens only; needs `kept` in the inputs. */
      readonly masked?: boolean;
      /** Entropy is rewarded; needs `entropyShare` in the inputs. */
      readonly entropyBonus?: boolean;
    };

export interface ScoreSettings {
  readonly mode: ScoreMode;
  readonly temperature: number;
  /** Off: the bare weights (after merges), which are the reference policy. */
  readonly adapter: boolean;
  readonly checkpoint: boolean;
  /** lora_dropout; needs `seed` in the inputs. */
  readonly dropout?: number;
}

/** Per-target numbers of a loss, each [S] in the order of `packed.entries`. */
export interface ScoreInputs {
  readonly weight?: Float32Array;
  readonly advantage?: Float32Array;
  readonly old?: Float32Array;
  readonly reference?: Float32Array;
  /** 1 where the objective counts. */
  readonly kept?: Float32Array;
  /** Of the entropy bonus. */
  readonly entropyShare?: Float32Array;
  /** Of this pass's dropout. */
  readonly seed?: number;
}

export interface Scores {
  /** One value per entry. */
  readonly logps: Float32Array;
  readonly entropy: Float32Array;
  /** 1 where the target was the most likely token. */
  readonly correct: Float32Array;
  /** [entries, 4]: weighted loss, kl, ratio, clipped; empty without a loss. */
  readonly terms: Float32Array;
  /** Of each scored row [U, k], in the order of `packed.rows`: tokens, ascending, and their log-probabilities. */
  readonly top: { readonly k: number; readonly tokens: Float32Array; readonly logps: Float32Array } | null;
}

interface Compiled {
  readonly program: Program;
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly logps: Tensor;
  readonly entropy: Tensor;
  readonly correct: Tensor;
  readonly terms: Tensor | null;
  readonly top: LogProbs['top'];
}

const PER_TARGET = ['weight', 'advantage', 'old', 'reference', 'kept', 'entropyShare'] as const;

/** Passes submitted before the first of them was read: while the GPU is at one, the next is packed and recorded. */
export const PASSES_AHEAD = 2;

/** Programs kept; beyond that the one unused longest goes. */
const CACHE = 24;

export class Scorer {
  readonly #model: VisionLanguageModel;
  #adapter: Adapter | null;
  #policy: PolicyWeights | undefined;
  readonly #programs = new Map<string, Compiled>();

  constructor(model: VisionLanguageModel, adapter: Adapter | null, policy?: PolicyWeights) {
    this.#model = model;
    this.#adapter = adapter;
    this.#policy = policy;
  }

  /**
   * Runs the program for these sizes. With a loss, gradients are added to the adapter's; the caller clears them.
   * @param features f32 [featureRows, featureColumns], the groups' features in order
   */
  async run(
    packed: Packed,
    features: Float32Array<ArrayBuffer>,
    settings: ScoreSettings,
    inputs: ScoreInputs = {},
  ): Promise<Scores> {
    const compiled = this.compile(packed.sizes, settings);
    const { program, inputs: tensors } = compiled;
    const { T, S } = packed.sizes;
    const arrays: Record<string, ArrayBufferView | undefined> = {
      tokens: packed.tokens,
      rotary: this.#model.rotaryTable(packed.axes),
      positions: Uint32Array.from({ length: T }, (_, i) => i),
      feature: packed.featureIndex,
      features,
      ranges: packed.ranges,
      keyRanges: packed.keyRanges,
      rows: packed.rows,
      rowPositions: packed.rows.map((row) => Math.max(0, row)),
      rowRanges: packed.rowRanges,
      rowsOfKeys: packed.rowsOfKeys,
      start: packed.start,
      targets: packed.targets,
      spans: tensors['spans'] ? completionSpans(packed) : undefined,
      seed: Uint32Array.of(inputs.seed ?? 0),
      ...Object.fromEntries(PER_TARGET.flatMap((name) => (inputs[name] ? [[name, padded(inputs[name], S)]] : []))),
    };
    for (const [name, tensor] of Object.entries(tensors)) {
      const data = arrays[name];
      invariant(data, `the loss needs ${name}`);
      if (data.byteLength) program.write(tensor, data);
    }
    program.run();
    const { top } = compiled;
    const [logps, entropy, correct, ...more] = await program.read(
      compiled.logps,
      compiled.entropy,
      compiled.correct,
      ...(compiled.terms ? [compiled.terms] : []),
      ...(top ? [top.tokens, top.logps] : []),
    );
    const terms = compiled.terms ? more.shift() : undefined;
    const n = packed.entries.length;
    return {
      logps: logps!.subarray(0, n),
      entropy: entropy!.subarray(0, n),
      correct: correct!.subarray(0, n),
      terms: terms?.subarray(0, 4 * n) ?? new Float32Array(),
      top: top && { k: top.tokens.columns, tokens: more[0]!, logps: more[1]! },
    };
  }

  /** The program for some sizes, recorded at first use. */
  compile(sizes: PackedSizes, settings: ScoreSettings): Compiled {
    const key = JSON.stringify([sizes, settings]);
    const known = this.#programs.get(key);
    if (known) {
      this.#programs.delete(key);
      this.#programs.set(key, known);
      return known;
    }
    const compiled = this.#record(sizes, settings);
    this.#programs.set(key, compiled);
    if (this.#programs.size > CACHE) {
      const [oldest, { program }] = this.#programs.entries().next().value!;
      program.destroy();
      this.#programs.delete(oldest);
    }
    return compiled;
  }

  destroy(): void {
    for (const { program } of this.#programs.values()) program.destroy();
    this.#programs.clear();
  }

  #record(
    { T, F, U, S }: PackedSizes,
    { mode, temperature, adapter, checkpoint, dropout = 0 }: ScoreSettings,
  ): Compiled {
    const model = this.#model;
    const rec = new Recorder(model.session, mode.kind);
    const tape = new Tape(rec, { recording: mode.kind !== 'score' });
    const inputs: Record<string, Tensor> = {
      tokens: rec.input('tokens', [T], 'u32'),
      rotary: rec.input('rotary table', [T, model.headDim / 2, 2]),
      positions: rec.input('table rows', [T], 'u32'),
      ranges: rec.input('key ranges of queries', [T, 4], 'u32'),
      rows: rec.input('scored rows', [U], 'i32'),
      rowPositions: rec.input('table rows of scored rows', [U], 'u32'),
      rowRanges: rec.input('key ranges of scored rows', [U, 4], 'u32'),
      start: rec.input('target starts', [U + 1], 'u32'),
      targets: rec.input('targets', [S], 'u32'),
    };
    if (F)
      Object.assign(inputs, {
        features: rec.input('image features', [F, model.featureColumns]),
        feature: rec.input('feature index', [T], 'i32'),
      });
    if (tape.recording)
      Object.assign(inputs, {
        keyRanges: rec.input('query ranges of keys', [T, 2], 'u32'),
        rowsOfKeys: rec.input('scored rows that see a key', [T, 2], 'u32'),
      });
    const seed = dropout > 0 && tape.recording ? (inputs['seed'] = rec.input('dropout seed', [1], 'u32')) : null;
    const lora =
      adapter && this.#adapter
        ? (module: string) => withDropout(this.#adapter!, module, seed && { p: dropout, seed })
        : undefined;
    const hidden = model.recordDecoder(
      tape,
      inputs['tokens']!,
      F ? { features: inputs['features']!, index: inputs['feature']! } : undefined,
      {
        rotary: { table: inputs['rotary']!, positions: inputs['positions']! },
        ranges: inputs['ranges']!,
        keyRanges: inputs['keyRanges'],
        wanted: {
          rows: inputs['rows']!,
          positions: inputs['rowPositions']!,
          ranges: inputs['rowRanges']!,
          keyRanges: inputs['rowsOfKeys'],
        },
        lora,
        checkpoint,
      },
      this.#policy,
    );
    const scored: LogProbs = logProbs(
      tape,
      hidden,
      model.headLayer(this.#policy, lora),
      { rows: null, start: inputs['start']!, targets: inputs['targets']! },
      { temperature, ...(mode.kind === 'score' && mode.top && { top: mode.top }) },
    );
    let terms: Tensor | null = null;
    if (mode.kind !== 'score') {
      const weight = (inputs['weight'] = rec.input('loss weights', [S]));
      if (mode.kind === 'nll') terms = nllLoss(tape, scored.logps, weight);
      else {
        const { settings, onPolicy, masked = false } = mode;
        const advantage = (inputs['advantage'] = rec.input('advantages', [S]));
        const old = onPolicy ? undefined : (inputs['old'] = rec.input('old logps', [S]));
        const reference = settings.beta === 0 ? undefined : (inputs['reference'] = rec.input('reference logps', [S]));
        const kept = masked ? (inputs['kept'] = rec.input('tokens kept', [S])) : undefined;
        const spans = needsSpans(settings)
          ? (inputs['spans'] = rec.input('completion spans', [S, 4], 'u32'))
          : undefined;
        terms = policyLoss(tape, scored.logps, { weight, advantage, old, reference, kept, spans }, settings);
        if (mode.entropyBonus) {
          const share = (inputs['entropyShare'] = rec.input('entropy shares', [S]));
          entropyBonus(tape, scored.entropy, { share, terms });
        }
      }
      tape.backward();
      rec.output(terms);
    }
    rec.output(scored.logps);
    rec.output(scored.entropy);
    rec.output(scored.correct);
    if (scored.top) for (const tensor of Object.values(scored.top)) rec.output(tensor);
    return { program: rec.finish(), inputs, ...scored, terms };
  }
}

function withDropout(adapter: Adapter, module: string, dropout: Omit<Dropout, 'id'> | null): Lora | undefined {
  const lora = adapter.lora(module);
  if (!lora || !dropout) return lora;
  return { ...lora, dropout: { ...dropout, id: adapter.targets.findIndex((t) => t.module === module) } };
}

function padded(values: Float32Array, size: number): Float32Array {
  if (values.length === size) return values;
  const all = new Float32Array(size);
  all.set(values);
  return all;
}
