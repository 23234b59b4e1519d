/**
 * Pinned rows, answered again and again while a run learns, so that its boxes can be looked at as of any step. It
 * happens between two steps, greedily: the run's weights, data order and random state are as without it.
 */
import type { Row } from '../../data/row.ts';
import { answerRows } from '../answers/answer.ts';
import type { EngineEvent } from '../protocol/messages.ts';
import type { Workbench } from '../model/workbench.ts';

export class Watcher {
  readonly #bench: Workbench;
  readonly #rows: readonly Row[];
  readonly #every: number;
  readonly #emit: (event: EngineEvent) => void;
  #answeredAt = -1;

  constructor(bench: Workbench, rows: readonly Row[], every: number, emit: (event: EngineEvent) => void) {
    this.#bench = bench;
    this.#rows = rows;
    this.#every = Math.max(1, Math.floor(every));
    this.#emit = emit;
  }

  /** Answers if `step` is one of those to look at, or if `always`; never twice for a step. */
  async look(stageIndex: number, step: number, always = false): Promise<void> {
    if (this.#rows.length === 0 || step === this.#answeredAt || (!always && step % this.#every !== 0)) return;
    this.#answeredAt = step;
    const answers = await answerRows(this.#bench, this.#rows, 'tuned');
    answers.forEach((answer, i) =>
      this.#emit({ type: 'snapshot', stageIndex, step, rowId: this.#rows[i]!.id, answer }),
    );
  }
}
