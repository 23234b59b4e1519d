/**
 * Waits for the end of the run that a command began. In the studio a failure puts a run on hold until somebody sees to
 * it; here nobody is there, so it ends the command: with what is safe and how to go on.
 */
import { asErrorCode } from '../base/error-codes.ts';
import { GroundworkError } from '../base/error.ts';
import type { EngineEvent } from '../engine/protocol/index.ts';
import type { RunRecord } from '../engine/protocol/records.ts';
import type { Records } from '../store/records.ts';

type Failure = Extract<EngineEvent, { type: 'failure' }>;

export class RunEnd {
  readonly #records: Records;
  /** As the user gave it. */
  readonly #out: string;
  readonly #failed: Promise<Failure>;
  #fail: (failure: Failure) => void = () => undefined;

  constructor(records: Records, out: string) {
    this.#records = records;
    this.#out = out;
    this.#failed = new Promise((resolve) => (this.#fail = resolve));
  }

  hear(event: EngineEvent): void {
    if (event.type === 'failure') this.#fail(event);
  }

  /** @throws GroundworkError with the code of what stopped the run */
  async of(runId: string, running: Promise<void>): Promise<void> {
    const failure = await Promise.race([this.#failed, running.then(() => null)]);
    if (!failure) return;
    const kept = await this.#records.get<RunRecord>('runs', runId).catch(() => null);
    throw new GroundworkError(asErrorCode(failure.code), failure.message, hint(failure, kept, this.#out));
  }
}

function hint({ code, hint: said }: Failure, kept: RunRecord | null, out: string): string {
  const first = code === 'storage-full' ? `Free space on the disk of ${out}.` : code.startsWith('storage') ? '' : said;
  const safe =
    kept && kept.bytes > 0
      ? `The checkpoint after step ${kept.step} in ${out}/run is safe. Resume the run with: npm run demo -- --out ${out} --resume`
      : 'Nothing of this run was saved yet. Run the command again to start over.';
  return [first, safe].filter(Boolean).join(' ');
}
