/** Which rows are answered while the run learns, and how often. */
import { Link } from 'wouter';
import { DEFAULT_ROWS } from '../../state/watchlist.ts';
import { useProject, useWatchlist } from '../../state/studio.ts';
import { plural } from '../../ui/format.ts';
import { NumberInput } from '../recipe/number-input.tsx';

export function WatchSettings() {
  const dataset = useProject((project) => project.dataset);
  const { everySteps, setEvery, rowIds, dataset: mine } = useWatchlist((state) => state);
  const pinned = mine === dataset?.id ? rowIds.length : 0;
  return (
    <section className="card watch-settings" aria-label="Watched rows">
      <h2>Watched rows</h2>
      <p className="muted">
        A few held-out rows are answered while the model learns. The crosshair of the curves then shows their boxes at
        any step.
      </p>
      <div className="watch-line">
        <span>Answered every</span>
        <NumberInput
          value={everySteps}
          min={0}
          max={1e6}
          integer
          label="Steps between answers to the watched rows; 0 is off"
          onChange={setEvery}
        />
        <span>{everySteps === 0 ? 'steps: off' : 'steps'}</span>
      </div>
      <p className="muted">
        {pinned > 0
          ? `${plural(pinned, 'row')} pinned.`
          : `No row is pinned, so ${DEFAULT_ROWS} rows of different tasks are watched.`}{' '}
        Pin others in <Link href="/inspect">Inspect</Link>.
      </p>
    </section>
  );
}
