/**
 * Profiles a run between its gates: a step as it is, for the idle share, then one with every dispatch timed. The loop
 * calls `arrive` when it comes to a gate and `leave` when it goes on.
 */
import { GroundworkError } from '../../base/error.ts';
import type { Session } from '../../gpu/recorder.ts';
import type { Recording } from '../../gpu/profiler.ts';
import { measureRoofline, summarise, watchStep, type StepProfile } from '../../train/profile.ts';

type Stop = () => Promise<Recording>;

interface Asked {
  readonly session: Session;
  resolve(profile: StepProfile): void;
  reject(error: unknown): void;
}

export class Profiling {
  #asked: Asked | null = null;
  #roofline: Awaited<ReturnType<typeof measureRoofline>> | null = null;
  readonly #recordings: Recording[] = [];
  #stop: Stop | null = null;

  /** The next two steps' profile. Rejects with `profiling` while another is made, `no-timestamps`, or `run-ended`. */
  ask(session: Session): Promise<StepProfile> {
    if (this.#asked)
      return Promise.reject(
        new GroundworkError('profiling', 'A step is already being profiled.', 'Wait for it, then ask again.'),
      );
    return new Promise((resolve, reject) => {
      this.#asked = { session, resolve, reject };
    });
  }

  /** A step has ended: what was recorded of it is read. */
  async arrive(): Promise<void> {
    if (!this.#asked) return;
    const { session, resolve } = this.#asked;
    try {
      if (this.#stop) this.#recordings.push(await this.#stop());
      this.#stop = null;
      this.#roofline ??= await measureRoofline(session);
      const [whole, detailed] = this.#recordings;
      if (!whole || !detailed) return;
      resolve(summarise(session.gpu.name, this.#roofline, whole, detailed));
      this.#forget();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** A step begins. */
  leave(): void {
    if (!this.#asked || !this.#roofline) return;
    this.#stop = watchStep(this.#asked.session, this.#recordings.length ? 'dispatches' : 'whole');
  }

  /** The run is over, and with it the steps that were to be profiled. */
  async end(): Promise<void> {
    await this.arrive();
    this.#fail(
      new GroundworkError(
        'run-ended',
        'The run ended before two of its steps could be profiled.',
        'Profile again during a run, some steps before its end.',
      ),
    );
  }

  #fail(error: unknown): void {
    this.#asked?.reject(error);
    this.#forget();
  }

  #forget(): void {
    this.#asked = null;
    this.#stop = null;
    this.#recordings.length = 0;
  }
}
