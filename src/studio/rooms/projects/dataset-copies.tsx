/** The copies of datasets in this browser: how large, which project reads them, opened and deleted. */
import { useEffect } from 'react';
import { useLocation } from 'wouter';
import type { StoredDataset } from '../../../engine/protocol/index.ts';
import { copyRef, readersOf } from '../../state/copies.ts';
import { isActive } from '../../state/run.ts';
import { useCopies, useKeeping, useProject, useRun } from '../../state/studio.ts';
import { bytes, count } from '../../ui/format.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { when } from './when.ts';
import { TableHead } from '../../ui/table-head.tsx';

export function DatasetCopies() {
  const list = useCopies((copies) => copies.list);
  const refresh = useCopies((copies) => copies.refresh);
  useEffect(() => void refresh(), [refresh]);
  if (!list || list.length === 0) return null;
  return (
    <section className="card" aria-label="Copies of datasets">
      <h2>Copies of datasets</h2>
      <p className="muted">These are copies. Your own files stay as they are.</p>
      <div className="scroll-table">
        <table className="projects">
          <TableHead columns={['Dataset', 'Projects', 'Copied', 'Files', 'On disk']} actions="Actions" />
          <tbody>
            {list.map((copy) => (
              <Line key={copy.location} copy={copy} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Line({ copy: { location, files, bytes: size, copiedAt } }: { readonly copy: StoredDataset }) {
  const projects = useKeeping((keeping) => keeping.projects);
  const remove = useCopies((copies) => copies.remove);
  const deleting = useCopies((copies) => copies.busy);
  const active = useRun(({ state }) => isActive(state));
  const loading = useProject((project) => project.loading !== null);
  const open = useCopies((copies) => copies.open);
  const [, go] = useLocation();
  const readers = readersOf(location, projects);
  const ref = copyRef(location, projects);
  const busy = active || loading || deleting;
  return (
    <tr>
      <th scope="row">{ref.name}</th>
      <td>{readers.map(({ name }) => name).join(', ') || 'none'}</td>
      <td className="num">{files > 0 ? when(copiedAt) : ''}</td>
      <td className="num">{count(files)}</td>
      <td className="num">{bytes(size)}</td>
      <td>
        <div className="button-row">
          <button
            type="button"
            className="button small"
            aria-label={`Open the copy of ${ref.name}`}
            disabled={busy}
            onClick={() => void open(location).then((opened) => opened && go('/data'))}
          >
            Open
          </button>
          <Confirm
            name={`Delete the copy of ${ref.name}`}
            question={
              readers.length > 0
                ? `${readers.map(({ name }) => name).join(', ')} will ask for its files again. Delete ${bytes(size)}?`
                : `Delete ${bytes(size)}?`
            }
            disabled={busy}
            onConfirm={() => void remove(location)}
          />
        </div>
      </td>
    </tr>
  );
}
