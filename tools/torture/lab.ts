/**
 * An engine whose disk, device and clock can be made to fail. It stands for one process after another: after a kill the
 * engine has nothing of the run but what its disk gives back. Model, rows and kernels stay loaded, to save their time.
 */
import { createHash } from 'node:crypto';
import { Random } from '../../src/base/random.ts';
import { filesUnder } from '../../src/cli/node-files.ts';
import { nodeFileStore } from '../../src/cli/node-file-store.ts';
import { openNodeGpu } from '../../src/cli/node-gpu.ts';
import { keptCheckpoints, loadCheckpoint, loadKept } from '../../src/engine/keep/keeper.ts';
import type { EngineEvent } from '../../src/engine/protocol/index.ts';
import type { RunRecord } from '../../src/engine/protocol/records.ts';
import { writeCheckpoint } from '../../src/train/checkpoint-file.ts';
import { exportWitness } from '../../src/engine/run/witness.ts';
import { EngineSession } from '../../src/engine/session.ts';
import { buildReport } from '../../src/evaluate/report.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import type { Recipe } from '../../src/train/recipe.ts';
import { registerDecoder } from '../../src/image/decode.ts';
import { nodeDecode } from '../../src/image/node-decode.ts';
import { storageInFiles, type Storage } from '../../src/store/storage.ts';
import type { Disk } from '../../src/cli/disk.ts';
import { FaultyDisk } from './faulty-disk.ts';
import type { Kill } from './kills.ts';
import { MODEL, PLAN } from './plan.ts';
import { isUnit, timeless } from './timeless.ts';

/** The folder of the run on the disk that fails. */
export const ROOT = '/torture/run';

/** Everything of a finished run that must not depend on how often it was interrupted. Times are left out. */
export interface Outcome {
  /** What the stored log tells. */
  readonly told: readonly unknown[];
  /** Digests of the adapter's weights, and of the logits that the trained policy gives. */
  readonly adapter: string;
  readonly witness: string;
  readonly report: unknown;
  /** The checkpoint that is kept as the best: of which step, by what, and a digest of its weights; null: none. */
  readonly best: unknown;
}

export interface Life {
  /** Whether the fault came to pass before the run ended. */
  readonly fired: boolean;
  /** Stage under way then. */
  readonly stage: string;
  readonly finished: boolean;
  /** What should not have been. */
  readonly faults: readonly string[];
}

const DAY_MS = 86_400_000;
/** Changes on disk between two units of work that are saved, about. */
export const MOST_CHANGES = 16;

async function digestOf(data: string | AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  if (typeof data === 'string') hash.update(data);
  else for await (const chunk of data) hash.update(chunk);
  return hash.digest('hex');
}

const withoutTimes = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (key, inner: unknown) => (key === 'seconds' ? undefined : inner)));

export class Lab {
  disk = FaultyDisk.of([]);
  readonly #recipe: Recipe;
  readonly #storage: Storage;
  readonly #session: EngineSession;
  #gpu: Gpu | null = null;
  #dataset = '';
  #onEvent: (event: EngineEvent) => void = () => undefined;
  /** Units of work that the run on the disk has told, those of earlier lives included. */
  units = 0;
  #stage = 0;
  readonly #realNow = Date.now;
  #clockMs = 0;

  private constructor(recipe: Recipe) {
    this.#recipe = recipe;
    registerDecoder(nodeDecode);
    // The store belongs to the program, the disk below it can be another at any time.
    const disk = new Proxy({} as Disk, {
      get: (_, name) => {
        const value = this.disk[name as keyof Disk] as (...args: unknown[]) => unknown;
        return value.bind(this.disk);
      },
    });
    this.#storage = storageInFiles(nodeFileStore(ROOT, disk));
    this.#session = new EngineSession({
      openGpu: async () => (this.#gpu = await openNodeGpu()),
      fetchFile: () => Promise.reject(new Error('nothing is fetched')),
      storage: this.#storage,
      emit: (event) => {
        if (event.type === 'stage' && event.status === 'started') this.#stage = event.index;
        this.#onEvent(event);
      },
    });
    Date.now = () => this.#realNow() + this.#clockMs;
  }

  /** @param rows a folder with the rows */
  static async open(rows: string, recipe: Recipe = PLAN): Promise<Lab> {
    const lab = new Lab(recipe);
    await lab.#session.handle({ type: 'load-model', files: await filesUnder(MODEL), name: 'model' });
    const opened = await lab.#session.handle({ type: 'open-dataset', name: 'demo', files: await filesUnder(rows) });
    lab.#dataset = opened.id;
    return lab;
  }

  async close(): Promise<void> {
    Date.now = this.#realNow;
    await this.#session.destroy();
  }

  /** The one run on the disk. */
  async run(): Promise<RunRecord | null> {
    return (await this.#storage.records.all<RunRecord>('runs'))[0] ?? null;
  }

  /** How much of a run its last sound checkpoint holds, in events. */
  async kept(): Promise<number> {
    const run = await this.run();
    return run ? ((await loadCheckpoint(this.#storage, run.id)).start?.about.events ?? 0) : 0;
  }

  /** Number of the stage that the last sound checkpoint stands in. */
  async #stageOnDisk(): Promise<number> {
    const run = await this.run();
    return run ? ((await loadCheckpoint(this.#storage, run.id)).start?.position.stage ?? 0) : 0;
  }

  /** Kind of that stage. */
  async stage(): Promise<string> {
    return this.#recipe.stages[await this.#stageOnDisk()]?.kind ?? 'end';
  }

  /** Begins the run, or goes on with it, until it ends, or until `kill` has come to pass: some changes on disk after so many `units` of work. */
  async live(kill: Kill | null, units = 0): Promise<Life> {
    const faults: string[] = [];
    const { disk } = this;
    let [fired, told, promised, moved] = [false, 0, 0, false];
    let last = '';
    let done: () => void = () => undefined;
    const interrupted = new Promise<void>((resolve) => (done = resolve));
    const die = () => {
      disk.dead = true;
      done();
    };
    const random = new Random(kill?.seed ?? 0);
    const fire = (): 'kill' | 'full' | null => {
      fired = true;
      last = this.#recipe.stages[this.#stage]?.kind ?? 'end';
      const { way, moment } = kill!;
      if (way === 'power' || way === 'gone') {
        if (moment === 'inside') {
          done();
          return 'kill';
        }
        setTimeout(die, moment);
      }
      if (way === 'full') return 'full';
      if (way === 'device') setTimeout(() => this.#gpu?.device.destroy(), moment === 'inside' ? 0 : moment);
      if (way === 'clock') this.#clockMs += random.below(2) === 0 ? DAY_MS : -DAY_MS;
      if (way === 'frozen') {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
        this.#clockMs += 60_000;
      }
      if (way === 'stopped') setTimeout(() => void this.#control('stop'), moment === 'inside' ? 0 : moment);
      return null;
    };
    this.units = 0;
    let changes = random.below(MOST_CHANGES);
    if (kill) disk.onOperation = () => (!fired && this.units >= units && changes-- <= 0 ? fire() : null);
    this.#onEvent = (event) => {
      if (event.type === 'checkpoint' && !disk.dead) {
        promised = event.events;
        // What goes on by itself has shown by now that it does; then its process is gone, too.
        if (fired && moved) die();
        moved = fired;
      }
      if (event.type === 'failure') {
        if (disk.dead) return void setTimeout(() => void this.#control('stop'));
        if (event.code === 'storage-full' && disk.full) {
          told++;
          if (!/is safe|Delete/.test(event.hint)) faults.push(`A full disk was told without what to do: ${event.hint}`);
          if (random.below(2) === 0) return void setTimeout(() => (die(), void this.#control('stop')));
          disk.full = false;
          disk.onOperation = null;
          return void setTimeout(() => void this.#control('resume'));
        }
        if (!(kill?.way === 'throws' && fired)) faults.push(`${event.code}: ${event.message}`);
      }
      if (event.type === 'restored') this.units = event.events.filter(isUnit).length;
      if (event.type === 'progress') {
        if (isUnit(event)) this.units++;
        if (disk.dead) throw new Error('the process is gone');
        if (kill?.way === 'throws' && fired && !moved) {
          moved = true;
          throw new Error('a stage threw');
        }
      }
    };
    this.#stage = await this.#stageOnDisk();
    void interrupted.then(() => setTimeout(() => void this.#control('stop')));
    try {
      await this.#begin();
      await this.#session.running;
    } catch (error) {
      // A process may be gone before its run is on its way.
      if (!disk.dead) throw error;
    } finally {
      disk.onOperation = null;
    }
    const finished = !disk.dead && this.#session.state === 'finished' && (await this.run())?.state === 'finished';
    disk.full = disk.dead = false;
    this.#onEvent = () => undefined;
    if (kill?.way === 'full' && fired && told === 0 && !finished) faults.push('A full disk was not told.');
    if (kill?.way === 'power' && fired) disk.cut(random);
    else disk.settle();
    const kept = await this.kept();
    if (kept < promised) faults.push(`A checkpoint of ${promised} events was told as saved, and ${kept} are left.`);
    return { fired, stage: last, finished, faults };
  }

  /** Of the finished run on the disk. A device that was destroyed behind the run's end takes its first look along. */
  async outcome(): Promise<Outcome> {
    const { lost } = this.#gpu!;
    try {
      return await this.#look();
    } catch (error) {
      const patience = new Promise<false>((resolve) => setTimeout(() => resolve(false), 1000));
      if (await Promise.race([lost.then(() => true), patience])) return this.#look();
      throw error;
    }
  }

  async #look(): Promise<Outcome> {
    const run = (await this.run())!;
    let told: unknown[] = [];
    this.#onEvent = (event) => {
      if (event.type === 'restored') told = event.events.flatMap(timeless);
    };
    await this.#session.handle({ type: 'continue-run', runId: run.id, dataset: this.#dataset, go: false });
    this.#onEvent = () => undefined;
    const bench = this.#session.bench!;
    const files = await this.#session.exportFiles({ what: 'adapter' });
    const report = buildReport({
      adapter: this.#gpu!.name,
      seed: this.#recipe.seed,
      stages: bench.evaluations,
      ...(bench.rejection && { rejection: bench.rejection }),
    });
    return {
      told,
      adapter: await digestOf(files.find(({ path }) => path.endsWith('.safetensors'))!.data),
      witness: await digestOf(await exportWitness(bench)),
      report: withoutTimes(report),
      best: await this.#best(run),
    };
  }

  async #best({ id }: RunRecord): Promise<unknown> {
    const kept = (await keptCheckpoints(this.#storage, id)).find(({ about }) => about.reason === 'best');
    if (!kept) return null;
    const { policy } = (await loadKept(this.#storage, id, kept.id)).start;
    const { stage, step, metric } = kept.about;
    // Its position holds times, which differ.
    return { stage, step, metric, policy: await digestOf(writeCheckpoint(policy, {})) };
  }

  async #begin(): Promise<void> {
    const [run, dataset] = [await this.run(), this.#dataset];
    await (run
      ? this.#session.handle({ type: 'continue-run', runId: run.id, dataset, go: true })
      : this.#session.handle({ type: 'start', dataset, recipe: this.#recipe, keep: { everySteps: 1, keepLast: 2 } }));
  }

  async #control(action: 'stop' | 'resume'): Promise<void> {
    await this.#session.handle({ type: 'control', action });
  }
}
