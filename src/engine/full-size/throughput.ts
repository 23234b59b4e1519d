/**
 * Tokens a second of a model without its pictures: LoRA SFT (forward and backward over one packed row) and rollouts (a
 * group of completions that share a prompt). What was trained on, the adapter and what came out are told as well, so
 * that another framework can repeat it: tools/reference/throughput.py.
 */
import { Random } from '../../base/random.ts';
import { blobSource } from '../../formats/byte-source.ts';
import type { Gpu } from '../../gpu/device.ts';
import { Session } from '../../gpu/recorder.ts';
import { loadModel, type LoadedModel } from '../../models/load.ts';
import type { WeightDType } from '../../models/weights.ts';
import type { Adapter } from '../../nn/adapter.ts';
import { combine } from '../../train/combine.ts';
import type { OutputFile } from '../../train/checkpoint-folder.ts';
import { adapterFiles } from '../../train/export.ts';
import { Generator } from '../../train/generate.ts';
import { pack, type EncodedPrompt } from '../../train/pack.ts';
import { Policy } from '../../train/policy.ts';
import { Scorer } from '../../train/scorer.ts';
import { lora, sampling } from '../../train/stages/index.ts';
import type { NamedFile } from '../protocol/words.ts';

export interface ThroughputOptions {
  readonly storage: WeightDType;
  /** Tokens of the row that is trained on: prompt, then answer. */
  readonly prompt: number;
  readonly answer: number;
  /** Completions of a rollout, and the tokens of each. */
  readonly group: number;
  readonly completion: number;
  /** Runs after the one that compiles. */
  readonly rounds: number;
  /** Compute activations again in the backward pass instead of keeping them. */
  readonly checkpoint: boolean;
}

export interface Throughput {
  readonly options: ThroughputOptions;
  readonly model: string;
  readonly adapter: string;
  /** Ids of the row: prompt, then answer. */
  readonly tokens: readonly number[];
  /** Mean of −log p over the answer, and the norm of the adapter's gradient. */
  readonly loss: number;
  readonly gradientNorm: number;
  readonly sft: Speed;
  readonly rollout: Speed;
}

export interface Speed {
  /** Best and median of the rounds. */
  readonly tokensPerSecond: number;
  readonly median: number;
  /** The first run, compiling included. */
  readonly firstSeconds: number;
}

const RANK = 8;

/** Random words; without those that stand for pictures or end a turn. */
function words(loaded: LoadedModel, n: number, random: Random): Uint32Array<ArrayBuffer> {
  const { tokenizer } = loaded.processor;
  const usual = Array.from({ length: loaded.model.vocabSize }, (_, id) => id).filter(
    (id) => tokenizer.tokenOf(id) !== null && !tokenizer.isSpecial(id),
  );
  return Uint32Array.from({ length: n }, () => usual[random.below(usual.length)]!);
}

/** A of an adapter as it begins, and a B that is not zero, so that its gradients are none of the easy ones. */
function stir(adapter: Adapter, random: Random): void {
  const draw = (n: number, scale: number) => Float32Array.from({ length: n }, () => random.normal() * scale);
  for (const { module, r, inFeatures, outFeatures } of adapter.targets)
    adapter.write(module, { a: draw(r * inFeatures, 1 / Math.sqrt(inFeatures)), b: draw(outFeatures * r, 0.02) });
}

async function speed(rounds: number, run: () => Promise<number>): Promise<Speed> {
  const timed = async () => {
    const begun = performance.now();
    const tokens = await run();
    const seconds = (performance.now() - begun) / 1000;
    return { seconds, rate: tokens / seconds };
  };
  const { seconds: firstSeconds } = await timed();
  const rates: number[] = [];
  for (let i = 0; i < rounds; i++) rates.push((await timed()).rate);
  rates.sort((a, b) => a - b);
  return { tokensPerSecond: rates.at(-1)!, median: rates[rates.length >> 1]!, firstSeconds };
}

/** `files`: the adapter. */
export async function measureThroughput(
  gpu: Gpu,
  model: string,
  checkpoint: readonly NamedFile[],
  options: ThroughputOptions,
): Promise<{ readonly throughput: Throughput; readonly files: readonly OutputFile[] }> {
  const session = new Session(gpu);
  const sources = new Map(checkpoint.map(({ path, file }) => [path, blobSource(file)]));
  const loaded = await loadModel(session, sources, { dtype: options.storage });
  const random = new Random(1);
  const policy = new Policy(loaded.model);
  const adapter = policy.attach(lora(RANK), 1);
  stir(adapter, random);
  const tokens = words(loaded, options.prompt + options.answer, random);
  const [head, answer] = [tokens.slice(0, options.prompt), tokens.slice(options.prompt)];
  const { axes, next } = loaded.model.positions(head, []);
  const prompt: EncodedPrompt = {
    id: 'random words',
    tokens: head,
    axes,
    next,
    featureIndex: new Int32Array(head.length).fill(-1),
    featureRows: 0,
  };
  const none = new Float32Array(0);

  const scorer = new Scorer(loaded.model, adapter, policy.weights);
  const packed = pack([{ prompt, completions: [answer] }]);
  const weight = new Float32Array(answer.length).fill(1 / answer.length);
  let loss = 0;
  const sft = await speed(options.rounds, async () => {
    session.write(adapter.gradients, new Float32Array(adapter.gradients.size));
    const scores = await scorer.run(
      packed,
      none,
      { mode: { kind: 'nll' }, temperature: 1, adapter: true, checkpoint: options.checkpoint },
      { weight },
    );
    loss = scores.logps.reduce((sum, logp) => sum - logp, 0) / answer.length;
    return tokens.length;
  });
  scorer.destroy();
  let squares = 0;
  for (const { a, b } of (await adapter.read('gradients')).values())
    for (const part of [a, b]) for (const value of part) squares += value * value;

  const generator = new Generator(policy, loaded.processor, { features: () => none });
  let seed = 0;
  const rollout = await speed(options.rounds, async () => {
    const [rows] = await generator.generate([{ prompt }], {
      numGenerations: options.group,
      sampling: sampling(options.completion),
      seed: ++seed,
    });
    return rows!.reduce((sum, { tokens: drawn }) => sum + drawn.length, 0);
  });
  generator.destroy();

  const files = adapterFiles(combine(await policy.learnt()), loaded.model.linears, model);
  policy.destroy();
  loaded.model.destroy();
  session.destroy();
  return {
    throughput: {
      options,
      model,
      adapter: gpu.name,
      tokens: [...tokens],
      loss,
      gradientNorm: Math.sqrt(squares),
      sft,
      rollout,
    },
    files,
  };
}
