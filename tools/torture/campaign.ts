/** A campaign: runs that are killed again and again, gone on with, and compared with one that was left alone. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killedCommand, type Command } from './command.ts';
import { FaultyDisk } from './faulty-disk.ts';
import { KILLS_A_RUN, killsOf, type Kill, type Way } from './kills.ts';
import { Lab, type Outcome } from './lab.ts';
import { PLAN, writeRows } from './plan.ts';
import { differences, type KillResult, type RunResult, type Tortured } from './tortured.ts';

/** Lives that end without one kill of ours: a run that does not come to its end by itself is a fault. */
const MOST_LIVES = 4 * KILLS_A_RUN;

/** Changes on disk with which a command begins, about. */
const CHANGES_TO_BEGIN = 30;

export class Campaign implements Tortured {
  readonly #lab: Lab;
  readonly #folder: string;
  readonly #whole: Outcome;
  /** Changes on disk of the run that was left alone, and its units of work. */
  readonly #operations: number;
  readonly #units: number;

  private constructor(lab: Lab, folder: string, whole: Outcome) {
    this.#lab = lab;
    this.#folder = folder;
    this.#whole = whole;
    this.#operations = lab.disk.operations;
    this.#units = lab.units;
  }

  /** Makes the run to compare with. */
  static async open(): Promise<Campaign> {
    const folder = await mkdtemp(join(tmpdir(), 'groundwork-torture-'));
    await writeRows(join(folder, 'rows'));
    await writeFile(join(folder, 'plan.json'), JSON.stringify(PLAN));
    const lab = await Lab.open(join(folder, 'rows'));
    const { finished, faults } = await lab.live(null);
    if (!finished) throw new Error(`The run to compare with did not end: ${faults.join('; ')}`);
    return new Campaign(lab, folder, await lab.outcome());
  }

  get told(): readonly unknown[] {
    return this.#whole.told;
  }

  async close(): Promise<void> {
    await this.#lab.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** @param only these ways; the others are passed over */
  async run(seed: number, run: number, only: (way: Way) => boolean = () => true): Promise<RunResult> {
    const lab = this.#lab;
    lab.disk = FaultyDisk.of([]);
    const results: KillResult[] = [];
    const faults: string[] = [];
    const told = (kill: Kill | null, found: readonly string[]) =>
      faults.push(...found.map((fault) => (kill ? `kill ${kill.number} (${kill.way}): ${fault}` : fault)));
    let finished = false;
    for (const kill of killsOf(seed, run).filter(({ way }) => only(way))) {
      const { number, way, moment } = kill;
      const units = Math.floor(kill.at * this.#units);
      let stage = '';
      let fired = false;
      try {
        if (finished) fired = false;
        else if (way === 'kill') {
          // A process only shows its files: where it is follows from their changes.
          const left = Math.max(0, units - lab.units) / this.#units;
          const changes = Math.round(left * this.#operations) + (kill.seed % CHANGES_TO_BEGIN);
          const ended = await killedCommand(lab.disk, kill, changes, this.#command());
          lab.disk = ended.disk;
          told(kill, ended.faults);
          fired = ended.killed;
          stage = await lab.stage();
        } else {
          const life = await lab.live(kill, units);
          told(kill, life.faults);
          ({ fired, stage } = life);
        }
        finished = (await lab.run())?.state === 'finished';
      } catch (error) {
        told(kill, [error instanceof Error ? (error.stack ?? error.message) : String(error)]);
      }
      results.push({ number, way, moment, stage, fired });
    }
    try {
      for (let lives = 0; !finished && lives < MOST_LIVES; lives++) {
        const life = await lab.live(null);
        told(null, life.faults);
        ({ finished } = life);
        if (!finished && life.faults.length > 0) break;
      }
      if (finished) told(null, differences(this.#whole, await lab.outcome()));
      else told(null, ['The run did not come to its end.']);
    } catch (error) {
      told(null, [error instanceof Error ? (error.stack ?? error.message) : String(error)]);
    }
    return { seed, run, kills: results, faults };
  }

  #command(): Command {
    const at = (name: string) => join(this.#folder, name);
    return { rows: at('rows'), plan: at('plan.json'), out: at('out') };
  }
}
