/**
 * Runs the vision tower over pictures, each in a pass of its own: features then depend on the picture alone, not on
 * what it was asked for together with, and a run that goes on from a checkpoint finds the same ones bit for bit.
 * Programs are shared between pictures of equal size; passes follow each other on the queue without waiting.
 */
import { pipelined } from '../base/pipelined.ts';
import { Recorder } from '../gpu/recorder.ts';
import type { Program } from '../gpu/program.ts';
import type { Tensor } from '../gpu/tensor.ts';
import type { PixelInput, VisionBatch, VisionLanguageModel } from '../models/model.ts';
import { Tape } from '../ops/tape.ts';

/** Passes submitted before their features are waited for. */
export const PICTURES_AHEAD = 16;
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

  /** Features of each picture, f32 [merged patches, hidden]. While the GPU is at one, the next may be read. */
  async run(images: Iterable<PixelInput> | AsyncIterable<PixelInput>): Promise<Float32Array<ArrayBuffer>[]> {
    return pipelined(images, PICTURES_AHEAD, (image) => this.#pass(image));
  }

  destroy(): void {
    for (const { program } of this.#programs.values()) program.destroy();
    this.#programs.clear();
  }

  async #pass(image: PixelInput): Promise<Float32Array<ArrayBuffer>> {
    const batch = this.#model.visionBatch([image]);
    const { program, inputs, features } = this.#compile(batch);
    for (const [name, tensor] of Object.entries(inputs)) program.write(tensor, batch.arrays[name]!);
    program.run();
    const [all] = await program.read(features);
    return all!.slice(0, this.#model.featureCount(image.grid) * features.columns) as Float32Array<ArrayBuffer>;
  }

  /** Makes the program of a picture like this one without running anything; for planning memory. */
  reserve(image: PixelInput): void {
    this.#compile(this.#model.visionBatch([image]));
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
