/** Progress on a terminal: one line that is redrawn, or one line a stage where output is not a terminal. */
import type { EngineEvent } from '../engine/protocol/index.ts';
import type { Recipe } from '../train/recipe.ts';

const clock = (seconds: number): string =>
  seconds < 90 ? `${Math.round(seconds)} s` : `${(seconds / 60).toFixed(1)} min`;
const percent = (x: number): string => `${(100 * x).toFixed(1)} %`;

const NONE = { kept: 0, 'too-easy': 0, 'too-hard': 0 };

export class Progress {
  readonly #recipe: Recipe;
  readonly #terminal = process.stdout.isTTY;
  #latest: Readonly<Record<string, number>> = {};
  /** Prompts of the stage by verdict. */
  #counts = { ...NONE };
  #lastPrinted = 0;

  constructor(recipe: Recipe) {
    this.#recipe = recipe;
  }

  show(event: EngineEvent): void {
    if (event.type === 'metrics') this.#latest = event.values;
    else if (event.type === 'rejection') this.#counts[event.verdict]++;
    else if (event.type === 'notice') this.note(event.message);
    else if (event.type === 'silence')
      this.note(
        event.silent
          ? 'The graphics device has finished nothing for 10 seconds. It may be busy, or its driver hangs. What was saved is safe: Ctrl+C ends the run, --resume continues it.'
          : 'The graphics device works again.',
      );
    else if (event.type === 'progress') this.#line(event);
    else if (event.type === 'evaluation') {
      const {
        n,
        accAt50,
        accAt50Interval: [low, high],
        meanIoU,
        parseFailures,
      } = event.evaluation;
      this.note(
        n === 0
          ? `${event.name}: no held-out row to measure it on`
          : `${event.name}: Acc@0.5 ${percent(accAt50)} [${percent(low)}, ${percent(high)}] on ${n} rows, mean IoU ${meanIoU.toFixed(3)}, ${parseFailures} unreadable`,
      );
    } else if (event.type === 'stage' && event.status !== 'started') {
      const { kept, 'too-easy': easy, 'too-hard': hard } = this.#counts;
      const detail = kept + easy + hard > 0 ? `: ${kept} kept, ${easy} too easy, ${hard} too hard` : '';
      this.note(
        `${event.index + 1}/${this.#recipe.stages.length} ${event.stage.kind} “${event.stage.name}”${event.round === undefined ? '' : `, round ${event.round + 1},`} ${event.status} in ${clock(event.seconds)}${detail}`,
      );
      this.#latest = {};
      this.#counts = { ...NONE };
    }
  }

  note(text: string): void {
    this.end();
    console.log(text);
  }

  end(): void {
    if (this.#terminal) process.stdout.write('\r\x1b[K');
  }

  #line({ stageIndex, done, total, unit, etaSeconds }: Extract<EngineEvent, { type: 'progress' }>): void {
    const shown = ['loss', 'reward', 'kl', 'grad_norm', 'completions/mean_length'].filter(
      (name) => name in this.#latest,
    );
    const values = shown.map((name) => `${name} ${this.#latest[name]!.toPrecision(3)}`).join('  ');
    const text = `${stageIndex + 1}/${this.#recipe.stages.length} ${this.#recipe.stages[stageIndex]!.name}  ${done}/${total} ${unit}  ${values}  ${etaSeconds === null ? '' : `about ${clock(etaSeconds)} left`}`;
    if (this.#terminal) process.stdout.write(`\r\x1b[K${text.slice(0, process.stdout.columns - 1)}`);
    else if (done === total || performance.now() - this.#lastPrinted > 10_000) {
      this.#lastPrinted = performance.now();
      console.log(text);
    }
  }
}
