/** The dataset from afar: what to look at twice, tasks, pictures a row, box sizes, where boxes lie. Of every row. */
import { useEffect, useRef, useState } from 'react';
import type { DatasetReport, FindingKey, Health } from '../../../engine/protocol/index.ts';
import { useProject, useStudio } from '../../state/studio.ts';
import { useTheme } from '../../theme.ts';
import { bytes, count, plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';

interface HealthViewProps {
  readonly dataset: DatasetReport;
  /** Shows the rows of a finding. */
  readonly onRows: (finding: FindingKey) => void;
  /** Shows the rows that are left out, and why. */
  readonly onIssues: () => void;
}

export function HealthView({ dataset, onRows, onIssues }: HealthViewProps) {
  const { client, project } = useStudio();
  const [health, setHealth] = useState<Health | null>(null);
  // Asked for again after a check, or what came of it before it was stopped.
  const busy = useProject((state) => state.loading !== null);
  useEffect(() => {
    let live = true;
    void project
      .getState()
      .attempt('health', () => client.request({ type: 'health', dataset: dataset.id }))
      .then((found) => live && found && setHealth(found));
    return () => void (live = false);
  }, [client, project, dataset.id, busy]);
  if (!health) return <p className="room-wait">Counting…</p>;
  return (
    <div className="health">
      {health.faults.length > 0 && (
        <ul className="findings" aria-label="Why rows are left out">
          {health.faults.map(({ fault, rows, title }) => (
            <li key={fault} data-severity="bad">
              <p>
                <b className="num">{plural(rows, 'row')}</b> {title}. <span className="muted">Left out.</span>
              </p>
              <button type="button" className="button small" onClick={onIssues}>
                See why
              </button>
            </li>
          ))}
        </ul>
      )}
      {health.findings.length === 0 ? (
        <p className="note note-good">
          <Icon name="check" /> No problems in {plural(health.rows, 'row')}: no picture is on both sides of the split,
          no question is repeated.
        </p>
      ) : (
        <ul className="findings" aria-label="Worth a second look">
          {health.findings.map((finding) => (
            <li key={finding.key} data-severity={finding.severity}>
              <p>
                <b className="num">{plural(finding.rows, 'row')}</b> {finding.title}.{' '}
                <span className="muted">{finding.fix}</span>
              </p>
              <button type="button" className="button small" onClick={() => onRows(finding.key)}>
                Show {finding.rows === 1 ? 'it' : 'them'}
              </button>
            </li>
          ))}
        </ul>
      )}
      <PictureCheck pictures={health.pictures} busy={busy} />
      {health.looks && <LooksCheck looks={health.looks} busy={busy} />}
      <div className="health-grid">
        <Tasks tasks={health.tasks} />
        <Bars title="Pictures per row" about="Rows" entries={named(health.imagesPerRow, (n) => plural(n, 'picture'))} />
        <Bars
          title="Picture with the box"
          about="Boxes. If one picture always has the answer, the model will learn just that"
          entries={named(health.answerImage, (n) => `Image ${n}`)}
        />
        <Bars title="Boxes per row" about="Rows" entries={named(health.boxesPerRow, (n) => plural(n, 'box'))} />
        <Bars
          title="Box size"
          about="Share of the picture"
          entries={['under 0.1 %', '0.1 to 1 %', '1 to 10 %', 'over 10 %'].map((name, i) => [
            name,
            health.boxSizes[i]!,
          ])}
        />
        <Bars
          title="Length of answers"
          about="Rows, by characters of thought and answer"
          entries={named(health.answerLengths, (n) => `up to ${count(n)}`)}
        />
        <Heat heat={health.heat} />
      </div>
    </div>
  );
}

/** Pictures in zips are not unpacked when a dataset is opened: that they are whole has to be asked for. */
function PictureCheck({ pictures, busy }: { readonly pictures: Health['pictures']; readonly busy: boolean }) {
  const check = useProject((project) => project.checkPictures);
  const { total, unchecked, uncheckedBytes } = pictures;
  if (total === 0) return null;
  return (
    <div className="picture-check">
      {unchecked === 0 ? (
        <p className="muted">
          {total === 1 ? 'The picture file was' : `All ${count(total)} picture files were`} read to the end.
        </p>
      ) : (
        <>
          <p>
            Only the beginning of {unchecked === total ? '' : `${count(unchecked)} of `}
            {plural(total, 'picture')} was read, because a zip keeps them packed.{' '}
            <span className="muted">
              A truncated or damaged picture is counted here when it is first used, or by a check.
            </span>
          </p>
          <button type="button" className="button small" disabled={busy} onClick={() => void check()}>
            Check {unchecked === 1 ? 'it' : 'them all'} ({bytes(uncheckedBytes)})
          </button>
        </>
      )}
    </div>
  );
}

/** Pictures that were scaled or packed again are no copies by their bytes: finding them takes decoding every picture. */
function LooksCheck({ looks, busy }: { readonly looks: NonNullable<Health['looks']>; readonly busy: boolean }) {
  const compare = useProject((project) => project.compareLooks);
  const { left, pictures, pairs, undecoded } = looks;
  if (left > 0)
    return (
      <div className="picture-check">
        <p>
          Whether held-out pictures look like pictures of the training part is not known.{' '}
          <span className="muted">
            Equal files are counted above; pictures that were scaled or packed again are not.
          </span>
        </p>
        <button type="button" className="button small" disabled={busy} onClick={() => void compare()}>
          Compare {plural(left, 'picture')}
        </button>
      </div>
    );
  return (
    <div className="picture-check">
      <p className={pictures === 0 ? 'muted' : undefined}>
        {pictures === 0
          ? 'No held-out picture looks like one of the training part.'
          : `${plural(pictures, 'held-out picture')} ${pictures === 1 ? 'looks' : 'look'} like one of the training part${pairs.length < pictures ? `. The first ${pairs.length}` : ''}:`}
        {undecoded > 0 &&
          ` ${plural(undecoded, 'picture')} could not be decoded and ${undecoded === 1 ? 'was' : 'were'} not compared.`}
      </p>
      {pairs.length > 0 && (
        <ul className="look-alikes">
          {pairs.map(({ heldout, train }) => (
            <li key={heldout}>
              <code>{heldout}</code> and <code>{train}</code>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

const named = (entries: Health['imagesPerRow'], name: (key: number) => string): [string, number][] =>
  entries.map(([key, n]) => [name(key), n]);

/** Bars of a card; of very many only the tallest have room. */
const MOST_BARS = 16;

interface BarsProps {
  readonly title: string;
  readonly about: string;
  readonly entries: readonly (readonly [string, number])[];
}

function Bars({ title, about, entries }: BarsProps) {
  const most = entries.reduce((max, [, n]) => Math.max(max, n), 1);
  const shown = entries.length > MOST_BARS ? [...entries].sort((a, b) => b[1] - a[1]).slice(0, MOST_BARS) : entries;
  return (
    <section className="card">
      <h2 className="minor">{title}</h2>
      <p className="muted">{about}</p>
      <dl className="bars">
        {shown.map(([name, n]) => (
          <div key={name}>
            <dt title={name}>{name}</dt>
            <dd>
              <i style={{ width: `calc((100% - 4rem) * ${n / most})` }} />
              <span className="num">{count(n)}</span>
            </dd>
          </div>
        ))}
      </dl>
      {shown.length < entries.length && <p className="muted">and {count(entries.length - shown.length)} more</p>}
    </section>
  );
}

function Tasks({ tasks }: { readonly tasks: Health['tasks'] }) {
  const entries = tasks.map(({ name, train, heldout }): [string, number] => [name || 'no task', train + heldout]);
  const missing = tasks.filter(({ train, heldout }) => train > 0 && heldout === 0).map(({ name }) => name || 'no task');
  const about =
    missing.length > 0 && tasks.some(({ heldout }) => heldout > 0)
      ? `Rows, training and held out. Never held out: ${missing.slice(0, 4).join(', ')}`
      : 'Rows, training and held out';
  return <Bars title="Tasks" about={about} entries={entries} />;
}

const heatSide = (heat: readonly number[]) => Math.round(Math.sqrt(heat.length));

function Heat({ heat }: { readonly heat: readonly number[] }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useTheme();
  const side = heatSide(heat);
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context || !canvas.current) return;
    const most = Math.max(1, ...heat);
    context.clearRect(0, 0, side, side);
    context.fillStyle = getComputedStyle(canvas.current).color;
    heat.forEach((n, i) => {
      context.globalAlpha = n / most;
      context.fillRect(i % side, Math.floor(i / side), 1, 1);
    });
  }, [heat, side, theme]);
  return (
    <section className="card">
      <h2 className="minor">Where the boxes are</h2>
      <p className="muted">All boxes on one picture</p>
      <canvas ref={canvas} className="heat" width={side} height={side} role="img" aria-label={heatWords(heat)} />
    </section>
  );
}

function heatWords(heat: readonly number[]): string {
  const total = heat.reduce((sum, n) => sum + n, 0);
  if (total === 0) return 'No boxes';
  const side = heatSide(heat);
  const part = (of: (x: number, y: number) => boolean) =>
    `${Math.round((heat.reduce((sum, n, i) => sum + (of(i % side, Math.floor(i / side)) ? n : 0), 0) / total) * 100)} %`;
  const half = side / 2;
  return `Box coverage: left half ${part((x) => x < half)}, upper half ${part((_, y) => y < half)}, inner quarter ${part((x, y) => Math.abs(x - half + 0.5) < half / 2 && Math.abs(y - half + 0.5) < half / 2)}`;
}
