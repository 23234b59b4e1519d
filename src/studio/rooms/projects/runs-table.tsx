/** The runs of the open project: found, named, looked at again, gone on with, deleted. */
import { Fragment, useEffect, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import {
  dataOf,
  runName,
  type ProjectView,
  type RunLabel,
  type RunRecord,
  type RunView,
} from '../../../engine/protocol/index.ts';
import { isActive } from '../../state/run.ts';
import { useKeeping, useRun } from '../../state/studio.ts';
import { bytes, count } from '../../ui/format.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { TableHead } from '../../ui/table-head.tsx';
import { findRuns } from './find-runs.ts';
import { when } from './when.ts';

const STATES: Record<RunRecord['state'], string> = {
  running: 'Interrupted',
  paused: 'Interrupted',
  finished: 'Finished',
  stopped: 'Stopped',
  failed: 'Failed',
};

const COLUMNS = ['Run', 'Data', 'State', 'Steps saved', 'On disk'];

export function RunsTable({ project }: { readonly project: ProjectView }) {
  const [wanted, setWanted] = useState('');
  const [archived, setArchived] = useState(false);
  const { runs } = project;
  if (runs.length === 0)
    return (
      <p className="muted">
        “{project.name}” has no runs yet. Start one in the Recipe room: it is saved while it trains.
      </p>
    );
  const put = runs.filter(({ label }) => label.archived).length;
  const found = findRuns(runs, wanted, archived);
  return (
    <section className="card" aria-label="Runs of this project">
      <h2>Runs of {project.name}</h2>
      <div className="runs-search">
        <input
          type="search"
          aria-label="Search runs"
          placeholder="Search names, tags, notes, recipes, data"
          value={wanted}
          onChange={(event) => setWanted(event.target.value)}
        />
        {put > 0 && (
          <label className="check">
            <input type="checkbox" checked={archived} onChange={(event) => setArchived(event.target.checked)} />
            Show {count(put)} archived
          </label>
        )}
        <span role="status" className="muted num">
          {found.length < runs.length && `${count(found.length)} of ${count(runs.length)} runs`}
        </span>
      </div>
      {found.length === 0 && (
        <p className="muted">{wanted ? 'No run has these words. Search for fewer.' : 'All runs are archived.'}</p>
      )}
      {found.length > 0 && (
        <div className="scroll-table">
          <table className="projects">
            <TableHead columns={COLUMNS} actions="Actions" />
            <tbody>
              {found.map((run) => (
                <Line key={run.id} run={run} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Line({ run }: { readonly run: RunView }) {
  const keeping = useKeeping((all) => all);
  const here = useRun(({ runId, state }) => runId === run.id && isActive(state));
  const active = useRun(({ state }) => isActive(state));
  const [describing, setDescribing] = useState(false);
  const [, go] = useLocation();
  const idle = !active && !keeping.busy && keeping.owned;
  const { label } = run;
  const started = when(run.startedAt);
  const title = `the run of ${started}`;
  const change = (part: Partial<RunLabel>) => void keeping.label(run.id, part);
  return (
    <Fragment>
      <tr>
        <th scope="row">
          {runName(run)}{' '}
          {[label.pinned && 'pinned', label.archived && 'archived'].map(
            (word) =>
              word && (
                <span className="tag" key={word}>
                  {word}
                </span>
              ),
          )}
          {label.tags.map((tag) => (
            <span className="tag" key={`#${tag}`}>
              {tag}
            </span>
          ))}
          <p className="muted num">
            {started}, {run.recipe.name}, seed {run.recipe.seed}
          </p>
          {label.notes && <p className="run-notes">{label.notes}</p>}
        </th>
        <td>{dataOf(run)}</td>
        <td title={run.failure?.message}>{here ? 'Running' : STATES[run.state]}</td>
        <td className="num">{count(run.step)}</td>
        <td className="num">{bytes(run.bytes)}</td>
        <td>
          <div className="button-row">
            {!here && (
              <button
                type="button"
                className="button small"
                aria-label={`Show ${title}`}
                disabled={active || keeping.busy}
                onClick={() => void keeping.show(run).then(() => go('/run'))}
              >
                Show
              </button>
            )}
            {!here && run.state !== 'finished' && (
              <button
                type="button"
                className="button small"
                aria-label={`Resume ${title}`}
                disabled={!idle}
                onClick={() => void keeping.resume(run).then(() => go('/run'))}
              >
                Resume
              </button>
            )}
            <button
              type="button"
              className="button small"
              aria-label={`Name and notes of ${title}`}
              aria-expanded={describing}
              disabled={!keeping.owned}
              onClick={() => setDescribing(!describing)}
            >
              Name, notes
            </button>
            <button
              type="button"
              className="button small"
              aria-label={`Pin ${title}`}
              aria-pressed={label.pinned}
              disabled={keeping.busy || !keeping.owned}
              onClick={() => change({ pinned: !label.pinned })}
            >
              Pin
            </button>
            <button
              type="button"
              className="button small"
              aria-label={`Archive ${title}`}
              aria-pressed={label.archived}
              disabled={keeping.busy || !keeping.owned}
              onClick={() => change({ archived: !label.archived })}
            >
              Archive
            </button>
            {!here && (
              <Confirm
                name={`Delete ${title}`}
                question={`Delete ${bytes(run.bytes)} and its curves?`}
                disabled={!idle}
                onConfirm={() => void keeping.settle(run, 'discard')}
              />
            )}
          </div>
        </td>
      </tr>
      {describing && (
        <tr>
          <td colSpan={COLUMNS.length + 1}>
            <Describe
              run={run}
              onDone={(part) => {
                setDescribing(false);
                if (part) change(part);
              }}
            />
          </td>
        </tr>
      )}
    </Fragment>
  );
}

function Describe({
  run: { label, recipe },
  onDone,
}: {
  readonly run: RunView;
  readonly onDone: (part: Partial<RunLabel> | null) => void;
}) {
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), []);
  return (
    <form
      className="run-label"
      aria-label="Name and notes"
      onSubmit={(event) => {
        event.preventDefault();
        const data = new FormData(event.currentTarget);
        const text = (name: string) => String(data.get(name));
        onDone({ name: text('name'), tags: text('tags').split(','), notes: text('notes').trim() });
      }}
      onKeyDown={(event) => event.key === 'Escape' && onDone(null)}
    >
      <label>
        <span>Name</span>
        <input
          type="text"
          name="name"
          defaultValue={label.name}
          placeholder={recipe.name}
          maxLength={120}
          ref={first}
        />
      </label>
      <label>
        <span>Tags, with commas between them</span>
        <input type="text" name="tags" defaultValue={label.tags.join(', ')} />
      </label>
      <label className="wide">
        <span>Notes</span>
        <textarea name="notes" rows={3} defaultValue={label.notes} />
      </label>
      <div className="button-row">
        <button type="submit" className="button small">
          Save
        </button>
        <button type="button" className="button small" onClick={() => onDone(null)}>
          Cancel
        </button>
      </div>
    </form>
  );
}
