/**
 * The frame through which a teacher is spoken to (public/outside.js). The page itself may speak to no one; the frame binds
 * itself to one origin. The key is in this tab's memory and in the frame's, and nowhere else.
 */
import { GroundworkError } from '../../base/error.ts';
import type { Letter, RequestOf, TeacherAddress } from '../../engine/protocol/index.ts';

type Carried = RequestOf<'teacher-carried'>['carried'];

/** A person may have to answer a question of the browser's first. */
const PATIENCE_MS = 120_000;

export class Outside {
  readonly base: string;
  readonly #frame: HTMLIFrameElement;
  readonly #port: MessagePort;
  readonly #waiting = new Map<number, (carried: Carried) => void>();

  private constructor(base: string, frame: HTMLIFrameElement, port: MessagePort) {
    this.base = base;
    this.#frame = frame;
    this.#port = port;
  }

  /** Throws `teacher-frame` if the frame does not come to life. */
  static async open({ base, place }: TeacherAddress, key: string): Promise<Outside> {
    const frame = document.createElement('iframe');
    // Its origin is kept: servers let pages in by their origin. It may not open, submit, download or leave anything.
    frame.setAttribute('sandbox', 'allow-scripts allow-same-origin');
    frame.allow = 'loopback-network; local-network; local-network-access';
    frame.title = 'The way to the teacher';
    frame.hidden = true;
    frame.src = new URL('./outside.html', document.baseURI).href;
    const { port1, port2 } = new MessageChannel();
    const outside = new Outside(base, frame, port1);
    const alive = new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => reject(dead()), PATIENCE_MS);
      port1.onmessage = () => {
        clearTimeout(late);
        resolve();
      };
    });
    await new Promise((resolve) => {
      frame.addEventListener('load', resolve, { once: true });
      document.body.append(frame);
    });
    frame.contentWindow?.postMessage({ base, key: key.trim(), near: place === 'local' }, location.origin, [port2]);
    try {
      await alive;
    } catch (error) {
      outside.close();
      throw error;
    }
    port1.onmessage = ({ data }: MessageEvent<{ readonly id: number; readonly carried: Carried }>) => {
      outside.#waiting.get(data.id)?.(data.carried);
      outside.#waiting.delete(data.id);
    };
    return outside;
  }

  carry(id: number, letter: Letter): Promise<Carried> {
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#port.postMessage({ id, letter });
    });
  }

  recall(id: number): void {
    this.#waiting.delete(id);
    this.#port.postMessage({ recall: id });
  }

  /** Its worker ends with it. */
  close(): void {
    this.#port.close();
    this.#frame.remove();
    for (const resolve of this.#waiting.values()) resolve({ undelivered: 'broken' });
    this.#waiting.clear();
  }
}

const dead = () =>
  new GroundworkError(
    'teacher-frame',
    'The part of the studio that speaks to a teacher did not start.',
    'Nothing was sent. If the browser asked whether this page may reach your network, allow it and try again. Else reload the page: its files may be incomplete.',
  );
