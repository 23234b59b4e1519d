/** The draws of a stage: which rows a pass has, and each row as it is drawn. All by seed, so that a resumed run draws alike. */
import { count, plural as counted } from '../base/counts.ts';
import { textHash } from '../base/columns.ts';
import { GroundworkError } from '../base/error.ts';
import { Random } from '../base/random.ts';
import type { Row } from '../data/row.ts';
import type { RowList } from '../data/row-list.ts';
import { vary, whyNot, type Variation } from '../data/variation/vary.ts';
import { variationsOf, type DrawSettings } from './draw-settings.ts';
import type { SampleStore } from './samples.ts';

/** Rows of one file or task in a mixture. */
export interface MixedGroup {
  readonly name: string;
  /** Rows that it has. */
  readonly rows: number;
  /** How many of a pass's draws are from it. */
  readonly draws: number;
}

interface Pool extends MixedGroup {
  readonly places: readonly number[];
}

/**
 * Which rows each pass has: as many draws as there are rows, divided by the shares. A file's rows come round and round,
 * each as often as the others (±1), over passes as within one.
 */
export class Mixture {
  readonly #pools: readonly Pool[];
  readonly #seed: number;

  /** Throws `no-rows` where all rows are of files or tasks with a share of 0. */
  constructor(rows: RowList, { mixBy, shares = {} }: DrawSettings, seed: number) {
    this.#seed = seed;
    const places = new Map<string, number[]>();
    for (let i = 0; i < rows.length; i++) {
      const name = mixBy === 'file' ? rows.file(i) : rows.task(i);
      const there = places.get(name);
      if (there) there.push(i);
      else places.set(name, [i]);
    }
    const named = (name: string) => Object.hasOwn(shares, name);
    const rest = Math.max(0, 1 - Object.values(shares).reduce((a, b) => a + b, 0));
    const others = [...places].reduce((sum, [name, { length }]) => sum + (named(name) ? 0 : length), 0);
    const weights = [...places].map(([name, { length }]) => (named(name) ? shares[name]! : (rest * length) / others));
    const total = weights.reduce((a, b) => a + b, 0);
    if (total <= 0)
      throw new GroundworkError(
        'no-rows',
        'The mixture gives every training row that is left a share of 0.',
        'Change the shares under “Rows” of the recipe.',
      );
    const draws = divided(
      rows.length,
      weights.map((weight) => weight / total),
    );
    this.#pools = [...places].map(([name, at], i) => ({ name, places: at, rows: at.length, draws: draws[i]! }));
  }

  /** By rows, most first. */
  get groups(): readonly MixedGroup[] {
    return this.#pools
      .map(({ name, rows, draws }) => ({ name, rows, draws }))
      .sort((a, b) => b.rows - a.rows || (a.name < b.name ? -1 : 1));
  }

  /** Places of a pass, in no order to rely on; as many as the list has rows. */
  pass(epoch: number): number[] {
    return this.#pools.flatMap(({ name, places, draws }) => {
      const taken: number[] = [];
      while (taken.length < draws) {
        const at = epoch * draws + taken.length;
        const random = new Random(textHash(`mixture ${this.#seed} ${Math.floor(at / places.length)} ${name}`));
        const from = at % places.length;
        taken.push(...random.shuffle([...places]).slice(from, from + draws - taken.length));
      }
      return taken;
    });
  }
}

/** A count in whole parts as near to the shares as can be (largest remainder). Shares sum to 1. */
function divided(count: number, shares: readonly number[]): number[] {
  const exact = shares.map((share) => share * count);
  const parts = exact.map(Math.floor);
  const order = exact.map((value, i) => [value - parts[i]!, i] as const).sort((a, b) => b[0] - a[0] || a[1] - b[1]);
  const left = count - parts.reduce((a, b) => a + b, 0);
  for (const [, i] of order.slice(0, left)) parts[i]!++;
  return parts;
}

/** What a mixture makes of a pass, as a sentence. */
export function mixtureWords(groups: readonly MixedGroup[]): string {
  const draws = groups.reduce((sum, group) => sum + group.draws, 0);
  const listed = groups.map(
    (group) => `${count(group.draws)} from ${group.name || 'rows without a task'} (${counted(group.rows, 'row')})`,
  );
  return `Of the ${count(draws)} draws of a pass, ${listed.join(', ')}.`;
}

const DONE: Readonly<Record<Variation, string>> = {
  order: 'keep the order of their pictures',
  flip: 'are not mirrored',
  crop: 'are not cropped',
  scale: 'are not made smaller',
  colour: 'keep their colours',
};

/** Counts what of the asked changes is not made to rows, and why. */
export class Unvaried {
  readonly #asked: readonly Variation[];
  readonly #counts = new Map<Variation, Map<string, number>>();
  #rows = 0;

  constructor(draw: DrawSettings | null) {
    this.#asked = draw ? variationsOf(draw) : [];
  }

  see(row: Row): void {
    this.#rows++;
    if (this.#asked.length === 0) return;
    const not = whyNot(row);
    for (const what of this.#asked) {
      const why = not[what];
      if (why === undefined) continue;
      const reasons = this.#counts.get(what) ?? new Map<string, number>();
      reasons.set(why, (reasons.get(why) ?? 0) + 1);
      this.#counts.set(what, reasons);
    }
  }

  /** A sentence a change that is not made to every row. */
  words(): string[] {
    return [...this.#counts].map(([what, reasons]) => {
      const all = [...reasons.values()].reduce((a, b) => a + b, 0);
      const why = [...reasons]
        .sort((a, b) => b[1] - a[1])
        .map(([reason, n]) => `${counted(n, 'row')} ${n === 1 ? reason : plural(reason)}`);
      return `${count(all)} of ${count(this.#rows)} rows ${DONE[what]}: ${why.join('; ')}.`;
    });
  }
}

const PLURALS: Readonly<Record<string, string>> = { has: 'have', does: 'do', is: 'are' };
/** “speaks of sides” of several rows. */
const plural = (reason: string): string => reason.replace(/^(\w+)/, (verb) => PLURALS[verb] ?? verb.replace(/s$/, ''));

/** The rows of a stage as a plan draws them. */
export class Draws {
  readonly #rows: RowList;
  readonly #samples: Pick<SampleStore, 'naturalSizes'>;
  readonly #varies: DrawSettings | null;
  readonly #seed: number;
  /** Null: every row once a pass. */
  readonly mixture: Mixture | null;

  /** @param varied whether the stage may be given changed pictures */
  constructor(
    rows: RowList,
    draw: DrawSettings | null,
    seed: number,
    samples: Pick<SampleStore, 'naturalSizes'>,
    varied: boolean,
  ) {
    this.#rows = rows;
    this.#samples = samples;
    this.#seed = seed;
    this.#varies = varied && draw && variationsOf(draw).length > 0 ? draw : null;
    this.mixture = draw && draw.mixBy !== 'none' ? new Mixture(rows, draw, seed) : null;
  }

  /** Which rows a pass has, for the sampler; undefined: each once. */
  get pass(): ((epoch: number) => number[]) | undefined {
    const { mixture } = this;
    return mixture ? (epoch) => mixture.pass(epoch) : undefined;
  }

  /** Rows by place. `first`: the number of the first of these draws, from the stage's beginning. */
  async read(places: readonly number[], first: number): Promise<Row[]> {
    const rows = await this.#rows.read(places);
    const settings = this.#varies;
    if (!settings) return rows;
    const drawn: Row[] = [];
    for (const [i, row] of rows.entries()) {
      const random = new Random(textHash(`draw ${this.#seed} ${first + i} ${row.id}`));
      drawn.push(vary(row, await this.#samples.naturalSizes(row), settings, random));
    }
    return drawn;
  }

  /** Those of a batch to come, for whoever reads ahead. */
  ahead(first: number): Pick<RowList, 'read'> {
    return { read: (places) => this.read(places, first) };
  }
}
