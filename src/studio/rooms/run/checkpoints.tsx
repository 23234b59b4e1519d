/** The checkpoints that are kept of a run: its last, its best, and those between; each can be opened. */
import { useEffect, useState } from 'react';
import { useLocation } from 'wouter';
import { useShallow } from 'zustand/react/shallow';
import type { KeptCheckpoint, RunView, SaveReason } from '../../../engine/protocol/index.ts';
import { problemOf, type Problem } from '../../problem.ts';
import { openCheckpoint } from '../../state/open-checkpoint.ts';
import { currentProject } from '../../state/kept.ts';
import { isActive } from '../../state/run.ts';
import { useKeeping, useProject, useRun, useStudio } from '../../state/studio.ts';
import { bytes, count, value } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { TableHead } from '../../ui/table-head.tsx';
import { when } from '../projects/when.ts';
import './checkpoints.css';

const REASONS: Readonly<Record<SaveReason, string>> = {
  steps: 'after so many steps',
  time: 'after so many minutes',
  stage: 'end of a stage',
  pause: 'when it was paused',
  stop: 'when it was stopped',
  asked: 'when you asked',
  best: 'the best',
};

/** What it was kept as, with the metric by which it is the best. */
const keptAs = ({ reason, metric }: KeptCheckpoint['about']): string =>
  metric ? `${REASONS[reason]} by ${metric.name}, ${value(metric.value)}` : REASONS[reason];

/** Which checkpoint the tuned model is, where one was chosen. */
export function OpenCheckpoint() {
  const about = useRun(({ checkpoint }) => checkpoint?.about);
  if (!about) return null;
  return (
    <p className="note note-info" role="status">
      <Icon name="info" />{' '}
      <span>
        The tuned model is the checkpoint after step {count(about.step)}: {keptAs(about)}. The Run room lists all that
        are kept.
      </span>
    </p>
  );
}

/** What must be known of a run to list them. */
type Listed = Pick<RunView, 'id' | 'recipe' | 'state' | 'changedAt'>;

/** Those of the run in view. */
export function CheckpointsView() {
  const [id, recipe, failed] = useRun(useShallow((run) => [run.runId, run.recipe, run.state === 'failed'] as const));
  const record = useKeeping((keeping) => currentProject(keeping)?.runs.find((each) => each.id === id));
  if (id === null || !recipe) return <p className="muted">The run has not begun yet.</p>;
  return <Checkpoints run={record ?? { id, recipe, state: failed ? 'failed' : 'finished', changedAt: 0 }} />;
}

export function Checkpoints({ run }: { readonly run: Listed }) {
  const { client } = useStudio();
  const [kept, setKept] = useState<readonly KeptCheckpoint[] | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const saved = useRun(({ runId, saved: written }) => (runId === run.id ? written : 0));
  useEffect(() => {
    let live = true;
    client.request({ type: 'checkpoints', runId: run.id }).then(
      (found) => live && setKept(found),
      (error: unknown) => live && setProblem(problemOf(error)),
    );
    return () => void (live = false);
  }, [client, run.id, run.changedAt, saved]);
  if (problem) return <ProblemNote problem={problem} onDismiss={() => setProblem(null)} />;
  if (!kept) return <p className="muted">Checkpoints are being listed.</p>;
  if (kept.length === 0) return <p className="muted">No checkpoint is kept of this run.</p>;
  return (
    <div className="scroll-table">
      <table className="checkpoints" aria-label="Checkpoints of this run">
        <TableHead columns={['Step', 'Stage', 'Kept as', 'Saved', 'On disk']} actions="Actions" />
        <tbody>
          {kept.map((checkpoint, i) => (
            <Line key={checkpoint.id} run={run} checkpoint={checkpoint} last={i === 0} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Line({
  run,
  checkpoint,
  last,
}: {
  readonly run: Listed;
  readonly checkpoint: KeptCheckpoint;
  readonly last: boolean;
}) {
  const studio = useStudio();
  const [busy, setBusy] = useState(false);
  const [, go] = useLocation();
  const ready = useProject(({ dataset, model }) => dataset !== null && model !== null);
  const active = useRun(({ state }) => isActive(state));
  const { about, at, bytes: size } = checkpoint;
  const { stages } = run.recipe;
  const opened = useRun(({ runId, checkpoint: chosen }) => runId === run.id && chosen?.id === checkpoint.id);
  const open = async (room: string) => {
    setBusy(true);
    if (await openCheckpoint(studio, run, checkpoint)) go(room);
    setBusy(false);
  };
  const why = active ? 'Wait until the run ends' : ready ? undefined : 'Open its dataset and its model first';
  return (
    <tr data-open={opened || undefined}>
      <th scope="row" className="num">
        {count(about.step)}
      </th>
      {/* The end of a stage is the beginning of the next one. */}
      <td>{stages[about.reason === 'stage' ? about.stage - 1 : about.stage]?.name ?? '–'}</td>
      <td>
        {last && 'the last, '}
        {keptAs(about)} {opened && <span className="tag">open</span>}
      </td>
      <td className="num">{when(at)}</td>
      <td className="num">{bytes(size)}</td>
      <td>
        <div className="button-row">
          {(
            [
              ['Inspect', '/inspect'],
              ['Export', '/export'],
            ] as const
          ).map(([word, room]) => (
            <button
              key={word}
              type="button"
              className="button small"
              aria-label={`${word} the checkpoint of step ${about.step}, ${REASONS[about.reason]}`}
              disabled={busy || !ready || active}
              title={why}
              onClick={() => void open(room)}
            >
              {word}
            </button>
          ))}
        </div>
      </td>
    </tr>
  );
}
