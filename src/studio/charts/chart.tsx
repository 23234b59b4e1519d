/** One chart: curves raw and smoothed, a crosshair shared with its neighbours, and the same numbers as a table. */
import { useEffect, useMemo, useRef, useState } from 'react';
import uPlot from 'uplot';
import { shortName, type Panel } from '../../engine/protocol/panels.ts';
import type { Alarm } from '../state/alarms.ts';
import { duration, value } from '../ui/format.ts';
import { chartData, valueAt, type ChartData, type DrawnCurve } from './chart-data.ts';
import { chartOptions, dashOf, readLook, type CurveStyle } from './chart-options.ts';
import type { Crosshair } from './crosshair.ts';
import { CurveTable } from './curve-table.tsx';
import { placeOf, stepAt, type Horizontal } from './horizontal.ts';
import { colorOf } from './colors.ts';
import { paintQueue, REPAINT_MS } from './paint-queue.ts';
import type { SeriesBook } from './series-book.ts';

/** An earlier run's curves. */
export interface PastCurves {
  readonly name: string;
  readonly book: SeriesBook;
}

/** The first step of a stage. */
export interface StageStart {
  readonly step: number;
  readonly name: string;
}

interface ChartProps {
  readonly panel: Panel;
  readonly book: SeriesBook;
  /** Earlier runs to lay under this one. */
  readonly past: readonly PastCurves[];
  readonly crosshair: Crosshair;
  readonly weight: number;
  readonly log: boolean;
  readonly horizontal: Horizontal;
  /** First and last step of the run in view. */
  readonly range: readonly [number, number];
  readonly stages: readonly StageStart[];
  readonly alarms: readonly Pick<Alarm, 'title' | 'curves' | 'steps'>[];
  readonly theme: string;
  readonly onZoom: (from: number, to: number) => void;
  /** Saves the curves named as a file. */
  readonly onSave: (curves: readonly string[], title: string) => void;
}

export function Chart(props: ChartProps) {
  const { panel, book, past, crosshair, weight, log, horizontal, range, stages, alarms, theme, onZoom, onSave } = props;
  const host = useRef<HTMLDivElement>(null);
  const shown = useRef<ChartData | null>(null);
  const alarmed = alarms.filter((alarm) => alarm.curves.some((name) => panel.curves.includes(name)));
  const latest = useRef({ stages, alarmed, onZoom });
  useEffect(() => {
    latest.current = { stages, alarmed, onZoom };
  });
  const [readout, setReadout] = useState<{ step: number | null; values: readonly string[] }>({
    step: null,
    values: [],
  });
  const [flaws, setFlaws] = useState({ strange: 0, belowLog: 0, points: 0 });
  const [table, setTable] = useState(false);
  const [from, to] = range;
  const curves = panel.curves.join('\n');
  const overlaid = past.length > 0;
  const drawn = useMemo<readonly (DrawnCurve & CurveStyle)[]>(() => {
    const names = curves.split('\n');
    const style = (curve: number, run: number) =>
      overlaid ? { color: run, dash: curve, past: run } : { color: curve, dash: 0, past: 0 };
    const own = names.map((name, curve) => ({ book, name, run: null, ...style(curve, 0) }));
    const earlier = past.flatMap((run, i) =>
      names.map((name, curve) => ({ book: run.book, name, run: run.name, ...style(curve, i + 1) })),
    );
    // Only where there is something to draw.
    const timed = horizontal === 'time';
    return [
      ...own,
      ...earlier.filter(
        (curve) => curve.book.curve(curve.name).steps.length > 0 && (!timed || curve.book.clock.steps.length > 0),
      ),
    ];
  }, [book, curves, past, overlaid, horizontal]);

  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const names = drawn.filter((curve) => curve.past === 0);
    const smoothed = weight > 0;
    /** null: the newest values. */
    const read = (step: number | null) => {
      const values = names.map((curve) =>
        step === null ? (book.last(curve.name) ?? undefined) : valueAt(curve, step),
      );
      setReadout({ step, values: values.map((v) => (v === undefined ? '–' : value(v))) });
    };
    const place = (step: number) => placeOf(horizontal, book, step);
    const step = (at: number) => stepAt(horizontal, book, at);
    const stepOf = (index: number | null) => {
      const at = index === null ? undefined : shown.current?.columns[0][index];
      return at === undefined ? null : step(at);
    };
    // Made in its turn, like every later drawing: a dozen charts made in one frame would hold the page for it.
    let plot: uPlot | null = null;
    const make = () =>
      new uPlot(
        chartOptions({
          width: element.clientWidth || 300,
          height: element.clientHeight || 190,
          curves: drawn,
          horizontal,
          log,
          smoothed,
          look: readLook(element),
          marks: () => latest.current.stages.map((stage) => ({ place: place(stage.step), name: stage.name })),
          strange: () => shown.current?.strange ?? [],
          alarmed: () => latest.current.alarmed.flatMap(({ steps }) => steps.map(place)),
          held: () => crosshair.held && place(crosshair.held),
          onZoom: (a, b) => latest.current.onZoom(step(a), step(b)),
          onCursor: (index, here) => {
            const under = stepOf(index);
            read(under ?? crosshair.held);
            if (here) crosshair.hover(under);
            else if (index === null && !document.querySelector('.u-over:hover')) crosshair.hover(null);
          },
        }),
        [[]],
        element,
      );
    let visible = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let drawnAt = -Infinity;
    const paint = () => {
      drawnAt = performance.now();
      if (!plot) {
        plot = make();
        paintQueue.ask(paint);
        return;
      }
      const buckets = Math.max(60, Math.floor(plot.width / 2));
      const [first, last] = [place(from), place(to)];
      const data = chartData(drawn, { axis: horizontal, from: first, to: last, buckets, weight, log });
      shown.current = data;
      plot.setData(data.columns as uPlot.AlignedData);
      // Without points there is no horizontal scale, and without one no axis: the window is shown empty.
      if (data.points === 0)
        plot.setScale('x', { min: place(Math.max(1, from)), max: place(Math.min(to, book.lastStep)) });
      setFlaws((old) =>
        old.strange === data.strange.length && old.belowLog === data.belowLog && old.points === data.points
          ? old
          : { strange: data.strange.length, belowLog: data.belowLog, points: data.points },
      );
      if (plot.cursor.idx === null || plot.cursor.idx === undefined) read(crosshair.held);
    };
    const ask = () => {
      if (!visible || timer) return;
      timer = setTimeout(
        () => {
          timer = undefined;
          paintQueue.ask(paint);
        },
        Math.max(0, drawnAt + REPAINT_MS - performance.now()),
      );
    };
    const stop = book.subscribe(ask);
    const redraw = () => plot?.redraw(false);
    let heldBefore = crosshair.held;
    const stopHeld = crosshair.subscribe(() => {
      if (heldBefore === crosshair.held) return;
      heldBefore = crosshair.held;
      if (plot?.cursor.idx == null) read(crosshair.held);
      if (visible) paintQueue.ask(redraw);
    });
    // A click holds the step under it; a drag zooms.
    const hold = () => {
      if (crosshair.step !== null && plot && plot.select.width < 4) crosshair.hold(stepOf(plot.cursor.idx ?? null));
    };
    element.addEventListener('click', hold);
    const seen = new IntersectionObserver(([entry]) => {
      visible = entry?.isIntersecting ?? true;
      if (visible) ask();
    });
    seen.observe(element);
    const resized = new ResizeObserver(() => {
      if (
        plot &&
        element.clientWidth > 0 &&
        (element.clientWidth !== plot.width || element.clientHeight !== plot.height)
      ) {
        plot.setSize({ width: element.clientWidth, height: element.clientHeight });
        ask();
      }
    });
    resized.observe(element);
    paintQueue.ask(paint);
    return () => {
      stop();
      stopHeld();
      element.removeEventListener('click', hold);
      crosshair.hover(null);
      clearTimeout(timer);
      paintQueue.forget(paint);
      paintQueue.forget(redraw);
      seen.disconnect();
      resized.disconnect();
      plot?.destroy();
    };
  }, [book, drawn, crosshair, weight, log, horizontal, from, to, theme]);

  const outside = flaws.points === 0 && (Number.isFinite(from) || Number.isFinite(to));
  return (
    <section className="chart" aria-label={panel.title} data-points={flaws.points}>
      <header>
        <h2 className="minor" title={panel.about}>
          {panel.title}
        </h2>
        <span className="chart-data">
          <button type="button" className="link" onClick={() => onSave(panel.curves, panel.title)}>
            CSV<span className="visually-hidden"> of {panel.title}</span>
          </button>
          <button type="button" className="link" aria-expanded={table} onClick={() => setTable(!table)}>
            Table<span className="visually-hidden"> of {panel.title}</span>
          </button>
        </span>
      </header>
      <ul className="chart-legend">
        {panel.curves.map((name, i) => (
          <li key={name}>
            {overlaid ? <LineSample dash={i} /> : <i style={{ background: colorOf(i) }} />}
            <span title={name}>{shortName(name)}</span>
            <b className="num">{readout.values[i] ?? ''}</b>
          </li>
        ))}
        {readout.step !== null && (
          <li className="chart-step num">
            step {readout.step}
            {horizontal === 'time' && `, ${duration(placeOf('time', book, readout.step))}`}
          </li>
        )}
      </ul>
      <div ref={host} className="chart-plot" aria-hidden="true" />
      {(flaws.strange > 0 || flaws.belowLog > 0 || alarmed.length > 0 || outside) && (
        <p className="chart-flaws">
          {outside && <span>No points in these steps </span>}
          {alarmed.map(({ title }) => (
            <span key={title} className="alarm">
              ▲ {title}{' '}
            </span>
          ))}
          {flaws.strange > 0 && <span className="alarm">▼ {flaws.strange} not a number </span>}
          {flaws.belowLog > 0 && <span>{flaws.belowLog} at or below 0: a log scale cannot show it</span>}
        </p>
      )}
      {table && <CurveTable panel={panel} sources={drawn} />}
    </section>
  );
}

/** A curve's dashes, where the colour says the run. */
function LineSample({ dash }: { readonly dash: number }) {
  return (
    <svg width="26" height="6" aria-hidden="true">
      <line
        x1="1"
        y1="3"
        x2="25"
        y2="3"
        stroke="currentColor"
        strokeWidth="1.5"
        strokeDasharray={dashOf(dash).join(' ')}
      />
    </svg>
  );
}
