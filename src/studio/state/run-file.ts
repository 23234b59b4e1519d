/**
 * A run as one JSON: the plan, the seed, what it ran on, every curve, what was measured, some groups, the watched
 * answers, and the rows that those show (their words and boxes). No pictures and no weights. Dropped back into the
 * studio it shows the run again, or brings its plan back for another. Version 1 had no groups, answers and rows.
 */
import * as v from 'valibot';
import { version as groundwork } from '../../../package.json';
import { parseJson, writeJson } from '../../base/json.ts';
import type { EngineClient } from '../../engine/client.ts';
import { readRecipe, sayFault } from '../../engine/presets.ts';
import type { EditsSeen, Row } from '../../engine/protocol/index.ts';
import type { SeriesBook } from '../charts/series-book.ts';
import type { Problem } from '../problem.ts';
import { readingOf } from './run-match.ts';
import type { Project } from './project.ts';
import type { RowCache } from './row-cache.ts';
import type { Run } from './run.ts';
import { FORMAT, type MadeOn, type RunFile, type Tried } from './run-records.ts';

/** Groups written, evenly over the run; a run may have hundreds of thousands of completions. */
export const GROUPS_WRITTEN = 60;

/** Evenly, with both ends. */
function some<T>(list: readonly T[], most: number): readonly T[] {
  if (list.length <= most) return list;
  return Array.from({ length: most }, (_, i) => list[Math.round((i * (list.length - 1)) / (most - 1))]!);
}

type RunFoundation = Pick<Project, 'dataset' | 'model' | 'device'> & {
  readonly madeOn?: MadeOn | null;
  readonly edits?: EditsSeen | null;
};

/** What a run stood on, by the engine's record of it: what is open now counts only if it is the same. */
export async function foundationOf(
  client: EngineClient,
  { dataset, model, device }: RunFoundation,
  runId: string | null,
): Promise<RunFoundation> {
  const projects = await client.request({ type: 'projects' });
  const record = projects.flatMap(({ runs }) => runs).find(({ id }) => id === runId);
  if (!record) return { dataset, model, device, edits: dataset?.edits ?? null };
  const { identity, modelName, datasetName, edits = null } = record;
  const open = await client.request({ type: 'identity', dataset: dataset?.id ?? null });
  return {
    dataset: open.dataset === identity.dataset ? dataset : null,
    model: open.model === identity.model ? model : null,
    device,
    edits,
    madeOn: {
      model: { name: modelName, digest: identity.model },
      dataset: { name: datasetName, digest: identity.dataset },
    },
  };
}

/** Rows are asked of the engine; those it no longer has are left out. */
export async function writeRunFile(
  run: Run,
  { dataset, model, device, madeOn: on = null, edits = null }: RunFoundation,
  book: SeriesBook,
  rows: RowCache,
  now: Date,
): Promise<string> {
  // A run that came from a file goes out as it came.
  if (run.opened) return writeJson(run.opened.file);
  const groups = some(run.groups, GROUPS_WRITTEN);
  const named = [...new Set([...groups, ...run.snapshots].map(({ rowId }) => rowId))];
  const found = await Promise.all(named.map((id) => (run.dataset ? rows.row(run.dataset, id) : null)).map(settled));
  const file: RunFile = {
    format: FORMAT,
    version: 2,
    groundwork,
    written: now.toISOString(),
    runId: run.runId,
    state: run.state,
    recipe: run.recipe ?? { name: '', seed: 0, stages: [] },
    model: model && { name: model.name, modelType: model.modelType, parameters: model.parameters },
    dataset: dataset && {
      name: dataset.name,
      format: dataset.format,
      train: dataset.train,
      heldout: dataset.heldout,
      images: dataset.images,
      leftOut: dataset.options.skipped?.list ?? [],
      leftOutRows: dataset.leftOut,
      reading: readingOf(dataset.options),
    },
    ...(on && { madeOn: on }),
    ...(edits?.changes && { edits: seen(edits) }),
    device: device && { name: device.name, vendor: device.vendor, software: device.software },
    stages: run.stages.map(({ status, seconds, firstStep }) => ({ status, seconds, firstStep })),
    evaluations: run.evaluations.map(({ stageIndex, name, evaluation }) => ({ stageIndex, name, evaluation })),
    rejection: {
      kept: run.rejection.kept.map(tried),
      'too-easy': run.rejection['too-easy'].map(tried),
      'too-hard': run.rejection['too-hard'].map(tried),
    },
    groups: groups.map(({ stageIndex, step, rowId, completions }) => ({ stageIndex, step, rowId, completions })),
    snapshots: run.snapshots.map(({ stageIndex, step, rowId, answer }) => ({ stageIndex, step, rowId, answer })),
    rows: found.filter((row) => row !== null),
    curves: book.toJSON(),
  };
  return writeJson(file);
}

const seen = ({ entries, changes, rows, excluded, digest }: EditsSeen): EditsSeen => ({
  entries,
  changes,
  rows,
  excluded,
  digest,
});
const settled = async (row: Promise<Row> | null): Promise<Row | null> => (row ? row.catch(() => null) : null);
const tried = ({ rowId, successRate }: Tried): Tried => ({ rowId, successRate });

const text = v.string();
const number = v.number();
const finite = v.pipe(v.number(), v.finite());
/** Any number (base/json.ts); older files have null for those that are not finite. */
const orNaN = v.pipe(
  v.nullable(v.union([v.number(), v.nan()])),
  v.transform((value) => value ?? NaN),
);
const Box = v.object({
  image: v.pipe(number, v.integer(), v.minValue(0)),
  box: v.tuple([finite, finite, finite, finite]),
  label: v.optional(text),
});
const Segments = v.array(
  v.variant('type', [
    v.object({ type: v.literal('text'), text }),
    v.object({ type: v.literal('image'), image: number }),
    v.object({ type: v.literal('box'), box: Box }),
  ]),
);
const RowShape = v.object({
  id: text,
  task: text,
  split: v.picklist(['train', 'heldout']),
  images: v.array(text),
  prompt: v.array(v.object({ role: v.picklist(['system', 'user', 'assistant']), content: Segments })),
  think: v.optional(text),
  answer: Segments,
  solution: v.array(Box),
  source: v.object({ file: text, line: number }),
});
const AnswerShape = v.object({
  policy: v.picklist(['base', 'tuned']),
  text,
  think: v.nullable(text),
  boxes: v.array(Box),
  iou: v.nullable(number),
  rightImage: v.nullable(v.boolean()),
  parsed: v.boolean(),
});
const at = { stageIndex: number, step: number, rowId: text };
const TriedShape = v.array(v.object({ rowId: text, successRate: number }));
const EvaluationShape = v.object({
  n: number,
  accAt30: orNaN,
  accAt50: orNaN,
  accAt70: orNaN,
  accAt50Interval: v.tuple([orNaN, orNaN]),
  meanIoU: orNaN,
  imageAccuracy: orNaN,
  parseFailures: number,
  tasks: v.record(text, v.object({ n: number, accAt50: orNaN, meanIoU: orNaN, parseFailures: number })),
});
const whole = v.pipe(number, v.integer(), v.minValue(1), v.maxValue(1e9));
const ResizeShape = v.variant('kind', [
  v.object({ kind: v.literal('budget'), factor: whole, minPixels: whole, maxPixels: v.optional(whole) }),
  v.object({ kind: v.literal('size'), width: whole, height: whole }),
]);
const Reading = v.object({
  format: v.optional(text),
  readings: v.optional(
    v.array(
      v.object({
        file: text,
        way: v.picklist(['pairs', 'list', 'declared']),
        space: v.picklist(['fraction', 'percent', 'thousand', 'natural', 'stored', 'listed', 'model']),
        layout: v.picklist(['xyxy', 'xywh', 'cxcywh', 'yxyx']),
        resize: v.optional(ResizeShape),
      }),
    ),
  ),
  /** Of files written before each file had its own reading. */
  conventions: v.optional(
    v.record(
      v.picklist(['pairs', 'list']),
      v.object({
        space: v.picklist(['fraction', 'thousand', 'natural', 'model']),
        layout: v.picklist(['xyxy', 'xywh']),
      }),
    ),
  ),
  answers: v.optional(v.picklist(['boxes', 'words'])),
  unfit: v.optional(v.array(v.object({ file: text, line: number, reason: text, fix: text }))),
  turns: v.optional(v.picklist(['all', 'last'])),
  unsaidPictures: v.optional(v.array(v.object({ file: text, as: v.picklist(['last', 'first', 'leave-out']) }))),
  benchmarks: v.optional(v.array(v.object({ file: text, as: v.picklist(['benchmark', 'own']) }))),
  compose: v.optional(
    v.object({
      kinds: v.array(v.picklist(['find', 'common', 'count'])),
      pictures: v.pipe(number, v.integer(), v.minValue(2), v.maxValue(64)),
      rows: whole,
      seed: v.pipe(number, v.integer(), v.minValue(0)),
    }),
  ),
  imagesPerRow: v.optional(v.pipe(number, v.integer(), v.minValue(1), v.maxValue(64))),
  split: v.optional(v.picklist(['files', 'draw'])),
  seed: v.optional(v.pipe(number, v.integer(), v.minValue(0))),
  heldoutShare: v.optional(v.pipe(number, v.minValue(0), v.maxValue(1))),
});
const Part = v.object({ name: text, digest: text });
const Shape = v.object({
  format: v.literal(FORMAT),
  version: v.literal(2),
  groundwork: text,
  written: text,
  runId: v.nullable(text),
  state: v.picklist(['idle', 'running', 'paused', 'stopping', 'finished', 'failed']),
  recipe: v.unknown(),
  model: v.nullable(v.object({ name: text, modelType: text, parameters: number })),
  dataset: v.nullable(
    v.object({
      name: text,
      format: text,
      train: number,
      heldout: number,
      images: number,
      leftOut: v.optional(v.array(v.unknown())),
      leftOutRows: v.optional(number),
      reading: v.optional(Reading),
    }),
  ),
  madeOn: v.optional(v.object({ model: Part, dataset: Part })),
  edits: v.optional(v.object({ entries: number, changes: number, rows: number, excluded: number, digest: text })),
  device: v.nullable(v.object({ name: text, vendor: text, software: v.boolean() })),
  stages: v.array(
    v.object({
      status: v.picklist(['waiting', 'running', 'finished', 'stopped']),
      seconds: number,
      firstStep: v.nullable(number),
    }),
  ),
  evaluations: v.array(v.object({ stageIndex: number, name: text, evaluation: EvaluationShape })),
  rejection: v.object({ kept: TriedShape, 'too-easy': TriedShape, 'too-hard': TriedShape }),
  groups: v.array(
    v.object({
      ...at,
      completions: v.array(
        v.object({
          text,
          think: v.nullable(text),
          boxes: v.array(Box),
          rewards: v.record(text, orNaN),
          reward: orNaN,
          advantage: orNaN,
          tokens: number,
          truncated: v.boolean(),
        }),
      ),
    }),
  ),
  snapshots: v.array(v.object({ ...at, answer: AnswerShape })),
  rows: v.array(RowShape),
  curves: v.record(text, v.object({ step: v.array(finite), value: v.array(orNaN) })),
});

/** Whether JSON says of itself that it is a run file: a plan's file is JSON, too. */
export const claimsToBeRun = (json: unknown): boolean =>
  typeof json === 'object' && json !== null && (json as { format?: unknown }).format === FORMAT;

/** A run file, or what is wrong with it. */
export function readRunFile(json: string, fileName: string): RunFile | Problem {
  const wrong = (
    what: string,
    hint = 'Nothing was changed. Save the run file again in the studio that holds the run.',
  ): Problem => ({
    code: 'run-file-unreadable',
    what: `${fileName} ${what}`,
    hint,
  });
  let value: unknown;
  try {
    value = parseJson(json);
  } catch {
    return wrong('is not JSON. It may be incomplete.');
  }
  if (!claimsToBeRun(value)) return wrong('is not a Groundwork run file.', 'A run file is saved in the Export room.');
  const { version } = value as { version?: unknown };
  if (version !== 2)
    return wrong(
      `has version ${String(version)} of the format; this studio reads version 2.`,
      'Open it with the version of Groundwork that wrote it.',
    );
  const read = v.safeParse(Shape, value);
  if (!read.success) {
    const [issue] = read.issues;
    return wrong(`is damaged at ${v.getDotPath(issue) ?? 'its top'}: ${issue.message}`);
  }
  const plan = readRecipe(read.output.recipe, 'default');
  if ('faults' in plan) return wrong(`has no readable recipe: ${sayFault(plan.faults[0]!)}`);
  const { recipe } = plan;
  const { stages } = read.output;
  return { ...read.output, recipe, stages } as unknown as RunFile;
}
