/** The runs of the open project: looked at again, gone on with, deleted. */
import { useLocation } from 'wouter';
import type { ProjectView, RunRecord } from '../../../engine/protocol/index.ts';
import { isInterrupted } from '../../state/kept.ts';
import { isActive } from '../../state/run.ts';
import { useKeeping, useRun } from '../../state/studio.ts';
import { bytes, count, plural } from '../../ui/format.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { when } from './when.ts';
import { TableHead } from '../../ui/table-head.tsx';

const STATES: Record<RunRecord['state'], string> = {
  running: 'Interrupted',
  paused: 'Interrupted',
  finished: 'Finished',
  stopped: 'Stopped',
  failed: 'Failed',
};

export function RunsTable({ project }: { readonly project: ProjectView }) {
  if (project.runs.length === 0) return null;
  return (
    <section className="card" aria-label="Runs of this project">
      <h2>Runs of {project.name}</h2>
      <div className="scroll-table">
        <table className="projects">
          <TableHead columns={['Started', 'Recipe', 'State', 'Steps saved', 'On disk']} actions="Actions" />
          <tbody>
            {project.runs.map((run) => (
              <Line key={run.id} run={run} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Line({ run }: { readonly run: RunRecord }) {
  const keeping = useKeeping((all) => all);
  const here = useRun(({ runId, state }) => runId === run.id && isActive(state));
  const active = useRun(({ state }) => isActive(state));
  const [, go] = useLocation();
  const idle = !active && !keeping.busy && keeping.owned;
  const label = `the run of ${when(run.startedAt)}`;
  return (
    <tr>
      <th scope="row" className="num">
        {when(run.startedAt)}
      </th>
      <td>
        {run.recipe.name}, seed {run.recipe.seed}
        {run.edits && `, ${plural(run.edits.changes, 'edit')} of the rows`}
      </td>
      <td title={run.failure?.message}>{here ? 'Running' : STATES[run.state]}</td>
      <td className="num">{count(run.step)}</td>
      <td className="num">{bytes(run.bytes)}</td>
      <td>
        {!here && (
          <div className="button-row">
            <button
              type="button"
              className="button small"
              aria-label={`Show ${label}`}
              disabled={active || keeping.busy}
              onClick={() => void keeping.show(run).then(() => go('/run'))}
            >
              Show
            </button>
            {run.state !== 'finished' && (
              <button
                type="button"
                className="button small"
                aria-label={`Resume ${label}`}
                disabled={!idle}
                onClick={() => void keeping.resume(run).then(() => go('/run'))}
              >
                {isInterrupted(run) ? 'Resume' : 'Resume'}
              </button>
            )}
            <Confirm
              name={`Delete ${label}`}
              question={`Delete ${bytes(run.bytes)} and its curves?`}
              disabled={!idle}
              onConfirm={() => void keeping.settle(run, 'discard')}
            />
          </div>
        )}
      </td>
    </tr>
  );
}
