/** Runs the vision tower over pictures, many a pass; programs are shared between passes of equal size. */
import { Recorder } from '../gpu/recorder.ts';
import type { Program } from '../gpu/program.ts';
import type { Tensor } from '../gpu/tensor.ts';
import type { PixelInput, VisionBatch, VisionLanguageModel } from '../models/model.ts';
import { Tape } from '../ops/tape.ts';

/** Patches a pass: enough to keep a GPU busy, little enough to stay responsive. */
export const PATCHES_A_PASS = 2048;
const PROGRAMS = 8;

interface Compiled {
  readonly program: Program;
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly features: Tensor;
}

export class VisionRunner {
  readonly #model: VisionLanguageModel;
  readonly #programs = new Map<string, Compiled>();

  constructor(model: VisionLanguageModel) {
    this.#model = model;
  }

  /** Features of each picture, f32 [merged patches, hidden]. */
  async run(images: readonly PixelInput[]): Promise<Float32Array<ArrayBuffer>[]> {
    const results: Float32Array<ArrayBuffer>[] = [];
    for (let start = 0; start < images.length;) {
      let end = start;
      let patches = 0;
      while (end < images.length && (end === start || patches + patchCount(images[end]!) <= PATCHES_A_PASS))
        patches += patchCount(images[end++]!);
      results.push(...(await this.#pass(images.slice(start, end))));
      start = end;
    }
    return results;
  }

  destroy(): void {
    for (const { program } of this.#programs.values()) program.destroy();
    this.#programs.clear();
  }

  async #pass(images: readonly PixelInput[]): Promise<Float32Array<ArrayBuffer>[]> {
    const batch = this.#model.visionBatch(images);
    const { program, inputs, features } = this.#compile(batch);
    for (const [name, tensor] of Object.entries(inputs)) program.write(tensor, batch.arrays[name]!);
    program.run();
    const [all] = await program.read(features);
    const hidden = features.columns;
    let row = 0;
    return images.map(({ grid }) => {
      const rows = this.#model.featureCount(grid);
      const part = all!.slice(row * hidden, (row + rows) * hidden);
      row += rows;
      return part as Float32Array<ArrayBuffer>;
    });
  }

  /** Makes the program of a pass like this one without running anything; for planning memory. */
  reserve(images: readonly PixelInput[]): void {
    this.#compile(this.#model.visionBatch(images));
  }

  #compile(batch: VisionBatch): Compiled {
    let compiled = this.#programs.get(batch.key);
    if (!compiled) {
      const rec = new Recorder(this.#model.session, `vision ${batch.key}`);
      const { inputs, features } = this.#model.recordVision(new Tape(rec, { recording: false }), batch);
      rec.output(features);
      compiled = { program: rec.finish(), inputs, features };
      if (this.#programs.size >= PROGRAMS) {
        const [oldest, { program }] = this.#programs.entries().next().value!;
        program.destroy();
        this.#programs.delete(oldest);
      }
      this.#programs.set(batch.key, compiled);
    }
    return compiled;
  }
}

const patchCount = ({ grid }: PixelInput): number => grid.height * grid.width;
