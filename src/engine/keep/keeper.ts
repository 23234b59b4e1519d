/**
 * Keeps a run: logs what it tells, and saves checkpoints between two units of its work. The run waits for reading the
 * policy back from the GPU and for nothing else; files and records are written behind it, one after the other.
 */
import { GroundworkError } from '../../base/error.ts';
import { blobSource } from '../../formats/byte-source.ts';
import { isStorageFull, Vault, type VaultEntry } from '../../store/vault.ts';
import type { Storage } from '../../store/storage.ts';
import { capturePolicy, type PolicySnapshot } from '../../train/checkpoint.ts';
import { readCheckpoint, writeCheckpoint } from '../../train/checkpoint-file.ts';
import type { EngineEvent } from '../protocol/messages.ts';
import type { ToldEvent } from '../protocol/run.ts';
import {
  ofOneStage,
  type CheckpointAbout,
  type KeptCheckpoint,
  type RunRecord,
  type SaveReason,
} from '../protocol/records.ts';
import type { Policy } from '../../train/policy.ts';
import { readPosition, type RunBoundary, type RunPosition } from './position.ts';

type Entry = VaultEntry<CheckpointAbout>;

export interface SavedCheckpoint {
  readonly policy: PolicySnapshot;
  readonly position: RunPosition;
  readonly about: CheckpointAbout;
}

export interface KeeperHooks {
  emit(event: EngineEvent): void;
  /** Whether the user holds the run, or ends it: then it is saved as it stands. */
  wants(): 'pause' | 'stop' | null;
  /** A checkpoint could not be written. The run must not go on as if it had been. */
  failed(error: unknown, full: boolean): void;
}

/** Where the checkpoints of a run are. */
export const vaultOf = (storage: Storage, run: string): Vault<CheckpointAbout> =>
  new Vault(storage.files, `runs/${run}/checkpoints`);

/** Events that a run is told again by; the others are momentary. */
const TOLD: Readonly<Record<ToldEvent['type'], true>> = {
  stage: true,
  progress: true,
  metrics: true,
  group: true,
  snapshot: true,
  evaluated: true,
  evaluation: true,
  rejection: true,
  notice: true,
};
const isTold = (event: EngineEvent): event is ToldEvent => event.type in TOLD;

export class Keeper {
  readonly #storage: Storage;
  readonly #vault: Vault<CheckpointAbout>;
  readonly #hooks: KeeperHooks;
  #record: RunRecord;
  /** Events told but not yet in the stored log, the first being number `#logged`. */
  #events: ToldEvent[] = [];
  #logged: number;
  #savedAt = performance.now();
  #units = 0;
  #asking: Deferred[] = [];
  /** The run has not moved since it was last saved, or since it began. */
  #clean = true;
  #scores: number[] = [];
  #writing: Promise<void> = Promise.resolve();
  #busy = false;

  constructor(storage: Storage, record: RunRecord, hooks: KeeperHooks) {
    this.#storage = storage;
    this.#record = record;
    this.#vault = vaultOf(storage, record.id);
    this.#hooks = hooks;
    this.#logged = record.events;
  }

  get record(): RunRecord {
    return this.#record;
  }

  tell(event: EngineEvent): void {
    if (isTold(event)) this.#events.push(event);
    if (event.type !== 'metrics') return;
    const score = event.values['reward'] ?? -(event.values['loss'] ?? NaN);
    if (Number.isFinite(score)) this.#scores.push(score);
  }

  /** Saves at the next boundary; settles with the step that is then on disk. A held run was saved when it was held, unless it had not moved yet. */
  async ask(): Promise<number> {
    if (this.#clean && this.#hooks.wants() === 'pause') await this.#writing;
    else {
      const asked = deferred();
      this.#asking.push(asked);
      await asked.promise;
    }
    return this.#record.step;
  }

  /** Call between two units of work; saves if it is time to. */
  async boundary(policy: Policy, at: RunBoundary): Promise<void> {
    this.#units++;
    const reason = this.#due(at);
    this.#clean = reason !== null;
    if (!reason) return;
    // One behind the run is enough; a second one waits for it, except if it only came early.
    if (this.#busy && (reason === 'steps' || reason === 'time')) return;
    const asking = this.#asking;
    this.#asking = [];
    const score = this.#scores.length ? this.#scores.reduce((a, b) => a + b, 0) / this.#scores.length : null;
    this.#scores = [];
    this.#units = 0;
    this.#savedAt = performance.now();
    const write = await this.#save(policy, at, { reason, score });
    void write.done.then(() => answer(asking));
    // What was asked for, and what a held or ended run stands on, is awaited: it is on disk when the user is told.
    if (reason !== 'steps' && reason !== 'time' && reason !== 'stage') await write.done;
  }

  /** Saves what is the best by a metric, whatever is due. */
  async best(
    policy: Policy,
    at: RunBoundary,
    of: Required<Pick<CheckpointAbout, 'metric'>> & Pick<CheckpointAbout, 'stage' | 'round'>,
  ): Promise<void> {
    await this.#save(policy, at, { reason: 'best', score: null, ...of });
  }

  /** Reads the policy back, and queues it to be written; settles with the queued write, wrapped. */
  async #save(
    policy: Policy,
    at: RunBoundary,
    why: Pick<CheckpointAbout, 'reason' | 'score'> & Partial<CheckpointAbout>,
  ): Promise<{ readonly done: Promise<void> }> {
    const { optimizer, ...position } = at;
    const events = this.#logged + this.#events.length;
    const captured = await capturePolicy(policy, optimizer);
    // The position may hold lists that the stage goes on filling: it is frozen as text here and now.
    const rest = JSON.parse(JSON.stringify(position)) as RunPosition;
    const round = at.round === undefined ? {} : { round: at.round };
    const about = { stage: at.stage, ...round, ...why, step: at.step, events };
    return { done: this.#enqueue(() => this.#write({ policy: captured, position: rest, about })) };
  }

  /** Waits for what is being written. */
  settled(): Promise<void> {
    return this.#writing;
  }

  /** Writes the record with what has changed, after all that was queued before. */
  async note(change: Partial<RunRecord>): Promise<void> {
    await this.#enqueue(async () => {
      this.#record = { ...this.#record, ...change, changedAt: Date.now() };
      await this.#storage.records.put('runs', this.#record);
    });
  }

  /** Logs the last events of a run that has ended. */
  async close(change: Partial<RunRecord>): Promise<void> {
    await this.#enqueue(() => this.#flush(this.#logged + this.#events.length));
    await this.note({ ...change, events: this.#logged });
    answer(this.#asking);
  }

  #due({ position }: RunBoundary): SaveReason | null {
    if (this.#asking.length > 0) return 'asked';
    const wants = this.#hooks.wants();
    if (wants) return wants;
    // The first one holds what the run stands on: adapters laid under it live in memory only.
    if (position === null || (this.#record.bytes === 0 && !this.#busy)) return 'stage';
    const { everySteps, everyMinutes } = this.#record.keep;
    if (this.#units >= everySteps) return 'steps';
    return performance.now() - this.#savedAt >= everyMinutes * 60_000 ? 'time' : null;
  }

  async #write({ policy, position, about }: SavedCheckpoint): Promise<void> {
    await this.#flush(about.events);
    const entry = await this.#vault.write(writeCheckpoint(policy, position), about);
    await this.#prune();
    const bytes = (await this.#vault.entries()).reduce((sum, each) => sum + each.bytes, 0);
    this.#record = { ...this.#record, step: about.step, events: about.events, bytes, changedAt: entry.at };
    await this.#storage.records.put('runs', this.#record);
    this.#hooks.emit({ type: 'checkpoint', ...about, bytes: entry.bytes, at: entry.at });
  }

  /** Logs events before number `to`. */
  async #flush(to: number): Promise<void> {
    const entries = this.#events.slice(0, to - this.#logged);
    if (entries.length === 0) return;
    await this.#storage.records.append(this.#record.id, { from: this.#logged, entries });
    this.#events = this.#events.slice(entries.length);
    this.#logged += entries.length;
  }

  /** Keeps the newest ones, the ends of stages, and the best of the stage under way. */
  async #prune(): Promise<void> {
    const entries = await this.#vault.entries();
    for (const { id } of entries.filter((entry) => !keeps(entries, this.#record.keep.keepLast).has(entry)))
      await this.#vault.remove(id);
  }

  /** One after the other; a failure is reported once and does not hold up the next. */
  #enqueue(work: () => Promise<void>): Promise<void> {
    this.#busy = true;
    const mine = this.#writing.then(work).catch((error: unknown) => this.#hooks.failed(error, isStorageFull(error)));
    this.#writing = mine;
    void mine.then(() => {
      if (this.#writing === mine) this.#busy = false;
    });
    return mine;
  }
}

interface Deferred {
  readonly promise: Promise<void>;
  resolve(): void;
}

function deferred(): Deferred {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve: () => resolve() };
}

function answer(asking: readonly Deferred[]): void {
  for (const { resolve } of asking) resolve();
}

/** @param entries newest first */
export function keeps(entries: readonly Entry[], keepLast: number): ReadonlySet<Entry> {
  const kept = new Set(entries.slice(0, Math.max(1, keepLast)));
  for (const entry of entries) if (entry.about.reason === 'stage') kept.add(entry);
  // The newest of them is the best of its stage; of one stage it is enough.
  const best = entries.find(({ about }) => about.reason === 'best');
  if (best) kept.add(best);
  const scored = entries.filter(({ about }) => about.score !== null && ofOneStage(about, entries[0]!.about));
  const [first, ...others] = scored;
  if (first) kept.add(others.reduce((best, entry) => (entry.about.score! > best.about.score! ? entry : best), first));
  return kept;
}

export interface LoadedCheckpoint {
  readonly start: SavedCheckpoint | null;
  /** Newer ones that were damaged and are passed over. */
  readonly damaged: number;
}

/** Those of a run that are kept, the newest first. */
export async function keptCheckpoints(storage: Storage, run: string): Promise<KeptCheckpoint[]> {
  const entries = await vaultOf(storage, run).entries();
  return entries.map(({ id, bytes, at, about }) => ({ id, bytes, at, about }));
}

/** One of them by its id, and what is kept of it. Throws `checkpoint-missing`. */
export async function loadKept(
  storage: Storage,
  run: string,
  id: number,
): Promise<{ readonly start: SavedCheckpoint; readonly kept: KeptCheckpoint }> {
  const vault = vaultOf(storage, run);
  const entry = (await vault.entries()).find((each) => each.id === id);
  const file = entry && (await vault.read(entry));
  if (!entry || !file)
    throw new GroundworkError(
      'checkpoint-missing',
      'This checkpoint is no longer there, or it was damaged.',
      'Open another one of the run. Nothing was changed.',
    );
  const { policy, rest } = await readCheckpoint<RunPosition>(blobSource(file));
  const { about, bytes, at } = entry;
  return { start: { policy, position: readPosition(rest), about }, kept: { id, bytes, at, about } };
}

/** The newest sound checkpoint of a run; null if there is none. */
export async function loadCheckpoint(storage: Storage, run: string): Promise<LoadedCheckpoint> {
  const vault = vaultOf(storage, run);
  await vault.sweep();
  const { entry, file, damaged: found, unreadable } = await vault.newest();
  const damaged = found.length + unreadable;
  if (!entry || !file) return { start: null, damaged };
  const { policy, rest } = await readCheckpoint<RunPosition>(blobSource(file));
  return { start: { policy, position: readPosition(rest), about: entry.about }, damaged };
}
