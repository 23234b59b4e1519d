/**
 * The engine's two workers as one pipe. The engine itself starts from a blob that imports its script: a worker made
 * from a blob inherits the page's security policy, on every server; one made from an address has the policy of the
 * server's answer, which on most servers is none. The hub worker must speak to a Hub, so it is made from its address,
 * when it is first needed.
 */
// Vite makes this module: the address of the worker's bundle.
// oxlint-disable-next-line import/default
import engineUrl from './worker.ts?worker&url';
import type { Transport } from './client.ts';
import { watchLife } from './life.ts';
import { LISTENING, type FromEngine } from './protocol/messages.ts';

/** A worker that was ended and is not gone after this long is waited for no longer. */
const PATIENCE_MS = 20_000;

/** @param bundle address of the engine's script */
export function workerTransport(bundle: string = engineUrl): Transport {
  const script = `import ${JSON.stringify(new URL(bundle, import.meta.url).href)};`;
  const address = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
  const name = `groundwork-engine-${crypto.randomUUID()}`;
  const engine = new Worker(address, { type: 'module', name });
  let hub: HubPipe | null = null;
  let ended: Promise<void> = Promise.resolve();
  let receive: (message: FromEngine) => void = () => {};
  return {
    open(take, lost) {
      receive = take;
      engine.onmessage = ({ data }: MessageEvent<FromEngine>) => {
        if (data.kind !== 'alive') return receive(data);
        URL.revokeObjectURL(address); // it runs, so its script was read
        ended = new Promise((resolve) => watchLife(name, resolve));
        void ended.then(() => lost('its process ended'));
      };
      engine.onerror = (event) => {
        event.preventDefault();
        lost(event.message || 'its script could not be loaded');
      };
      engine.onmessageerror = () => lost('it sent something the page could not read');
    },
    post(message) {
      if (!message.request.type.startsWith('hub-')) return engine.postMessage(message);
      hub ??= new HubPipe((answer) => receive(answer));
      hub.post(message);
    },
    ask: () => engine.postMessage(LISTENING),
    ended: () => Promise.race([ended, new Promise<void>((resolve) => setTimeout(resolve, PATIENCE_MS))]),
    close() {
      engine.terminate();
      hub?.close();
      URL.revokeObjectURL(address);
    },
  };
}

/** The hub worker. If it dies, what waits for it is told; the engine goes on, and the next request starts another. */
class HubPipe {
  readonly #receive: (message: FromEngine) => void;
  readonly #waiting = new Set<number>();
  #worker: Worker | null = null;

  constructor(receive: (message: FromEngine) => void) {
    this.#receive = receive;
  }

  post(message: { readonly id: number }): void {
    this.#worker ??= this.#start();
    this.#waiting.add(message.id);
    this.#worker.postMessage(message);
  }

  close(): void {
    this.#worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(new URL('./hub/hub-worker.ts', import.meta.url), {
      type: 'module',
      name: 'groundwork-hub',
    });
    worker.onmessage = ({ data }: MessageEvent<FromEngine>) => {
      if ('id' in data) this.#waiting.delete(data.id);
      this.#receive(data);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      worker.terminate();
      this.#worker = null;
      for (const id of this.#waiting)
        this.#receive({
          kind: 'error',
          id,
          code: 'hub-lost',
          message: `The part that downloads models stopped: ${event.message || 'its script could not be loaded'}.`,
          hint: 'What was downloaded is kept. Try again. If it happens twice, reload the page.',
        });
      this.#waiting.clear();
    };
    return worker;
  }
}
