/**
 * The rehearsal: before a run spends an hour, each of its stages takes real steps on the longest row, forward and
 * backward, with the run's own code. It works on a bench of its own (policy, adapters, caches), so weights, adapters
 * and random state of anything else stay as they were.
 */
import { GroundworkError } from '../../base/error.ts';
import type { Dataset } from '../../data/dataset.ts';
import type { Row } from '../../data/row.ts';
import { countPictures, span, spread, subset, type RowList } from '../../data/row-list.ts';
import { runEvaluation } from '../../evaluate/run.ts';
import type { LoadedModel } from '../../models/load.ts';
import { longestRow, planMemory } from '../../train/memory-plan.ts';
import { runGrpo } from '../../train/grpo.ts';
import { countSteps } from '../../train/plan-steps.ts';
import type { Recipe, Stage } from '../../train/recipe.ts';
import { runRejection } from '../../train/rejection.ts';
import { runSft } from '../../train/sft.ts';
import { evaluationRows } from '../../train/stages/evaluate.ts';
import type { Sample } from '../../train/samples.ts';
import type { StageContext, StageEvent } from '../../train/stage.ts';
import type { Rehearsal, RehearsedStage } from '../protocol/run.ts';
import { Workbench } from '../model/workbench.ts';
import { checkRecipe } from './run.ts';

/** Rows looked at to find the longest; a dataset may have half a million. */
const ROWS_LOOKED_AT = 512;
/** A coefficient that changes nothing but makes GRPO compute its KL term. */
const HARDLY = 1e-30;

export interface RehearsalHooks {
  /** Before each piece of work: what comes, and how far it is. False: stop. */
  next(what: string, done: number, total: number): boolean;
}

/** @throws GroundworkError `no-rows`, `rehearsal-stopped`, and whatever a stage of the run would throw */
export async function rehearse(
  loaded: LoadedModel,
  dataset: Dataset,
  recipe: Recipe,
  hooks: RehearsalHooks,
): Promise<Rehearsal> {
  checkRecipe(recipe);
  const { session } = loaded.model;
  const bench = new Workbench(loaded, dataset);
  let done = 0;
  const next = (what: string) => {
    if (!hooks.next(what, done++, recipe.stages.length + 2))
      throw new GroundworkError('rehearsal-stopped', 'The rehearsal was stopped.', 'Nothing was changed.');
  };
  try {
    next('Finding the longest row');
    const train = await spread(dataset.rows('train'), ROWS_LOOKED_AT);
    const samples = await bench.samples.encode(train.length > 0 ? train : await spread(dataset.rows('heldout'), 64));
    // A row that nothing can be learned from teaches the rehearsal nothing either.
    const useful = samples.filter(({ completion }) => completion.length > 0);
    const [first, second] = [...(useful.length > 0 ? useful : samples)].sort((a, b) => tokensOf(b) - tokensOf(a));
    if (!first)
      throw new GroundworkError('no-rows', 'The dataset has no rows to rehearse with.', 'Open a dataset with rows.');
    next('Pictures');
    const picture = await secondsPerPicture(bench, first, second);
    let allocatedBytes = 0;
    const stages: RehearsedStage[] = [];
    for (const [index, stage] of recipe.stages.entries()) {
      next(stage.name);
      const look = () => (allocatedBytes = Math.max(allocatedBytes, session.bytes));
      stages.push({ index, ...(await rehearseStage(stage, bench, first.row, recipe.seed, look)) });
    }
    const pictures = picturesOfRun(recipe, dataset);
    const plan = planMemory({
      architecture: loaded.architecture,
      recipe,
      longest: longestRow(samples, loaded.processor),
      gpu: session.gpu,
      dtype: loaded.dtype,
    });
    return {
      stages,
      pictures: { count: pictures, seconds: pictures * picture },
      totalSeconds: stages.reduce((sum, { seconds }) => sum + seconds, pictures * picture),
      longest: {
        rowId: first.row.id,
        promptTokens: first.prompt.tokens.length,
        targetTokens: first.completion.length,
        among: samples.length,
      },
      memory: { plannedBytes: plan.totalBytes, plannedStage: plan.stage, allocatedBytes },
    };
  } finally {
    bench.destroy();
  }
}

const tokensOf = ({ prompt, completion }: Sample): number => prompt.tokens.length + completion.length;

/** The first row's pictures warm the vision tower up; a second row's are timed (the same again if there is none). */
async function secondsPerPicture(bench: Workbench, first: Sample, second: Sample | undefined): Promise<number> {
  await bench.samples.prepare([first.row]);
  const pictures = second?.row.images.filter((path) => !first.row.images.includes(path)).length ?? 0;
  if (!second || pictures === 0) return 0;
  const started = performance.now();
  await bench.samples.prepare([second.row]);
  return (performance.now() - started) / 1000 / pictures;
}

/** Pictures that a run of the recipe will look at, each counted once. */
function picturesOfRun({ stages, seed }: Recipe, dataset: Dataset): number {
  const parts: RowList[] = [];
  const add = (rows: RowList, most = rows.length) =>
    void parts.push(subset(rows, span(rows, 0, Math.min(rows.length, most))));
  for (const stage of stages) {
    const train = dataset.rows('train');
    if (stage.kind === 'evaluate') add(evaluationRows(dataset.rows('heldout'), stage.limit, seed));
    else if (stage.kind === 'rejection') add(train, stage.limit || undefined);
    else if (stage.kind === 'sft') add(train, stepsOf(stage, train.length) * rowsAStep(stage));
    else if (stage.kind === 'grpo') add(train, stage.maxSteps * stage.promptsPerStep);
  }
  return countPictures(parts);
}

type Sft = Extract<Stage, { kind: 'sft' }>;
const rowsAStep = (stage: Sft) => stage.perDeviceTrainBatchSize * stage.gradientAccumulationSteps;
const stepsOf = (stage: Sft, rows: number) => countSteps(Math.max(1, rows), stage).totalSteps;

async function rehearseStage(
  stage: Stage,
  bench: Workbench,
  longest: Row,
  seed: number,
  look: () => void,
): Promise<Omit<RehearsedStage, 'index'>> {
  const { name } = stage;
  const [train, heldout] = [bench.dataset.rows('train').length, bench.dataset.rows('heldout')];
  const answer = (each: number | null, count: number, unit: string, note: string | null = null) => ({
    name,
    secondsEach: each,
    count,
    unit,
    seconds: (each ?? 0) * count,
    note,
  });
  switch (stage.kind) {
    case 'merge': {
      const started = performance.now();
      await bench.policy.merge();
      look();
      return answer((performance.now() - started) / 1000, 1, 'merge');
    }
    case 'evaluate': {
      const rows = evaluationRows(heldout, stage.limit, seed).length;
      if (rows === 0) return answer(null, 0, 'batch', 'There are no held-out rows with a solution.');
      const size = Math.min(stage.batchSize, rows);
      const timed = await time(bench, fill(longest, 2 * size), seed, look, (context) =>
        runEvaluation({ ...stage, batchSize: size, limit: 0 }, context),
      );
      return answer(timed.each, Math.ceil(rows / size), 'batch', 'Answers end when the model ends them.');
    }
    case 'rejection': {
      const prompts = Math.min(stage.limit || train, train);
      const size = Math.min(stage.batchSize, Math.max(1, prompts));
      const timed = await time(bench, fill(longest, 2 * size), seed, look, (context) =>
        runRejection({ ...stage, batchSize: size, limit: 2 * size }, context),
      );
      return answer(timed.each, Math.ceil(prompts / size), 'batch', 'Answers end when the model ends them.');
    }
    case 'sft': {
      const timed = await time(bench, fill(longest, rowsAStep(stage)), seed, look, (context) =>
        runSft({ ...stage, maxSteps: 2 }, context),
      );
      return answer(timed.each, stepsOf(stage, train), 'step', 'Every row taken to be as long as the longest.');
    }
    case 'grpo':
      return answer(...(await rehearseGrpo(stage, bench, fill(longest, stage.promptsPerStep), seed, look)));
  }
}

/**
 * Groups whose rewards are all equal skip the backward pass. If that befell the rehearsal, it is done again with a KL
 * term of no weight, which brings the pass back (and one forward pass more).
 */
async function rehearseGrpo(
  stage: Extract<Stage, { kind: 'grpo' }>,
  bench: Workbench,
  rows: RowList,
  seed: number,
  look: () => void,
): Promise<[number | null, number, string, string]> {
  const run = (beta: number) => {
    bench.policy.detach();
    return time(bench, rows, seed, look, (context) => runGrpo({ ...stage, maxSteps: 2, beta }, context, rows));
  };
  const timed = await run(stage.beta);
  const idle = stage.beta === 0 && (timed.last['frac_reward_zero_std'] ?? 0) > 0;
  const again = idle ? await run(HARDLY) : timed;
  const length = again.last['completions/mean_length'] ?? 0;
  const note = `Completions of ${Math.round(length)} tokens, as the model writes them now, to the longest prompt.`;
  return [
    again.each,
    stage.maxSteps,
    'step',
    idle ? `${note} All rewards of a group were equal, so a reference pass was added to have gradients at all.` : note,
  ];
}

/** The same row over and over. */
const fill = (row: Row, length: number): RowList => ({
  length,
  id: () => row.id,
  hasSolution: () => row.solution.length > 0,
  pictures: () => [],
  read: async (places) => places.map(() => row),
});

/** Runs a stage of two units and times the second. */
async function time(
  bench: Workbench,
  rows: RowList,
  seed: number,
  look: () => void,
  work: (context: StageContext) => Promise<unknown>,
): Promise<{ each: number | null; last: Readonly<Record<string, number>> }> {
  const at: number[] = [];
  let last: Readonly<Record<string, number>> = {};
  const emit = (event: StageEvent) => {
    if (event.type === 'metrics') last = event.values;
    if (event.type !== 'progress' || event.preparing) return;
    at.push(performance.now());
    look();
  };
  const { policy, samples, generator, loaded } = bench;
  await work({
    policy,
    samples,
    generator,
    processor: loaded.processor,
    seed,
    train: rows,
    heldout: rows,
    compiled: Promise.resolve(),
    scorer: () => bench.scorer(),
    emit,
    resume: null,
    gate: () => Promise.resolve(true),
    turn: () => Promise.resolve(true),
  });
  const [warm, timed] = at;
  return { each: warm !== undefined && timed !== undefined ? (timed - warm) / 1000 : null, last };
}
