/** Whether what is open is what an interrupted run needs, and how far the run had come when it was cut off. */
import type { DatasetRef, DatasetReport, RunIdentity, RunRecord } from '../../engine/protocol/index.ts';

/** Of each part that is open: whether it is the run's. null: it is not open. */
export type Fit = { readonly [part in keyof RunIdentity]: boolean | null };

export const fitOf = (
  { identity }: Pick<RunRecord, 'identity'>,
  open: { readonly [part in keyof RunIdentity]: string | null },
): Fit => ({
  model: open.model === null ? null : open.model === identity.model,
  dataset: open.dataset === null ? null : open.dataset === identity.dataset,
});

/** Of a dataset's id the part that its files give, whatever was answered about them. */
const filesOf = (id: string): string => id.split('-', 1)[0]!;

/** The same files as those remembered, but read without the answers that were given about them. */
export const wantsItsAnswers = (ref: DatasetRef, open: Pick<DatasetReport, 'id' | 'name' | 'options'>): boolean =>
  ref.name === open.name &&
  filesOf(ref.fingerprint) === filesOf(open.id) &&
  // An answer that agrees with the guess gives the same id, and is no longer a guess.
  JSON.stringify(ref.options) !== JSON.stringify(open.options);

const REACHED = 'groundwork.reached';

type Local = Pick<Storage, 'getItem' | 'setItem'> | null;

/** The last step that a run was seen to make. Only the newest run's is kept. */
export function noteReached(local: Local, runId: string, step: number): void {
  try {
    local?.setItem(REACHED, JSON.stringify({ runId, step }));
  } catch {
    // A browser whose storage is full can still train.
  }
}

/** Steps that a run made after its last checkpoint, and that it will make again; 0 where nobody saw them. */
export function stepsLost(local: Local, run: Pick<RunRecord, 'id' | 'step'>): number {
  try {
    const { runId, step } = JSON.parse(local?.getItem(REACHED) ?? '{}') as { runId?: unknown; step?: unknown };
    return runId === run.id && typeof step === 'number' && step > run.step ? step - run.step : 0;
  } catch {
    return 0;
  }
}
