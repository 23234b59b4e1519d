/** How a chart looks and behaves in uPlot's words. Colours come from the theme. */
import uPlot from 'uplot';
import { value } from '../ui/format.ts';
import type { Horizontal } from './horizontal.ts';
import { lonely } from './lonely.ts';
import { roomy } from './roomy.ts';

export interface ChartLook {
  readonly ink: string;
  readonly muted: string;
  readonly rule: string;
  readonly alarm: string;
  readonly curves: readonly string[];
}

export function readLook(element: HTMLElement): ChartLook {
  const style = getComputedStyle(element);
  const get = (name: string) => style.getPropertyValue(name).trim();
  return {
    ink: get('--ink'),
    muted: get('--muted'),
    rule: get('--rule'),
    alarm: get('--bad'),
    curves: [1, 2, 3, 4, 5, 6].map((i) => get(`--curve-${i}`)),
  };
}

export interface StageMark {
  /** On the axis. */
  readonly place: number;
  readonly name: string;
}

/** Of one run each curve has a colour; of several each run has one, and each curve its dashes. */
export interface CurveStyle {
  readonly name: string;
  readonly color: number;
  readonly dash: number;
  /** The earlier run, from 1; 0 is the run in view. */
  readonly past: number;
}

interface OptionsInput {
  readonly width: number;
  readonly height: number;
  readonly curves: readonly CurveStyle[];
  readonly horizontal: Horizontal;
  readonly log: boolean;
  readonly smoothed: boolean;
  readonly look: ChartLook;
  readonly marks: () => readonly StageMark[];
  readonly strange: () => readonly number[];
  /** Places that an alarm is about. */
  readonly alarmed: () => readonly number[];
  /** Place of the held step. */
  readonly held: () => number | null;
  readonly onZoom: (from: number, to: number) => void;
  /** `here`: the pointer is on this chart, not on a neighbour that shares its crosshair. */
  readonly onCursor: (index: number | null, here: boolean) => void;
}

/** Dashes of the curves of a panel, CSS pixels; the first is whole. */
const DASHES: readonly (readonly number[])[] = [[], [6, 4], [2, 3], [10, 3, 2, 3], [14, 5], [1, 5]];

export const dashOf = (curve: number): readonly number[] => DASHES[curve % DASHES.length]!;

export const CROSSHAIR = 'groundwork-run';

export function chartOptions(input: OptionsInput): uPlot.Options {
  const { look, log, smoothed } = input;
  const axis = {
    stroke: look.muted,
    grid: { stroke: look.rule, width: 1 },
    ticks: { show: false },
    font: '11px system-ui, "Liberation Sans", sans-serif',
  };
  const series: uPlot.Series[] = [{}];
  for (const { name, color: index, dash, past } of input.curves) {
    const color = look.curves[index % look.curves.length]!;
    // Earlier runs are only as smooth as this one.
    const drawn = { ...(past > 0 && { width: 1.3 }), ...(dash > 0 && { dash: [...dashOf(dash)] }) };
    series.push({
      label: name,
      stroke: smoothed ? `${color}59` : color,
      width: smoothed ? 1 : 1.6,
      // A point without a neighbour has no line: it would not be seen.
      points: { show: true, size: 5, fill: color, stroke: color, filter: (plot, i) => lonely(plot.data[i]!) },
      spanGaps: false,
      show: past === 0 || !smoothed,
      ...drawn,
    });
    series.push({
      label: `${name} (smoothed)`,
      stroke: color,
      width: 1.8,
      points: { show: false },
      show: smoothed,
      spanGaps: true,
      ...drawn,
    });
  }
  return {
    width: input.width,
    height: input.height,
    legend: { show: false },
    padding: [14, 8, 0, 0],
    cursor: {
      sync: { key: CROSSHAIR, scales: ['x', null] },
      points: { size: 6 },
      y: false,
      drag: { x: true, y: false, setScale: false },
      bind: {
        dblclick: () => () => {
          input.onZoom(-Infinity, Infinity);
          return null;
        },
      },
    },
    // The scales read the whole range of what is drawn; one lone point gets room on both sides.
    scales: { x: { time: false }, y: log ? { distr: 3, log: 10 } : { range: (_, low, high) => roomy(low, high) } },
    axes: [
      input.horizontal === 'time'
        ? { ...axis, size: 26, space: 60, incrs: SPANS, values: (_, ticks) => ticks.map(timeLabel) }
        : { ...axis, size: 26, values: (_, ticks) => ticks.map((v) => (Number.isInteger(v) ? String(v) : '')) },
      {
        ...axis,
        size: 52,
        values: (_, ticks) => ticks.map((v) => (v === null ? '' : value(v).replace(/\.?0+(?=$|e)/, ''))),
      },
    ],
    series,
    hooks: {
      setCursor: [(plot) => input.onCursor(plot.cursor.idx ?? null, plot.over.matches(':hover'))],
      setSelect: [
        (plot) => {
          if (plot.select.width < 4) return;
          input.onZoom(plot.posToVal(plot.select.left, 'x'), plot.posToVal(plot.select.left + plot.select.width, 'x'));
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
      drawAxes: [(plot) => drawMarks(plot, input.marks(), look)],
      draw: [
        (plot) => drawStrange(plot, input.strange(), look),
        (plot) => drawAlarms(plot, input.alarmed(), look),
        (plot) => drawHeld(plot, input.held(), look),
      ],
    },
  };
}

/** From one tick of a time axis to the next, in seconds. */
const SPANS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30].concat(
  [1, 2, 5, 10, 15, 30].map((minutes) => minutes * 60),
  [1, 2, 4, 6, 12, 24, 48, 120, 240].map((hours) => hours * 3600),
);

function timeLabel(seconds: number): string {
  const [h, min, s] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60];
  return [h && `${h} h`, min && `${min} min`, s && `${Number(s.toFixed(1))} s`].filter(Boolean).join(' ') || '0';
}

function drawMarks(plot: uPlot, marks: readonly StageMark[], look: ChartLook): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = look.muted;
  ctx.fillStyle = look.muted;
  ctx.font = `${10 * uPlot.pxRatio}px system-ui, "Liberation Sans", sans-serif`;
  ctx.textAlign = 'left';
  ctx.textBaseline = 'top';
  ctx.setLineDash([2 * uPlot.pxRatio, 3 * uPlot.pxRatio]);
  let free = -Infinity;
  for (const { place, name } of marks) {
    const x = Math.round(plot.valToPos(place, 'x', true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    // A name goes to the left of its line where the right has no room for it.
    const width = ctx.measureText(name).width;
    const gap = 4 * uPlot.pxRatio;
    const at = x + gap + width > bbox.left + bbox.width ? x - gap - width : x + gap;
    if (at < free) continue;
    ctx.fillText(name, at, 0);
    free = at + width + gap;
  }
  ctx.restore();
}

/** A triangle at the top where a value was not a number: such a point has no height, but must be seen. */
function drawStrange(plot: uPlot, places: readonly number[], look: ChartLook): void {
  const { ctx, bbox } = plot;
  const size = 6 * uPlot.pxRatio;
  ctx.save();
  ctx.fillStyle = look.alarm;
  for (const place of places) {
    const x = plot.valToPos(place, 'x', true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x - size, bbox.top);
    ctx.lineTo(x + size, bbox.top);
    ctx.lineTo(x, bbox.top + size * 1.6);
    ctx.fill();
  }
  ctx.restore();
}

/** The step that is held, from top to bottom. */
function drawHeld(plot: uPlot, place: number | null, look: ChartLook): void {
  if (place === null) return;
  const { ctx, bbox } = plot;
  const x = Math.round(plot.valToPos(place, 'x', true));
  if (x < bbox.left || x > bbox.left + bbox.width) return;
  ctx.save();
  ctx.strokeStyle = look.ink;
  // uPlot leaves the dashes of an earlier run behind.
  ctx.setLineDash([]);
  ctx.lineWidth = 1.5 * uPlot.pxRatio;
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.restore();
}

/** A triangle on the floor of the chart at each step that an alarm is about. */
function drawAlarms(plot: uPlot, places: readonly number[], look: ChartLook): void {
  const { ctx, bbox } = plot;
  const size = 5 * uPlot.pxRatio;
  const floor = bbox.top + bbox.height;
  ctx.save();
  ctx.fillStyle = look.alarm;
  for (const place of places) {
    const x = plot.valToPos(place, 'x', true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x - size, floor);
    ctx.lineTo(x + size, floor);
    ctx.lineTo(x, floor - size * 1.6);
    ctx.fill();
  }
  ctx.restore();
}
