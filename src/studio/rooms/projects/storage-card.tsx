/** How much room the browser gives, how much is taken, and whether it may clear it. */
import { useEffect } from 'react';
import { Link } from 'wouter';
import type { KeepSettings } from '../../../engine/protocol/index.ts';
import { useCopies, useHub, useKeeping } from '../../state/studio.ts';
import { bytes, percent } from '../../ui/format.ts';

/** From here on the meter warns: a large checkpoint may no longer fit. */
const NEARLY_FULL = 0.9;

export function StorageCard() {
  const storage = useKeeping((keeping) => keeping.storage);
  const persisted = useKeeping((keeping) => keeping.persisted);
  const persist = useKeeping((keeping) => keeping.persist);
  if (!storage) return null;
  const { used, quota } = storage;
  const known = used !== null && quota !== null && quota > 0;
  return (
    <section className="card" aria-label="Disk space">
      <h2>Disk space</h2>
      {known ? (
        <>
          <p className="num">
            {bytes(used)} of {bytes(quota)} used ({percent(used / quota)})
          </p>
          <meter
            aria-label="Space used"
            min={0}
            max={quota}
            high={NEARLY_FULL * quota}
            optimum={0}
            value={used}
            className="quota"
          />
          <Shares />
          {used > NEARLY_FULL * quota && (
            <p>The storage is nearly full. Before a long run, delete runs, copies or models that you no longer need.</p>
          )}
        </>
      ) : (
        <p className="muted">This browser does not say how much space there is.</p>
      )}
      <SavingSettings />
      {persisted === true && <p className="muted">The browser keeps this data until you delete it.</p>}
      {persisted === false && (
        <div className="button-row">
          <span>The browser may clear this data when the disk is full.</span>
          <button type="button" className="button small" onClick={() => void persist()}>
            Ask the browser to keep it
          </button>
        </div>
      )}
    </section>
  );
}

const sum = (list: readonly { readonly bytes: number }[] | null | undefined): number =>
  (list ?? []).reduce((total, each) => total + each.bytes, 0);

/** Who takes it; the rest is the page itself, kept for when there is no network. */
function Shares() {
  const runs = useKeeping((keeping) => sum(keeping.projects));
  const copies = useCopies(({ list }) => sum(list));
  const models = useHub(({ listing }) => sum(listing?.models));
  const refresh = useHub((hub) => hub.refresh);
  useEffect(() => void refresh(), [refresh]);
  return (
    <p className="muted num">
      {bytes(runs)} in runs, {bytes(copies)} in copies of datasets, {bytes(models)} in{' '}
      <Link href="/model">models from a Hub</Link>
    </p>
  );
}

const SETTINGS: readonly { readonly key: keyof KeepSettings; readonly label: string }[] = [
  { key: 'everySteps', label: 'Save a run every … steps' },
  { key: 'everyMinutes', label: 'and every … minutes' },
  { key: 'keepLast', label: 'Newest checkpoints kept, besides the best and those at the ends of stages' },
];

/** For runs that start from now on. */
function SavingSettings() {
  const settings = useKeeping((keeping) => keeping.settings);
  const change = useKeeping((keeping) => keeping.set);
  return (
    <fieldset className="keep-settings">
      <legend>Checkpoints of the next run</legend>
      {SETTINGS.map(({ key, label }) => (
        <label key={key}>
          <span>{label}</span>
          <input
            type="text"
            inputMode="numeric"
            className="num"
            defaultValue={settings[key]}
            onChange={(event) => {
              const next = Number(event.target.value);
              if (Number.isSafeInteger(next) && next >= 1) change({ ...settings, [key]: next });
            }}
          />
        </label>
      ))}
    </fieldset>
  );
}
