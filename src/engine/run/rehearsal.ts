/**
 * The rehearsal: before a run spends an hour, each of its stages takes real steps on the longest row, forward and
 * backward, with the run's own code. It works on a bench of its own (policy, adapters, caches), so weights, adapters
 * and random state of anything else stay as they were.
 */
import { GroundworkError } from '../../base/error.ts';
import type { Dataset } from '../../data/dataset.ts';
import type { Row } from '../../data/row.ts';
import { countPictures, spread, type RowList } from '../../data/row-list.ts';
import { wantedOf } from '../../data/wanted.ts';
import type { LoadedModel } from '../../models/load.ts';
import { longestRow, planMemory } from '../../train/memory-plan.ts';
import { checkRecipe } from '../../train/recipe-check.ts';
import { seedOf, visitsOf } from '../../train/rounds.ts';
import type { Recipe } from '../../train/recipe.ts';
import { encodeBoth, type Sample } from '../../train/samples.ts';
import type { StageEvent } from '../../train/stage.ts';
import type { Splits } from '../../train/stages/descriptor.ts';
import { HELDOUT_AT_ONCE, heldoutOf } from '../../train/stages/heldout.ts';
import { descriptorOf, type Stage } from '../../train/stages/index.ts';
import { predictRows } from '../answers/predict.ts';
import { Workbench } from '../model/workbench.ts';
import type { Rehearsal, RehearsedStage } from '../protocol/run.ts';
import { heldoutRows } from './heldout-accuracy.ts';
import type { RunContext, Timed } from './stages/handler.ts';
import { handlerOf } from './stages/index.ts';

/** Rows looked at to find the longest; a dataset may have half a million. */
const ROWS_LOOKED_AT = 512;

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
    bench.follow(recipe);
    next('Finding the longest row');
    const train = await spread(dataset.rows('train'), ROWS_LOOKED_AT);
    const looked = train.length > 0 ? train : await spread(dataset.rows('heldout'), 64);
    const samples = await encodeBoth(bench.samples, looked);
    // A row that nothing can be learned from teaches the rehearsal nothing either.
    const useful = samples.filter(({ completion }) => completion.length > 0);
    const [first, second] = [...(useful.length > 0 ? useful : samples)].sort((a, b) => tokensOf(b) - tokensOf(a));
    if (!first)
      throw new GroundworkError('no-rows', 'The dataset has no rows to rehearse with.', 'Open a dataset with rows.');
    next('Pictures');
    const picture = await secondsPerPicture(bench, first, second);
    let allocatedBytes = 0;
    const stages: RehearsedStage[] = [];
    const visits = visitsOf(recipe.stages);
    for (const [index, stage] of recipe.stages.entries()) {
      next(stage.name);
      const look = () => (allocatedBytes = Math.max(allocatedBytes, session.bytes));
      const rehearsed = await rehearseStage(stage, bench, first.row, recipe, look);
      const rounds = visits.filter((visit) => visit.index === index).length;
      stages.push({
        index,
        ...rehearsed,
        count: rehearsed.count * rounds,
        seconds: rehearsed.seconds * rounds,
        rounds,
      });
    }
    const pictures = picturesOfRun(recipe, { train: dataset.rows('train'), heldout: dataset.rows('heldout') });
    const plan = planMemory({
      architecture: loaded.architecture,
      recipe,
      longest: longestRow(samples, bench.processor),
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
function picturesOfRun({ stages, seed }: Recipe, splits: Splits): number {
  return countPictures(
    visitsOf(stages).flatMap(({ stage, round }) => descriptorOf(stage).rows(stage, splits, seedOf(seed, round)) ?? []),
  );
}

async function rehearseStage<S extends Stage>(
  stage: S,
  bench: Workbench,
  longest: Row,
  { seed, draw }: Pick<Recipe, 'seed' | 'draw'>,
  look: () => void,
): Promise<Omit<RehearsedStage, 'index' | 'rounds'>> {
  const splits = { train: bench.dataset.rows('train'), heldout: bench.dataset.rows('heldout') };
  const { units, rows } = descriptorOf(stage);
  const { count, unit } = units(stage, splits, seed);
  const { each, note } = await handlerOf(stage).rehearse(stage, {
    rows: rows(stage, splits, seed)?.length ?? 0,
    policy: bench.policy,
    time: (copies, work) => time(bench, fill(longest, copies), { seed, ...(draw && { draw }) }, look, work),
    async once(work) {
      const started = performance.now();
      await work();
      look();
      return { each: (performance.now() - started) / 1000, last: {} };
    },
  });
  const heldout = await heldoutCost(stage, bench, longest, seed, look);
  if (each === null || heldout === null)
    return { name: stage.name, secondsEach: each, count, unit, seconds: (each ?? 0) * count, note };
  const whole = each + heldout.seconds / heldout.every;
  const words = `Every ${heldout.every} steps ${heldout.rows} held-out rows are answered, ${heldout.seconds.toFixed(1)} s each time.`;
  return {
    name: stage.name,
    secondsEach: whole,
    count,
    unit,
    seconds: whole * count,
    note: note === null ? words : `${note} ${words}`,
  };
}

/** Seconds of one measurement of held-out accuracy, from one batch with answers as long as they may be; null: none is made. */
async function heldoutCost(
  stage: Stage,
  bench: Workbench,
  longest: Row,
  seed: number,
  look: () => void,
): Promise<{ readonly seconds: number; readonly rows: number; readonly every: number } | null> {
  const settings = heldoutOf(stage);
  const { every, maxCompletionLength } = settings;
  if (every === 0) return null;
  const rows = (await heldoutRows(bench.dataset, settings, seed)).length;
  if (rows === 0) return null;
  const batch = Array.from({ length: Math.min(rows, HELDOUT_AT_ONCE) }, () => longest);
  const answer = () => predictRows(bench, batch, 'tuned', maxCompletionLength);
  await answer(); // kernels are compiled at the first
  const started = performance.now();
  await answer();
  look();
  return { seconds: ((performance.now() - started) / 1000 / batch.length) * rows, rows, every };
}

/** The same row over and over. */
const fill = (row: Row, length: number): RowList => ({
  length,
  id: () => row.id,
  task: () => row.task,
  file: () => row.source.file,
  hasSolution: () => wantedOf(row) !== null,
  pictures: () => [],
  read: async (places) => places.map(() => row),
});

/** Runs a stage of two units and times the second. */
async function time(
  bench: Workbench,
  rows: RowList,
  { seed, draw }: Pick<Recipe, 'seed' | 'draw'>,
  look: () => void,
  work: (context: RunContext) => Promise<unknown>,
): Promise<Timed> {
  const at: number[] = [];
  let last: Readonly<Record<string, number>> = {};
  const emit = (event: StageEvent) => {
    if (event.type === 'metrics') last = event.values;
    if (event.type !== 'progress' || event.preparing) return;
    at.push(performance.now());
    look();
  };
  const { policy, samples, generator, processor } = bench;
  await work({
    policy,
    samples,
    generator,
    processor,
    seed,
    planSeed: seed,
    // Changed pictures pass the vision tower at every draw; of one row there is no mixture.
    draw: draw ? { ...draw, mixBy: 'none' } : null,
    train: rows,
    heldout: rows,
    rows,
    answers: [],
    index: 0,
    round: 0,
    merged: 0,
    compiled: Promise.resolve(),
    scorer: () => bench.scorer(),
    seconds: () => 0,
    tell: () => {},
    emit,
    resume: null,
    gate: () => Promise.resolve(true),
    turn: () => Promise.resolve(true),
  });
  const [warm, timed] = at;
  return { each: warm !== undefined && timed !== undefined ? (timed - warm) / 1000 : null, last };
}
