/** One run of a recipe: stages in order over one policy, and what came out of them. */
import type { Outcome } from '../../evaluate/outcome.ts';
import { optimizerState, type MomentsSnapshot } from '../../train/checkpoint.ts';
import { checkRecipe, mergesBefore } from '../../train/recipe-check.ts';
import type { Recipe } from '../../train/recipe.ts';
import { placeOf, seedOf, visitAt, visitName, visitsOf } from '../../train/rounds.ts';
import { heldoutOf } from '../../train/stages/heldout.ts';
import { descriptorOf } from '../../train/stages/index.ts';
import type { RunBoundary, RunPosition } from '../keep/position.ts';
import type { CheckpointAbout } from '../protocol/records.ts';
import type { Workbench } from '../model/workbench.ts';
import type { EngineEvent } from '../protocol/messages.ts';
import { Best } from './best.ts';
import { StageClock } from './clock.ts';
import { HeldoutAccuracy } from './heldout-accuracy.ts';
import { StageNews } from './news.ts';
import { rowsFor, trainingRows } from './rows.ts';
import type { RunContext } from './stages/handler.ts';
import { handlerOf } from './stages/index.ts';
import { warmStage } from './warm.ts';

export interface ResumeFrom {
  readonly position: RunPosition;
  readonly moments: MomentsSnapshot | null;
}

export type BestKept = Required<Pick<CheckpointAbout, 'metric'>> & Pick<CheckpointAbout, 'stage' | 'round'>;

export interface RunHooks {
  emit(event: EngineEvent): void;
  /** Waits while paused; false: stop. */
  gate(): Promise<boolean>;
  /** Between two pieces of work that is no step: waits while paused; false: stop. */
  turn?(): Promise<boolean>;
  /** Before each gate, and at the end of each stage. */
  boundary?(at: RunBoundary): Promise<void>;
  /** Between two steps of a training stage, and with `last` at its end: the policy as it is after `step`. */
  look?(stageIndex: number, step: number, last?: boolean): Promise<void>;
  /** The run stands better than ever by the metric of a stage: to be kept, as of that stage. */
  best?(at: RunBoundary, kept: BestKept): Promise<void>;
}

/**
 * Runs every stage, or as many as `gate` allows. Returns whether it was stopped.
 * @param from where an earlier run stood, its policy already restored into the bench
 */
export async function runRecipe(
  bench: Workbench,
  recipe: Recipe,
  hooks: RunHooks,
  from?: ResumeFrom,
): Promise<{ stopped: boolean }> {
  checkRecipe(recipe);
  const { emit } = hooks;
  const visits = visitsOf(recipe.stages);
  const first = from ? visitAt(visits, from.position) : 0;
  let step = from?.position.step ?? 0;
  bench.outcomes = from?.position.outcomes ?? [];
  bench.follow(recipe);
  const boundary = async (at: Omit<RunBoundary, 'outcomes'>) => hooks.boundary?.({ ...at, outcomes: bench.outcomes });
  for (const [at, visit] of visits.entries()) {
    if (at < first) continue;
    const { index, stage, round, rounds } = visit;
    const name = visitName(visit);
    const here = placeOf(visits, at, recipe.stages.length);
    const next = placeOf(visits, at + 1, recipe.stages.length);
    const { trains, reads, startsAnew } = descriptorOf(stage);
    // What a stage would write anew is not there for those after it, nor for itself.
    if (startsAnew?.(stage)) bench.outcomes = bench.outcomes.map(withoutRows);
    const resumed = at === first && from?.position.position ? from : null;
    const before = resumed?.position.seconds ?? 0;
    const clock = new StageClock(before);
    const gpuBytes = () => bench.loaded.model.session.bytes;
    const settings = heldoutOf(stage);
    const accuracy = new HeldoutAccuracy(bench, settings, recipe.seed);
    const best = new Best(settings, resumed?.position.best);
    const begun = resumed?.position.stageStep ?? step;
    const seen = (event: EngineEvent) => {
      if (event.type === 'metrics') best.see(event.step, event.values);
      emit(event);
    };
    const news = new StageNews({ stageIndex: index, clock, before, step, gpuBytes, emit: seen });
    const measure = async (last: boolean) => {
      const { step: now } = news;
      if (now === best.state.measuredAt || !accuracy.isDue(now - begun, last)) return;
      const values = await clock.apart(accuracy.measure());
      best.measured(now);
      if (values) seen({ type: 'metrics', stageIndex: index, step: now, values });
    };
    /** Keeps the run as it stands where it is the best so far. */
    const keepBest = async (now: Omit<RunBoundary, 'outcomes' | 'best' | 'stageStep'>) => {
      const { metric } = best;
      if (!best.takeImproved() || !metric) return;
      const kept = { metric, stage: index, ...(rounds > 1 && { round }) };
      await hooks.best?.({ ...now, outcomes: bench.outcomes, best: best.state, stageStep: begun }, kept);
    };
    bench.samples.onPictures = (...at) => news.pictures(...at);
    const [train, heldout] = [trainingRows(bench.dataset, bench.outcomes), bench.dataset.rows('heldout')];
    let stopped = false;
    const wait = async (turn: Promise<boolean>) => {
      const go = await clock.apart(turn);
      if (!go) stopped = true;
      return go;
    };
    const told = { type: 'stage', index, stage, ...(rounds > 1 && { round }) } as const;
    if (!resumed) emit({ ...told, status: 'started', seconds: 0 });
    const compiled = warmStage(bench, stage, reads === 'heldout' ? heldout : train, (...at) => news.compiled(...at));
    // Told of where it is waited for; a stage that fails before has its own failure to tell.
    compiled.catch(() => undefined);
    const context: RunContext = {
      policy: bench.policy,
      processor: bench.processor,
      samples: bench.samples,
      generator: bench.generator,
      seed: seedOf(recipe.seed, round),
      planSeed: recipe.seed,
      draw: recipe.draw ?? null,
      train,
      heldout,
      rows: rowsFor(reads, train, heldout, bench.outcomes),
      answers: bench.outcomes.findLast(({ answers }) => answers !== undefined)?.answers ?? [],
      index,
      round,
      merged: mergesBefore(visits, at),
      compiled,
      scorer: () => bench.scorer(),
      seconds: () => clock.seconds,
      emit: (event) => news.tell(event),
      tell: emit,
      resume: resumed?.position.position ?? null,
      restore: (optimizer) => {
        const moments = resumed?.moments;
        if (moments) optimizer.restore(optimizerState(bench.policy.learning(), moments));
      },
      gate: async ({ position, optimizer }) => {
        const now = { ...here, position, seconds: clock.seconds, step: news.step, optimizer };
        await boundary({ ...now, best: best.state, stageStep: begun });
        if (trains) {
          await hooks.look?.(index, news.step);
          await measure(false);
          await keepBest(now);
          if (best.exhausted) {
            emit({ type: 'notice', message: earlyWords(name, best) });
            return false;
          }
        }
        return wait(hooks.gate());
      },
      turn: () => wait(hooks.turn?.() ?? Promise.resolve(true)),
    };
    const outcome = await handlerOf(stage).run({ ...stage, name }, context);
    await compiled;
    bench.samples.onPictures = null;
    step = news.step;
    bench.outcomes = [...bench.outcomes, outcome];
    if (trains) {
      await hooks.look?.(index, step, true);
      if (!stopped) await measure(true);
    }
    emit({ ...told, status: stopped ? 'stopped' : 'finished', seconds: clock.seconds });
    if (stopped) return { stopped: true };
    const ended = { ...next, position: null, seconds: 0, step, optimizer: undefined };
    // After the stage was told as finished: a run that resumes from here begins with the next one.
    await keepBest(ended);
    await boundary(ended);
  }
  return { stopped: false };
}

/** What a stage has handed on beside rows that it wrote. */
const withoutRows = ({ kept, answers, report }: Outcome): Outcome => ({
  ...(kept && { kept }),
  ...(answers && { answers }),
  ...(report && { report }),
});

const earlyWords = (name: string, { metric, state }: Best): string =>
  `“${name}” ended early: ${metric!.name} was best after step ${state.step} (${metric!.value.toFixed(3)}), and no better in ${state.worse} measurements since.`;
