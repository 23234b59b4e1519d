/** What a stage tells, in the words of the protocol: with its place in the run, its pace, and the boxes it names. */
import { groundedBoxes } from '../../grounding/box.ts';
import type { StageEvent } from '../../train/stage.ts';
import type { EngineEvent } from '../protocol/messages.ts';
import { Pace, type StageClock } from './clock.ts';

interface NewsOptions {
  readonly stageIndex: number;
  readonly clock: StageClock;
  /** Seconds that the stage took before it was interrupted. */
  readonly before: number;
  /** Points of curves before this stage's next one. */
  readonly step: number;
  /** Bytes that the run holds on the device now. */
  readonly gpuBytes: () => number;
  readonly emit: (event: EngineEvent) => void;
}

export class StageNews {
  readonly #options: NewsOptions;
  readonly #pace: Pace;
  /** Of two things that are done together, the one is told of when the other is done. */
  #encoding = false;
  #step: number;
  /** The stage's own work has moved: what it prepares from now on is part of that. */
  #moved = false;
  /** What the stage counted when it was told of first. */
  #counted: number | null = null;
  /** Tenths of a batch's pictures. */
  #pictures = -1;

  constructor(options: NewsOptions) {
    this.#options = options;
    this.#pace = new Pace(options.before);
    this.#step = options.step;
  }

  /** Points of curves so far. */
  get step(): number {
    return this.#step;
  }

  /** Kernels of the stage that are compiled. */
  compiled(done: number, total: number): void {
    if (this.#encoding && done < total) return;
    const { stageIndex, emit } = this.#options;
    const progress = { type: 'progress', done, total, unit: 'kernels compiled', preparing: true } as const;
    this.#left(progress);
    emit({ ...progress, stageIndex, etaSeconds: null });
  }

  /** Pictures of the batch under way that are read, told before the stage's first unit of work is done. */
  pictures(done: number, total: number): void {
    const tenth = Math.floor((10 * done) / total);
    if (this.#moved || total === 0 || tenth === this.#pictures) return;
    this.#pictures = tenth;
    const { stageIndex, emit } = this.#options;
    emit({
      type: 'progress',
      stageIndex,
      done,
      total,
      unit: 'pictures read',
      preparing: true,
      etaSeconds: null,
    });
  }

  tell(event: StageEvent): void {
    if (event.type === 'metrics') this.#moved = true;
    if (event.type === 'progress' && !event.preparing) {
      this.#moved ||= event.done > (this.#counted ?? event.done);
      this.#counted ??= event.done;
    }
    if (event.type === 'metrics') this.#step++;
    if (event.type === 'progress') this.#encoding = event.preparing === true && event.done < event.total;
    this.#options.emit(this.#inWords(event));
  }

  #left(progress: Extract<StageEvent, { type: 'progress' }>): number | null {
    return this.#pace.left(progress, this.#options.clock.seconds);
  }

  #inWords(event: StageEvent): EngineEvent {
    const { stageIndex, gpuBytes } = this.#options;
    switch (event.type) {
      case 'progress':
        return { ...event, stageIndex, etaSeconds: this.#left(event), gpuBytes: gpuBytes() };
      case 'metrics':
        return { ...event, stageIndex, step: this.#step };
      case 'group':
        return {
          type: 'group',
          stageIndex,
          step: this.#step + 1,
          rowId: event.rowId,
          completions: event.completions.map(({ answer, ...completion }) => ({
            ...completion,
            think: answer.think,
            boxes: groundedBoxes(answer.boxes),
          })),
        };
      case 'rejection':
        return { ...event, stageIndex };
      case 'notice':
        return event;
    }
  }
}
