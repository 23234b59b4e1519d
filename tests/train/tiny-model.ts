/** A golden case's checkpoint with everything that training and generation need around it, on small prompts. */
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';
import { Random } from '../../src/base/random.ts';
import { filesUnder } from '../../src/cli/node-files.ts';
import { openGolden, type GoldenCase } from '../../src/engine/golden/case.ts';
import type { Program } from '../../src/gpu/program.ts';
import type { Session } from '../../src/gpu/recorder.ts';
import { decodeImage, registerDecoder } from '../../src/image/decode.ts';
import { nodeDecode } from '../../src/image/node-decode.ts';
import { encodeConversation } from '../../src/models/encode.ts';
import { loadModel, type LoadedModel } from '../../src/models/load.ts';
import type { WeightDType } from '../../src/models/weights.ts';
import type { Adapter } from '../../src/nn/adapter.ts';
import { fullLogits } from '../../src/train/full-logits.ts';
import { Generator } from '../../src/train/generate.ts';
import { pack, type EncodedPrompt } from '../../src/train/pack.ts';
import { Policy } from '../../src/train/policy.ts';
import type { LoraSettings } from '../../src/train/recipe.ts';
import { Scorer } from '../../src/train/scorer.ts';
import { VisionRunner } from '../../src/train/vision-runner.ts';

registerDecoder(nodeDecode);

export type Floats = Float32Array<ArrayBuffer>;

export interface TinySample {
  readonly prompt: EncodedPrompt;
  /** [featureRows, hidden] */
  readonly features: Floats;
}

export const LORA: LoraSettings = {
  r: 4,
  loraAlpha: 8,
  loraDropout: 0,
  useRslora: false,
  targetModules: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'],
};

export class Tiny {
  readonly session: Session;
  readonly golden: GoldenCase;
  readonly loaded: LoadedModel;
  readonly policy: Policy;
  readonly #generators: Generator<TinySample>[] = [];

  constructor(session: Session, golden: GoldenCase, loaded: LoadedModel) {
    this.session = session;
    this.golden = golden;
    this.loaded = loaded;
    this.policy = new Policy(loaded.model);
  }

  get model() {
    return this.loaded.model;
  }

  /** A user's turn: pictures of the golden case, with or without words between, then text. */
  async sample(text: string, images: readonly string[] = ['images/a.png'], between?: string): Promise<TinySample> {
    const { model, processor } = this.loaded;
    const decoded = await Promise.all(images.map(async (path) => decodeImage(await this.golden.image(path))));
    const content = [
      ...images.flatMap((_, image) => [
        ...(image > 0 && between !== undefined ? [{ type: 'text' as const, text: between }] : []),
        { type: 'image' as const, image },
      ]),
      { type: 'text' as const, text },
    ];
    const encoded = encodeConversation(
      processor,
      text,
      [{ role: 'user', content }],
      null,
      decoded.map((image) => processor.modelSize(image)),
    );
    const runner = new VisionRunner(model);
    const features = joined(await runner.run(decoded.map((image) => processor.pixels(image))));
    runner.destroy();
    const { axes, next } = model.positions(encoded.tokens, encoded.grids);
    return {
      prompt: {
        id: text,
        tokens: encoded.tokens,
        axes,
        next,
        featureIndex: encoded.featureIndex,
        featureRows: encoded.featureRows,
      },
      features,
    };
  }

  encode(text: string): Uint32Array {
    return Uint32Array.from(this.loaded.processor.tokenizer.encode(text));
  }

  /** An adapter whose B is not zero, so that it changes what the model says. */
  attach(seed: number, settings: Partial<LoraSettings> = {}, policy = this.policy): Adapter {
    const adapter = policy.attach({ ...LORA, ...settings }, seed);
    const random = new Random(seed);
    const draw = (n: number, scale: number) => Float32Array.from({ length: n }, () => random.normal() * scale);
    for (const t of adapter.targets)
      adapter.write(t.module, { a: draw(t.r * t.inFeatures, 0.3), b: draw(t.outFeatures * t.r, 0.1) });
    return adapter;
  }

  /** Log-probs of completions after a prompt, in the order of `pack`. */
  async logps(
    { prompt, features }: TinySample,
    completions: readonly Uint32Array[],
    { policy = this.policy, adapter = true } = {},
  ): Promise<Float32Array> {
    const scorer = new Scorer(this.model, policy.adapter, policy.weights);
    const { logps } = await scorer.run(pack([{ prompt, completions }], { step: 8 }), features, {
      mode: { kind: 'score' },
      temperature: 1,
      adapter,
      checkpoint: false,
    });
    scorer.destroy();
    return logps.slice();
  }

  /** Logits of prompt and completion, all tokens given: row t predicts token t + 1. */
  async logits({ prompt, features }: TinySample, completion: Uint32Array): Promise<Float32Array[]> {
    const { model, policy } = this;
    const [P, C, V] = [prompt.tokens.length, completion.length, model.vocabSize];
    const axisCount = prompt.axes.length / P;
    const axes = Int32Array.from({ length: axisCount * (P + C) }, (_, i) => {
      const [axis, t] = [Math.floor(i / (P + C)), i % (P + C)];
      return t < P ? prompt.axes[axis * P + t]! : prompt.next + t - P;
    });
    const featureIndex = new Int32Array(P + C).fill(-1);
    featureIndex.set(prompt.featureIndex);
    const whole = { ...prompt, tokens: Uint32Array.of(...prompt.tokens, ...completion), axes, featureIndex };
    const { adapter, weights } = policy;
    const all = await fullLogits(model, whole, features, {
      lora: adapter ? (module) => adapter.lora(module) : undefined,
      policy: weights,
    });
    return Array.from({ length: P + C }, (_, t) => all.slice(t * V, (t + 1) * V));
  }

  /** Programs of a kind, by how their label begins, that `work` brings about; a list that grows while it is at it. */
  async programs(kind: string, work: (run: readonly Program[]) => Promise<unknown>): Promise<readonly Program[]> {
    const { queue } = this.session;
    const run = queue.run.bind(queue);
    const seen: Program[] = [];
    const spy = vi.spyOn(queue, 'run').mockImplementation((program, times = 1) => {
      if (program.label.startsWith(kind)) seen.push(program);
      run(program, times);
    });
    try {
      await work(seen);
    } finally {
      spy.mockRestore();
    }
    return seen;
  }

  generator(policy = this.policy): Generator<TinySample> {
    const generator = new Generator<TinySample>(policy, this.loaded.processor, {
      features: (samples) => joined(samples.map((s) => s.features)),
    });
    this.#generators.push(generator);
    return generator;
  }

  destroy(): void {
    for (const generator of this.#generators) generator.destroy();
    this.policy.destroy();
    this.model.destroy();
  }
}

export function joined(parts: readonly Float32Array[]): Floats {
  const all = new Float32Array(parts.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Opens the checkpoint of a golden case, in f32 unless told, and closes everything afterwards. */
export async function withTiny<T>(
  session: Session,
  use: (tiny: Tiny) => Promise<T>,
  name = 'qwen2_5_vl/policy-grpo',
  dtype: WeightDType = 'f32',
): Promise<T> {
  const folder = fileURLToPath(new URL(`../golden/${name}`, import.meta.url));
  const golden = await openGolden(name, await filesUnder(folder));
  const tiny = new Tiny(session, golden, await loadModel(session, golden.checkpoint, { dtype }));
  try {
    return await use(tiny);
  } finally {
    tiny.destroy();
  }
}
