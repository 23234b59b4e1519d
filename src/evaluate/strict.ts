/**
 * The strict reading of an answer to a benchmark's question: the model's declared space, the answer part alone, the right
 * picture. What the benchmark's own script would make of the same words is its `score` (src/benchmarks).
 */
import { BENCHMARKS, benchmarkNamed, type Benchmark, type Scored } from '../benchmarks/index.ts';
import { detectionsOf } from '../benchmarks/mc-bench.ts';
import { scoreDetections } from '../benchmarks/odinw.ts';
import type { Row } from '../data/row.ts';
import type { Size } from '../grounding/box.ts';
import type { ParsedBox } from '../grounding/parse.ts';
import { readChoice } from '../grounding/choice.ts';
import { scoreAnswer } from './metrics.ts';

/** An answer as the model's own convention reads it. */
export interface ReadInItsSpace {
  readonly text: string;
  readonly boxes: readonly ParsedBox[];
  readonly parsed: boolean;
  /** Pixels of the row's picture files. */
  readonly sizes: readonly Size[];
  /** The answer says that there is nothing to find. */
  readonly refused: boolean;
}

/** The benchmark of a row; null for rows of no benchmark, or of one that this version does not know. */
export const benchmarkOfRow = ({ benchmark }: Row): Benchmark | null =>
  benchmark ? benchmarkNamed(benchmark.benchmark) : null;

/** Strict score of an answer to a row of a benchmark. */
export function scoreStrictly(row: Row, answer: ReadInItsSpace): Scored {
  const { task, solution } = row;
  const question = row.benchmark!;
  const { strict, name } = benchmarkOfRow(row)!;
  const group = question.group === undefined ? {} : { group: question.group };
  switch (strict) {
    case 'choice': {
      const given = readChoice(answer.text, question.choice!.options);
      return { task, value: Number(given === question.choice!.letter), parsed: given !== null, ...group };
    }
    case 'detections': {
      const detections = detectionsOf(answer.boxes, answer.sizes);
      const parsed = detections.length > 0 || (question.boxes.length === 0 && answer.refused);
      if (name === BENCHMARKS.mcBench.name)
        return {
          ...BENCHMARKS.mcBench.score(task, question, { text: answer.text, boxes: answer.boxes, sizes: answer.sizes }),
          parsed,
        };
      return { ...scoreDetections(task, question, detections, parsed), ...group };
    }
    case 'box-or-none':
      if (solution.length === 0)
        return { task, value: Number(answer.refused), parsed: answer.refused || answer.parsed, ...group };
      return { ...oneBox(row, answer), ...(answer.refused && { parsed: true }), ...group };
    case 'box':
      return { ...oneBox(row, answer), question, ...group };
  }
}

function oneBox(row: Row, { boxes, parsed }: ReadInItsSpace): Scored {
  const { id: rowId, task, images, solution } = row;
  const score = scoreAnswer({ rowId, task, images: images.length, boxes, parsed, solution });
  return { task, value: score?.iou ?? 0, parsed: score?.parsed ?? false };
}
