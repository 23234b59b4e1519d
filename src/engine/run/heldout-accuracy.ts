/**
 * Accuracy on held-out rows while a stage learns: a fixed draw, answered greedily between two steps and judged by the
 * strict reading. It draws nothing from the run: weights, data order and random state are as without it, to the bit.
 */
import type { Dataset } from '../../data/dataset.ts';
import type { Row } from '../../data/row.ts';
import { placesWhere, subset, type RowList } from '../../data/row-list.ts';
import { scoreRow } from '../../evaluate/benchmark-scores.ts';
import { mean } from '../../evaluate/metrics.ts';
import { isHit } from '../../evaluate/pairs.ts';
import { pagesOf } from '../../evaluate/rows-to-answer.ts';
import { evaluationRows } from '../../train/stages/evaluate.ts';
import { HELDOUT_AT_ONCE, type HeldoutSettings } from '../../train/stages/heldout.ts';
import { askedAsPublished, predictRows } from '../answers/predict.ts';
import type { Workbench } from '../model/workbench.ts';

/** Names in the curves. */
export interface AccuracyMetrics extends Readonly<Record<string, number>> {
  /** Share of rows with an IoU from 0.5, or the right letter. */
  readonly eval_accuracy: number;
  readonly eval_mean_iou: number;
  readonly eval_answers: number;
}

export class HeldoutAccuracy {
  readonly #bench: Workbench;
  readonly #settings: HeldoutSettings;
  readonly #seed: number;
  #rows: Promise<RowList> | null = null;

  constructor(bench: Workbench, settings: HeldoutSettings, seed: number) {
    this.#bench = bench;
    this.#settings = settings;
    this.#seed = seed;
  }

  /** Whether it is time after so many steps of the stage. */
  isDue(stepsDone: number, last: boolean): boolean {
    const { every } = this.#settings;
    return every > 0 && (last || (stepsDone > 0 && stepsDone % every === 0));
  }

  /** null: there is no such row. */
  async measure(): Promise<AccuracyMetrics | null> {
    const rows = await (this.#rows ??= heldoutRows(this.#bench.dataset, this.#settings, this.#seed));
    const values: number[] = [];
    for (let start = 0; start < rows.length; start += HELDOUT_AT_ONCE) {
      const places = Array.from({ length: Math.min(HELDOUT_AT_ONCE, rows.length - start) }, (_, i) => start + i);
      values.push(...(await this.#answer(await rows.read(places))));
    }
    if (values.length === 0) return null;
    return {
      eval_accuracy: values.filter(isHit).length / values.length,
      eval_mean_iou: mean(values),
      eval_answers: values.length,
    };
  }

  async #answer(rows: readonly Row[]): Promise<number[]> {
    const asked = rows.map(askedAsPublished);
    const predictions = await predictRows(this.#bench, asked, 'tuned', this.#settings.maxCompletionLength);
    return rows.flatMap((row, i) => scoreRow(row, predictions[i]!).strict?.value ?? []);
  }
}

/** The rows that are answered each time: a fixed draw with the run's seed. */
export async function heldoutRows(
  dataset: Dataset,
  { benchmark, limit }: HeldoutSettings,
  seed: number,
): Promise<RowList> {
  const all = dataset.rows('heldout');
  if (benchmark === 'with') return evaluationRows(all, limit, seed);
  const wanted: boolean[] = [];
  for await (const page of pagesOf(all))
    for (const row of page) wanted.push((row.benchmark !== undefined) === (benchmark === 'only'));
  return evaluationRows(
    subset(
      all,
      placesWhere(all, (i) => wanted[i]!),
    ),
    limit,
    seed,
  );
}
