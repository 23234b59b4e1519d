/** Figures of a benchmark for a terminal: per task with n, both averages, what could not be read, and two models row by row. */
import type { Figure, Figures } from '../benchmarks/figures.ts';
import { objectionsTo, type BenchmarkScores } from './benchmark-scores.ts';
import { SWAP_VERDICTS, SWAP_WORDS } from '../grounding/picture-swap.ts';
import { consistencyOf } from './consistency.ts';
import { failuresByTask } from './failures.ts';
import { OUTCOMES } from './outcome-kinds.ts';
import { wilsonInterval } from './interval.ts';
import { pairedDifference } from './pairs.ts';
import type { PredictionHeader } from './prediction.ts';

export const percent = (value: number): string => (Number.isFinite(value) ? (100 * value).toFixed(1) : '–');
/** Of an interval, in per cent. */
export const within = ([low, high]: readonly [number, number]): string => `${percent(low)}–${percent(high)}`;
const shown = ({ hits, n, value }: Figure): string =>
  hits === undefined ? percent(value) : `${percent(value)} [${within(wilsonInterval(hits, n))}]`;

/** Columns, the first flush left and the others flush right. */
export function textTable(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, c) => Math.max(...rows.map((row) => row[c]!.length)));
  return rows.map((row) =>
    row
      .map((cell, c) => (c === 0 ? cell.padEnd(widths[c]!) : cell.padStart(widths[c]!)))
      .join('  ')
      .trimEnd(),
  );
}

function figureLines(title: string, figures: Figures): string[] {
  const names = figures.micro.map(({ words }) => words);
  const tasks = Object.entries(figures.tasks);
  const lines = [
    [title, 'n', ...names, 'unread'],
    ...tasks.map(([task, each]) => [task || '(none)', `${each.n}`, ...each.figures.map(shown), `${each.unread}`]),
    ...(tasks.length > 1
      ? [['mean of tasks', `${tasks.length}`, ...figures.macro.map(({ value }) => percent(value)), '']]
      : []),
    ['all rows alike', `${figures.n}`, ...figures.micro.map(shown), `${figures.unread}`],
  ];
  const others = figures.others.map((figure) => `  ${figure.words}: ${shown(figure)}`);
  const judge = figures.judge
    ? [
        `  ${figures.judge} answers would be read by a language model in the published script. They count as wrong here.`,
      ]
    : [];
  return [...textTable(lines), ...others, ...judge];
}

/** Answers by what went wrong and by task, in rows. */
function failureLines({ rows }: BenchmarkScores): string[] {
  const { kinds, tasks } = failuresByTask(rows);
  return textTable([
    ['answers', 'n', ...kinds.map((kind) => OUTCOMES[kind])],
    ...tasks.map(({ task, n, rows: cells }) => [
      task || '(none)',
      `${n}`,
      ...kinds.map((kind) => `${cells[kind]?.length ?? 0}`),
    ]),
  ]);
}

/** Whether answers hold together, in sentences with n and interval. */
function consistencyLines({ rows }: BenchmarkScores): string[] {
  const { swap, thought } = consistencyOf(rows);
  const share = ({ held, n, interval }: { held: number; n: number; interval: readonly [number, number] }) =>
    `${percent(held / n)} [${within(interval)}] of ${n} answers`;
  const rest = swap && SWAP_VERDICTS.filter((verdict) => verdict !== 'follows' && swap.rows[verdict]);
  return [
    ...(swap
      ? [
          `pictures swapped: ${share(swap)} follow their picture${rest!
            .map((verdict) => `, ${swap.rows[verdict]!.length} ${SWAP_WORDS[verdict]}`)
            .join('')}; ${swap.leftOut} rows of several pictures were not asked again`,
        ]
      : []),
    ...(thought
      ? [
          `thought and answer: ${share(thought)} are the box that their thought ends with (IoU from 0.5), mean IoU ${thought.meanIoU.toFixed(3)}`,
        ]
      : []),
  ];
}

/** Per cent everywhere; brackets hold 95 % intervals of shares (Wilson). */
export function printScores(scores: BenchmarkScores, header: PredictionHeader | null): string {
  const { benchmark, title, strict, published } = scores;
  const lines = [`${title}, per cent, 95 % intervals in brackets`];
  if (benchmark) lines.push(`rule and prompt: ${benchmark.protocol.source}`);
  if (strict) lines.push('', ...figureLines('strict', strict));
  else lines.push('', 'The strict reading needs the coordinates of the boxes: --space thousandths or pixels.');
  if (published) lines.push('', ...figureLines('as published', published));
  if (strict) lines.push('', ...failureLines(scores));
  const held = consistencyLines(scores);
  if (held.length) lines.push('', ...held);
  if (benchmark) {
    const objections = objectionsTo(scores, header);
    lines.push(
      '',
      objections.length
        ? `Not comparable with published rows: ${objections.join('; ')}.`
        : 'Files, prompt and limits are those of the published script.',
    );
  }
  return `${lines.join('\n')}\n`;
}

interface Named {
  readonly name: string;
  readonly scores: BenchmarkScores;
}

/** Two models on the rows that both answered, under the reading that both have. */
export function printPairs(before: Named, after: Named): string {
  const pair = pairedDifference(before, after);
  if (!pair) return `${after.name} and ${before.name}: no row was answered by both.\n`;
  const { reading, n, difference, interval, gained, lost, p } = pair;
  const sign = difference >= 0 ? '+' : '−';
  const points = percent(Math.abs(difference));
  return `${after.name} against ${before.name}, ${reading}, hits on the same ${n} rows: ${sign}${points} points [${within(interval)}], ${gained.length} gained, ${lost.length} lost, p = ${p < 0.001 ? 'below 0.001' : p.toFixed(3)} (McNemar, exact)\n`;
}
