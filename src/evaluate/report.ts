/** report.json: what a run proved, for people and scripts; and the same as a table of plain text. */
import { type Interval, pairedBootstrapInterval } from './bootstrap.ts';
import { mcNemarExact } from './interval.ts';
import { type Evaluation, hits, mean, type RowKind, type RowScore, type TaskEvaluation } from './metrics.ts';

export interface ReportStage {
  readonly name: string;
  readonly n: number;
  readonly accAt50: number;
  readonly accAt50Interval: Interval;
  readonly meanIoU: number;
  readonly parseFailures: number;
  readonly seconds: number;
  readonly tasks: Readonly<Record<string, TaskEvaluation>>;
  /** By the file that rows are of; absent where all are of one. */
  readonly files?: Readonly<Record<string, TaskEvaluation>>;
  /** Rows of several boxes, of none, and of letters. */
  readonly kinds?: { readonly [K in RowKind]?: TaskEvaluation };
  /** Answers that say that nothing is there, of rows where something is. */
  readonly overRefused?: number;
}

/** Change of Acc@0.5 between two stages over the rows both answered. */
export interface ReportDifference extends Change {
  readonly from: string;
  readonly to: string;
  /** By the file that rows are of; absent where all are of one. */
  readonly files?: Readonly<Record<string, Change>>;
}

/** From one stage to another, over the same rows. */
export interface Change {
  readonly n: number;
  readonly accAt50: number;
  /** 95 % paired bootstrap. */
  readonly interval: Interval;
  /** Rows that are hits only after, and only before. */
  readonly gained: number;
  readonly lost: number;
  /** McNemar's exact p of so uneven a division. */
  readonly p: number;
}

export interface Report {
  /** The GPU adapter that computed it. */
  readonly adapter: string;
  readonly seed: number;
  readonly stages: readonly ReportStage[];
  /** Zeros when the recipe had no rejection stage. */
  readonly rejection: { readonly prompts: number; readonly kept: number };
  /** Each stage against the one before, and the last against each. */
  readonly differences: readonly ReportDifference[];
}

/** An evaluation stage as it ran. */
export interface EvaluatedStage {
  readonly name: string;
  readonly evaluation: Evaluation;
  readonly scores: readonly RowScore[];
  readonly seconds: number;
}

export function buildReport(run: {
  adapter: string;
  seed: number;
  stages: readonly EvaluatedStage[];
  rejection?: { prompts: number; kept: number };
}): Report {
  const { adapter, seed, stages } = run;
  const pairs = stages.slice(1).map((to, i) => [stages[i]!, to] as const);
  for (const from of stages.slice(0, -2)) pairs.push([from, stages.at(-1)!]);
  return {
    adapter,
    seed,
    stages: stages.map(({ name, evaluation: e, seconds }) => ({
      name,
      n: e.n,
      accAt50: e.accAt50,
      accAt50Interval: e.accAt50Interval,
      meanIoU: e.meanIoU,
      parseFailures: e.parseFailures,
      seconds,
      tasks: e.tasks,
      ...(e.files && { files: e.files }),
      ...(e.kinds && { kinds: e.kinds }),
      ...(e.overRefused && { overRefused: e.overRefused }),
    })),
    rejection: { prompts: run.rejection?.prompts ?? 0, kept: run.rejection?.kept ?? 0 },
    differences: pairs.map(([from, to]) => difference(from, to, seed)),
  };
}

function difference(from: EvaluatedStage, to: EvaluatedStage, seed: number): ReportDifference {
  const earlier = new Map(from.scores.map((s) => [s.rowId, s]));
  const after = to.scores.filter((s) => earlier.has(s.rowId));
  const all = after.map((s) => [earlier.get(s.rowId)!, s] as const);
  const files = [...new Set(after.map(({ file }) => file ?? ''))].filter((file) => file in (to.evaluation.files ?? {}));
  return {
    from: from.name,
    to: to.name,
    ...change(all, seed),
    ...(files.length > 1 && {
      files: Object.fromEntries(
        files.map((file) => [
          file,
          change(
            all.filter(([, score]) => score.file === file),
            seed,
          ),
        ]),
      ),
    }),
  };
}

function change(rows: readonly (readonly [before: RowScore, after: RowScore])[], seed: number): Change {
  const [a, b] = [0, 1].map((k) =>
    hits(
      rows.map((pair) => pair[k]!),
      0.5,
    ),
  ) as [number[], number[]];
  const gained = b.filter((hit, i) => hit > a[i]!).length;
  const lost = b.filter((hit, i) => hit < a[i]!).length;
  return {
    n: rows.length,
    accAt50: mean(b) - mean(a),
    interval: pairedBootstrapInterval(a, b, { seed }),
    gained,
    lost,
    p: mcNemarExact(gained, lost),
  };
}

/** The text of report.json. Numbers that are not finite (a stage of no rows) become null. */
export function writeReport(report: Report): string {
  return JSON.stringify(report, null, 2) + '\n';
}

const KINDS: Readonly<Record<RowKind, string>> = {
  several: 'several boxes',
  nothing: 'nothing there',
  choice: 'letters',
};

/** For a terminal: stages, differences, and the last stage's tasks. Accuracies in percent. */
export function printReport(report: Report): string {
  const percent = (v: number) => (Number.isFinite(v) ? (100 * v).toFixed(1) : '–');
  const signed = (v: number) => (v > 0 ? '+' : '') + percent(v);
  const range = ([low, high]: Interval, show = percent) => `[${show(low)}, ${show(high)}]`;
  const told = (d: Change) =>
    `${signed(d.accAt50)} points ${range(d.interval, signed)} on ${d.n} rows, ${d.gained} gained, ${d.lost} lost, p = ${d.p < 0.001 ? 'below 0.001' : d.p.toFixed(3)}`;
  const lines = [
    ...table(
      ['stage', 'n', 'acc@0.5 %', '95 %', 'mean IoU', 'unparsed', 'seconds'],
      report.stages.map((s) => [
        s.name,
        `${s.n}`,
        percent(s.accAt50),
        range(s.accAt50Interval),
        s.meanIoU.toFixed(3),
        `${s.parseFailures}`,
        s.seconds.toFixed(1),
      ]),
    ),
    '',
    ...report.differences.flatMap((d) => [
      `${d.from} → ${d.to}: ${told(d)}`,
      ...Object.entries(d.files ?? {}).map(([file, part]) => `  ${file}: ${told(part)}`),
    ]),
  ];
  const files = Object.keys(report.stages.at(-1)?.files ?? {});
  if (files.length > 1)
    lines.push(
      '',
      ...table(
        ['acc@0.5 %, by file', ...files],
        report.stages.map(({ name, files: own }) => [
          name,
          ...files.map((file) => percent(own?.[file]?.accAt50 ?? NaN)),
        ]),
      ),
    );
  for (const { name, kinds = {}, overRefused = 0 } of report.stages)
    if (Object.keys(kinds).length > 0)
      lines.push(
        `${name}: ${(Object.keys(KINDS) as RowKind[]).flatMap((kind) => (kinds[kind] ? `${KINDS[kind]} ${percent(kinds[kind].accAt50)} % of ${kinds[kind].n}` : [])).join(', ')}; “nothing” said of ${overRefused} rows where something is`,
      );
  if (report.rejection.prompts > 0)
    lines.push(`rejection sampling kept ${report.rejection.kept} of ${report.rejection.prompts} prompts`);
  const last = report.stages.at(-1);
  if (last && Object.keys(last.tasks).length > 1)
    lines.push(
      '',
      ...table(
        [`${last.name}, by task`, 'n', 'acc@0.5 %', 'mean IoU', 'unparsed'],
        Object.entries(last.tasks).map(([task, t]) => [
          task || '(none)',
          `${t.n}`,
          percent(t.accAt50),
          t.meanIoU.toFixed(3),
          `${t.parseFailures}`,
        ]),
      ),
    );
  return [...lines, `adapter ${report.adapter}, seed ${report.seed}`].join('\n') + '\n';
}

/** Columns padded to their widest cell; the first to the left, numbers to the right. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((h, c) => Math.max(h.length, ...rows.map((r) => r[c]!.length)));
  return [head, ...rows].map((row) =>
    row
      .map((cell, c) => (c === 0 ? cell.padEnd(widths[c]!) : cell.padStart(widths[c]!)))
      .join('  ')
      .trimEnd(),
  );
}
