/** Rows and answers → both readings of every answer, and the figures of each benchmark. */
import { boxCounts, countFigures, type Figures } from '../benchmarks/figures.ts';
import type { Benchmark, Scored } from '../benchmarks/index.ts';
import type { Row } from '../data/row.ts';
import { splitTags } from '../grounding/parse.ts';
import { predictionOf, scoreAnswer } from './metrics.ts';
import type { Prediction, PredictionHeader } from './prediction.ts';
import { benchmarkOfRow, scoreStrictly } from './strict.ts';

/** A row with its answer, scored. */
export interface ScoredRow {
  readonly row: Row;
  readonly prediction: Prediction;
  /** null where whose answer it is declares no space for boxes. */
  readonly strict: Scored | null;
  /** null for rows of no benchmark. */
  readonly published: Scored | null;
}

/** What rows of no benchmark are called together. */
export const HELD_OUT_ROWS = 'held-out rows';

export interface BenchmarkScores {
  /** null: held-out rows of no benchmark. */
  readonly benchmark: Benchmark | null;
  readonly title: string;
  readonly rows: readonly ScoredRow[];
  readonly strict: Figures | null;
  readonly published: Figures | null;
  /** All questions of the published file have an answer. null: how many it has is not known. */
  readonly complete: boolean | null;
}

export function scoreRow(row: Row, prediction: Prediction): ScoredRow {
  const benchmark = benchmarkOfRow(row);
  const { text, boxes, parsed, refused, sizes } = prediction;
  if (!benchmark) {
    const score = scoreAnswer(predictionOf(row, { boxes: boxes ?? [], parsed, answer: splitTags(text).answer }));
    const strict = score && boxes ? { task: row.task, value: score.iou, parsed: score.parsed } : null;
    return { row, prediction, strict, published: null };
  }
  // A letter is no box: it needs no space.
  const strict =
    boxes || benchmark.strict === 'choice'
      ? scoreStrictly(row, { text, boxes: boxes ?? [], parsed, refused, sizes })
      : null;
  const published =
    boxes || !benchmark.needsBoxes
      ? benchmark.score(row.task, row.benchmark!, { text, boxes: boxes ?? [], sizes })
      : null;
  return { row, prediction, strict, published };
}

const ownFigures = (scored: readonly Scored[]): Figures =>
  countFigures(scored, boxCounts([0.3, 0.5, 0.7]), { key: 'acc@0.5', of: 'micro' });

/** Figures of every benchmark that the rows are of, and of the rows that are of none. */
export function scoreAll(rows: readonly ScoredRow[]): BenchmarkScores[] {
  const groups = new Map<Benchmark | null, ScoredRow[]>();
  for (const scored of rows) {
    const benchmark = benchmarkOfRow(scored.row);
    const mine = groups.get(benchmark);
    if (mine) mine.push(scored);
    else groups.set(benchmark, [scored]);
  }
  return [...groups].map(([benchmark, mine]) => {
    const strict = mine.flatMap((scored) => scored.strict ?? []);
    const published = mine.flatMap((scored) => scored.published ?? []);
    const figures = (scored: readonly Scored[], asPublished: boolean) =>
      scored.length < mine.length || !mine.length
        ? null
        : (benchmark?.figures(scored, asPublished) ?? ownFigures(scored));
    return {
      benchmark,
      title: benchmark?.title ?? HELD_OUT_ROWS,
      rows: mine,
      strict: figures(strict, false),
      published: benchmark ? figures(published, true) : null,
      complete: benchmark?.questions ? isComplete(benchmark.questions, mine) : null,
    };
  });
}

function isComplete(questions: Readonly<Record<string, number>>, rows: readonly ScoredRow[]): boolean {
  return Object.entries(questions).every(([task, n]) => rows.filter(({ row }) => row.task === task).length === n);
}

/** Why a figure may not be set beside published ones; empty: files, prompt, lengths and rule are the same. */
export function objectionsTo(scores: BenchmarkScores, header: PredictionHeader | null): string[] {
  const { benchmark, complete } = scores;
  if (!benchmark) return ['these rows do not belong to a benchmark'];
  const { pictures, answerTokens } = benchmark.protocol;
  const found: string[] = [];
  if (complete !== true)
    found.push(
      complete === null
        ? 'how many questions the published file has is not known here'
        : 'not all questions were answered',
    );
  if (!header) return [...found, 'how these answers were made is not known'];
  if (header.prompt !== 'published') found.push('the prompt differs');
  if ((header.tokens ?? answerTokens) !== answerTokens)
    found.push(`answers may have ${header.tokens} tokens, in the published script ${answerTokens}`);
  for (const key of ['minPixels', 'maxPixels'] as const) {
    const [theirs, ours] = [pictures[key], header.pictures?.[key]];
    if (theirs !== undefined && ours !== theirs)
      found.push(`pictures: ${key} is ${ours ?? 'not known'}, in the published script ${theirs}`);
  }
  if (pictures.longestSide !== undefined)
    found.push(`the published script resizes pictures to a longest side of ${pictures.longestSide} pixels`);
  return found;
}
