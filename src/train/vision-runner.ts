/**
 * Runs the vision tower over pictures, as many small ones in a pass as fill a GPU. Features depend on the picture alone,
 * to the bit, not on what it was asked for together with: a run that goes on from a checkpoint finds the same ones. That
 * holds because
 *
 *   - a picture sees only its own patches, and begins where tiles of the attention kernels begin (models/vision/patches.ts);
 *   - all passes that are shared run the same kernels, chosen as for a full pass (gpu/recorder.ts, `alike`), and those
 *     compute every row of a result by itself.
 *
 * Programs are shared between passes of equal size; passes follow each other on the queue without waiting.
 */
import { pipelined } from '../base/pipelined.ts';
import { Recorder } from '../gpu/recorder.ts';
import type { Program } from '../gpu/program.ts';
import type { Tensor } from '../gpu/tensor.ts';
import type { PixelInput, VisionBatch, VisionLanguageModel } from '../models/model.ts';
import { Tape } from '../ops/tape.ts';

/** Patches of a shared pass at most, padding included; a larger picture has a pass to itself. */
const SHARED_PATCHES = 1024;
/** Passes submitted before the features of the first are waited for. */
const PASSES_AHEAD = 4;
/** Programs kept: one for each size of a shared pass, where pictures are padded to 64 patches. */
const PROGRAMS = 16;

interface Compiled {
  readonly program: Program;
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly features: Tensor;
}

/** Pictures by passes, in their order, as many as fit. */
class Filling {
  readonly #model: VisionLanguageModel;
  #pass: PixelInput[] = [];

  constructor(model: VisionLanguageModel) {
    this.#model = model;
  }

  /** The passes that need no further picture, when this one has come. A pass waits for none where another like it is too much. */
  add(image: PixelInput): (readonly PixelInput[])[] {
    const own = this.#model.patchesInPass(image.grid);
    const fits = () => sizeOf(this.#model, this.#pass) + own <= SHARED_PATCHES;
    const before = fits() ? [] : this.rest();
    this.#pass.push(image);
    return fits() ? before : [...before, ...this.rest()];
  }

  /** What has come and is not in a pass yet, as one. */
  rest(): (readonly PixelInput[])[] {
    const pass = this.#pass;
    this.#pass = [];
    return pass.length ? [pass] : [];
  }
}

const sizeOf = (model: VisionLanguageModel, images: readonly PixelInput[]): number =>
  images.reduce((sum, { grid }) => sum + model.patchesInPass(grid), 0);

export class VisionRunner {
  readonly #model: VisionLanguageModel;
  readonly #programs = new Map<string, Compiled>();

  constructor(model: VisionLanguageModel) {
    this.#model = model;
  }

  /** Features of each picture, f32 [merged patches, hidden]. While the GPU is at a pass, pictures of the next may be read. */
  async run(images: Iterable<PixelInput> | AsyncIterable<PixelInput>): Promise<Float32Array<ArrayBuffer>[]> {
    return (await pipelined(this.#shared(images), PASSES_AHEAD, (pass) => this.#pass(pass))).flat();
  }

  /** Pictures of this size that go through in one pass. */
  static together(model: VisionLanguageModel, { grid }: Pick<PixelInput, 'grid'>): number {
    return Math.max(1, Math.floor(SHARED_PATCHES / model.patchesInPass(grid)));
  }

  /**
   * Makes the programs that such pictures need, without running anything; for planning memory. Returns the bytes of
   * features that are copied back at the same time.
   */
  reserve(images: readonly PixelInput[]): number {
    const filling = new Filling(this.#model);
    const passes = [...images.flatMap((image) => filling.add(image)), ...filling.rest()];
    const rowsBySize = new Map<number, number>();
    const rows = passes.map((pass) => {
      const size = sizeOf(this.#model, pass);
      if (!rowsBySize.has(size)) {
        const batch = this.#model.visionBatch(pass);
        this.#compile(batch);
        rowsBySize.set(size, batch.featureRows);
      }
      return rowsBySize.get(size)!;
    });
    const most = rows.toSorted((a, b) => b - a).slice(0, PASSES_AHEAD);
    return most.reduce((sum, n) => sum + n, 0) * this.#model.featureColumns * 4;
  }

  destroy(): void {
    for (const { program } of this.#programs.values()) program.destroy();
    this.#programs.clear();
  }

  async *#shared(images: Iterable<PixelInput> | AsyncIterable<PixelInput>): AsyncGenerator<readonly PixelInput[]> {
    const filling = new Filling(this.#model);
    for await (const image of images) yield* filling.add(image);
    yield* filling.rest();
  }

  async #pass(images: readonly PixelInput[]): Promise<Float32Array<ArrayBuffer>[]> {
    const batch = this.#model.visionBatch(images);
    const { program, inputs, features } = this.#compile(batch);
    for (const [name, tensor] of Object.entries(inputs)) program.write(tensor, batch.arrays[name]!);
    program.run();
    const [all] = await program.read(features);
    return images.map(({ grid }, i) => {
      const first = batch.featureStarts[i]!;
      const rows = [first, first + this.#model.featureCount(grid)].map((row) => row * features.columns);
      return all!.slice(...rows) as Float32Array<ArrayBuffer>;
    });
  }

  #compile(batch: VisionBatch): Compiled {
    const compiled = this.#programs.get(batch.key) ?? this.#record(batch);
    // Last used, last forgotten.
    this.#programs.delete(batch.key);
    this.#programs.set(batch.key, compiled);
    if (this.#programs.size > PROGRAMS) {
      const [oldest, { program }] = this.#programs.entries().next().value!;
      program.destroy();
      this.#programs.delete(oldest);
    }
    return compiled;
  }

  #record(batch: VisionBatch): Compiled {
    const alike = Math.max(1, SHARED_PATCHES / batch.patches);
    const rec = new Recorder(this.#model.session, `vision ${batch.key}`, { alike });
    const { inputs, features } = this.#model.recordVision(new Tape(rec, { recording: false }), batch);
    rec.output(features);
    return { program: rec.finish(), inputs, features };
  }
}
