/** A campaign in Chromium: runs that are killed again and again, gone on with, and compared with one that was left alone. */
import { BROWSER_WAYS, KILLS_A_RUN, killsOf, type BrowserWay, type Kill } from '../kills.ts';
import { PLAN } from '../plan.ts';
import { differences, type KillResult, type RunResult, type Tortured } from '../tortured.ts';
import type { Tally } from './faults.ts';
import { BrowserLab } from './lab.ts';
import type { BrowserOutcome } from './page.ts';

/** Lives that a run may take more than it is killed. */
const MORE_LIVES = KILLS_A_RUN;

export class BrowserCampaign implements Tortured {
  readonly #lab: BrowserLab;
  readonly #whole: BrowserOutcome;
  readonly #length: Tally;

  private constructor(lab: BrowserLab, whole: BrowserOutcome, length: Tally) {
    this.#lab = lab;
    this.#whole = whole;
    this.#length = length;
  }

  /** Makes the run to compare with. */
  static async open(): Promise<BrowserCampaign> {
    const lab = await BrowserLab.open();
    try {
      const { finished, faults } = await lab.live([]);
      if (!finished) throw new Error(`The run to compare with did not end: ${faults.join('; ')}`);
      const length = await lab.tally();
      return new BrowserCampaign(lab, await lab.outcome(), length);
    } catch (error) {
      await lab.close();
      throw error;
    }
  }

  get told(): readonly unknown[] {
    return this.#whole.told;
  }

  close(): Promise<void> {
    return this.#lab.close();
  }

  run(seed: number, run: number): Promise<RunResult> {
    return this.killed(seed, run, killsOf(seed, run, BROWSER_WAYS));
  }

  async killed(seed: number, run: number, kills: readonly Kill<BrowserWay>[]): Promise<RunResult> {
    const { units, changes } = this.#length;
    const results: KillResult[] = [];
    const faults: string[] = [];
    let left = kills.map((kill) => ({
      ...kill,
      units: Math.floor(kill.at * units),
      changes: kill.seed % Math.max(1, Math.round(changes / units)),
    }));
    try {
      await this.#lab.clear();
      let finished = false;
      for (let lives = 0; !finished && lives < kills.length + MORE_LIVES; lives++) {
        const life = await this.#lab.live(left);
        // One that was due a while later may have come too late.
        const last = Math.max(-1, ...life.struck.map(({ number }) => number));
        for (const { number, way, moment } of left.filter((kill) => kill.number <= last)) {
          const struck = life.struck.find((each) => each.number === number);
          results.push({
            number,
            way,
            moment,
            stage: PLAN.stages[struck?.stage ?? -1]?.kind ?? '',
            fired: struck !== undefined,
          });
        }
        left = left.filter(({ number }) => number > last);
        faults.push(...life.faults.map((fault) => `after kill ${results.at(-1)?.number ?? 'none'}: ${fault}`));
        ({ finished } = life);
        if (life.faults.length > 0 && life.struck.length === 0) break;
      }
      if (finished) faults.push(...differences(this.#whole, await this.#lab.outcome()));
      else faults.push('The run did not come to its end.');
    } catch (error) {
      faults.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
    results.push(...left.map(({ number, way, moment }) => ({ number, way, moment, stage: '', fired: false })));
    return { seed, run, kills: results, faults };
  }
}
