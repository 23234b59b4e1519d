/**
 * Compares the engine with a golden case: processor, vision tower, decoder, loss, gradients, generation and policy
 * losses. Floats by ‖ours − reference‖ / ‖reference‖ (≤ 1e-3) and, for gradients, cosine (≥ 0.9999); integers exactly.
 */
import { toFloat32, type Safetensors } from '../../formats/safetensors.ts';
import type { Size } from '../../grounding/box.ts';
import { decodeImage } from '../../image/decode.ts';
import { encodeConversation, type EncodedConversation } from '../../models/encode.ts';
import { cutPlanes } from '../../image/patchify.ts';
import { weightKey, type LoadedModel } from '../../models/load.ts';
import type { PixelInput } from '../../models/model.ts';
import type { WeightDType } from '../../models/weights.ts';
import { Adapter } from '../../nn/adapter.ts';
import type { Session } from '../../gpu/recorder.ts';
import { fullLogits } from '../../train/full-logits.ts';
import { Generator } from '../../train/generate.ts';
import { lossWeights, policyMode } from '../../train/losses/index.ts';
import { pack, type EncodedPrompt, type Packed } from '../../train/pack.ts';
import { Policy } from '../../train/policy.ts';
import { entropyShares, keptTokens } from '../../train/policy-update.ts';
import { Scorer } from '../../train/scorer.ts';
import { VisionRunner } from '../../train/vision-runner.ts';
import { numberedMessages, type GoldenCase } from './case.ts';
import { lossChoice } from './policy-spec.ts';
import { loadCase, type LoadedCase } from './towers.ts';

export interface Comparison {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

export const TOLERANCE = { relative: 1e-3, cosine: 0.9999 } as const;

type Floats = Float32Array<ArrayBuffer>;

/**
 * @param dtype how weights are held; the reference must have computed with the values that leaves
 * @param tell of each comparison as soon as it is made: on a cold cache kernels compile for minutes in between
 */
export async function checkGolden(
  session: Session,
  golden: GoldenCase,
  dtype: WeightDType = 'f32',
  tell: (comparison: Comparison) => void = () => {},
): Promise<Comparison[]> {
  const before = session.residentLabels.length;
  const { min_pixels: minPixels, max_pixels: maxPixels, do_image_splitting: splitting } = golden.spec.processor ?? {};
  const opened = await loadCase(session, golden, {
    dtype,
    limits: {
      ...(minPixels && { minPixels }),
      ...(maxPixels && { maxPixels }),
      ...(splitting !== undefined && { imageSplitting: splitting }),
    },
  });
  const run = new CaseRun(session, golden, opened, tell);
  try {
    await run.all();
  } finally {
    run.destroy();
  }
  const leaked = session.residentLabels.length - before;
  if (leaked) run.note({ name: 'GPU buffers released', ok: false, detail: `${leaked} left` });
  return run.results;
}

class CaseRun {
  readonly results: Comparison[] = [];
  readonly #tell: (comparison: Comparison) => void;
  readonly #session: Session;
  readonly #golden: GoldenCase;
  readonly #loaded: LoadedModel;
  readonly #read: LoadedCase['adapter'];
  readonly #policy: Policy;
  #adapter: Adapter | null = null;
  #features: Floats = new Float32Array();

  constructor(
    session: Session,
    golden: GoldenCase,
    { loaded, adapter }: LoadedCase,
    tell: (comparison: Comparison) => void,
  ) {
    this.#tell = tell;
    this.#session = session;
    this.#golden = golden;
    this.#loaded = loaded;
    this.#read = adapter;
    this.#policy = new Policy(loaded.model);
  }

  note(comparison: Comparison): void {
    this.results.push(comparison);
    this.#tell(comparison);
  }

  async all(): Promise<void> {
    const { spec } = this.#golden;
    for (const detail of this.#loaded.notes) this.note({ name: 'note', ok: true, detail });
    for (const detail of this.#read?.whole.notes ?? []) this.note({ name: 'note', ok: true, detail });
    const { images, sizes } = await this.#openImages();
    const messages = numberedMessages(spec);
    const encoded = encodeConversation(
      this.#loaded.processor,
      this.#golden.path,
      messages,
      spec.completion ?? null,
      sizes,
    );
    await this.#pixels(concat(images.map((i) => i.pixels)));
    await this.#vision(images);
    await this.#attach();
    const prompt = this.#prompt(encoded);
    await this.#ids(encoded);
    if (spec.completion !== undefined) await this.#sequence(encoded, prompt);
    if (spec.generate) await this.#generate(prompt, spec.generate.max_new_tokens);
    if (spec.policy) await this.#policyLoss(prompt, spec.policy);
  }

  destroy(): void {
    this.#adapter?.destroy();
    this.#policy.destroy();
    this.#loaded.model.destroy();
  }

  async #openImages(): Promise<{ images: PixelInput[]; sizes: Size[] }> {
    const images: PixelInput[] = [];
    const sizes: Size[] = [];
    for (const { content } of this.#golden.spec.messages)
      for (const part of typeof content === 'string' ? [] : content)
        if (part.type === 'image') {
          const image = await decodeImage(await this.#golden.image(part.image));
          images.push(this.#loaded.processor.pixels(image));
          sizes.push(this.#loaded.processor.modelSize(image));
        }
    return { images, sizes };
  }

  async #vision(images: readonly PixelInput[]): Promise<void> {
    if (!images.length) return;
    const runner = new VisionRunner(this.#loaded.model);
    this.#features = concat(await runner.run(images));
    runner.destroy();
    const { featureColumns, decoderShape } = this.#loaded.model;
    const columns = (first: number) => takeColumns(this.#features, featureColumns, first, decoderShape.hiddenSize);
    await this.#compareFloats('image_features', columns(0));
    const levels = featureColumns / decoderShape.hiddenSize - 1;
    const deep = Array.from({ length: levels }, (_, i) => columns((i + 1) * decoderShape.hiddenSize));
    await this.#compareFloats('deepstack_features', concat(deep));
  }

  /** Patches as the tower reads them, or whole tiles [n, 3, h, w], which are cut in the same order. */
  async #pixels(ours: Floats): Promise<void> {
    const info = this.#golden.expected.tensors.get('pixel_values');
    if (!info) return;
    const values = await floats(this.#golden.expected, 'pixel_values');
    const [tiles, , height, width] = info.shape;
    const reference =
      info.shape.length === 4
        ? concat(
            Array.from({ length: tiles! }, (_, i) => {
              const planes = values.subarray(i * 3 * height! * width!, (i + 1) * 3 * height! * width!);
              return cutPlanes(planes, { width: width!, height: height! }, this.#loaded.processor.patches).values;
            }),
          )
        : values;
    await this.#against('pixel_values', ours, reference);
  }

  async #attach(): Promise<void> {
    if (!this.#read) return;
    const { whole, text: read, folded } = this.#read;
    const towers = folded.length ? `; ${folded.length} modules of the vision tower folded in` : '';
    this.note({
      name: 'adapter keys',
      ok: whole.matched === whole.total && whole.leftOut.length === 0,
      detail: `${whole.matched} of ${whole.total} matched${towers}`,
    });
    if (!read.targets.length) return;
    if (read.magnitudes) {
      // DoRA's row norms are not low-rank: it is folded into the weights, and not trained.
      const { checkpoint } = this.#loaded;
      return this.#policy.foldIn(read, checkpoint, (module) => weightKey(this.#loaded, module)!);
    }
    this.#adapter = new Adapter(this.#session, read.targets);
    for (const [module, matrices] of read.matrices) this.#adapter.write(module, matrices);
  }

  #prompt(encoded: EncodedConversation): EncodedPrompt {
    const { axes, next } = this.#loaded.model.positions(encoded.tokens, encoded.grids);
    return {
      id: this.#golden.path,
      tokens: encoded.tokens,
      axes,
      next,
      featureIndex: encoded.featureIndex,
      featureRows: encoded.featureRows,
    };
  }

  /** Prompt and completion, where there is one: ids and positions. */
  async #ids(encoded: EncodedConversation): Promise<void> {
    const ids = Uint32Array.of(...encoded.tokens, ...encoded.completion);
    await this.#compareInts('input_ids', ids);
    await this.#compareInts('position_ids', this.#loaded.model.positions(ids, encoded.grids).axes);
  }

  /** The whole sequence: logits, loss and gradients. */
  async #sequence(encoded: EncodedConversation, prompt: EncodedPrompt): Promise<void> {
    const { model } = this.#loaded;
    const ids = Uint32Array.of(...encoded.tokens, ...encoded.completion);
    const whole = model.positions(ids, encoded.grids);
    const featureIndex = new Int32Array(ids.length).fill(-1);
    featureIndex.set(prompt.featureIndex);
    await this.#logits({ ...prompt, tokens: ids, axes: whole.axes, next: whole.next, featureIndex });

    const packed = pack([{ prompt, completions: [encoded.completion] }], { step: 8 });
    const scorer = new Scorer(model, this.#adapter, this.#policy.weights);
    for (const checkpoint of [false, true]) {
      if (this.#adapter) this.#session.write(this.#adapter.gradients, new Float32Array(this.#adapter.gradients.size));
      const weight = new Float32Array(packed.entries.length).fill(1 / packed.entries.length);
      const { terms } = await scorer.run(
        packed,
        this.#features,
        { mode: { kind: 'nll' }, temperature: 1, adapter: true, checkpoint },
        { weight },
      );
      await this.#compareFloats('loss', Float32Array.of(sumOfFirst(terms)));
      await this.#gradients('grad.');
    }
    scorer.destroy();
  }

  async #logits(prompt: EncodedPrompt): Promise<void> {
    const adapter = this.#adapter;
    const logits = await fullLogits(this.#loaded.model, prompt, this.#features, {
      lora: adapter ? (module) => adapter.lora(module) : undefined,
      policy: this.#policy.weights,
    });
    await this.#compareFloats('logits', logits);
  }

  async #generate(prompt: EncodedPrompt, maxNewTokens: number): Promise<void> {
    const { processor, model } = this.#loaded;
    const policy = this.#adapter ? new Policy(model) : this.#policy;
    if (this.#adapter) policy.adopt(this.#adapter);
    const generator = new Generator(policy, processor, { features: () => this.#features });
    const [rollouts] = await generator.generate([{ prompt }], {
      numGenerations: 1,
      sampling: { temperature: 0, topK: 0, topP: 1, maxCompletionLength: maxNewTokens },
      seed: 0,
    });
    await this.#compareInts('generated', rollouts![0]!.tokens);
    generator.destroy();
  }

  async #policyLoss(prompt: EncodedPrompt, spec: NonNullable<GoldenCase['spec']['policy']>): Promise<void> {
    const { processor, model } = this.#loaded;
    const { tokenizer, endOfTurn } = processor;
    const cut = (i: number) => spec.truncated?.[i] ?? false;
    const completions = spec.completions.map((text, i) =>
      Uint32Array.from([...tokenizer.encode(text), ...(cut(i) ? [] : [tokenizer.requireId(endOfTurn)])]),
    );
    const masked = completions.map((_, i) => (spec.mask_truncated_completions ?? false) && cut(i));
    const packed = pack([{ prompt, completions }], { step: 8 });
    const weights = lossWeights(
      {
        lossType: spec.loss_type,
        sampling: { maxCompletionLength: spec.max_completion_length },
      },
      completions.map((c, i) => (masked[i] ? 0 : c.length)),
      completions.map((c) => c.length),
    );
    const width = Math.max(...completions.map((c) => c.length));
    const spread = (grid: Float32Array) =>
      Float32Array.from(packed.entries, (e) => grid[e.completion * width + e.index]!);
    const { inputs } = this.#golden;
    const old = inputs?.tensors.has('old_logps') ? spread(await floats(inputs, 'old_logps')) : undefined;
    const reference =
      spec.beta !== 0 && inputs?.tensors.has('ref_logps') ? spread(await floats(inputs, 'ref_logps')) : undefined;
    const scorer = new Scorer(model, this.#adapter, this.#policy.weights);
    if (reference && spec.beta !== 0) {
      const off = await scorer.run(packed, this.#features, {
        mode: { kind: 'score' },
        temperature: spec.temperature,
        adapter: false,
        checkpoint: false,
      });
      // An input may say anything: the distance is told, and not counted.
      const { relative } = compare(this.#grid(packed, off.logps, masked, width), await floats(inputs!, 'ref_logps'));
      this.results.push({
        name: 'policy reference',
        ok: true,
        detail: `an input of the case; relative ${relative.toExponential(2)} from ours without the adapter`,
      });
    }
    const choice = lossChoice(spec, old !== undefined);
    const mode = policyMode(choice);
    const weight = Float32Array.from(packed.entries, (e) => weights[e.completion]!);
    const kept = mode.masked
      ? keptTokens(
          [{ weight }],
          [
            (
              await scorer.run(packed, this.#features, {
                mode: { kind: 'score' },
                temperature: spec.temperature,
                adapter: true,
                checkpoint: false,
              })
            ).entropy,
          ],
          choice.topEntropyQuantile ?? 1,
        )
      : undefined;
    const shares = mode.entropyBonus ? entropyShares([{ weight }], kept, choice.entropyCoef) : undefined;
    if (this.#adapter) this.#session.write(this.#adapter.gradients, new Float32Array(this.#adapter.gradients.size));
    const result = await scorer.run(
      packed,
      this.#features,
      {
        mode,
        temperature: spec.temperature,
        adapter: true,
        checkpoint: false,
      },
      {
        weight,
        advantage: Float32Array.from(packed.entries, (e) => spec.advantages[e.completion]!),
        ...(old && { old }),
        ...(reference && { reference }),
        ...(kept && { kept: kept[0]! }),
        ...(shares && { entropyShare: shares[0]! }),
      },
    );
    await this.#compareFloats('policy.logps', this.#grid(packed, result.logps, masked, width));
    await this.#compareFloats('policy.entropy', this.#grid(packed, result.entropy, masked, width));
    await this.#compareFloats('policy.loss', Float32Array.of(sumOfFirst(result.terms)));
    await this.#gradients('policy.grad.');
    scorer.destroy();
  }

  /** Entries as [G, C], 0 where there is no token or the completion is masked. */
  #grid(packed: Packed, values: Float32Array, masked: readonly boolean[], width: number): Floats {
    const grid = new Float32Array(masked.length * width);
    packed.entries.forEach((e, i) => (grid[e.completion * width + e.index] = masked[e.completion] ? 0 : values[i]!));
    return grid;
  }

  async #gradients(prefix: string): Promise<void> {
    const keys = [...this.#golden.expected.tensors.keys()].filter((key) => key.startsWith(prefix));
    const folded = this.#read?.folded ?? [];
    const gradients = await this.#adapter?.read('gradients');
    for (const key of keys) {
      const inTower = folded.some((module) => key.includes(`${module}.`) || key.includes(`${legacy(module)}.`));
      if (!gradients || inTower) {
        const what = inTower ? 'the vision tower' : 'a DoRA adapter';
        this.results.push({ name: key, ok: true, detail: `not compared: ${what} is not trained here` });
        continue;
      }
      const module = [...gradients.keys()].find((m) => key.includes(`${m}.`) || key.includes(`${legacy(m)}.`));
      const pair = module === undefined ? undefined : gradients.get(module);
      if (!pair) this.note({ name: key, ok: false, detail: 'no such module here' });
      else await this.#compareFloats(key, key.includes('lora_A') ? pair.a : pair.b, true);
    }
  }

  async #compareFloats(key: string, ours: Float32Array, direction = false): Promise<void> {
    if (this.#golden.expected.tensors.has(key))
      await this.#against(key, ours, await floats(this.#golden.expected, key), direction);
  }

  async #against(name: string, ours: Float32Array, reference: Float32Array, direction = false): Promise<void> {
    if (ours.length !== reference.length) {
      this.note({ name, ok: false, detail: `${ours.length} values instead of ${reference.length}` });
      return;
    }
    const { relative, cosine } = compare(ours, reference);
    const ok = relative <= TOLERANCE.relative && (!direction || cosine >= TOLERANCE.cosine);
    this.note({
      name,
      ok,
      detail: `relative ${relative.toExponential(2)}${direction ? `  cosine ${cosine.toFixed(7)}` : ''}`,
    });
  }

  async #compareInts(key: string, ours: ArrayLike<number>): Promise<void> {
    const info = this.#golden.expected.tensors.get(key);
    if (!info) return;
    const bytes = await this.#golden.expected.read(key);
    const reference =
      info.dtype === 'I64'
        ? Array.from(new BigInt64Array(bytes.buffer), Number)
        : Array.from(new Int32Array(bytes.buffer));
    const first = reference.findIndex((v, i) => v !== ours[i]);
    const ok = ours.length === reference.length && first < 0;
    this.note({
      name: key,
      ok,
      detail: ok
        ? `${reference.length} equal`
        : `${ours.length} against ${reference.length}, first difference at ${first}`,
    });
  }
}

/** The module's name in adapters made for transformers before 4.52. */
const legacy = (module: string): string =>
  module.replace('model.language_model', 'model').replace(/^model\.visual/, 'visual');

const floats = async (file: Safetensors, key: string): Promise<Floats> =>
  toFloat32(await file.read(key), file.tensors.get(key)!.dtype) as Floats;

/** Columns first … first + count of a matrix of `width` columns. */
function takeColumns(values: Float32Array, width: number, first: number, count: number): Floats {
  const rows = values.length / width;
  const taken = new Float32Array(rows * count);
  for (let r = 0; r < rows; r++) taken.set(values.subarray(r * width + first, r * width + first + count), r * count);
  return taken;
}

function concat(parts: readonly Float32Array[]): Floats {
  const all = new Float32Array(parts.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function sumOfFirst(terms: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < terms.length; i += 4) sum += terms[i]!;
  return sum;
}

/** ‖a − b‖ / ‖b‖ and the cosine between them. A zero reference is matched by zero only. */
export function compare(a: Float32Array, b: Float32Array): { relative: number; cosine: number } {
  let [difference, bb, aa, ab] = [0, 0, 0, 0];
  for (let i = 0; i < b.length; i++) {
    difference += (a[i]! - b[i]!) ** 2;
    bb += b[i]! ** 2;
    aa += a[i]! ** 2;
    ab += a[i]! * b[i]!;
  }
  if (bb === 0) return { relative: aa === 0 ? 0 : Infinity, cosine: aa === 0 ? 1 : 0 };
  return { relative: Math.sqrt(difference / bb), cosine: ab / Math.sqrt(aa * bb) };
}
