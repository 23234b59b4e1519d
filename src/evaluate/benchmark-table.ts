/**
 * The table of a benchmark: this model under both readings, models beside it, and the published rows with their sources.
 * As CSV, Markdown and LaTeX. A published row is set apart by a mark only where files, prompt and rule are the same.
 */
import type { Figures } from '../benchmarks/figures.ts';
import type { PublishedRow } from '../benchmarks/benchmark.ts';
import { objectionsTo, type BenchmarkScores } from './benchmark-scores.ts';
import type { Interval } from './bootstrap.ts';
import { wilsonInterval } from './interval.ts';
import type { PredictionHeader } from './prediction.ts';

export interface TableRow {
  readonly model: string;
  /** strict, as published, or published elsewhere. */
  readonly reading: string;
  /** Per cent by column; null: not known. */
  readonly cells: readonly (number | null)[];
  /** Of the last column, where it is a share of rows. */
  readonly interval: Interval | null;
  readonly n: number | null;
  /** The published figure was made with the same files, prompt and rule. */
  readonly comparable: boolean;
  readonly source: string;
}

export interface BenchmarkTable {
  readonly title: string;
  /** Of the figure in the cells: Acc@0.5. */
  readonly figure: string;
  /** Tasks, each with its n, and the average last. */
  readonly columns: readonly string[];
  readonly rows: readonly TableRow[];
  /** Why no published row is marked; empty where some are. */
  readonly objections: readonly string[];
}

/** A model's answers, scored, and how they were made. */
export interface TableEntry {
  readonly name: string;
  readonly header: PredictionHeader | null;
  readonly scores: BenchmarkScores;
}

const percent = (value: number): number | null => (Number.isFinite(value) ? 100 * value : null);

function rowOf(entry: TableEntry, tasks: readonly string[], figures: Figures, reading: string): TableRow {
  const { key } = figures.main;
  const cells = tasks.map((task) =>
    percent(figures.tasks[task]?.figures.find((figure) => figure.key === key)?.value ?? NaN),
  );
  // The interval is that of all rows alike: an average of tasks is no share.
  const micro = figures.micro.find((figure) => figure.key === key);
  return {
    model: entry.name,
    reading,
    cells: [...cells, percent(figures.main.value)],
    interval: micro?.hits === undefined ? null : wilsonInterval(micro.hits, micro.n),
    n: figures.n,
    comparable: false,
    source: 'measured here',
  };
}

/** @param entries all of one benchmark, the first one's tasks are the columns */
export function tableOf(entries: readonly TableEntry[]): BenchmarkTable {
  const [first] = entries as [TableEntry];
  const { benchmark, title } = first.scores;
  const sample = (first.scores.published ?? first.scores.strict)!;
  const tasks = Object.keys(sample.tasks);
  const rows: TableRow[] = entries.flatMap((entry) => {
    const { strict, published } = entry.scores;
    return [
      ...(strict ? [rowOf(entry, tasks, strict, 'strict')] : []),
      ...(published ? [rowOf(entry, tasks, published, 'as published')] : []),
    ];
  });
  const objections = objectionsTo(first.scores, first.header);
  const elsewhere = (benchmark?.published ?? []).map(
    ({ model, figures, source, samePrompt, sameRule, note }: PublishedRow): TableRow => ({
      model,
      reading: 'published',
      cells: [...tasks.map((task) => figures[task] ?? null), figures.average ?? null],
      interval: null,
      n: null,
      comparable: objections.length === 0 && samePrompt && sameRule,
      source: note === undefined ? source : `${source}. ${note}`,
    }),
  );
  return {
    title,
    figure: sample.main.words,
    columns: [...tasks.map((task) => `${task || 'all'} (n=${sample.tasks[task]!.n})`), 'average'],
    rows: [...rows, ...elsewhere],
    objections,
  };
}

const MARK = '=';
const number = (value: number | null): string => (value === null ? '' : value.toFixed(2));
const range = (interval: Interval | null): string =>
  interval ? `${(100 * interval[0]).toFixed(1)}–${(100 * interval[1]).toFixed(1)}` : '';

/** Head and rows as texts, the same for every form. */
export function tableGrid({ columns, rows }: BenchmarkTable): string[][] {
  const head = ['model', 'reading', ...columns, '95 % of all rows', 'n', 'same files, prompt and rule', 'source'];
  const body = rows.map(({ model, reading, cells, interval, n, comparable, source }) => [
    model,
    reading,
    ...cells.map(number),
    range(interval),
    n === null ? '' : String(n),
    comparable ? MARK : '',
    source,
  ]);
  return [head, ...body];
}

/** A text that a spreadsheet would compute is kept a text. */
const csvCell = (text: string): string => {
  const safe = /^[=+@\t\r]|^-(?![\d.]+$)/.test(text) && text !== MARK ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

export const tableAsCsv = (table: BenchmarkTable): string =>
  tableGrid(table)
    .map((row) => row.map((cell) => (cell === MARK ? 'yes' : csvCell(cell))).join(','))
    .join('\n') + '\n';

export function tableAsMarkdown(table: BenchmarkTable): string {
  const rows = tableGrid(table).map(
    (row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`,
  );
  const line = `|${tableGrid(table)[0]!
    .map((_, i) => (i < 2 ? '---|' : '---:|'))
    .join('')}`;
  const why = table.objections.length
    ? `\nNot comparable with published rows: ${table.objections.join('; ')}.\n`
    : `\n${MARK} made with the same files, prompt and rule.\n`;
  return `**${table.title}**, ${table.figure}, per cent\n\n${[rows[0]!, line, ...rows.slice(1)].join('\n')}\n${why}`;
}

const LATEX: Readonly<Record<string, string>> = {
  '\\': '\\textbackslash{}',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
};
const latex = (text: string): string =>
  text.replace(/[\\~^&%$#_{}]/g, (c) => LATEX[c] ?? `\\${c}`).replaceAll('–', '--');

/** Needs the package booktabs. */
export function tableAsLatex(table: BenchmarkTable): string {
  const [head, ...rows] = tableGrid(table).map((row) =>
    row
      .slice(0, -1)
      .map((cell) => (cell === MARK ? '$=$' : latex(cell)))
      .join(' & '),
  );
  const columns = 'll' + 'r'.repeat(tableGrid(table)[0]!.length - 3);
  const sources = table.rows.map(({ model, source }) => `% ${model}: ${source}`.replaceAll('\n', ' '));
  return [
    `% ${table.title}, ${table.figure}, per cent. Needs \\usepackage{booktabs}.`,
    ...sources,
    `\\begin{tabular}{${columns}}`,
    '\\toprule',
    `${head!} \\\\`,
    '\\midrule',
    ...rows.map((row) => `${row} \\\\`),
    '\\bottomrule',
    '\\end{tabular}',
    '',
  ].join('\n');
}
