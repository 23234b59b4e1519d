/** The studio's half of an engine that is tortured: its client, its run and its run file, without rooms around them. */
import { unzipSync } from 'fflate';
import { EngineClient } from '../../../src/engine/client.ts';
import type { EngineEvent, NamedFile, Recipe } from '../../../src/engine/protocol/index.ts';
import type { KeepSettings, RunView } from '../../../src/engine/protocol/records.ts';
import { workerTransport } from '../../../src/engine/workers.ts';
import { SeriesBook } from '../../../src/studio/charts/series-book.ts';
import { RowCache } from '../../../src/studio/state/row-cache.ts';
import { foundationOf, readRunFile, writeRunFile } from '../../../src/studio/state/run-file.ts';
import { createRun } from '../../../src/studio/state/run.ts';
import { timeless } from '../timeless.ts';
// Vite makes this module: the address of the worker's bundle.
// oxlint-disable-next-line import/default
import workerUrl from './worker.ts?worker&url';

/** Everything of a finished run that must not depend on how often it was interrupted. Times are left out. */
export interface BrowserOutcome {
  readonly told: readonly unknown[];
  /** Digests of the files of the adapter, and of the merged weights. */
  readonly adapter: Readonly<Record<string, string>>;
  readonly merged: Readonly<Record<string, string>>;
  /** The studio's file of the run. */
  readonly report: unknown;
}

/** Files that are served beside the page. */
export interface Shown {
  readonly rows: readonly string[];
  /** null: the starter. */
  readonly model: readonly string[] | null;
}

/** What is stored, together. */
export interface Stored {
  readonly files: number;
  readonly bytes: number;
}

export interface Opened {
  /** How many events the last checkpoint of the stored run holds; null: no run is stored. */
  readonly kept: number | null;
}

/** What the campaign answers to a failure: the run goes on, or nothing is done. */
export interface FailureAnswer {
  readonly action: 'resume' | 'none';
}

const PROJECT = 'Torture';
/** After every unit of work. */
const KEEP: KeepSettings = { everySteps: 1, everyMinutes: 60, keepLast: 2 };
const hex = (bytes: ArrayBuffer): string =>
  [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, '0')).join('');

class Harness {
  #client: EngineClient | null = null;
  #dataset = '';
  #project = '';
  #run = createRun(new EngineClient({ open() {}, post() {}, close() {} }), new SeriesBook());
  #ended: () => void = () => undefined;
  #told: readonly EngineEvent[] = [];
  #foundation: Parameters<typeof writeRunFile>[1] = { dataset: null, model: null, device: null };
  #book = new SeriesBook();
  #keep: Partial<KeepSettings> = {};
  readonly #failures: string[] = [];

  /** A new engine with model and rows, as after a reload. */
  async open({ rows, model: own }: Shown): Promise<Opened> {
    const client = (this.#client = new EngineClient(workerTransport(workerUrl)));
    this.#book = new SeriesBook();
    const kept = async () => ({ project: this.#project, keep: { ...KEEP, ...this.#keep } });
    this.#run = createRun(client, this.#book, { kept });
    client.subscribe((event) => this.#hear(event));
    const device = await client.request({ type: 'device' });
    const model = await client.request(
      own
        ? { type: 'load-model', files: await fetched('model', own), name: 'smallest' }
        : { type: 'load-starter', baseUrl: `${location.origin}/starter/` },
    );
    const dataset = await client.request({ type: 'open-dataset', name: 'demo', files: await fetched('rows', rows) });
    this.#dataset = dataset.id;
    this.#foundation = { dataset, model, device };
    const [stored] = await client.request({ type: 'projects' });
    this.#project = stored?.id ?? '';
    // An engine that was ended may hold it for a while yet.
    while (stored && !(await client.request({ type: 'take-project', id: stored.id })).owned)
      await new Promise((resolve) => setTimeout(resolve, 50));
    const runId = await this.#runId();
    if (runId === null) return { kept: null };
    const checkpoints = await client.request({ type: 'checkpoints', runId });
    return { kept: Math.max(0, ...checkpoints.map(({ about }) => about.events)) };
  }

  /** Begins the run, or goes on with it, until it ends. */
  async live(recipe: Recipe, keep: Partial<KeepSettings> = {}): Promise<{ readonly finished: boolean }> {
    const client = this.#client!;
    const ended = new Promise<void>((done) => (this.#ended = done));
    const [runId, dataset] = [await this.#runId(), this.#dataset];
    if (runId !== null) await client.request({ type: 'continue-run', runId, dataset, go: true });
    else {
      this.#project ||= (
        await client.request({ type: 'save-project', id: null, change: { name: PROJECT, named: true } })
      ).id;
      this.#keep = keep;
      if (!(await this.#run.getState().start(dataset, recipe))) throw new Error(this.#run.getState().failure?.what);
    }
    await ended;
    // The record is written behind the run.
    for (;;) {
      const state = (await this.#record())?.state;
      if (state !== 'running' && state !== 'paused') return { finished: state === 'finished' };
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Optimizer steps of the run so far. */
  get step(): number {
    return this.#book.lastStep;
  }

  get failures(): readonly string[] {
    return this.#failures;
  }

  /** What lies in the page's private files. */
  async stored(): Promise<Stored> {
    return filesIn(await navigator.storage.getDirectory());
  }

  async control(action: 'stop' | 'resume'): Promise<void> {
    await this.#client!.request({ type: 'control', action });
  }

  /** Ends the engine, in whatever it is. */
  close(): void {
    this.#client!.close();
    this.#ended();
  }

  /** Of the finished run that is stored. */
  async outcome(): Promise<BrowserOutcome> {
    const runId = (await this.#runId())!;
    await this.#client!.request({ type: 'continue-run', runId, dataset: this.#dataset, go: false });
    return {
      told: this.#told.flatMap(timeless),
      adapter: await this.#exported('adapter'),
      merged: await this.#exported('merged'),
      report: withoutTimes(JSON.parse(await this.runFile())),
    };
  }

  async runFile(): Promise<string> {
    const client = this.#client!;
    const foundation = await foundationOf(client, this.#foundation, await this.#runId());
    return writeRunFile(this.#run.getState(), foundation, this.#book, new RowCache(client), new Date());
  }

  /** The plan of a run's file. */
  planOf(file: string): Recipe {
    const read = readRunFile(file, 'the run');
    if (!('recipe' in read)) throw new Error(read.what);
    return read.recipe;
  }

  async #record(): Promise<RunView | null> {
    const [project] = await this.#client!.request({ type: 'projects' });
    return project?.runs[0] ?? null;
  }

  async #runId(): Promise<string | null> {
    return (await this.#record())?.id ?? null;
  }

  async #exported(what: 'adapter' | 'merged'): Promise<Record<string, string>> {
    const { stream } = await this.#client!.request({ type: 'export', what });
    const files = unzipSync(new Uint8Array(await new Response(stream).arrayBuffer()));
    const digests = Object.entries(files).map(
      async ([path, bytes]) => [path, hex(await crypto.subtle.digest('SHA-256', bytes as BufferSource))] as const,
    );
    return Object.fromEntries(await Promise.all(digests));
  }

  #hear(event: EngineEvent): void {
    this.#run.getState().receive([event]);
    if (event.type === 'restored') this.#told = event.events;
    if (event.type === 'failure') void this.#failed(event.code, event.message, event.hint);
    if (event.type === 'state' && ['finished', 'failed', 'idle'].includes(event.state)) this.#ended();
  }

  async #failed(code: string, message: string, hint: string): Promise<void> {
    this.#failures.push(`${message} ${hint}`);
    const answer = await fetch('/torture/failed', { method: 'POST', body: JSON.stringify({ code, message, hint }) });
    const { action } = (await answer.json()) as FailureAnswer;
    if (action === 'resume') await this.control('resume');
  }
}

const fetched = (folder: string, paths: readonly string[]): Promise<NamedFile[]> =>
  Promise.all(
    paths.map(async (path) => ({
      path,
      file: new File([await (await fetch(`/${folder}/${path}`)).blob()], path.split('/').at(-1)!),
    })),
  );

async function filesIn(directory: FileSystemDirectoryHandle): Promise<Stored> {
  let [files, bytes] = [0, 0];
  for await (const handle of directory.values()) {
    const look = async (): Promise<Stored> =>
      handle.kind === 'directory'
        ? filesIn(handle as FileSystemDirectoryHandle)
        : { files: 1, bytes: (await (handle as FileSystemFileHandle).getFile()).size };
    // A run that goes on takes files away while they are counted.
    const inside = await look().catch(() => ({ files: 0, bytes: 0 }));
    files += inside.files;
    bytes += inside.bytes;
  }
  return { files, bytes };
}

/** Without what depends on the clock, on chance names and on how often it was interrupted. */
function withoutTimes(file: unknown): unknown {
  return JSON.parse(
    JSON.stringify(file, (key, value: unknown) =>
      ['seconds', 'written', 'runId', 'step_time', 'tokens_per_second'].includes(key) ? undefined : value,
    ),
  );
}

declare global {
  interface Window {
    torture: Harness;
  }
}
window.torture = new Harness();
