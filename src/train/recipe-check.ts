/** What speaks against a plan, found before it is run rather than hours into it. */
import { GroundworkError } from '../base/error.ts';
import { drawFaults } from './draw-settings.ts';
import { pictureFaults } from './picture-settings.ts';
import { promptFaults } from './prompt.ts';
import type { Recipe } from './recipe.ts';
import { REWARD_NAMES, REWARDS, usesCode } from './rewards/index.ts';
import { roundFaults, visitsOf, type Visit } from './rounds.ts';
import { error, warning, type Objection } from './stages/descriptor.ts';
import { descriptorOf, type Stage } from './stages/index.ts';

/** @property stage its place in the plan; null: it is about the plan as a whole */
export interface Advice extends Objection {
  readonly stage: number | null;
}

/** What of a dataset speaks for or against a plan. */
export interface PlannedData {
  /** Training rows with a thought. */
  readonly thoughts: number;
}

/**
 * Everything that speaks against a plan: its own settings by stage, its prompt, and what the stages leave each other.
 * @param data what it would be run on; null: that is not known
 */
export function advise(recipe: Recipe, data: PlannedData | null = null): Advice[] {
  const { stages, prompt, draw, pictures } = recipe;
  if (stages.length === 0)
    return [{ stage: null, ...error('The recipe is empty.', 'Add a stage, or start from a preset.') }];
  return [
    ...(prompt ? promptFaults(prompt) : []).map((text) => ({
      stage: null,
      ...error(text, 'Change it under “Prompt”.'),
    })),
    ...(draw ? drawFaults(draw) : []).map((text) => ({ stage: null, ...error(text, 'Change it under “Rows”.') })),
    ...(pictures ? pictureFaults(pictures) : []).map((text) => ({
      stage: null,
      ...error(text, 'Change it under “Pictures”.'),
    })),
    ...repeatFaults(stages),
    ...adapterFaults(stages),
    ...answerFaults(stages),
    ...untaughtForms(recipe, data),
    ...stages.flatMap((stage, i) => own(stage, i)),
  ].sort((a, b) => (a.stage ?? -1) - (b.stage ?? -1));
}

/** Rewards that ask for a form, or for a thought, which nothing before them teaches. */
function untaughtForms({ stages, prompt }: Recipe, data: PlannedData | null): Advice[] {
  const asked = [prompt, ...Object.values(prompt?.tasks ?? {})].flatMap((part) => part?.answerForm ?? []);
  const wantsThoughts = prompt === undefined || asked.some((form) => form !== 'answer');
  return stages.flatMap((stage, i): Advice[] => {
    const { compares } = descriptorOf(stage);
    if (!compares) return [];
    const { rewardWeights } = compares(stage);
    const weighed = (asks: 'form' | 'thought') =>
      REWARD_NAMES.filter((name) => REWARDS[name].asks === asks && (rewardWeights[name] ?? 0) > 0).map(
        (name) => `“${REWARDS[name].label}”`,
      );
    const [forms, thoughts] = [weighed('form'), weighed('thought')];
    if (!wantsThoughts)
      return thoughts.length === 0
        ? []
        : [
            {
              stage: i,
              ...warning(
                `The prompt asks for answers without a thought, so ${thoughts.join(', ')} has nothing to judge.`,
                'Set its weight to 0, or let a part of the rows think under “Prompt”.',
              ),
            },
          ];
    const taught = stages.slice(0, i).filter((before) => descriptorOf(before).teaches);
    const written = stages.slice(0, i).some((before) => descriptorOf(before).writesThoughts);
    if (data === null || data.thoughts > 0 || written || taught.length === 0 || forms.length + thoughts.length === 0)
      return [];
    return [
      {
        stage: i,
        ...warning(
          `${[...forms, ...thoughts].join(', ')} asks for a thought before the answer, and “${taught[0]!.name}” does not teach that: no training row has a thought.`,
          'Add thoughts by a synthesis stage or a teacher (Data, Thoughts), or set the answer form under “Prompt” to “answer”.',
        ),
      },
    ];
  });
}

const own = <S extends Stage>(stage: S, index: number): Advice[] =>
  descriptorOf(stage)
    .objections(stage)
    .map((objection) => ({ stage: index, ...objection }));

/** Merges of a plan that hold when a visit of its stages begins. */
export const mergesBefore = (visits: readonly Visit[], at: number): number =>
  visits.slice(0, at).reduce((merges, { stage }) => descriptorOf(stage).adapter?.merges?.(stage, merges) ?? merges, 0);

/** An adapter must be merged before the next one is trained, in a later round as in the first. */
function adapterFaults(stages: readonly Stage[]): Advice[] {
  let state: 'open' | 'none' = 'none';
  let merges = 0;
  const found = new Map<number, Advice>();
  // A third round finds what the second has found.
  for (const { stage, index, round } of visitsOf(stages, 2)) {
    const { adapter } = descriptorOf(stage);
    if (!adapter) continue;
    const met =
      (adapter.needs === 'any' || state === adapter.needs) &&
      (adapter.needs === 'open' || (adapter.merges?.(stage, merges) ?? 0) <= merges);
    state = adapter.leaves;
    merges = adapter.merges?.(stage, merges) ?? merges;
    if (met || found.has(index)) continue;
    const { text, hint } = adapter.otherwise;
    found.set(index, { stage: index, ...error(round > 0 ? `In the second round: ${text}` : text, hint) });
  }
  return [...found.values()];
}

/** Parts that cannot be repeated. */
const repeatFaults = (stages: readonly Stage[]): Advice[] =>
  roundFaults(stages).map(({ stage, text }) => ({
    stage,
    ...error(text, 'Set how many stages it repeats, or move it.'),
  }));

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

/** Throws `code-not-allowed` where stages of a plan would run other code than what was allowed. */
export function requireAllowed(recipe: Pick<Recipe, 'stages'>, allowed: readonly string[] = []): void {
  if (codeOf(recipe).every((code) => allowed.includes(code))) return;
  throw new GroundworkError(
    'code-not-allowed',
    'The recipe carries code that nobody has allowed. It was not run.',
    'Read the code in the settings of its GRPO stage, and start the recipe from the Run room.',
  );
}

/** Throws `recipe-invalid` where stages cannot follow each other as they do. */
export function checkRecipe({
  stages,
  prompt,
  draw,
  pictures,
}: Pick<Recipe, 'stages' | 'prompt' | 'draw' | 'pictures'>): void {
  const [wrong] = prompt ? promptFaults(prompt) : [];
  if (wrong !== undefined) throw new GroundworkError('recipe-invalid', wrong, 'Change the prompt of the recipe.');
  const [undrawn] = draw ? drawFaults(draw) : [];
  if (undrawn !== undefined) throw new GroundworkError('recipe-invalid', undrawn, 'Change “draw” of the recipe.');
  const [unlimited] = pictures ? pictureFaults(pictures) : [];
  if (unlimited !== undefined)
    throw new GroundworkError('recipe-invalid', unlimited, 'Change “pictures” of the recipe.');
  const [fault] = [...repeatFaults(stages), ...adapterFaults(stages), ...answerFaults(stages)];
  if (!fault) return;
  const name = stages[fault.stage!]!.name;
  throw new GroundworkError('recipe-invalid', `Stage ${fault.stage! + 1}, “${name}”: ${fault.text}`, fault.hint);
}
