/** Answers what the page asks of adapters kept by name, and keeps what a run has learnt. */
import { combine } from '../../train/combine.ts';
import type { Recipe } from '../../train/recipe.ts';
import { descriptorOf } from '../../train/stages/index.ts';
import type { AdaptersReport, AdaptersRequest } from '../protocol/adapters.ts';
import type { Handlers } from '../protocol/messages.ts';
import { nothingLearnt, type Adapters } from './adapters.ts';
import type { ModelHolder } from './model-holder.ts';

export interface AdapterDeskHost {
  readonly holder: ModelHolder;
  /** Work that must not overlap with a step. */
  aside<T>(work: () => Promise<T>): Promise<T>;
  /** Throws `run-active` and `rehearsal-active`. */
  refuseWhileRunning(what: string): void;
}

export function adapterDesk({ holder, aside, refuseWhileRunning }: AdapterDeskHost): Handlers<AdaptersRequest> {
  const changed = (change: (adapters: Adapters) => Promise<void> | void): Promise<AdaptersReport> =>
    aside(async () => {
      const { adapters } = holder;
      await change(adapters);
      return adapters.report;
    });
  return {
    adapters: () => changed(() => undefined),
    'adapter-import': ({ name, files }) => changed((adapters) => adapters.import(name, files)),
    'adapter-keep': ({ name }) =>
      changed(async (adapters) =>
        adapters.keep(name, combine((await holder.bench?.policy.learnt()) ?? nothingLearnt())),
      ),
    'adapter-merge': (request) => changed((adapters) => adapters.merge(request)),
    'adapter-remove': ({ id }) => changed((adapters) => adapters.remove(id)),
    'adapter-stack': async ({ stack, continueTop }) => {
      refuseWhileRunning('change the stack');
      return changed((adapters) => adapters.stack(stack, continueTop));
    },
  };
}

/** Keeps what a run has learnt under the recipe's name, everything as one adapter. */
export async function keepLearnt({ bench, adapters }: ModelHolder, { name, stages }: Recipe): Promise<void> {
  if (!bench?.policy.changed || !stages.some((stage) => descriptorOf(stage).trains)) return;
  adapters.keep(name, combine(await bench.policy.learnt()));
}
