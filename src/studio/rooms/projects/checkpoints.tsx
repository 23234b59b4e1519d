/** The checkpoints that are kept of a run: its last, its best, and those between; each can be opened. */
import { useEffect, useState } from 'react';
import { useLocation } from 'wouter';
import type { KeptCheckpoint, RunView, SaveReason } from '../../../engine/protocol/index.ts';
import { problemOf, type Problem } from '../../problem.ts';
import { openCheckpoint } from '../../state/open-checkpoint.ts';
import { isActive } from '../../state/run.ts';
import { useProject, useRun, useStudio } from '../../state/studio.ts';
import { bytes, count, value } from '../../ui/format.ts';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { TableHead } from '../../ui/table-head.tsx';
import { when } from './when.ts';

const REASONS: Readonly<Record<SaveReason, string>> = {
  steps: 'after so many steps',
  time: 'after so many minutes',
  stage: 'end of a stage',
  pause: 'when it was paused',
  stop: 'when it was stopped',
  asked: 'when you asked',
  best: 'the best',
};

export function Checkpoints({ run }: { readonly run: RunView }) {
  const { client } = useStudio();
  const [kept, setKept] = useState<readonly KeptCheckpoint[] | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => {
    let live = true;
    client.request({ type: 'checkpoints', runId: run.id }).then(
      (found) => live && setKept(found),
      (error: unknown) => live && setProblem(problemOf(error)),
    );
    return () => void (live = false);
  }, [client, run.id, run.changedAt]);
  if (problem) return <ProblemNote problem={problem} onDismiss={() => setProblem(null)} />;
  if (!kept) return <p className="muted">Checkpoints are being listed.</p>;
  if (kept.length === 0) return <p className="muted">No checkpoint is kept of this run.</p>;
  return (
    <table className="checkpoints" aria-label="Checkpoints of this run">
      <TableHead columns={['Step', 'Stage', 'Kept as', 'Saved', 'On disk']} actions="Actions" />
      <tbody>
        {kept.map((checkpoint, i) => (
          <Line key={checkpoint.id} run={run} checkpoint={checkpoint} last={i === 0} />
        ))}
      </tbody>
    </table>
  );
}

function Line({
  run,
  checkpoint,
  last,
}: {
  readonly run: RunView;
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
  const metric = about.metric && `, ${about.metric.name} ${value(about.metric.value)}`;
  const open = async (room: string) => {
    setBusy(true);
    if (await openCheckpoint(studio, run, checkpoint)) go(room);
    setBusy(false);
  };
  const why = active ? 'Wait until the run ends' : ready ? undefined : 'Open its dataset and its model first';
  return (
    <tr>
      <th scope="row" className="num">
        {count(about.step)}
      </th>
      {/* The end of a stage is the beginning of the next one. */}
      <td>{stages[about.reason === 'stage' ? about.stage - 1 : about.stage]?.name ?? '–'}</td>
      <td>
        {last && about.reason !== 'best' ? `the last, ${REASONS[about.reason]}` : REASONS[about.reason]}
        {metric}
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
