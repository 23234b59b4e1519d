/** Tokens of a batch being decoded, as they arrive in groups of steps. */
import type { Tokenizer } from '../text/tokenizer.ts';

export interface Rollout {
  /** Token ids, the end-of-turn token included if it was reached. */
  readonly tokens: Uint32Array;
  readonly text: string;
  /** Stopped by the length limit, or from outside. */
  readonly truncated: boolean;
  /** Of each token as it was drawn, and the entropy it was drawn from; empty where they were not asked for. */
  readonly logProbs: Float32Array;
  readonly entropies: Float32Array;
}

/** f32 [steps, stride] each, beside the ids. */
export interface DrawnScores {
  readonly logProbs: Float32Array;
  readonly entropies: Float32Array;
}

/** New token ids of one row, in order; the end-of-turn token is the last a row gets. */
export type OnTokens = (row: number, tokens: Uint32Array) => void;

/**
 * Counts the prompts of a batch whose completions have all ended, for whoever waits for the batch.
 * @param G completions of a prompt
 */
export function countEnded(G: number, eosTokenIds: readonly number[], tell: (prompts: number) => void): OnTokens {
  const left = new Map<number, number>();
  let ended = 0;
  return (row, tokens) => {
    if (!eosTokenIds.includes(tokens.at(-1)!)) return;
    const prompt = Math.floor(row / G);
    left.set(prompt, (left.get(prompt) ?? G) - 1);
    if (left.get(prompt) === 0) tell(++ended);
  };
}

export class RolloutTokens {
  readonly #rows: readonly number[][];
  readonly #logProbs: readonly number[][];
  readonly #entropies: readonly number[][];
  readonly #ended: boolean[];
  readonly #ends: ReadonlySet<number>;
  readonly #onTokens: OnTokens | undefined;

  constructor(rows: number, eosTokenIds: readonly number[], onTokens?: OnTokens) {
    const empty = () => Array.from({ length: rows }, (): number[] => []);
    [this.#rows, this.#logProbs, this.#entropies] = [empty(), empty(), empty()];
    this.#ended = new Array<boolean>(rows).fill(false);
    this.#ends = new Set(eosTokenIds);
    this.#onTokens = onTokens;
  }

  /** Every row has reached an end token. */
  get ended(): boolean {
    return this.#ended.every(Boolean);
  }

  /** @param ids u32 [steps, stride]: what each step drew for each row, padding behind a row's end included */
  take(ids: Uint32Array, stride: number, scores?: DrawnScores): void {
    this.#rows.forEach((row, b) => {
      const before = row.length;
      for (let at = b; at < ids.length && !this.#ended[b]; at += stride) {
        row.push(ids[at]!);
        if (scores) {
          this.#logProbs[b]!.push(scores.logProbs[at]!);
          this.#entropies[b]!.push(scores.entropies[at]!);
        }
        this.#ended[b] = this.#ends.has(ids[at]!);
      }
      if (row.length > before) this.#onTokens?.(b, Uint32Array.from(row.slice(before)));
    });
  }

  /** Completions of each prompt, G apiece. */
  rollouts(G: number, tokenizer: Pick<Tokenizer, 'decode'>): Rollout[][] {
    const all = this.#rows.map((row, b): Rollout => {
      const ended = this.#ended[b]!;
      const tokens = Uint32Array.from(row);
      return {
        tokens,
        truncated: !ended,
        text: tokenizer.decode(ended ? tokens.subarray(0, -1) : tokens),
        logProbs: Float32Array.from(this.#logProbs[b]!),
        entropies: Float32Array.from(this.#entropies[b]!),
      };
    });
    return Array.from({ length: all.length / G }, (_, i) => all.slice(i * G, (i + 1) * G));
  }
}
