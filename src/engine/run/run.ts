/** One run of a recipe: stages in order over one policy, and what came out of them. */
import { GroundworkError } from '../../base/error.ts';
import { placesWhere, subset, type RowList } from '../../data/row-list.ts';
import { runEvaluation } from '../../evaluate/run.ts';
import { runGrpo } from '../../train/grpo.ts';
import type { Recipe, Stage } from '../../train/recipe.ts';
import { runRejection } from '../../train/rejection.ts';
import { runSft } from '../../train/sft.ts';
import type { MomentsSnapshot } from '../../train/checkpoint.ts';
import { optimizerState } from '../../train/checkpoint.ts';
import type { Optimizer } from '../../train/optimizer.ts';
import type { StageContext, StageEvent } from '../../train/stage.ts';
import type { EngineEvent } from '../protocol/messages.ts';
import { groundedBoxes } from '../answers/answer.ts';
import type { RunBoundary, RunPosition } from '../keep/position.ts';
import type { Workbench } from '../model/workbench.ts';
import { warmStage } from './warm.ts';

export interface ResumeFrom {
  readonly position: RunPosition;
  readonly moments: MomentsSnapshot | null;
}

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
  let curated: readonly string[] | null = from?.position.curated ?? null;
  let step = from?.position.step ?? 0;
  bench.evaluations.push(...(from?.position.evaluations ?? []));
  bench.rejection = from?.position.rejection ?? null;
  for (const [index, stage] of recipe.stages.entries()) {
    if (index < (from?.position.stage ?? 0)) continue;
    const resumed = from?.position.stage === index && from.position.position !== null ? from : null;
    const before = resumed?.position.seconds ?? 0;
    let started = performance.now() - before * 1000;
    let stopped = false;
    /** What a run waits for, on hold or while others have their turn, is no time of its own. */
    const apart = async (wait: Promise<boolean>) => {
      const from = performance.now();
      const go = await wait;
      started += performance.now() - from;
      if (!go) stopped = true;
      return go;
    };
    const where = (part: Pick<RunPosition, 'stage' | 'position' | 'seconds'>, optimizer?: Optimizer) =>
      hooks.boundary?.({
        ...part,
        step,
        curated,
        rejection: bench.rejection,
        evaluations: [...bench.evaluations],
        optimizer,
      });
    const seconds = () => (performance.now() - started) / 1000;
    const pace = new Pace(before);
    const left = (progress: Counted) => pace.left(progress, seconds());
    const trains = stage.kind === 'sft' || stage.kind === 'grpo';
    if (!resumed) hooks.emit({ type: 'stage', index, stage, status: 'started', seconds: 0 });
    // Of two things that are done together, the one is told of when the other is done.
    let encoding = false;
    const compiled = warmStage(bench, stage, (done, total) => {
      if (encoding && done < total) return;
      const progress = { type: 'progress', done, total, unit: 'kernels compiled', preparing: true } as const;
      left(progress);
      hooks.emit({ ...progress, stageIndex: index, etaSeconds: null });
    });
    // Told of where it is waited for; a stage that fails before has its own failure to tell.
    compiled.catch(() => undefined);
    const context: StageContext = {
      policy: bench.policy,
      processor: bench.loaded.processor,
      samples: bench.samples,
      generator: bench.generator,
      seed: recipe.seed,
      train: bench.dataset.rows('train'),
      heldout: bench.dataset.rows('heldout'),
      compiled,
      scorer: () => bench.scorer(),
      emit: (event) => {
        if (event.type === 'metrics') step++;
        if (event.type === 'progress') encoding = event.preparing === true && event.done < event.total;
        hooks.emit(translate(event, index, step, left, bench));
      },
      resume: resumed?.position.position ?? null,
      restore: (optimizer) => {
        const moments = resumed?.moments;
        if (moments) optimizer.restore(optimizerState(bench.policy.learning(), moments));
      },
      gate: async ({ position, optimizer }) => {
        await where({ stage: index, position, seconds: seconds() }, optimizer);
        if (trains) await hooks.look?.(index, step);
        return apart(hooks.gate());
      },
      turn: () => apart(hooks.turn?.() ?? Promise.resolve(true)),
    };
    switch (stage.kind) {
      case 'evaluate': {
        const { evaluation, scores } = await runEvaluation(stage, context);
        bench.evaluations.push({ name: stage.name, evaluation, scores, seconds: seconds() });
        hooks.emit({ type: 'evaluation', stageIndex: index, name: stage.name, evaluation });
        break;
      }
      case 'sft':
        await runSft(stage, context);
        break;
      case 'merge':
        await compiled;
        await bench.policy.merge();
        break;
      case 'rejection': {
        const curation = await runRejection(stage, context);
        curated = curation.kept;
        bench.rejection = { prompts: curation.prompts.length, kept: curation.kept.length };
        break;
      }
      case 'grpo':
        await runGrpo(stage, context, promptsOf(context.train, curated));
        break;
    }
    await compiled;
    if (trains) await hooks.look?.(index, step, true);
    hooks.emit({ type: 'stage', index, stage, status: stopped ? 'stopped' : 'finished', seconds: seconds() });
    if (stopped) return { stopped: true };
    await where({ stage: index + 1, position: null, seconds: 0 });
  }
  return { stopped: false };
}

/** Rows to reinforce: those that were kept, else all with a solution, in the dataset's order. */
function promptsOf(train: RowList, curated: readonly string[] | null): RowList {
  const kept = curated && new Set(curated);
  return subset(
    train,
    placesWhere(train, (i) => (kept ? kept.has(train.id(i)) : train.hasSolution(i))),
  );
}

/** An adapter must be merged before the next one is trained; found out now rather than hours into a run. */
export function checkRecipe({ stages }: Recipe): void {
  let attached: Stage | null = null;
  for (const stage of stages) {
    if (stage.kind === 'merge') {
      if (!attached)
        throw new GroundworkError(
          'recipe-invalid',
          'A merge stage has nothing to merge.',
          'Put it after an SFT or GRPO stage.',
        );
      attached = null;
    } else if (stage.kind === 'sft' || stage.kind === 'grpo') {
      if (attached)
        throw new GroundworkError(
          'recipe-invalid',
          `Stage “${stage.name}” follows “${attached.name}” without a merge.`,
          'Put a merge stage between them.',
        );
      attached = stage;
    }
  }
}

type Counted = Extract<StageEvent, { type: 'progress' }>;

/** Tells how long what a stage counts will take, from the time since it began to count that: kernels, rows, steps. */
export class Pace {
  readonly #before: number;
  /** Where the counting of a unit began; two may be counted at the same time. */
  readonly #from = new Map<string, { readonly done: number; readonly seconds: number }>();
  #told: number;

  /** @param before seconds that the stage took before it was interrupted */
  constructor(before: number) {
    this.#before = this.#told = before;
  }

  /** Seconds left of what `event` counts, at the stage's `seconds`; null: it cannot be told yet. */
  left({ unit, done, total, preparing }: Counted, seconds: number): number | null {
    // An earlier visit did a part of the work, but prepared for itself.
    const shared = this.#before > 0 && !preparing;
    const from = this.#from.get(unit) ?? (shared ? { done, seconds } : { done: 0, seconds: this.#told });
    this.#from.set(unit, from);
    this.#told = seconds;
    const since = done - from.done;
    return since > 0 ? ((seconds - from.seconds) / since) * (total - done) : null;
  }
}

/** @param left seconds left of what a progress event counts */
function translate(
  event: StageEvent,
  stageIndex: number,
  step: number,
  left: (progress: Counted) => number | null,
  bench: Workbench,
): EngineEvent {
  switch (event.type) {
    case 'progress':
      return {
        ...event,
        stageIndex,
        etaSeconds: left(event),
        gpuBytes: bench.loaded.model.session.bytes,
      };
    case 'metrics':
      return { ...event, stageIndex, step };
    case 'group':
      return {
        type: 'group',
        stageIndex,
        step: step + 1,
        rowId: event.rowId,
        completions: event.completions.map((c) => {
          const parsed = bench.samples.parseById(event.rowId, c.text);
          return { ...c, think: parsed?.think ?? null, boxes: groundedBoxes(parsed?.boxes ?? []) };
        }),
      };
    case 'rejection':
      return { ...event, stageIndex };
    case 'notice':
      return event;
  }
}
