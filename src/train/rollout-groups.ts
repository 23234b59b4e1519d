/**
 * The groups of one step: prompts sampled, scored by rules and compared. Groups without differences teach nothing; they
 * may be replaced by groups of other prompts (DAPO's dynamic sampling, arXiv 2503.14476), or by groups of earlier steps.
 */
import type { Random } from '../base/random.ts';
import type { RowList } from '../data/row-list.ts';
import { computeAdvantages, DIFFICULTY_WEIGHTS, meanOf, stdOf, type Advantages } from './advantage.ts';
import type { Rollout } from './generate.ts';
import { answerMetrics } from './answer-metrics.ts';
import type { Metrics, ScoredCompletion } from './grpo-metrics.ts';
import type { Batches } from './plan-steps.ts';
import type { PolicyGroup } from './policy-update.ts';
import type { GrpoStage } from './recipe.ts';
import type { ReplayBuffer } from './replay-buffer.ts';
import { scoreCompletion, weightedRewards, type Score } from './rewards/index.ts';
import { ownInput, type OwnRule } from './rewards/own-code.ts';
import type { ReadAnswer } from './read-answer.ts';
import type { Sample } from './samples.ts';
import type { StageContext } from './stage.ts';

/** What a completion earned, and what was read in it. */
type JudgedAnswer = Score & { readonly answer: ReadAnswer };

/** A prompt with its completions and what each earned. */
interface ScoredGroup {
  /** Its index among the stage's rows. */
  readonly row: number;
  readonly sample: Sample;
  readonly rollouts: readonly Rollout[];
  readonly scores: readonly JudgedAnswer[];
}

export interface StepGroups {
  /** What the policy learns from, `promptsPerStep` of them. */
  readonly groups: readonly PolicyGroup[];
  /** Everything that was sampled, replaced groups included. */
  readonly completions: readonly ScoredCompletion[];
  readonly advantages: Advantages;
  /** What the answers themselves show, beside their rewards. */
  readonly answers: Metrics;
  /** Prompt and completion tokens of all that. */
  readonly tokens: number;
  /** Share of the step's groups that come from earlier steps. */
  readonly replayed: number;
  /** Groups sampled. */
  readonly sampled: number;
}

/** What a step draws with beside its rows. `own`: the rule of the recipe's own code. */
export interface StepSources {
  readonly step: number;
  readonly buffer: ReplayBuffer | null;
  readonly random: Random;
  readonly own: OwnRule | null;
}

/** Draws the groups of step `step`, and tells each of them. */
export async function drawGroups(
  stage: GrpoStage,
  context: StageContext,
  rows: RowList,
  batches: Batches,
  { step, buffer, random, own }: StepSources,
): Promise<StepGroups> {
  const { promptsPerStep, maxResamples = 0 } = stage;
  const all: ScoredGroup[] = [];
  const telling = () => all.filter((group) => differs(stage, group));
  for (let round = 0; round <= maxResamples; round++) {
    const indices = batches.next();
    const samples = await context.samples.prepare(await rows.read(indices));
    if (round < maxResamples || step + 1 < stage.maxSteps) context.samples.readAhead(rows, batches.peek());
    const rollouts = await context.generator.generate(samples, {
      numGenerations: stage.numGenerations,
      sampling: stage.sampling,
      // Rounds of one step are far from the seeds of other steps.
      seed: context.seed * 100_003 + step + round * 7_368_787,
      scores: true,
    });
    all.push(...scoreGroups(stage, context, indices, samples, rollouts, own));
    if (telling().length >= promptsPerStep) break;
  }
  const chosen =
    all.length === promptsPerStep
      ? all
      : [...telling(), ...all.filter((group) => !differs(stage, group))].slice(0, promptsPerStep);
  const advantages = compare(stage, chosen);
  // What is told of groups that were replaced is how they compare among themselves.
  const others = all.filter((group) => !chosen.includes(group));
  tell(context, chosen, advantages.advantages);
  if (others.length > 0) tell(context, others, compare(stage, others).advantages);
  const fresh = chosen.map((group, g) =>
    policyGroup(group, advantages.advantages.slice(g * stage.numGenerations, (g + 1) * stage.numGenerations)),
  );
  const groups = buffer ? await replaced(stage, context, rows, { chosen, fresh, buffer, random }) : fresh;
  // Features of pictures that were used longest ago may have been dropped meanwhile.
  if (all.length !== groups.length || groups.some((group) => !fresh.includes(group)))
    await context.samples.prepare(groups.map(({ sample }) => sample.row));
  return {
    groups,
    completions: all.flatMap(({ rollouts, scores }) =>
      rollouts.map(({ tokens, truncated }, i) => ({ tokens: tokens.length, truncated, rewards: scores[i]!.rewards })),
    ),
    advantages: all.length === chosen.length ? advantages : compare(stage, all),
    answers: answerMetrics(
      all.flatMap(({ sample, scores }) => scores.map(({ answer }) => ({ answer, row: sample.row }))),
    ),
    tokens: all.reduce(
      (sum, { sample, rollouts }) =>
        sum + rollouts.reduce((n, { tokens }) => n + sample.prompt.tokens.length + tokens.length, 0),
      0,
    ),
    replayed: groups.filter((group) => !fresh.includes(group)).length / groups.length,
    sampled: all.length,
  };
}

function scoreGroups(
  stage: GrpoStage,
  context: StageContext,
  indices: readonly number[],
  samples: readonly Sample[],
  rollouts: readonly (readonly Rollout[])[],
  own: OwnRule | null,
): ScoredGroup[] {
  const rules = weightedRewards(stage, stage.sampling);
  return samples.map((sample, g) => ({
    row: indices[g]!,
    sample,
    rollouts: rollouts[g]!,
    scores: rollouts[g]!.map(({ text, tokens }) => {
      const answer = context.samples.parse(sample, text);
      const completion = { answer, tokens: tokens.length, tokenIds: tokens };
      const rewards = own
        ? weightedRewards(stage, stage.sampling, () => own(ownInput({ ...completion, text }, sample.row)))
        : rules;
      return { answer, ...scoreCompletion(completion, sample.row, rewards) };
    }),
  }));
}

/** Advantages of groups as one batch, with what harder prompts weigh more. */
function compare(stage: GrpoStage, groups: readonly ScoredGroup[]): Advantages {
  const rewards = weightedRewards(stage, stage.sampling);
  const compared = computeAdvantages(
    groups.flatMap(({ scores }) => scores.map((s) => rewards.map((r) => s.rewards[r.name] ?? null))),
    rewards.map(({ weight }) => weight),
    stage.numGenerations,
    stage,
  );
  const { difficultyWeight = 'none' } = stage;
  if (difficultyWeight === 'none') return compared;
  const weights = groups.map(({ scores }) => {
    const iou = meanOf(scores.map((s) => s.rewards['iou'] ?? null));
    return Number.isNaN(iou) ? 1 : DIFFICULTY_WEIGHTS[difficultyWeight](iou);
  });
  return {
    ...compared,
    advantages: compared.advantages.map((a, i) => a * weights[Math.floor(i / stage.numGenerations)]!),
  };
}

/** Whether a group has anything to tell its completions apart by. */
const differs = (stage: GrpoStage, group: ScoredGroup): boolean =>
  compare(stage, [group]).advantages.some((advantage) => advantage !== 0);

function tell(context: StageContext, groups: readonly ScoredGroup[], advantages: readonly number[]): void {
  let at = 0;
  for (const { sample, rollouts, scores } of groups)
    context.emit({
      type: 'group',
      rowId: sample.row.id,
      completions: rollouts.map(({ text, tokens, truncated }, i) => ({
        text,
        tokens: tokens.length,
        truncated,
        rewards: Object.fromEntries(Object.entries(scores[i]!.rewards).map(([name, value]) => [name, value ?? NaN])),
        reward: scores[i]!.reward ?? NaN,
        advantage: advantages[at++]!,
        answer: scores[i]!.answer,
      })),
    });
}

const policyGroup = ({ sample, rollouts }: ScoredGroup, advantages: readonly number[]): PolicyGroup => ({
  sample,
  completions: rollouts.map(({ tokens, truncated, entropies }, i) => ({
    tokens,
    truncated,
    advantage: advantages[i]!,
    entropies,
  })),
});

/** Groups that differ are offered to the buffer; those that do not are replaced by groups from it, as far as there are. */
async function replaced(
  { numGenerations }: GrpoStage,
  context: StageContext,
  rows: RowList,
  {
    chosen,
    fresh,
    buffer,
    random,
  }: {
    readonly chosen: readonly ScoredGroup[];
    readonly fresh: readonly PolicyGroup[];
    readonly buffer: ReplayBuffer;
    readonly random: Random;
  },
): Promise<readonly PolicyGroup[]> {
  const flat: number[] = [];
  fresh.forEach(({ completions }, g) => {
    const { row, rollouts, scores } = chosen[g]!;
    const std = stdOf(scores.map(({ reward }) => reward));
    if (!(std > 0)) {
      flat.push(g);
      return;
    }
    buffer.offer({
      row,
      score: std * completions.reduce((sum, { advantage }) => sum + Math.abs(advantage), 0),
      advantages: completions.map(({ advantage }) => advantage),
      truncated: completions.map(({ truncated }) => truncated),
      tokens: rollouts.map(({ tokens }) => [...tokens]),
      logProbs: rollouts.map(({ logProbs }) => [...logProbs]),
    });
  });
  const drawn = buffer.draw(flat.length, random);
  const samples = drawn.length > 0 ? await context.samples.prepare(await rows.read(drawn.map(({ row }) => row))) : [];
  const groups = [...fresh];
  drawn.forEach(({ advantages, truncated, tokens, logProbs }, i) => {
    groups[flat[i]!] = {
      sample: samples[i]!,
      completions: Array.from({ length: numGenerations }, (_, c) => ({
        tokens: Uint32Array.from(tokens[c]!),
        truncated: truncated[c]!,
        advantage: advantages[c]!,
        entropies: null,
        old: Float32Array.from(logProbs[c]!),
      })),
    };
  });
  return groups;
}
