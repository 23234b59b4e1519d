/**
 * A teacher whose adapter is the moving average of the student's. It begins at zero, which is the bare model, as TRL's
 * adapter teacher does. Its arena is kept in checkpoints beside the optimizer's moments.
 */
import type { Program } from '../../gpu/program.ts';
import { Recorder } from '../../gpu/recorder.ts';
import { Adapter } from '../../nn/adapter.ts';
import { averageStep } from '../../ops/adamw.ts';
import type { Policy } from '../policy.ts';
import { Scorer } from '../scorer.ts';
import type { Teacher } from './learn.ts';

export class AverageTeacher implements Teacher {
  readonly adapter = true;
  readonly average: Adapter;
  readonly #program: Program;
  readonly #scorer: Scorer;

  constructor(policy: Policy, student: Adapter, rate: number) {
    const { session } = policy.model;
    this.average = new Adapter(session, student.targets, 'teacher');
    session.write(this.average.parameters, new Float32Array(this.average.parameters.size));
    const rec = new Recorder(session, 'average');
    averageStep(rec, { parameter: student.parameters, average: this.average.parameters, rate });
    this.#program = rec.finish();
    this.#scorer = new Scorer(policy.model, this.average, policy.weights);
  }

  scorer(): Scorer {
    return this.#scorer;
  }

  /** After an optimizer step. */
  follow(): void {
    this.#program.run();
  }

  destroy(): void {
    this.#scorer.destroy();
    this.#program.destroy();
    this.average.destroy();
  }
}
