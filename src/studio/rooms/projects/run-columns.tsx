/** The columns of the table of runs: what each is called, shows and is sorted by. */
import type { ReactNode } from 'react';
import {
  dataOf,
  type RunDifference,
  type RunResults,
  type RunState,
  type RunView,
} from '../../../engine/protocol/index.ts';
import type { RunColumn } from '../../state/run-list.ts';
import { bytes, count, duration, percent, ratio, value } from '../../ui/format.ts';
import { when } from './when.ts';

/** A run with all that the table says of it. */
export interface ListedRun {
  readonly run: RunView;
  /** null: not known yet. */
  readonly results: RunResults | null;
  /** null: none; undefined: there is no baseline, or this is it. */
  readonly difference: RunDifference | null | undefined;
  /** The run is under way in this tab. */
  readonly here: boolean;
}

interface Column {
  readonly title: string;
  /** Numbers are set to the right. */
  readonly num?: true;
  /** null: nothing to sort by; such runs come last. */
  readonly key: (listed: ListedRun) => number | string | null;
  readonly cell: (listed: ListedRun) => ReactNode;
}

const STATES: Record<Exclude<RunState, 'idle' | 'stopping'> | 'stopped', string> = {
  running: 'Interrupted',
  paused: 'Interrupted',
  finished: 'Finished',
  stopped: 'Stopped',
  failed: 'Failed',
};

export const stateOf = ({ run, here }: ListedRun): string => (here ? 'Running' : STATES[run.state]);

const last = ({ results }: ListedRun) => results?.evaluations.at(-1) ?? null;

const points = (share: number): string => `${share < 0 ? '−' : '+'}${(100 * Math.abs(share)).toFixed(1)}`;
const dash = <span className="muted">–</span>;

function Difference({ of }: { readonly of: RunDifference }) {
  const { paired, n, difference, interval, gained, lost, p } = of;
  return (
    <>
      <b data-sign={Math.sign(difference)}>{points(difference)} points</b>{' '}
      <span className="muted">
        [{points(interval[0])} to {points(interval[1])}]
        {paired
          ? `, the same ${count(n[0])} rows: ${count(gained!)} gained, ${count(lost!)} lost, p ${p! < 0.001 ? 'below 0.001' : `= ${p!.toFixed(3)}`}`
          : `, other rows: ${count(n[0])} and ${count(n[1])}`}
      </span>
    </>
  );
}

export const COLUMNS: Readonly<Record<RunColumn, Column>> = {
  started: { title: 'Started', key: ({ run }) => run.startedAt, cell: ({ run }) => when(run.startedAt) },
  data: { title: 'Data', key: ({ run }) => dataOf(run), cell: ({ run }) => dataOf(run) },
  model: { title: 'Model', key: ({ run }) => run.modelName, cell: ({ run }) => run.modelName },
  plan: {
    title: 'Plan',
    key: ({ run }) => run.recipe.name,
    cell: ({ run }) => `${run.recipe.name}: ${run.recipe.stages.map(({ name }) => name).join(', ')}`,
  },
  seed: { title: 'Seed', num: true, key: ({ run }) => run.recipe.seed, cell: ({ run }) => run.recipe.seed },
  state: {
    title: 'State',
    key: stateOf,
    cell: (listed) => <span title={listed.run.failure?.message}>{stateOf(listed)}</span>,
  },
  steps: { title: 'Steps', num: true, key: ({ run }) => run.step, cell: ({ run }) => count(run.step) },
  time: {
    title: 'Time',
    num: true,
    key: ({ results }) => results?.seconds ?? null,
    cell: ({ results }) => (results ? duration(results.seconds) : dash),
  },
  loss: number('Loss, last', ({ results }) => results?.loss, value),
  reward: number('Reward, last', ({ results }) => results?.reward, ratio),
  heldoutLoss: number('Held-out loss, last', ({ results }) => results?.heldoutLoss, value),
  heldoutAccuracy: {
    title: 'Held-out accuracy, last',
    num: true,
    key: ({ results }) => results?.heldoutAccuracy?.value ?? null,
    cell: ({ results }) =>
      results?.heldoutAccuracy ? (
        <>
          {percent(results.heldoutAccuracy.value)} <span className="muted">n = {count(results.heldoutAccuracy.n)}</span>
        </>
      ) : (
        dash
      ),
  },
  accuracy: {
    title: 'Acc@0.5, last evaluation',
    num: true,
    key: (listed) => last(listed)?.accAt50 ?? null,
    cell: (listed) => {
      const evaluation = last(listed);
      if (!evaluation) return dash;
      const { accAt50, interval, n, name } = evaluation;
      return (
        <span title={name}>
          <b>{percent(accAt50)}</b>{' '}
          <span className="muted">
            [{(100 * interval[0]).toFixed(1)} to {(100 * interval[1]).toFixed(1)}] n = {count(n)}
          </span>
        </span>
      );
    },
  },
  meanIoU: number('Mean IoU', (listed) => last(listed)?.meanIoU, ratio),
  difference: {
    title: 'Difference to the baseline',
    key: ({ difference }) => difference?.difference ?? null,
    cell: ({ run, difference }) => {
      if (run.label.baseline) return <span className="muted">is the baseline</span>;
      return difference ? <Difference of={difference} /> : dash;
    },
  },
  best: {
    title: 'Best checkpoint',
    key: ({ results }) => results?.best?.value ?? null,
    cell: ({ results }) =>
      results?.best ? (
        <>
          step {count(results.best.step)}{' '}
          <span className="muted">
            {results.best.name} {value(results.best.value)}
          </span>
        </>
      ) : (
        dash
      ),
  },
  size: { title: 'On disk', num: true, key: ({ run }) => run.bytes, cell: ({ run }) => bytes(run.bytes) },
};

function number(
  title: string,
  of: (listed: ListedRun) => number | null | undefined,
  words: (n: number) => string,
): Column {
  return {
    title,
    num: true,
    key: (listed) => of(listed) ?? null,
    cell: (listed) => {
      const n = of(listed);
      return n === null || n === undefined ? dash : words(n);
    },
  };
}

/** Up or down by a key; what has none comes last, and what is equal stays as it was. */
export function sorted(
  listed: readonly ListedRun[],
  key: (each: ListedRun) => number | string | null,
  down: boolean,
): readonly ListedRun[] {
  const missing = (k: number | string | null) => k === null || (typeof k === 'number' && Number.isNaN(k));
  return listed.toSorted((one, other) => {
    const [a, b] = [key(one), key(other)];
    if (missing(a) || missing(b)) return Number(missing(a)) - Number(missing(b));
    const order = typeof a === 'string' ? a.localeCompare(String(b), 'en') : a! - (b as number);
    return down ? -order : order;
  });
}
