/**
 * Requests to a Hub: what is worth trying again is tried again, what is not gets a message that says what to do. The
 * token goes to the endpoint only: `fetch` drops the header when a redirect leads to another host. No header is sent
 * that would make the browser ask the content network for permission first, because that network does not answer.
 */
import { GroundworkError } from '../base/error.ts';
import type { HubAddress } from './hub-address.ts';

export interface HubOptions {
  /** Kept by the caller for as long as it needs it; never stored, never part of a message. */
  readonly token: string | null;
  readonly fetch?: typeof fetch;
  /** Waits between attempts; tests replace it. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
  /** A connection that brings nothing for so long is cut and made anew. */
  readonly stallMs?: number;
  /** After so long without an answer `onTrouble` is told. */
  readonly silentMs?: number;
  /** Told of an attempt that failed and will be made again, and of the one that then succeeded (null). */
  readonly onTrouble?: (trouble: HubTrouble | null) => void;
}

/** What went wrong, and which attempt of how many comes next. */
export interface HubTrouble {
  readonly what: string;
  readonly attempt: number;
  readonly of: number;
  /** Until the next attempt begins. */
  readonly waitMs: number;
}

/** An attempt that failed in a way that may pass. */
class Passing extends Error {
  readonly told: GroundworkError;
  readonly waitMs: number;

  constructor(told: GroundworkError, waitMs = 0) {
    super(told.message);
    this.told = told;
    this.waitMs = waitMs;
  }
}

/** Attempts without a byte of progress before giving up: half a minute in all. */
const ATTEMPTS = 6;
const FIRST_WAIT_MS = 1000;
/** A server that asks for more patience than this is told to the user instead. */
const LONGEST_WAIT_MS = 120_000;
const STALL_MS = 30_000;
/** A server that has not answered for so long is told of, while it is waited for. */
const SILENT_MS = 3000;

/** What one attempt may use: a signal that also ends it when it stalls, and `alive`, to be called as bytes come. */
export interface Attempt {
  readonly signal: AbortSignal;
  alive(): void;
}

export class HubRequests {
  readonly address: HubAddress;
  readonly #options: Required<HubOptions>;

  constructor(
    address: HubAddress,
    {
      token,
      fetch = globalThis.fetch.bind(globalThis),
      sleep = wait,
      stallMs = STALL_MS,
      silentMs = SILENT_MS,
      onTrouble = () => {},
    }: HubOptions,
  ) {
    this.address = address;
    this.#options = { token: token?.trim() || null, fetch, sleep, stallMs, silentMs, onTrouble };
  }

  /** A successful answer's JSON, and the address of the next page. */
  json(url: string, signal: AbortSignal): Promise<{ readonly value: unknown; readonly next: string | null }> {
    return this.trying(signal, async (attempt) => {
      const response = await this.get(url, {}, attempt);
      try {
        return { value: await response.json(), next: nextPage(response.headers.get('link')) };
      } catch (cause) {
        if (cause instanceof SyntaxError) throw this.#odd('an answer that is not JSON', cause);
        throw this.#lost(cause);
      }
    });
  }

  /** One attempt at an answer with a good status. Throws what `trying` understands. */
  async get(url: string, headers: Readonly<Record<string, string>>, { signal }: Attempt): Promise<Response> {
    const { fetch, token } = this.#options;
    let response: Response;
    try {
      response = await fetch(url, {
        headers: { ...headers, ...(token !== null && { authorization: `Bearer ${token}` }) },
        signal,
        cache: 'no-store', // the files are kept elsewhere
        credentials: 'omit',
        referrerPolicy: 'no-referrer',
      });
    } catch (cause) {
      throw this.#lost(cause);
    }
    if (response.ok) return response;
    void response.body?.cancel().catch(() => {});
    throw this.#refusal(response);
  }

  /** Runs an attempt until it succeeds, fails for good, or has failed too often since it last made progress. */
  async trying<T>(signal: AbortSignal, work: (attempt: Attempt) => Promise<T>): Promise<T> {
    let troubled = false;
    const passed = () => {
      if (troubled) this.#options.onTrouble(null);
      troubled = false;
    };
    for (let failed = 0; ;) {
      signal.throwIfAborted();
      const own = new AbortController();
      const stop = () => own.abort(signal.reason);
      signal.addEventListener('abort', stop);
      let progressed = false;
      let timer = setTimeout(() => own.abort(), this.#options.stallMs);
      const silence = setTimeout(() => {
        troubled = true;
        const what = `${this.address.endpoint} has not answered yet.`;
        this.#options.onTrouble({ what, attempt: failed + 1, of: ATTEMPTS, waitMs: 0 });
      }, this.#options.silentMs);
      try {
        const done = await work({
          signal: own.signal,
          alive: () => {
            progressed = true;
            clearTimeout(silence);
            passed();
            clearTimeout(timer);
            timer = setTimeout(() => own.abort(), this.#options.stallMs);
          },
        });
        passed();
        return done;
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof Passing)) throw error;
        failed = progressed ? 1 : failed + 1;
        if (failed >= ATTEMPTS || error.waitMs > LONGEST_WAIT_MS) throw error.told;
        const waitMs = Math.max(error.waitMs, FIRST_WAIT_MS * 2 ** (failed - 1));
        this.#options.onTrouble({ what: error.told.message, attempt: failed + 1, of: ATTEMPTS, waitMs });
        troubled = true;
        await this.#options.sleep(waitMs, signal);
      } finally {
        clearTimeout(timer);
        clearTimeout(silence);
        signal.removeEventListener('abort', stop);
      }
    }
  }

  /** For a body that ended early. */
  cut(): Passing {
    return this.#lost(null);
  }

  /** The connection did not come about, or broke. */
  #lost(cause: unknown): Passing {
    return new Passing(
      new GroundworkError(
        'hub-unreachable',
        `${this.address.endpoint} could not be reached, or the connection broke repeatedly.`,
        'Check the network and the endpoint. What was downloaded is kept. Load the model again, and the download resumes.',
        { cause },
      ),
    );
  }

  #odd(what: string, cause?: unknown): GroundworkError {
    return new GroundworkError(
      'hub-answer',
      `${this.address.endpoint} sent ${what}.`,
      'Check that the endpoint is the Hugging Face Hub or a mirror of it.',
      { cause },
    );
  }

  #refusal(response: Response): GroundworkError | Passing {
    const { endpoint, id, revision } = this.address;
    const { status, headers } = response;
    const code = headers.get('x-error-code');
    const withToken = this.#options.token !== null;
    if (status === 429 || status === 408 || status >= 500) {
      const waitMs = patience(headers);
      const told =
        status === 429
          ? new GroundworkError(
              'hub-rate-limit',
              `${endpoint} refuses for now: too many requests${waitMs > 0 ? `, for another ${Math.ceil(waitMs / 1000)} s` : ''}.`,
              `Wait a little, then load the model again: the download resumes.${withToken ? '' : ' With a token more requests are allowed.'}`,
            )
          : new GroundworkError(
              'hub-trouble',
              `${endpoint} has a problem (status ${status}).`,
              'What was downloaded is kept. Load the model again later, and the download resumes.',
            );
      return new Passing(told, waitMs);
    }
    // A signed address that ran out on the way; asking the Hub again gives a new one.
    if (status === 403 && response.redirected && new URL(response.url).origin !== new URL(endpoint).origin)
      return new Passing(
        new GroundworkError(
          'hub-trouble',
          `The server to which ${endpoint} redirects refused (status 403).`,
          'Check this machine’s clock. Then load the model again: the download resumes.',
        ),
      );
    if (code === 'GatedRepo')
      return new GroundworkError(
        'hub-gated',
        `${id} is gated: its owners ask who loads it.`,
        withToken
          ? `Open ${endpoint}/${id} with the account of this token and ask for access there.`
          : `Open ${endpoint}/${id}, sign in and ask for access; then create a token that may read it at ${endpoint}/settings/tokens and enter it here.`,
      );
    if (status === 401 && withToken)
      return new GroundworkError(
        'hub-token',
        `${endpoint} does not accept the token for ${id}.`,
        'Check that the token is complete, has not expired and may read this model, and that the id is right.',
      );
    if (status === 403)
      return new GroundworkError(
        'hub-forbidden',
        `${endpoint} does not let this token read ${id}.`,
        'Enter a token with read access, from an account that may read this model.',
      );
    if (code === 'RevisionNotFound')
      return new GroundworkError(
        'hub-revision',
        `${id} has no revision “${revision}”.`,
        'Enter a branch, a tag or a commit of this model. Most models have main.',
      );
    if (code === 'EntryNotFound')
      return new GroundworkError(
        'hub-changed',
        `A file that ${id} listed no longer exists.`,
        'The model has changed. Load it again.',
      );
    if (status === 401 || status === 404)
      return new GroundworkError(
        'hub-not-found',
        `There is no public model “${id}” at ${endpoint}.`,
        'Check the id, including upper and lower case. A private model needs a token.',
      );
    if (status === 416)
      return new GroundworkError(
        'hub-changed',
        `A file of ${id} is shorter than the Hub says.`,
        'The model has changed, or a mirror is out of date. Load it again.',
      );
    return this.#odd(`status ${status}`);
  }
}

/** Milliseconds that a server asks us to wait (Retry-After in seconds or as a date, or the Hub's RateLimit). */
function patience(headers: Headers): number {
  const after = headers.get('retry-after');
  if (after !== null) {
    const ms = /^\d+$/.test(after.trim()) ? Number(after) * 1000 : Date.parse(after) - Date.now();
    if (ms > 0) return ms;
  }
  const reset = /;\s*t=(\d+)/.exec(headers.get('ratelimit') ?? '');
  return reset ? Number(reset[1]) * 1000 : 0;
}

const nextPage = (link: string | null): string | null => /<([^>]+)>\s*;\s*rel="?next"?/.exec(link ?? '')?.[1] ?? null;

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal.addEventListener('abort', stop, { once: true });
  });
}
