/** Projects: what was chosen and what was run, kept in this browser; and how much room there is. */
import { useEffect, useState } from 'react';
import { useLocation } from 'wouter';
import type { ProjectView } from '../../../engine/protocol/index.ts';
import { currentProject } from '../../state/kept.ts';
import { isActive } from '../../state/run.ts';
import { useKeeping, useRun } from '../../state/studio.ts';
import { bytes, plural } from '../../ui/format.ts';
import { FileButton } from '../../ui/file-button.tsx';
import { Icon } from '../../ui/icon.tsx';
import { RoomHead } from '../../ui/room-head.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { DatasetCopies } from './dataset-copies.tsx';
import { RunsTable } from './runs-table.tsx';
import { SaveProject } from './save-project.tsx';
import { StorageCard } from './storage-card.tsx';
import { when } from './when.ts';
import { TableHead } from '../../ui/table-head.tsx';
import './projects.css';

export function ProjectsRoom() {
  const projects = useKeeping((keeping) => keeping.projects);
  const current = useKeeping(currentProject);
  const busy = useKeeping((keeping) => keeping.busy);
  const create = useKeeping((keeping) => keeping.create);
  const refresh = useKeeping((keeping) => keeping.refresh);
  const take = useKeeping((keeping) => keeping.take);
  useEffect(() => void refresh(), [refresh]);
  return (
    <div className="room room-projects">
      <RoomHead title="Projects" lede="Every choice is saved when you make it, and every run while it trains.">
        <FileButton
          label="Open a project file"
          accept=".zip,application/zip"
          pick="project"
          onFile={(file) => void take(file)}
        />
        <button type="button" className="button" disabled={busy} onClick={() => void create()}>
          <Icon name="plus" /> New project
        </button>
      </RoomHead>
      {projects?.length === 0 && (
        <p className="muted">No projects yet. One begins when you open a dataset, load a model or start a run.</p>
      )}
      {projects && projects.length > 0 && (
        <section className="card" aria-label="Projects">
          <div className="scroll-table">
            <table className="projects">
              <TableHead columns={['Name', 'Dataset', 'Changed', 'Runs', 'On disk']} actions="Actions" />
              <tbody>
                {projects.map((project) => (
                  <Line key={project.id} project={project} open={project.id === current?.id} />
                ))}
              </tbody>
            </table>
          </div>
        </section>
      )}
      {current && <RunsTable project={current} />}
      <DatasetCopies />
      <StorageCard />
    </div>
  );
}

function Line({ project, open }: { readonly project: ProjectView; readonly open: boolean }) {
  const { id, name, dataset, changedAt, runs, bytes: size } = project;
  const keeping = useKeeping((all) => all);
  const active = useRun(({ state }) => isActive(state));
  const [, go] = useLocation();
  return (
    <tr data-open={open || undefined}>
      <th scope="row">
        {open && keeping.owned ? <Rename id={id} name={name} /> : name}
        {open && <span className="tag">{keeping.owned ? 'open' : 'open, read only'}</span>}
      </th>
      <td>{dataset?.name ?? 'none yet'}</td>
      <td className="num">{when(changedAt)}</td>
      <td className="num">{runs.length}</td>
      <td className="num">{bytes(size)}</td>
      <td>
        <div className="button-row">
          {!open && (
            <button
              type="button"
              className="button small"
              aria-label={`Open ${name}`}
              disabled={keeping.busy}
              onClick={() => void keeping.open(id).then(() => go('/data'))}
            >
              Open
            </button>
          )}
          <button
            type="button"
            className="button small"
            aria-label={`Duplicate ${name}`}
            disabled={keeping.busy}
            onClick={() => void keeping.duplicate(id)}
          >
            <Icon name="copy" /> Duplicate
          </button>
          {runs.length > 0 && (
            <button
              type="button"
              className="button small"
              aria-label={`Duplicate ${name} with its runs`}
              disabled={keeping.busy || active}
              onClick={() => void keeping.duplicate(id, true)}
            >
              With runs
            </button>
          )}
          <SaveProject project={project} open={open} />
          <Confirm
            name={`Delete ${name}`}
            question={`Delete ${plural(runs.length, 'run')}, ${bytes(size)}?`}
            disabled={keeping.busy || (open && !keeping.owned)}
            onConfirm={() => void keeping.remove(id)}
          />
        </div>
      </td>
    </tr>
  );
}

function Rename({ id, name }: { readonly id: string; readonly name: string }) {
  const rename = useKeeping((keeping) => keeping.rename);
  const [text, setText] = useState(name);
  const commit = () => {
    const next = text.trim();
    if (next && next !== name) void rename(id, next);
    else setText(name);
  };
  return (
    <input
      type="text"
      className="project-name"
      aria-label="Name of the open project"
      value={text}
      onChange={(event) => setText(event.target.value)}
      onBlur={commit}
      onKeyDown={(event) => {
        if (event.key === 'Enter') event.currentTarget.blur();
        if (event.key === 'Escape') setText(name);
      }}
    />
  );
}
