/** What a run and its stages are doing, in words: the same in the rail and in the Run room. */
import type { RunState } from '../../engine/protocol/index.ts';
import { duration } from '../ui/format.ts';
import type { StageProgress, StageView } from './run-records.ts';

const STATES: Record<RunState, string> = {
  idle: 'Starting',
  running: 'Running',
  paused: 'Paused',
  stopping: 'Stopping after this step',
  finished: 'Finished',
  failed: 'Failed',
};

/** A run that was ended before its last stage is not a finished one. */
export const wasStopped = (state: RunState, stages: readonly Pick<StageView, 'status'>[]): boolean =>
  state === 'finished' && stages.length > 0 && !stages.every(({ status }) => status === 'finished');

/** What the run is doing, in words. Between its last step and its end it saves. */
export function phaseOf(state: RunState, stages: readonly StageView[]): string {
  const over = stages.length > 0 && stages.every(({ status }) => status === 'finished');
  const stopped = stages.some(({ status }) => status === 'stopped');
  if (state === 'running' && over) return 'Saving what was learned';
  if (state === 'stopping' && stopped) return 'Stopped. What was learned is saved';
  if (wasStopped(state, stages)) return 'Stopped. What was learned is kept';
  return STATES[state];
}

/** What comes before a unit of a stage's own work, by what the engine counts of it. */
const PREPARING: Readonly<Record<string, readonly [verb: string, things: string]>> = {
  'kernels compiled': ['compiling', 'kernels'],
  'rows encoded': ['encoding', 'rows'],
  'pictures read': ['reading pictures', ''],
};

function preparingWords({ unit, done, total, etaSeconds }: StageProgress): string {
  const [verb, things] = PREPARING[unit] ?? ['preparing', unit];
  return `${verb}, ${done} of ${total}${things && ` ${things}`}${left(etaSeconds)}`;
}

const left = (seconds: number | null): string => (seconds === null ? '' : `, ${duration(seconds)} left`);

/** @param ended the run has ended, and what was not done will not be */
export function wordsOf(view: StageView, ended: boolean): string {
  const { rounds, roundsDone } = view;
  const words = roundWords(view, ended);
  if (rounds <= 1 || (view.status === 'waiting' && roundsDone === 0)) return words;
  return roundsDone === rounds ? `${rounds} rounds, ${words}` : `round ${roundsDone + 1} of ${rounds}, ${words}`;
}

function roundWords({ status, seconds, progress, preparing = null }: StageView, ended: boolean): string {
  if (status === 'finished') return duration(seconds);
  if (status === 'stopped') return `stopped after ${duration(seconds)}`;
  if (ended && status === 'waiting') return 'not run';
  if (ended) return progress ? `stopped at ${progress.done} of ${progress.total} ${progress.unit}` : 'stopped';
  if (status === 'waiting') return 'waiting';
  const own = progress && `${progress.done} of ${progress.total} ${progress.unit}${left(progress.etaSeconds)}`;
  // All is prepared, and the first unit takes its time.
  const before = preparing && (preparing.done < preparing.total ? preparingWords(preparing) : own ? '' : 'first step');
  return [own, before].filter(Boolean).join(' · ') || 'preparing';
}
