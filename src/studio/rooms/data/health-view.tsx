/** The dataset from afar: tasks, pictures a row, box sizes, where boxes lie. From the first rows of the training part. */
import { useEffect, useRef, useState } from 'react';
import type { DatasetReport, Row } from '../../../engine/protocol.ts';
import { PAGE } from '../../state/row-cache.ts';
import { useStudio } from '../../state/studio.ts';
import { useTheme } from '../../theme.ts';
import { count, plural } from '../../ui/format.ts';
import { Progress } from '../../ui/progress.tsx';
import { HEAT, healthOf, type Health } from './health.ts';

const ROWS_READ = 2048;

export function HealthView({ dataset }: { readonly dataset: DatasetReport }) {
  const { rows: cache } = useStudio();
  const [health, setHealth] = useState<Health | null>(null);
  const wanted = Math.min(dataset.train, ROWS_READ);
  useEffect(() => {
    let live = true;
    const read = async () => {
      const rows: Row[] = [];
      for (let page = 0; page * PAGE < wanted && live; page++) {
        rows.push(...(await cache.page(dataset.id, 'train', page)));
        if (live) setHealth(healthOf(rows));
      }
    };
    read().catch(() => undefined);
    return () => void (live = false);
  }, [cache, dataset.id, wanted]);
  if (!health) return <p className="room-wait">Reading rows…</p>;
  return (
    <div className="health">
      {health.rows < wanted ? (
        <Progress label="Reading rows" done={health.rows} total={wanted} />
      ) : (
        <p className="muted">
          From{' '}
          {health.rows < dataset.train
            ? `the first ${plural(health.rows, 'row')}`
            : `all ${plural(health.rows, 'row')}`}{' '}
          of the training part.
        </p>
      )}
      <div className="health-grid">
        <Bars
          title="Tasks"
          about="Rows, training and held out"
          entries={Object.entries(dataset.tasks).map(([name, n]) => [name || 'no task', n])}
        />
        <Bars title="Images a row" about="Rows" entries={sorted(health.imagesPerRow, (n) => plural(n, 'image'))} />
        <Bars
          title="Image with the box"
          about="Boxes. If one image always has the answer, that is what will be learned"
          entries={sorted(health.answerImage, (n) => `Image ${n}`)}
        />
        <Bars
          title="Boxes a row"
          about="Rows"
          entries={sorted(health.boxesPerRow, (n) => (n === 1 ? '1 box' : `${n} boxes`))}
        />
        <Bars
          title="Box size"
          about="Share of the picture"
          entries={['under 0.1 %', '0.1 to 1 %', '1 to 10 %', 'over 10 %'].map((name, i) => [name, health.sizes[i]!])}
        />
        <Heat heat={health.heat} />
      </div>
    </div>
  );
}

const sorted = (map: ReadonlyMap<number, number>, name: (key: number) => string): [string, number][] =>
  [...map].sort((a, b) => a[0] - b[0]).map(([key, n]) => [name(key), n]);

function Bars({
  title,
  about,
  entries,
}: {
  readonly title: string;
  readonly about: string;
  readonly entries: readonly (readonly [string, number])[];
}) {
  const most = Math.max(1, ...entries.map(([, n]) => n));
  return (
    <section className="card">
      <h2 className="minor">{title}</h2>
      <p className="muted">{about}</p>
      <dl className="bars">
        {entries.map(([name, n]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <i style={{ width: `calc((100% - 3.5rem) * ${n / most})` }} />
              <span className="num">{count(n)}</span>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Heat({ heat }: { readonly heat: Float64Array }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useTheme();
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context || !canvas.current) return;
    const most = Math.max(1, ...heat);
    context.clearRect(0, 0, HEAT, HEAT);
    context.fillStyle = getComputedStyle(canvas.current).color;
    heat.forEach((n, i) => {
      context.globalAlpha = n / most;
      context.fillRect(i % HEAT, Math.floor(i / HEAT), 1, 1);
    });
  }, [heat, theme]);
  return (
    <section className="card">
      <h2 className="minor">Where boxes lie</h2>
      <p className="muted">All boxes laid over one picture</p>
      <canvas ref={canvas} className="heat" width={HEAT} height={HEAT} role="img" aria-label={heatWords(heat)} />
    </section>
  );
}

function heatWords(heat: Float64Array): string {
  const total = heat.reduce((sum, n) => sum + n, 0);
  if (total === 0) return 'No boxes';
  const part = (of: (x: number, y: number) => boolean) =>
    `${Math.round((heat.reduce((sum, n, i) => sum + (of(i % HEAT, Math.floor(i / HEAT)) ? n : 0), 0) / total) * 100)} %`;
  const half = HEAT / 2;
  return `Box coverage: left half ${part((x) => x < half)}, upper half ${part((_, y) => y < half)}, inner quarter ${part((x, y) => Math.abs(x - half + 0.5) < half / 2 && Math.abs(y - half + 0.5) < half / 2)}`;
}
