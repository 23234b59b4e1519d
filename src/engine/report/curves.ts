/** The curves of a run as pictures inside the page: thinned so that no spike is lost, on a linear scale from its lowest to its highest. */
import { subject } from '../../base/counts.ts';
import { thin } from '../../base/thin.ts';
import { panelsFor, shortName, type Panel } from '../protocol/panels.ts';
import type { ToldEvent } from '../protocol/run.ts';
import { html, type Markup } from './markup.ts';

interface Points {
  readonly steps: number[];
  readonly values: number[];
}

const [WIDTH, HEIGHT, LEFT, TOP, BOTTOM] = [360, 190, 52, 10, 22];
const BUCKETS = 120;
const COLORS = 6;

const short = (x: number): string => {
  const size = Math.abs(x);
  return size !== 0 && (size < 1e-3 || size >= 1e5) ? x.toExponential(1) : String(Number(x.toPrecision(3)));
};

export function curvesPart(told: readonly ToldEvent[]): Markup | null {
  const curves = new Map<string, Points>();
  for (const event of told) {
    if (event.type !== 'metrics') continue;
    for (const [name, value] of Object.entries(event.values)) {
      let points = curves.get(name);
      if (!points) curves.set(name, (points = { steps: [], values: [] }));
      points.steps.push(event.step);
      points.values.push(value);
    }
  }
  const panels = panelsFor([...curves.keys()]);
  if (panels.length === 0) return null;
  return html`<div class="charts">${panels.map((panel) => chart(panel, curves))}</div>`;
}

function chart({ title, about, curves: names }: Panel, curves: ReadonlyMap<string, Points>): Markup {
  const drawn = names.map((name) => thinned(curves.get(name)!));
  const finite = drawn.flatMap(({ values }) => values.filter(Number.isFinite));
  const steps = drawn.flatMap(({ steps: each }) => each);
  const strange = names.reduce(
    (sum, name) => sum + curves.get(name)!.values.filter((v) => !Number.isFinite(v)).length,
    0,
  );
  // Of many points: spreading them into Math.min would overflow the stack.
  const least = (values: readonly number[]) => values.reduce((a, b) => Math.min(a, b), Infinity);
  const most = (values: readonly number[]) => values.reduce((a, b) => Math.max(a, b), -Infinity);
  const [low, high] = finite.length > 0 ? [least(finite), most(finite)] : [0, 1];
  const [first, last] = [least(steps), most(steps)];
  const x = (step: number) => LEFT + ((step - first) / Math.max(last - first, 1)) * (WIDTH - LEFT - 8);
  const y = (value: number) => TOP + (1 - (high > low ? (value - low) / (high - low) : 0.5)) * (HEIGHT - TOP - BOTTOM);
  const lines = drawn.map(
    (points, i) =>
      html`<path
        class="${aloneIn(points) ? 'curve dot' : 'curve'}"
        style="stroke:var(--c${i % COLORS})"
        d="${pathOf(points, x, y)}"
      />`,
  );
  const label = names
    .map((name, i) => {
      const end = drawn[i]!.values.findLast(Number.isFinite);
      return `${shortName(name)} ends at ${end === undefined ? 'no number' : short(end)}`;
    })
    .join('; ');
  const key = names.map(
    (name, i) => html`<li><i style="background:var(--c${i % COLORS})"></i> ${shortName(name)}</li>`,
  );
  return html`<figure>
    <figcaption>${title}</figcaption>
    <ul class="key">
      ${key}
    </ul>
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}: ${label}">
      <path class="axis" d="M${LEFT} ${TOP}V${HEIGHT - BOTTOM}H${WIDTH - 8}" fill="none" />
      <text x="${LEFT - 4}" y="${TOP + 4}" text-anchor="end">${short(high)}</text>
      <text x="${LEFT - 4}" y="${HEIGHT - BOTTOM}" text-anchor="end">${short(low)}</text>
      <text x="${LEFT}" y="${HEIGHT - 6}">step ${first}</text>
      <text x="${WIDTH - 8}" y="${HEIGHT - 6}" text-anchor="end">${last}</text>
      ${lines}</svg
    ><span class="muted">${about}${strange > 0 ? ` ${subject(strange, 'point', 'is', 'are')} no number.` : ''}</span>
  </figure>`;
}

function thinned({ steps, values }: Points): Points {
  const kept = [...thin(Float64Array.from(values), 0, values.length, BUCKETS)];
  return { steps: kept.map((i) => steps[i]!), values: kept.map((i) => values[i]!) };
}

/** A point that is no number leaves a gap; one alone is a dot. */
/** A curve of one point is a dot, or nobody would see it. */
const aloneIn = ({ values }: Points): boolean => values.filter(Number.isFinite).length === 1;

function pathOf({ steps, values }: Points, x: (step: number) => number, y: (value: number) => number): string {
  let joined = false;
  return steps
    .map((step, i) => {
      const value = values[i]!;
      const before = joined;
      joined = Number.isFinite(value);
      if (!joined) return '';
      const at = `${x(step).toFixed(1)} ${y(value).toFixed(1)}`;
      return before ? `L${at}` : `M${at}h0.1`;
    })
    .join('');
}
