/** Gathers what a report is made of: a run's log, the dataset that is open, and sets of answers. */
import { version as groundwork } from '../../../package.json';
import { fileWords } from '../../base/file-name.ts';
import { GroundworkError } from '../../base/error.ts';
import type { Dataset } from '../../data/dataset.ts';
import type { TableEntry } from '../../evaluate/benchmark-table.ts';
import { groundedBoxes } from '../../grounding/box.ts';
import { datasetDigest } from '../keep/identity.ts';
import type { Handlers } from '../protocol/messages.ts';
import type { RunRecord } from '../protocol/records.ts';
import type { ReportRequest } from '../protocol/report.ts';
import type { ToldEvent } from '../protocol/run.ts';
import { compare, evaluationsOf } from '../run/results.ts';
import type { ReportEvaluation } from './parts.ts';
import { galleriesOf, reportPage, type GalleryItem } from './report.ts';

export interface ReportHost {
  /** Throws `dataset-missing`. */
  dataset(id: string): Dataset;
  /** Throws `run-missing`. */
  run(id: string): Promise<{ readonly record: RunRecord; readonly told: readonly ToldEvent[] }>;
  /** Sets of answers with their scores: a list a benchmark. Throws `predictions-missing`. */
  entries(
    dataset: string,
    project: string | null,
    sets: readonly string[],
  ): Promise<readonly (readonly TableEntry[])[]>;
  /** A smaller picture of a dataset. */
  picture(dataset: string, path: string, height: number): Promise<Blob>;
}

export const reportDesk = (host: ReportHost): Handlers<ReportRequest> => ({
  'report-file': async (request) => {
    const { dataset: id, project, runId, sets, galleries, rows } = request;
    const dataset = id === null ? null : host.dataset(id);
    const run = runId === null ? null : await host.run(runId);
    if (!run && (!dataset || sets.length === 0))
      throw new GroundworkError(
        'report-empty',
        'There is nothing to report.',
        'Show a run, or evaluate a model first.',
      );
    const benchmarks = id !== null && sets.length > 0 ? await host.entries(id, project, sets) : [];
    // Rows of another dataset may have the same names.
    const same = dataset && (!run || (await datasetDigest(dataset)) === run.record.identity.dataset) ? dataset : null;
    const items = benchmarks.length > 0 ? scoredItems(benchmarks) : run ? evaluatedItems(run.told) : [];
    const shown =
      same && id !== null
        ? await galleriesOf(items, galleries, {
            rows,
            row: (rowId) => same.row(rowId),
            picture: (path, height) => host.picture(id, path, height),
          })
        : [];
    const title = run ? `Run “${run.record.recipe.name}”` : `Scores on ${dataset!.report.name}`;
    const text = reportPage({
      title,
      facts: [
        ...(run ? runFacts(run.record) : []),
        ['Made with', `Groundwork ${groundwork}, ${new Date().toISOString()}`],
      ],
      recipe: run?.record.recipe ?? null,
      data: same && { report: same.report, health: same.health },
      told: run?.told ?? [],
      evaluations: run ? evaluations(run.told) : [],
      benchmarks,
      galleries: shown,
    });
    const fileName = `${fileWords(run ? `${run.record.recipe.name}-${run.record.id}` : title) || 'report'}.html`;
    return { fileName, stream: new Blob([text]).stream() as ReadableStream<Uint8Array> };
  },
});

function runFacts(run: RunRecord): (readonly [string, string])[] {
  const { id, modelName, weights, datasetName, data, adapter, startedAt, state, step } = run;
  const rows = data ? `, ${data.train} training and ${data.heldout} held-out rows` : '';
  return [
    ['Run', `${id}, ${state} after ${step} steps`],
    ['Started', new Date(startedAt).toISOString()],
    ['Model', weights ? `${modelName}, weights in ${weights}` : modelName],
    ['Dataset', `${datasetName}${rows}`],
    ['Device', adapter],
  ];
}

/** Each against the one before. */
function evaluations(told: readonly ToldEvent[]): ReportEvaluation[] {
  const all = evaluationsOf(told);
  return all.map(({ name, evaluation }, i) => {
    const before = all[i - 1];
    return { name, evaluation, difference: before ? compare(before, all[i]!).difference : null };
  });
}

function evaluatedItems(told: readonly ToldEvent[]): GalleryItem[] {
  const all = evaluationsOf(told);
  const [first, last] = [all.length > 1 ? all[0]! : null, all.at(-1)];
  const known = new Map(first?.rows.map((row) => [row.rowId, row]));
  return (last?.rows ?? []).map((row) => {
    const before = known.get(row.rowId);
    return {
      rowId: row.rowId,
      before: before?.same === row.same ? { ...before, name: first!.name } : null,
      after: { ...row, name: last!.name },
    };
  });
}

/** The last model's answers, and the first one's where there are several. */
export function scoredItems(benchmarks: readonly (readonly TableEntry[])[]): GalleryItem[] {
  return benchmarks.flatMap((entries) => {
    const [first, last] = [entries.length > 1 ? entries[0]! : null, entries.at(-1)!];
    const answers = (entry: TableEntry) =>
      entry.scores.rows.flatMap(({ row, prediction, strict, published }) => {
        const value = (strict ?? published)?.value;
        if (value === undefined) return [];
        return [
          {
            rowId: row.id,
            name: entry.name,
            value,
            text: prediction.text,
            boxes: groundedBoxes(prediction.boxes ?? []),
          },
        ];
      });
    const known = new Map(first && answers(first).map((each) => [each.rowId, each]));
    return answers(last).map((after) => ({ rowId: after.rowId, before: known.get(after.rowId) ?? null, after }));
  });
}
