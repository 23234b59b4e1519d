/** The engine in Chromium, in a page that can be made to fail: one life of a run after another. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { signalPages } from '../../../e2e/harness/processes.ts';
import type { Recipe } from '../../../src/train/recipe.ts';
import type { BrowserWay, Kill } from '../kills.ts';
import { PLAN } from '../plan.ts';
import { launchChromium, type Chromium } from './chromium.ts';
import type { Fault, Struck, Tally, Torture } from './faults.ts';
import type { BrowserOutcome, FailureAnswer, Opened } from './page.ts';
import { EngineSite } from './site.ts';

/** A life of a run: what came to pass in it. */
export interface BrowserLife {
  readonly struck: readonly (Struck & { readonly way: BrowserWay })[];
  readonly finished: boolean;
  readonly faults: readonly string[];
}

/** What ends a life, in whatever it is. */
type Ending = Extract<BrowserWay, 'terminated' | 'reloaded' | 'closed' | 'crashed' | 'killed'>;

const ENDINGS: ReadonlySet<BrowserWay> = new Set<Ending>(['terminated', 'reloaded', 'closed', 'crashed', 'killed']);
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const FROZEN_MS = 300;
/** Less than is stored: nothing more fits. */
const NO_ROOM = 1000;

export class BrowserLab {
  readonly #folder: string;
  readonly #site: EngineSite;
  #chromium: Chromium | null = null;
  #page: Page | null = null;
  /** Whether an engine with model and rows is in the page. */
  #ready = false;
  #clockMs = 0;
  /** Events of the last checkpoint that was told as saved. */
  #promised = 0;
  /** What the run's file starts anew, after all else was cleared. */
  #recipe: Recipe = PLAN;

  private constructor(folder: string, site: EngineSite) {
    this.#folder = folder;
    this.#site = site;
  }

  static async open(): Promise<BrowserLab> {
    return new BrowserLab(await mkdtemp(join(tmpdir(), 'groundwork-torture-')), await EngineSite.open());
  }

  async close(): Promise<void> {
    await this.#chromium?.close();
    await this.#site.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Nothing is stored any more, and nothing open. */
  async clear(): Promise<void> {
    await this.#chromium?.close();
    this.#chromium = this.#page = null;
    this.#ready = false;
    this.#clockMs = this.#promised = 0;
    this.#recipe = PLAN;
    await rm(join(this.#folder, 'profile'), { recursive: true, force: true });
  }

  /** Begins the run, or goes on with it, until it ends or one of the kills ends it. Those that do not end it come before. */
  async live(kills: readonly (Fault & Kill<BrowserWay>)[]): Promise<BrowserLife> {
    const faults: string[] = [];
    const struck: (Struck & { readonly way: BrowserWay })[] = [];
    const page = await this.#open(faults);
    /** The kill that took all room away, until that is told. */
    let full: Kill<BrowserWay> | null = null;
    let [cleared, told] = [false, 0];
    let ended: (how: Ending) => void = () => undefined;
    const ending = new Promise<Ending>((resolve) => (ended = resolve));
    const quota = await page.context().newCDPSession(page);
    const { origin } = new URL(this.#site.url);
    let clearing: Promise<void> = Promise.resolve();
    const clear = async () => {
      const file = await page.evaluate(() => window.torture.runFile());
      this.#recipe = await page.evaluate((text) => window.torture.planOf(text), file);
      cleared = true;
      this.#promised = 0;
      await quota.send('Storage.clearDataForOrigin', { origin, storageTypes: 'all' });
    };
    this.#site.answer = async (what, body) => {
      if (what === 'promised') {
        // What was on its way when all was cleared is gone with it.
        if (!cleared) this.#promised = (body as { events: number }).events;
        return {};
      }
      if (what === 'failed') {
        const { code, message, hint } = body as { code: string; message: string; hint: string };
        told++;
        if (full && code === 'storage-full') {
          if (!/is safe|Delete/.test(hint)) faults.push(`A full disk was told without what to do: ${hint}`);
          const { seed } = full;
          full = null;
          await quota.send('Storage.overrideQuotaForOrigin', { origin });
          if (seed % 4 < 2) return { action: 'resume' } satisfies FailureAnswer;
          ended('reloaded');
          return { action: 'none' } satisfies FailureAnswer;
        }
        if (!cleared) faults.push(`${code}: ${message}`);
        else ended('reloaded');
        return { action: 'none' } satisfies FailureAnswer;
      }
      const { number } = body as Struck;
      const kill = kills.find((each) => each.number === number)!;
      const { way, seed } = kill;
      struck.push({ ...(body as Struck), way });
      if (ENDINGS.has(way)) {
        ended(way as Ending);
        return new Promise(() => undefined);
      }
      if (way === 'clock') this.#clockMs += seed % 2 === 0 ? DAY_MS : -DAY_MS;
      if (way === 'stopped') void page.evaluate(() => window.torture.control('stop')).catch(() => undefined);
      if (way === 'frozen') {
        this.#clockMs += MINUTE_MS;
        const { browser } = this.#chromium!;
        await signalPages(browser, 'SIGSTOP');
        await new Promise((resolve) => setTimeout(resolve, FROZEN_MS));
        await signalPages(browser, 'SIGCONT');
      }
      if (way === 'full') {
        full = kill;
        await quota.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: NO_ROOM });
      }
      // The run's file is made by the engine, so the worker must be let go first.
      if (way === 'cleared') clearing = clear();
      return {};
    };
    const armed = kills.map(({ number, way, moment, seed, units, changes }) => ({
      number,
      way,
      moment,
      seed,
      units,
      changes,
    }));
    const worker = page.workers()[0]!;
    await worker.evaluate(
      ([next, clockMs]) => (globalThis as unknown as { torture: Torture }).torture.arm(next, clockMs),
      [armed, this.#clockMs] as const,
    );
    const whole = page.evaluate((recipe) => window.torture.live(recipe), this.#recipe);
    const lived = whole.then(
      ({ finished }) => finished,
      (error: unknown) => error,
    );
    const end = await Promise.race([lived, ending]);
    await clearing;
    if (typeof end === 'string') {
      await this.#end(end as Ending);
      await lived;
    } else if (typeof end !== 'boolean') faults.push(String(end));
    // Whatever has become of it: a page that is reloaded has room again.
    await quota.send('Storage.overrideQuotaForOrigin', { origin }).catch(() => undefined);
    if (full && end === false) faults.push('A full disk was not told.');
    if (cleared && told === 0) faults.push('That the storage was cleared was not told.');
    this.#site.answer = () => Promise.resolve({});
    return { struck, finished: end === true && !cleared, faults };
  }

  /** Units of work, and changes of storage, of the engine that is open. */
  async tally(): Promise<Tally> {
    const worker = this.#page!.workers()[0]!;
    return worker.evaluate(() => (globalThis as unknown as { torture: Torture }).torture.tally());
  }

  async outcome(): Promise<BrowserOutcome> {
    const page = await this.#open([]);
    return page.evaluate(() => window.torture.outcome());
  }

  async #open(faults: string[]): Promise<Page> {
    this.#chromium ??= await launchChromium(join(this.#folder, 'profile'));
    if (!this.#page) {
      this.#page = await this.#chromium.context.newPage();
      await this.#page.goto(this.#site.url);
    }
    if (!this.#ready) {
      const { kept }: Opened = await this.#page.evaluate((shown) => window.torture.open(shown), this.#site.shown);
      this.#ready = true;
      if ((kept ?? 0) < this.#promised)
        faults.push(`A checkpoint of ${this.#promised} events was told as saved, and ${kept ?? 'no run'} are left.`);
    }
    return this.#page;
  }

  async #end(how: Ending): Promise<void> {
    const [page, { browser, kill }] = [this.#page!, this.#chromium!];
    this.#ready = false;
    if (how === 'terminated') return page.evaluate(() => window.torture.close());
    if (how === 'reloaded') return void (await page.reload());
    this.#page = null;
    if (how === 'closed') return page.close();
    if (how === 'crashed') {
      const crashed = page.waitForEvent('crash');
      await signalPages(browser, 'SIGKILL');
      await crashed;
      return page.close();
    }
    await kill();
    this.#chromium = null;
  }
}
