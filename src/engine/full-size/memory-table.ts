/** The table of what fits: every published model against sizes of graphics memory (docs/memory.md). */
import { DESKTOP } from '../../gpu/dry.ts';
import { parseArchitecture } from '../../models/load.ts';
import { budgetKey, halved, ownPart, type PictureBudget } from '../../models/picture-budget.ts';
import { pictureFile } from '../../models/picture-file.ts';
import type { WeightDType } from '../../models/weights.ts';
import { fitsInto, memoryLadder, type MemoryAdvice } from '../../train/memory-advice.ts';
import type { MemoryPlan } from '../../train/memory-plan.ts';
import { presetRecipe } from '../../train/presets.ts';
import { estimatedRow } from '../model/memory.ts';
import { PUBLISHED, publishedPreprocessor, type PublishedModel } from '../model/published.ts';

const CARDS = [4, 8, 16, 24];
/** Of a card: the rest is the screen's and the browser's. */
const SHARE = 0.9;
const GIB = 2 ** 30;
const STORAGES: readonly WeightDType[] = ['f16', 'int8', 'int4', 'nf4'];

const RECIPE = presetRecipe('quick');
export const ROW = { pictures: 3, width: 1024, height: 768, promptTokens: 120, targetTokens: 160 };

/** Plans are made when first looked at: a large model goes down the whole ladder for each storage. */
class Ladder {
  readonly #source: Iterator<MemoryAdvice>;
  readonly #seen: MemoryAdvice[] = [];

  constructor({ config }: PublishedModel, dtype: WeightDType, budget: PictureBudget) {
    const architecture = parseArchitecture(config);
    const sizes = architecture.pictureSizes(pictureFile(publishedPreprocessor(config), null));
    const under = sizes.under(ownPart(budget, sizes.limitedBy));
    const longest = estimatedRow(architecture, under, ROW);
    const seen = under.modelSize(ROW);
    const pictures = halved(under, seen.width * seen.height);
    const smaller = pictures
      ? { pictures, longest: estimatedRow(architecture, sizes.under(pictures), ROW) }
      : undefined;
    this.#source = memoryLadder({ architecture, recipe: RECIPE, longest, smaller, gpu: DESKTOP, dtype }, false);
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

/** The fewest changes that fit; null: none do. */
function leastChange(ladder: Ladder, availableBytes: number): MemoryAdvice | null {
  for (let rung = 0; ; rung++) {
    const advice = ladder.at(rung);
    if (!advice || fitsInto(advice.plan, availableBytes)) return advice;
  }
}

const budgetWords = (budget: PictureBudget): string =>
  budgetKey(budget) === ''
    ? ''
    : ` Pictures are seen under another budget than the checkpoints’: ${budgetKey(budget)}.`;

const gib = (bytes: number): string => (bytes / GIB).toFixed(1);

/** @param budget how many pixels of a picture reach the models; of each family what it has */
export function memoryTable(progress: (line: string) => void, budget: PictureBudget = {}): string {
  const notes: string[] = [];
  const mark = (change: string): string => {
    if (!notes.includes(change)) notes.push(change);
    return String.fromCharCode(97 + notes.indexOf(change));
  };
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const table = (head: readonly string[], rows: readonly (readonly string[])[]) => [
    line(head),
    line(head.map((_, i) => (i ? '--:' : '---'))),
    ...rows.map(line),
  ];
  const whole: string[][] = [];
  const byCard = CARDS.map((): string[][] => []);
  for (const model of PUBLISHED) {
    const ladders = STORAGES.map((storage) => new Ladder(model, storage, budget));
    const plans = ladders.map((ladder) => ladder.at(0)!.plan);
    const weights = (plan: MemoryPlan) => gib(plan.items.find(({ name }) => name === 'weights')?.bytes ?? 0);
    whole.push([model.id, ...plans.map((plan) => `${weights(plan)} of ${gib(plan.totalBytes)}`)]);
    CARDS.forEach((card, i) => {
      const cells = ladders.map((ladder) => {
        const least = leastChange(ladder, card * GIB * SHARE);
        return least ? [gib(least.plan.totalBytes), ...least.changes.map(mark)].join(' ') : '–';
      });
      byCard[i]!.push([model.id, ...cells]);
    });
    progress(model.id);
  }
  return `${[
    '# What fits',
    '',
    'Written by `npm run memory -- --out docs/memory.md`. Sizes are GiB.',
    '',
    `The recipe is the preset “First try”: SFT with rank 8, merge, rejection sampling, GRPO with 4 completions. A row has ${ROW.pictures} pictures of ${ROW.width} × ${ROW.height}, ${ROW.promptTokens} tokens of text and an answer of ${ROW.targetTokens} tokens. A run may use nine tenths of the graphics memory.${budgetWords(budget)}`,
    '',
    'Each column is a storage of the weights. Each cell says what the recipe allocates at its peak, and which changes to the recipe it needs (the letters are explained below; a cell without letters needs no change). A dash means that no change known to Groundwork makes it fit. The studio says the same for your rows and your recipe (Model room, Memory) before anything is loaded. There the storage is one of the changes.',
    '',
    'The memory plan is not a formula: the engine’s own code runs on a device that allocates nothing. `tests/engine/memory-plan.gpu.test.ts` runs recipes with every kind of stage and requires the plan to be within a tenth of what is then allocated. [full-size.md](full-size.md) compares the two at published sizes.',
    '',
    '## As planned',
    '',
    'The weights, and everything at the peak, with no change to the recipe.',
    '',
    ...table(['model', ...STORAGES], whole),
    ...CARDS.flatMap((card, i) => ['', `## ${card} GB`, '', ...table(['model', ...STORAGES], byCard[i]!)]),
    '',
    '## The changes',
    '',
    ...notes.map((words) => `- ${mark(words)}: ${words}`),
  ].join('\n')}\n`;
}
