/** The models kept in this browser's private storage: how large, how whole, and the ways to load and delete them. */
import { useEffect } from 'react';
import type { CachedModel, CacheListing } from '../../../engine/protocol/index.ts';
import { useHub, useProject } from '../../state/studio.ts';
import { bytes } from '../../ui/format.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { TableHead } from '../../ui/table-head.tsx';

export function CachedModels({ busy }: { readonly busy: boolean }) {
  const listing = useHub((hub) => hub.listing);
  const refresh = useHub((hub) => hub.refresh);
  const underWay = useHub((hub) => hub.underWay !== null);
  useEffect(() => void refresh(), [refresh]);
  if (!listing || listing.models.length === 0) return null;
  return (
    <section className="card model-cached" aria-label="Models kept in this browser">
      <h2>Kept in this browser</h2>
      <p className="muted">
        These models were downloaded once and are loaded from this disk. Each is compared with its hashes when it is
        loaded. Only damaged or missing parts are downloaded again.
      </p>
      <div className="scroll-table">
        <table>
          <TableHead columns={['Model', 'Revision', 'On disk', 'State']} actions="Actions" />
          <tbody>
            {listing.models.map((model) => (
              <Line key={model.key} model={model} busy={busy || underWay} />
            ))}
          </tbody>
        </table>
      </div>
      <Space listing={listing} />
    </section>
  );
}

function Line({ model, busy }: { readonly model: CachedModel; readonly busy: boolean }) {
  const { id, revision, commit, endpoint, bytes: stored, totalBytes, complete } = model;
  const open = useHub((hub) => hub.open);
  const remove = useHub((hub) => hub.remove);
  const inUse = useProject((project) => project.model?.name === id);
  const share = totalBytes ? Math.min(99, Math.floor((100 * stored) / totalBytes)) : null;
  const state = complete ? 'Complete' : totalBytes === null ? 'Its record is damaged' : `${share} % downloaded`;
  return (
    <tr>
      <th scope="row">{id}</th>
      <td title={`${commit} from ${endpoint}`}>
        {revision === commit ? '' : `${revision} · `}
        <span className="num">{commit.slice(0, 7)}</span>
      </td>
      <td className="num">{bytes(stored)}</td>
      <td>{state}</td>
      <td>
        <div className="button-row">
          <button
            type="button"
            className="button small"
            disabled={busy || totalBytes === null}
            onClick={() => void open(model)}
          >
            {complete ? 'Load' : 'Continue'}
          </button>
          <Confirm
            name={`Delete ${id}`}
            question={
              inUse
                ? 'This model is loaded, and a merged export needs these files. Delete it anyway?'
                : `Delete ${bytes(stored)}?`
            }
            disabled={busy}
            onConfirm={() => void remove(model)}
          />
        </div>
      </td>
    </tr>
  );
}

function Space({ listing: { models, space } }: { readonly listing: CacheListing }) {
  const total = models.reduce((sum, model) => sum + model.bytes, 0);
  return (
    <p className="muted num">
      {bytes(total)} in models
      {space && ` · ${bytes(space.used)} used of the ${bytes(space.quota)} that the browser allows`}
    </p>
  );
}
