/**
 * The page's half of the engine: one typed request, one promise; events to whoever subscribes. It knows nothing of
 * training. The other half may be a worker, or anything else that speaks the protocol.
 */
import { asErrorCode } from '../base/error-codes.ts';
import { GroundworkError } from '../base/error.ts';
import { Silence } from '../base/silence.ts';
import type { EngineEvent, FromEngine, Replies, Request, ToEngine } from './protocol/messages.ts';

/** A two-way pipe to an engine. `lost` is called at most once, when nothing more will come. */
export interface Transport {
  open(receive: (message: FromEngine) => void, lost: (reason: string) => void): void;
  post(message: ToEngine): void;
  /** Asks whether it still listens; it answers `heard`. Without it, nobody asks. */
  ask?(): void;
  /** After `close`: resolves when the engine has really ended and holds no lock any more. */
  ended?(): Promise<void>;
  close(): void;
}

/** Restarts within a while, in milliseconds, before a lost engine is left alone. */
const MOST_RESTARTS = 5;
const A_WHILE = 60_000;

interface Waiting {
  resolve(value: never): void;
  reject(reason: GroundworkError): void;
}

export class EngineClient {
  readonly #again: (() => Transport) | null;
  #transport: Transport;
  readonly #losses: number[] = [];
  readonly #restarts = new Set<() => void>();
  readonly #ends = new Set<(error: GroundworkError) => void>();
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Set<(event: EngineEvent) => void>();
  readonly #silence = new Silence((silent) => this.#emit({ type: 'silence', of: 'engine', silent }));
  #nextId = 1;
  #gone: GroundworkError | null = null;
  /** Whether the engine has ever spoken: until then its script is on its way. */
  #speaks = false;
  #end = (): void => undefined;

  /** @param again starts another engine after one was lost; without it, a loss is the end */
  constructor(transport: Transport, again: (() => Transport) | null = null) {
    this.#transport = transport;
    this.#again = again;
    this.#open(transport);
    if (!transport.ask) return;
    const timer = setInterval(() => this.#look(), 1000);
    this.#end = () => clearInterval(timer);
  }

  /** Gives up an engine that does not answer; another takes its place, as after a loss. */
  restart(): void {
    this.#lose('it did not answer, and was ended');
  }

  /** Called when another engine has taken the place of a lost one: it knows of nothing that was loaded. */
  onRestart(listener: () => void): () => void {
    this.#restarts.add(listener);
    return () => this.#restarts.delete(listener);
  }

  /** Called when the engine is lost: what it was writing stands still. Returns the way to stop listening. */
  onLost(listener: (error: GroundworkError) => void): () => void {
    this.#ends.add(listener);
    return () => this.#ends.delete(listener);
  }

  /** Rejects with a `GroundworkError` (code, message, hint), never with anything else. */
  request<R extends Request>(request: R): Promise<Replies[R['type']]> {
    if (this.#gone) return Promise.reject(this.#gone);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as Waiting['resolve'], reject });
      try {
        this.#transport.post({ id, request });
      } catch (cause) {
        this.#waiting.delete(id);
        reject(
          new GroundworkError(
            'not-sent',
            `The page could not hand "${request.type}" to the engine.`,
            'Nothing was changed. Try again with fewer or other files.',
            { cause },
          ),
        );
      }
    });
  }

  /** Every event, in order. Returns the way to stop listening. */
  subscribe(listener: (event: EngineEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#end();
    this.#transport.close();
    this.#fail(new GroundworkError('closed', 'The engine was closed.', 'Reload the page to start it again.'));
  }

  #open(transport: Transport): void {
    transport.open(
      (message) => transport === this.#transport && this.#receive(message),
      (reason) => transport === this.#transport && this.#lose(reason),
    );
  }

  /** Once a second, while the page runs at all. */
  #look(): void {
    if (!this.#speaks) return;
    this.#silence.tick();
    if (this.#silence.waiting) return;
    this.#silence.asked();
    this.#transport.ask?.();
  }

  #emit(event: EngineEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  #receive(message: FromEngine): void {
    this.#speaks = true;
    if (message.kind === 'heard') return this.#silence.answered();
    this.#silence.heard();
    if (message.kind === 'alive') return;
    if (message.kind === 'event') return this.#emit(message.event);
    const waiting = this.#waiting.get(message.id);
    if (!waiting) return;
    this.#waiting.delete(message.id);
    if (message.kind === 'reply') waiting.resolve(message.value as never);
    else {
      const error = new GroundworkError(asErrorCode(message.code), message.message, message.hint);
      // Where it was thrown says more than where it arrived.
      if (message.trace !== undefined) error.stack = message.trace;
      waiting.reject(error);
    }
  }

  #lose(reason: string): void {
    if (this.#gone) return;
    const error = new GroundworkError(
      'engine-lost',
      `The engine stopped: ${reason}.`,
      'Exports that had ended are safe; one that was being written is incomplete. Reload the page to start the engine again.',
    );
    this.#fail(error);
    for (const listener of this.#ends) listener(error);
    if (this.#again && this.#mayRestart()) {
      const old = this.#transport;
      old.close();
      this.#transport = this.#again();
      this.#gone = null;
      this.#speaks = false;
      this.#silence.answered();
      this.#open(this.#transport);
      const restarted = () => {
        for (const listener of this.#restarts) listener();
      };
      // A worker that hangs takes seconds to end, and holds its project until then.
      if (old.ended) void old.ended().then(restarted);
      else restarted();
      return;
    }
    this.#emit({ type: 'failure', code: error.code, message: error.message, hint: error.hint });
  }

  /** An engine that dies again and again is not started again and again. */
  #mayRestart(): boolean {
    const now = Date.now();
    this.#losses.push(now);
    return this.#losses.filter((at) => now - at < A_WHILE).length <= MOST_RESTARTS;
  }

  #fail(error: GroundworkError): void {
    this.#gone = error;
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }
}
