/** The table of what fits: every published model against sizes of graphics memory (docs/memory.md). */
import { DESKTOP } from '../../gpu/dry.ts';
import { parseArchitecture } from '../../models/load.ts';
import type { WeightDType } from '../../models/weights.ts';
import { memoryLadder, type MemoryAdvice } from '../../train/memory-advice.ts';
import { presetRecipe } from '../../train/presets.ts';
import { estimatedRow } from '../memory.ts';
import { PUBLISHED, type PublishedModel } from './published.ts';
import { publishedPreprocessor } from './synthesise.ts';

const CARDS = [4, 8, 16, 24];
/** Of a card: the rest is the screen's and the browser's. */
const SHARE = 0.9;
const GIB = 2 ** 30;
const STORAGES: readonly WeightDType[] = ['f16'];

const RECIPE = presetRecipe('quick');
export const ROW = { pictures: 3, width: 1024, height: 768, promptTokens: 120, targetTokens: 160 };

/** Plans are made when first looked at: a large model goes down the whole ladder for each storage. */
class Ladder {
  readonly #source: Iterator<MemoryAdvice>;
  readonly #seen: MemoryAdvice[] = [];

  constructor({ config }: PublishedModel, dtype: WeightDType) {
    const architecture = parseArchitecture(config);
    const longest = estimatedRow(architecture, architecture.pictureSizes(publishedPreprocessor(config)), ROW);
    this.#source = memoryLadder({ architecture, recipe: RECIPE, longest, gpu: DESKTOP, dtype });
  }

  at(rung: number): MemoryAdvice | null {
    while (this.#seen.length <= rung) {
      const { value, done } = this.#source.next();
      if (done) return null;
      this.#seen.push(value);
    }
    return this.#seen[rung]!;
  }
}

interface Cell {
  readonly storage: WeightDType;
  readonly advice: MemoryAdvice;
}

/** The fewest changes, and among equals the finest storage. */
function leastChange(ladders: ReadonlyMap<WeightDType, Ladder>, availableBytes: number): Cell | null {
  for (let rung = 0; ; rung++) {
    let more = false;
    for (const [storage, ladder] of ladders) {
      const advice = ladder.at(rung);
      more ||= advice !== null;
      if (advice && advice.plan.totalBytes <= availableBytes) return { storage, advice };
    }
    if (!more) return null;
  }
}

const gib = (bytes: number): string => (bytes / GIB).toFixed(1);

export function memoryTable(progress: (line: string) => void): string {
  const notes: string[] = [];
  const mark = (change: string): string => {
    if (!notes.includes(change)) notes.push(change);
    return String.fromCharCode(97 + notes.indexOf(change));
  };
  const rows = PUBLISHED.map((model) => {
    const ladders = new Map(STORAGES.map((storage) => [storage, new Ladder(model, storage)]));
    const plan = ladders.get('f16')!.at(0)!.plan;
    const item = (name: string) => gib(plan.items.find((i) => i.name === name)?.bytes ?? 0);
    const cells = CARDS.map((card) => {
      const cell = leastChange(ladders, card * GIB * SHARE);
      if (!cell) return '–';
      const { changes, plan: fitting } = cell.advice;
      return `${cell.storage}${changes.length ? ` ${changes.map(mark).join(' ')}` : ''}: ${gib(fitting.totalBytes)}`;
    });
    progress(model.id);
    return [model.id, item('weights'), gib(plan.totalBytes), ...cells];
  });
  const head = ['model', 'weights, f16', 'whole plan', ...CARDS.map((card) => `${card} GB`)];
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return `${[
    '# What fits',
    '',
    'Written by `npm run memory -- --out docs/memory.md`. Sizes are GiB.',
    '',
    `The plan is the preset “First try”: SFT with rank 8, merge, rejection sampling, GRPO with 4 completions. A row has ${ROW.pictures} pictures of ${ROW.width} × ${ROW.height}, ${ROW.promptTokens} tokens of text and an answer of ${ROW.targetTokens}. A run may use nine tenths of the graphics memory.`,
    '',
    'Each cell says how the weights are held, which changes to the plan it takes (letters below; none is best), and what is then allocated at the largest moment. – : nothing that Groundwork can change makes it fit. The studio says the same for your rows and your recipe (Model room, Memory) before anything is loaded.',
    '',
    'The plan is no formula: the engine’s own code is taken through a device that allocates nothing. `tests/engine/memory-plan.test.ts` runs recipes of every kind of stage and holds the plan to a tenth of what is then allocated.',
    '',
    line(head),
    line(head.map((_, i) => (i ? '--:' : '---'))),
    ...rows.map(line),
    '',
    ...notes.map((words) => `- ${mark(words)}: ${words}`),
  ].join('\n')}\n`;
}
