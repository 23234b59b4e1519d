/** The parts of a report that are words and tables: the plan, the data, evaluations, benchmarks. */
import type { Evaluation } from '../protocol/run.ts';
import type { DatasetReport } from '../protocol/dataset.ts';
import type { RunDifference } from '../protocol/results.ts';
import type { Recipe } from '../protocol/words.ts';
import type { Health } from '../../data/health.ts';
import { failuresByTask } from '../../evaluate/failures.ts';
import { OUTCOMES } from '../../evaluate/outcome-kinds.ts';
import { tableGrid, tableOf, type TableEntry } from '../../evaluate/benchmark-table.ts';
import { STAGES } from '../../train/stages/index.ts';
import { html, htmlTable, type Markup } from './markup.ts';

const percent = (share: number): string => (Number.isFinite(share) ? `${(100 * share).toFixed(1)} %` : '–');
const points = (share: number): string => `${share < 0 ? '−' : '+'}${(100 * Math.abs(share)).toFixed(1)}`;
const range = ([low, high]: readonly [number, number]): string =>
  Number.isFinite(low) ? `${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)}` : '–';

/** Leaves of plain data by their paths. */
function leaves(value: unknown, path = ''): [path: string, value: string][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return [[path, Array.isArray(value) ? value.join(', ') : String(value)]];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, path ? `${path}.${key}` : key));
}

/** Each stage with what differs from its kind's defaults, and the whole plan as it ran. */
export function planPart(recipe: Recipe): Markup {
  const rows = recipe.stages.map((stage, i) => {
    const usual = new Map(leaves(STAGES[stage.kind].defaults));
    const own = leaves(stage).filter(
      ([path, value]) => path !== 'kind' && path !== 'name' && usual.get(path) !== value,
    );
    return [
      `${i + 1}. ${stage.name}`,
      stage.kind,
      own.map(([path, value]) => `${path} = ${value}`).join('; ') || 'as usual',
    ];
  });
  return html`${htmlTable(`${recipe.name}, seed ${recipe.seed}`, [['Stage', 'Kind', 'Settings that are not the usual ones'], ...rows])}
    <details>
      <summary>The whole plan</summary>
      <pre>${JSON.stringify(recipe, null, 2)}</pre>
    </details>`;
}

const counts = (pairs: readonly (readonly [number, number])[]): string =>
  pairs.map(([key, n]) => `${key}: ${n}`).join(', ') || 'none';

export function dataPart(
  { name, format, train, heldout, images, leftOut, edits }: DatasetReport,
  health: Health | null,
): Markup {
  const facts: (readonly [string, string])[] = [
    ['Dataset', name],
    ['Format', format],
    ['Rows', `${train} training, ${heldout} held out, ${leftOut} left out`],
    ['Pictures', String(images)],
    ...(edits?.changes ? [['Edits', String(edits.changes)] as const] : []),
    ...(health
      ? ([
          ['Pictures a row', counts(health.imagesPerRow)],
          ['Boxes a row', counts(health.boxesPerRow)],
          ['Picture of the answer', counts(health.answerImage)],
        ] as const)
      : []),
  ];
  const tasks = health?.tasks.map((task) => [task.name || 'no task', String(task.train), String(task.heldout)]) ?? [];
  const findings = health?.findings.map(
    ({ title, rows, fix }) => html`<li>${rows} rows ${title}. <span class="muted">${fix}</span></li>`,
  );
  const said = findings?.length
    ? html`<h3>What deserves a look</h3>
        <ul>
          ${findings}
        </ul>`
    : html`<p>Nothing was found that deserves a look.</p>`;
  return html`<dl>
      ${facts.map(
        ([key, words]) =>
          html`<dt>${key}</dt>
            <dd>${words}</dd>`,
      )}
    </dl>
    ${tasks.length > 0 ? htmlTable('Rows by task', [['Task', 'Training', 'Held out'], ...tasks]) : null}${health ? said : null}`;
}

/** An evaluation stage, and how it differs from the one before. */
export interface ReportEvaluation {
  readonly name: string;
  readonly evaluation: Evaluation;
  /** null: there is none before, or its answers are not known. */
  readonly difference: RunDifference | null;
}

const differenceWords = ({ paired, n, difference, interval, gained, lost, p }: RunDifference): string =>
  `${points(difference)} points [${points(interval[0])} to ${points(interval[1])}]${
    paired
      ? `, the same ${n[0]} rows: ${gained} gained, ${lost} lost, p ${p! < 0.001 ? 'below 0.001' : `= ${p!.toFixed(3)}`}`
      : ', other rows'
  }`;

export function evaluationsPart(evaluations: readonly ReportEvaluation[]): Markup {
  const rows = evaluations.map(({ name, evaluation: e, difference }) => [
    name,
    String(e.n),
    percent(e.accAt50),
    range(e.accAt50Interval),
    percent(e.accAt30),
    percent(e.accAt70),
    e.meanIoU.toFixed(3),
    percent(e.imageAccuracy),
    String(e.parseFailures),
    difference ? differenceWords(difference) : '',
  ]);
  const head = [
    'Stage',
    'n',
    'Acc@0.5',
    '95 %, Wilson',
    'Acc@0.3',
    'Acc@0.7',
    'Mean IoU',
    'Right picture',
    'No readable box',
    'Against the one before',
  ];
  const tasks = [...new Set(evaluations.flatMap(({ evaluation }) => Object.keys(evaluation.tasks)))].sort();
  const byTask = tasks.map((task) => [
    task || 'no task',
    ...evaluations.map(({ evaluation: { tasks: own } }) =>
      own[task] ? `${percent(own[task].accAt50)} of ${own[task].n}` : '–',
    ),
  ]);
  return html`${htmlTable('Held-out rows, stage by stage', [head, ...rows])}${tasks.length > 1 ? htmlTable('Acc@0.5 by task', [['Task', ...evaluations.map(({ name }) => name)], ...byTask]) : null}`;
}

/** A benchmark: models beside published rows, and the first model's answers by what went wrong. */
export function benchmarkPart(entries: readonly TableEntry[]): Markup {
  const table = tableOf(entries);
  const failures = entries.flatMap(({ name, scores }) => {
    const { kinds, tasks } = failuresByTask(scores.rows);
    if (tasks.length === 0) return [];
    const rows = tasks.map(({ task, n, rows: ids }) => [
      task || 'no task',
      String(n),
      ...kinds.map((kind) => String(ids[kind]?.length ?? 0)),
    ]);
    return [
      htmlTable(`Answers of ${name} by what came of them`, [
        ['Task', 'n', ...kinds.map((kind) => OUTCOMES[kind])],
        ...rows,
      ]),
    ];
  });
  const why =
    table.objections.length > 0
      ? html`<p>Not comparable with published rows: ${table.objections.join('; ')}.</p>`
      : null;
  return html`${htmlTable(`${table.figure}, per cent`, tableGrid(table))}${why}${failures}`;
}
