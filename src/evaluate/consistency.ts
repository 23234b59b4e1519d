/**
 * Whether answers hold together, right or wrong: does an answer follow its picture when the pictures change places, and is
 * its box the one that its thought ends with?
 */
import type { Row } from '../data/row.ts';
import { judgeSwap, namesPlaces, turned, type SwapVerdict } from '../grounding/picture-swap.ts';
import { agreementOf } from '../train/rewards/index.ts';
import type { ScoredRow } from './benchmark-scores.ts';
import type { Interval } from './bootstrap.ts';
import { wilsonInterval } from './interval.ts';
import { mean } from './metrics.ts';
import { HIT } from './pairs.ts';
import type { Prediction } from './prediction.ts';

/** A share of rows with its 95 % interval (Wilson). */
interface Held {
  readonly n: number;
  readonly held: number;
  readonly interval: Interval;
}

export interface SwapScore extends Held {
  /** Rows by what the answer did; `follows` are those that held. */
  readonly rows: Readonly<Partial<Record<SwapVerdict, readonly string[]>>>;
  /** Rows of several pictures that were not asked again: their words name a place, or their answer has no box. */
  readonly leftOut: number;
}

export interface ThoughtScore extends Held {
  /** Mean overlap of the box that the thought ends with and the answer's. */
  readonly meanIoU: number;
  /** Rows whose answer is another box than their thought's. */
  readonly rows: readonly string[];
}

export interface Consistency {
  /** null: no row was asked again with its pictures swapped. */
  readonly swap: SwapScore | null;
  /** null: no answer names a box in its thought. */
  readonly thought: ThoughtScore | null;
}

/** Whether a row's answer can be put to the swap test. */
export function swappable(row: Pick<Row, 'images' | 'prompt'>, answer: Pick<Prediction, 'boxes'>): boolean {
  const words = row.prompt.flatMap(({ content }) => content.flatMap((part) => (part.type === 'text' ? part.text : [])));
  return row.images.length > 1 && (answer.boxes?.length ?? 0) > 0 && !namesPlaces(words.join('\n'));
}

const heldOf = (held: number, n: number): Held => ({ n, held, interval: wilsonInterval(held, n) });

function swapScore(scored: readonly ScoredRow[]): SwapScore | null {
  const rows: Partial<Record<SwapVerdict, string[]>> = {};
  let [n, leftOut] = [0, 0];
  for (const { row, prediction } of scored) {
    const { boxes, swapped } = prediction;
    if (!swapped) {
      leftOut += Number(row.images.length > 1);
      continue;
    }
    const verdict = judgeSwap(boxes?.[0]?.image, swapped.boxes[0]?.image, turned(row.images.length));
    (rows[verdict] ??= []).push(row.id);
    n++;
  }
  return n === 0 ? null : { ...heldOf(rows.follows?.length ?? 0, n), rows, leftOut };
}

function thoughtScore(scored: readonly ScoredRow[]): ThoughtScore | null {
  const found = scored.flatMap(({ row, prediction: { boxes, thoughtBoxes } }) => {
    const overlap = boxes && thoughtBoxes ? agreementOf({ thoughtBoxes, boxes }) : null;
    return overlap === null ? [] : [{ id: row.id, overlap }];
  });
  if (found.length === 0) return null;
  const others = found.filter(({ overlap }) => overlap < HIT);
  return {
    ...heldOf(found.length - others.length, found.length),
    meanIoU: mean(found.map(({ overlap }) => overlap)),
    rows: others.map(({ id }) => id),
  };
}

export const consistencyOf = (scored: readonly ScoredRow[]): Consistency => ({
  swap: swapScore(scored),
  thought: thoughtScore(scored),
});
