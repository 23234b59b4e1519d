/**
 * Drives a run to its end through what may befall it: a lost device is opened again, the model loaded again, the last
 * checkpoint restored, and the run goes on from there.
 */
import { GroundworkError } from '../../base/error.ts';
import { missingEntries } from '../../store/records.ts';
import type { Storage } from '../../store/storage.ts';
import { restorePolicy } from '../../train/checkpoint.ts';
import type { Policy } from '../../train/policy.ts';
import type { Gate } from './gate.ts';
import { Keeper, loadCheckpoint, type SavedCheckpoint } from '../keep/keeper.ts';
import type { EngineEvent } from '../protocol/messages.ts';
import type { ToldEvent } from '../protocol/run.ts';
import type { NoticeEvent } from '../protocol/words.ts';
import type { RunRecord } from '../protocol/records.ts';
import type { Workbench } from '../model/workbench.ts';
import { runRecipe, type RunHooks } from './run.ts';

export interface DriverHost {
  readonly storage: Storage;
  readonly gate: Gate;
  /** Waits at the gate between two units of work. */
  pass(): Promise<boolean>;
  emit(event: EngineEvent): void;
  /** A fresh bench for the run's dataset. */
  bench(): Workbench;
  /** Lays what a run stands on into its policy, before its first step. */
  begin(policy: Policy): Promise<void>;
  /** Rejects with `device-lost` when the device now open is lost. */
  readonly lost: () => Promise<never>;
  /** What is behind an error: the loss of the device, where there is one. */
  explain(error: unknown): Promise<unknown>;
  /** Opens a device anew and loads the model into it. */
  reopen(): Promise<void>;
  /** What to look at between steps; what it sees is told by `emit`. */
  look(bench: Workbench, emit: (event: EngineEvent) => void): RunHooks['look'];
}

/** Losses in a row without a checkpoint between them. */
const MOST_LOSSES = 5;

export class Driver {
  readonly #host: DriverHost;
  #keeper: Keeper | null = null;

  constructor(host: DriverHost) {
    this.#host = host;
  }

  /** Settles when the run has ended; rejects if it failed. */
  async drive(record: RunRecord, from: SavedCheckpoint | null): Promise<void> {
    let start = from;
    this.#keeper = this.#newKeeper(record);
    for (let losses = 0; ;) {
      const attempt = { alive: true };
      try {
        if (losses > 0) start = await this.#recover();
        await this.#keeper.note({ state: 'running', failure: null });
        const { stopped } = await this.#attempt(attempt, this.#keeper, start);
        await this.#keeper.close({ state: stopped ? 'stopped' : 'finished' });
        return;
      } catch (error) {
        attempt.alive = false;
        const failure = await this.#host.explain(error);
        await this.#keeper.settled();
        if (this.#keeper.record.events > (start?.about.events ?? 0)) losses = 0;
        if (!isLoss(failure) || ++losses > MOST_LOSSES) {
          const { code = 'internal', message, hint = '' } = failure as GroundworkError;
          await this.#keeper.close({ state: 'failed', failure: { code, message, hint } });
          throw failure;
        }
        this.#host.emit({
          type: 'notice',
          message: `${failure.message} Groundwork opens it again and resumes from the last checkpoint.`,
        });
      }
    }
  }

  async #recover(): Promise<SavedCheckpoint | null> {
    const { storage, emit } = this.#host;
    await this.#host.reopen();
    const { record, start } = await rewind(storage, this.#keeper!.record);
    this.#keeper = this.#newKeeper(record);
    emit(await restoredEvent(storage, record));
    emit({
      type: 'notice',
      message: start
        ? `The device is back. The run resumes after step ${start.about.step}.`
        : 'The device is back. There was no checkpoint yet, so the run starts again.',
    });
    return start;
  }

  /** Saves at the next boundary; settles with the step that is then on disk. */
  async saveNow(): Promise<number> {
    return (await this.#keeper?.ask()) ?? 0;
  }

  async #attempt(attempt: { alive: boolean }, keeper: Keeper, start: SavedCheckpoint | null) {
    const { lost } = this.#host;
    const bench = this.#host.bench();
    const broken = lost();
    broken.catch(() => undefined);
    const emit = (event: EngineEvent) => {
      if (!attempt.alive) return;
      keeper.tell(event);
      this.#host.emit(event);
    };
    const look = this.#host.look(bench, emit);
    // What still hangs in a lost device must not touch the attempt that follows it.
    const alive = async <T>(work: () => Promise<T>) => {
      if (!attempt.alive) throw new Error('superseded');
      return work();
    };
    const work = (async () => {
      await (start ? restorePolicy(bench.policy, start.policy) : this.#host.begin(bench.policy));
      return runRecipe(
        bench,
        keeper.record.recipe,
        {
          emit,
          gate: () => alive(() => this.#host.pass()),
          turn: () => alive(() => this.#host.gate.turn()),
          boundary: (at) => alive(() => keeper.boundary(bench.policy, at)),
          best: (at, kept) => alive(() => keeper.best(bench.policy, at, kept)),
          ...(look && { look: (...at) => alive(() => look(...at)) }),
        },
        start ? { position: start.position, moments: start.policy.moments } : undefined,
      );
    })();
    work.catch(() => undefined);
    return Promise.race([work, broken]);
  }

  #newKeeper(record: RunRecord): Keeper {
    const { gate } = this.#host;
    const keeper: Keeper = new Keeper(this.#host.storage, record, {
      emit: (event) => this.#host.emit(event),
      wants: () => (gate.state === 'paused' ? 'pause' : gate.state === 'stopping' ? 'stop' : null),
      failed: (error, full) => {
        gate.control('pause');
        const { message, code, hint } = error as Partial<GroundworkError>;
        const safe = keeper.record.bytes > 0 ? `The last checkpoint (step ${keeper.record.step}) is safe. ` : '';
        this.#host.emit({
          type: 'failure',
          code: code ?? 'storage-failed',
          message: full
            ? 'The storage is full and a checkpoint could not be saved, so the run is paused.'
            : `A checkpoint could not be saved, so the run is paused: ${String(message)}`,
          hint: full
            ? `${safe}Delete runs or models that you no longer need (Projects), then resume. Or stop, and export the adapter (Export).`
            : `${safe}${hint ?? 'Resume to try again. Or stop, and export the adapter (Export).'}`,
        });
      },
    });
    return keeper;
  }
}

const isLoss = (error: unknown): error is GroundworkError =>
  error instanceof GroundworkError && error.code === 'device-lost';

/** Takes a run back to its newest sound checkpoint: record and log are as they were then. */
export async function rewind(
  storage: Storage,
  record: RunRecord,
): Promise<{ record: RunRecord; start: SavedCheckpoint | null; damaged: number }> {
  const { start, damaged } = await loadCheckpoint(storage, record.id);
  const events = start?.about.events ?? 0;
  await storage.records.cut(record.id, events);
  return { start, damaged, record: { ...record, events, step: start?.about.step ?? 0 } };
}

/** Everything a run has told, for a page that knows nothing of it. */
export async function restoredEvent(
  storage: Storage,
  record: RunRecord,
): Promise<Extract<EngineEvent, { type: 'restored' }>> {
  // Answers of evaluations stay where they are: they are asked for when two runs are compared.
  const events = (await toldBy(storage, record.id)).filter(({ type }) => type !== 'evaluated');
  return { type: 'restored', runId: record.id, recipe: record.recipe, events };
}

/** What is to be said of a log that is not whole; null: it is. */
export async function gapNotice(storage: Storage, { id, events }: RunRecord): Promise<NoticeEvent | null> {
  const missing = missingEntries(await storage.records.log(id), events);
  if (missing === 0) return null;
  return {
    type: 'notice',
    message: `${missing} of ${events} events that this run reported are missing, so its curves have a gap. Its checkpoints are not affected.`,
  };
}

export async function toldBy(storage: Storage, run: string): Promise<ToldEvent[]> {
  const pieces = await storage.records.log(run);
  return pieces.flatMap(({ entries }) => entries as ToldEvent[]);
}
