/** The GPU that is open now: opened when first asked for, and opened anew after it was lost. */
import { GroundworkError } from '../../base/error.ts';
import { Silence } from '../../base/silence.ts';
import type { Gpu } from '../../gpu/device.ts';
import { Session } from '../../gpu/recorder.ts';

/** A broken command is heard of before the loss that broke it, milliseconds. */
const HEARSAY_MS = 500;

export class GpuHolder {
  readonly #open: () => Promise<Gpu>;
  /** Called with the loss of a device that nobody gave back. */
  readonly #onLost: (error: GroundworkError) => void;
  /** Called with true when the device has ended nothing for ten seconds, with false when it does again. */
  readonly #onSilent: (silent: boolean) => void;
  #session: Promise<Session> | null = null;
  #lost: Promise<never> = new Promise(() => undefined);
  #closed = false;

  constructor(
    open: () => Promise<Gpu>,
    onLost: (error: GroundworkError) => void,
    onSilent: (silent: boolean) => void = () => undefined,
  ) {
    this.#open = open;
    this.#onLost = onLost;
    this.#onSilent = onSilent;
  }

  async session(): Promise<Session> {
    this.#session ??= this.#begin();
    try {
      return await this.#session;
    } catch (error) {
      this.#session = null;
      throw error;
    }
  }

  /** Rejects with `device-lost` when the device now open is lost. */
  lost(): Promise<never> {
    return this.#lost;
  }

  /** What is behind an error: the loss of the device, where there is one. */
  async explain(error: unknown): Promise<unknown> {
    if (error instanceof GroundworkError) return error;
    const nothing = new Promise<null>((resolve) => setTimeout(() => resolve(null), HEARSAY_MS));
    const loss = await Promise.race([this.#lost.catch((lost: unknown) => lost), nothing]);
    return loss ?? error;
  }

  async destroy(): Promise<void> {
    this.#closed = true;
    (await this.#session)?.destroy();
  }

  async #begin(): Promise<Session> {
    const gpu = await this.#open();
    const session = new Session(gpu);
    const unwatch = this.#watch(session);
    this.#lost = gpu.lost.then(({ message }) => {
      unwatch();
      if (this.#closed) return new Promise<never>(() => undefined);
      this.#session = null;
      throw new GroundworkError(
        'device-lost',
        `The graphics device was lost${message ? ` (${message.replace(/\.$/, '')})` : ''}.`,
        'The last checkpoint is safe. Close other programs that use the GPU, then resume the run, or try again.',
      );
    });
    this.#lost.catch((error: GroundworkError) => this.#onLost(error));
    return session;
  }

  #watch(session: Session): () => void {
    const silence = new Silence(this.#onSilent);
    session.readback.onRead = silence;
    session.queue.onSign = silence;
    const timer = setInterval(() => silence.tick(), 1000);
    (timer as { unref?: () => void }).unref?.(); // a command ends when its work does
    return () => {
      clearInterval(timer);
      silence.heard();
    };
  }
}
