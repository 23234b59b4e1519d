/** What speaks against a plan, found before it is run rather than hours into it. */
import { GroundworkError } from '../base/error.ts';
import type { Recipe } from './recipe.ts';
import { usesCode } from './rewards/index.ts';
import { error, type Objection } from './stages/descriptor.ts';
import { descriptorOf, type Stage } from './stages/index.ts';

/** @property stage its place in the plan; null: it is about the plan as a whole */
export interface Advice extends Objection {
  readonly stage: number | null;
}

/** Everything that speaks against a plan: its own settings by stage, and what the stages leave each other. */
export function advise({ stages }: Recipe): Advice[] {
  if (stages.length === 0)
    return [{ stage: null, ...error('The recipe is empty.', 'Add a stage, or start from a preset.') }];
  return [...adapterFaults(stages), ...answerFaults(stages), ...stages.flatMap((stage, i) => own(stage, i))].sort(
    (a, b) => a.stage! - b.stage!,
  );
}

const own = <S extends Stage>(stage: S, index: number): Advice[] =>
  descriptorOf(stage)
    .objections(stage)
    .map((objection) => ({ stage: index, ...objection }));

/** Merges of a plan that hold when its stage at `index` begins. */
export const mergesBefore = (stages: readonly Stage[], index: number): number =>
  stages.slice(0, index).reduce((merges, stage) => descriptorOf(stage).adapter?.merges?.(stage, merges) ?? merges, 0);

/** An adapter must be merged before the next one is trained. */
function adapterFaults(stages: readonly Stage[]): Advice[] {
  let state: 'open' | 'none' = 'none';
  return stages.flatMap((stage, i) => {
    const { adapter } = descriptorOf(stage);
    if (!adapter) return [];
    const merges = mergesBefore(stages, i);
    const met =
      (adapter.needs === 'any' || state === adapter.needs) &&
      (adapter.needs === 'open' || (adapter.merges?.(stage, merges) ?? 0) <= merges);
    state = adapter.leaves;
    return met ? [] : [{ stage: i, severity: 'error' as const, ...adapter.otherwise }];
  });
}

/** Judged answers come from a stage before. */
function answerFaults(stages: readonly Stage[]): Advice[] {
  let given = false;
  return stages.flatMap((stage, i) => {
    const { answers } = descriptorOf(stage);
    const missing = answers?.needs === true && !given;
    given ||= answers?.gives(stage) ?? false;
    return missing
      ? [
          {
            stage: i,
            ...error(
              'No stage before it hands on answers that were judged.',
              'Put rejection sampling before it, and let it keep answers.',
            ),
          },
        ]
      : [];
  });
}

/** Code that stages of a plan would run: of a plan from elsewhere it is shown, and run only if that is allowed. */
export const codeOf = ({ stages }: Pick<Recipe, 'stages'>): string[] =>
  stages.flatMap((stage) => (stage.kind === 'grpo' && usesCode(stage) ? [stage.rewardCode!] : []));

/** Throws `recipe-invalid` where stages cannot follow each other as they do. */
export function checkRecipe({ stages }: Pick<Recipe, 'stages'>): void {
  const [fault] = [...adapterFaults(stages), ...answerFaults(stages)];
  if (!fault) return;
  const name = stages[fault.stage!]!.name;
  throw new GroundworkError('recipe-invalid', `Stage ${fault.stage! + 1}, “${name}”: ${fault.text}`, fault.hint);
}
