/**
 * Groups that taught something, kept to take the place of groups that teach nothing: TRL's GRPOWithReplayBuffer. Plain
 * data, so that it goes into a checkpoint; pictures are not kept, a row is encoded again when it is drawn.
 */
import type { Random } from '../base/random.ts';

export interface ReplayedGroup {
  /** Index of its row among those of the stage. */
  readonly row: number;
  /** Σ |advantage| · deviation of its rewards. */
  readonly score: number;
  /** One an entry of `tokens`. */
  readonly advantages: readonly number[];
  readonly truncated: readonly boolean[];
  /** Token ids of each completion. */
  readonly tokens: readonly (readonly number[])[];
  /** Their log-probabilities when they were sampled. */
  readonly logProbs: readonly (readonly number[])[];
}

export class ReplayBuffer {
  readonly #size: number;
  /** Ascending by score. */
  #groups: readonly ReplayedGroup[];

  /** @param state what `state` of another was */
  constructor(size: number, state: readonly ReplayedGroup[] = []) {
    this.#size = size;
    this.#groups = state;
  }

  get state(): readonly ReplayedGroup[] {
    return this.#groups;
  }

  /** Keeps the group if there is room, or in place of the one with the lowest score if its own is higher. */
  offer(group: ReplayedGroup): void {
    const full = this.#groups.length >= this.#size;
    if (full && group.score <= (this.#groups[0]?.score ?? Infinity)) return;
    const at = this.#groups.findLastIndex(({ score }) => score <= group.score) + 1;
    const all = [...this.#groups.slice(0, at), group, ...this.#groups.slice(at)];
    this.#groups = full ? all.slice(1) : all;
  }

  /** `count` groups with probabilities by their scores, none twice unless there are fewer; none of an empty buffer. */
  draw(count: number, random: Random): ReplayedGroup[] {
    const drawn: ReplayedGroup[] = [];
    const twice = count > this.#groups.length;
    let left = [...this.#groups];
    while (drawn.length < count && left.length > 0) {
      let at = random.uniform() * left.reduce((sum, { score }) => sum + score, 0);
      const found = left.findIndex(({ score }) => (at -= score) < 0);
      const group = left[found < 0 ? left.length - 1 : found]!;
      drawn.push(group);
      if (!twice) left = left.filter((other) => other !== group);
    }
    return drawn;
  }
}
