/**
 * The page's half of the engine: one typed request, one promise; events to whoever subscribes. It knows nothing of
 * training. The other half may be a worker, or anything else that speaks the protocol.
 */
import { GroundworkError } from '../base/error.ts';
import type { EngineEvent, FromEngine, Replies, Request, ToEngine } from './protocol/messages.ts';

/** A two-way pipe to an engine. `lost` is called at most once, when nothing more will come. */
export interface Transport {
  open(receive: (message: FromEngine) => void, lost: (reason: string) => void): void;
  post(message: ToEngine): void;
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
  #nextId = 1;
  #gone: GroundworkError | null = null;

  /** @param again starts another engine after one was lost; without it, a loss is the end */
  constructor(transport: Transport, again: (() => Transport) | null = null) {
    this.#transport = transport;
    this.#again = again;
    this.#open(transport);
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
    this.#transport.close();
    this.#fail(new GroundworkError('closed', 'The engine was closed.', 'Reload the page to start it again.'));
  }

  #open(transport: Transport): void {
    transport.open(
      (message) => transport === this.#transport && this.#receive(message),
      (reason) => transport === this.#transport && this.#lose(reason),
    );
  }

  #receive(message: FromEngine): void {
    if (message.kind === 'alive') return;
    if (message.kind === 'event') {
      for (const listener of this.#listeners) listener(message.event);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    if (!waiting) return;
    this.#waiting.delete(message.id);
    if (message.kind === 'reply') waiting.resolve(message.value as never);
    else waiting.reject(new GroundworkError(message.code, message.message, message.hint));
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
      this.#transport.close();
      this.#transport = this.#again();
      this.#gone = null;
      this.#open(this.#transport);
      for (const listener of this.#restarts) listener();
      return;
    }
    for (const listener of this.#listeners)
      listener({ type: 'failure', code: error.code, message: error.message, hint: error.hint });
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
