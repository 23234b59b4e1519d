/** The runs of the open project and what came of each: found, sorted, compared, gone on with, deleted. */
import { useEffect, useState } from 'react';
import { type ProjectView, type RunView } from '../../../engine/protocol/index.ts';
import { baselineOf, RUN_COLUMNS, type RunOrder } from '../../state/run-list.ts';
import { isActive } from '../../state/run.ts';
import { useKeeping, useRun, useRunList } from '../../state/studio.ts';
import { count } from '../../ui/format.ts';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { CompareRuns, MOST_COMPARED } from './compare-runs.tsx';
import { findRuns } from './find-runs.ts';
import { COLUMNS, sorted, stateOf, type ListedRun } from './run-columns.tsx';
import { RunLine } from './run-line.tsx';

export function RunsTable({ project }: { readonly project: ProjectView }) {
  const [wanted, setWanted] = useState('');
  const [archived, setArchived] = useState(false);
  const [state, setState] = useState('');
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const { columns, order, problem, read } = useRunList((list) => list);
  const listed = useListed(project.runs);
  const setBaseline = useBaseline(project);
  useEffect(() => void read(project), [read, project]);
  const { runs } = project;
  if (runs.length === 0)
    return (
      <p className="muted">
        “{project.name}” has no runs yet. Start one in the Recipe room: it is saved while it trains.
      </p>
    );
  const put = runs.filter(({ label }) => label.archived).length;
  const states = [...new Set(listed.map(stateOf))];
  const named = new Set(findRuns(runs, wanted, archived));
  const found = listed.filter((each) => named.has(each.run) && (state === '' || stateOf(each) === state));
  const key = order && (order.by === 'name' ? nameKey : COLUMNS[order.by].key);
  const lines = key ? sorted(found, key, order.down) : found;
  const compared = chosen.flatMap((id) => runs.find((run) => run.id === id) ?? []);
  return (
    <section className="card" aria-label="Runs of this project">
      <h2>Runs of {project.name}</h2>
      {problem && <ProblemNote problem={problem} onDismiss={() => void read(project)} />}
      <div className="runs-search">
        <input
          type="search"
          aria-label="Search runs"
          placeholder="Search names, tags, notes, recipes, data"
          value={wanted}
          onChange={(event) => setWanted(event.target.value)}
        />
        {states.length > 1 && (
          <select aria-label="State of runs" value={state} onChange={(event) => setState(event.target.value)}>
            <option value="">Every state</option>
            {states.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        )}
        {put > 0 && (
          <label className="check">
            <input type="checkbox" checked={archived} onChange={(event) => setArchived(event.target.checked)} />
            Show {count(put)} archived
          </label>
        )}
        <span role="status" className="muted num">
          {found.length < runs.length && `${count(found.length)} of ${count(runs.length)} runs`}
        </span>
        <ColumnChoice />
      </div>
      {found.length === 0 && (
        <p className="muted">
          {wanted || state ? 'No run has these words. Search for fewer, or in every state.' : 'All runs are archived.'}
        </p>
      )}
      {found.length > 0 && (
        <div className="scroll-table" tabIndex={0} role="region" aria-label="Table of runs">
          <table className="projects runs">
            <thead>
              <tr>
                <th scope="col">
                  <span className="visually-hidden">Compare</span>
                </th>
                <SortHead by="name" title="Run" />
                {columns.map((column) => (
                  <SortHead key={column} by={column} title={COLUMNS[column].title} />
                ))}
                <th scope="col">
                  <span className="visually-hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {lines.map((each) => (
                <RunLine
                  key={each.run.id}
                  listed={each}
                  columns={columns}
                  chosen={chosen.includes(each.run.id)}
                  onChoose={(on) =>
                    setChosen((now) => [...now.filter((id) => id !== each.run.id), ...(on ? [each.run.id] : [])])
                  }
                  onBaseline={(on) => void setBaseline(each.run, on)}
                />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {compared.length === 1 && <p className="muted">Tick another run to compare it with this one.</p>}
      {compared.length > MOST_COMPARED && <p className="muted">The first {MOST_COMPARED} ticked runs are compared.</p>}
      {compared.length > 1 && <CompareRuns runs={compared.slice(0, MOST_COMPARED)} />}
    </section>
  );
}

const nameKey = ({ run }: ListedRun): string => run.label.name || run.recipe.name;

function useListed(runs: readonly RunView[]): readonly ListedRun[] {
  const results = useRunList((list) => list.results);
  const differences = useRunList((list) => list.differences);
  const here = useRun(({ runId, state }) => (isActive(state) ? runId : null));
  return runs.map((run) => ({
    run,
    results: results.get(run.id) ?? null,
    difference: differences[run.id],
    here: run.id === here,
  }));
}

/** A project has one baseline, or none. */
function useBaseline(project: ProjectView) {
  const label = useKeeping((keeping) => keeping.label);
  return async (run: RunView, on: boolean) => {
    const before = baselineOf(project);
    if (before && before.id !== run.id) await label(before.id, { baseline: false });
    await label(run.id, { baseline: on });
  };
}

function SortHead({ by, title }: { readonly by: RunOrder['by']; readonly title: string }) {
  const order = useRunList((list) => list.order);
  const sortBy = useRunList((list) => list.sortBy);
  const mine = order?.by === by ? order : null;
  return (
    <th scope="col" aria-sort={mine ? (mine.down ? 'descending' : 'ascending') : undefined}>
      <button type="button" className="sort" onClick={() => sortBy(by)}>
        {title}
        <span aria-hidden="true">{mine ? (mine.down ? ' ↓' : ' ↑') : ''}</span>
      </button>
    </th>
  );
}

function ColumnChoice() {
  const columns = useRunList((list) => list.columns);
  const show = useRunList((list) => list.show);
  return (
    <details className="column-choice">
      <summary>Columns</summary>
      <fieldset>
        <legend className="visually-hidden">Columns of the table of runs</legend>
        {RUN_COLUMNS.map((column) => (
          <label key={column} className="check">
            <input
              type="checkbox"
              checked={columns.includes(column)}
              onChange={(event) => show(column, event.target.checked)}
            />
            {COLUMNS[column].title}
          </label>
        ))}
      </fieldset>
    </details>
  );
}
