/** What a run tells, without what depends on the clock. */
import type { EngineEvent } from '../../src/engine/protocol/index.ts';

export function timeless(event: EngineEvent): unknown[] {
  if (event.type === 'metrics') {
    const { step_time: _, ...values } = event.values;
    return [{ ...event, values }];
  }
  if (event.type === 'stage') {
    const { index, status, round } = event;
    return [{ type: 'stage', index, status, round }];
  }
  return event.type === 'group' || event.type === 'evaluation' || event.type === 'rejection' ? [event] : [];
}

/** A step, a batch: kernels that were compiled are told as progress, too. */
export const isUnit = (event: EngineEvent): boolean => event.type === 'progress' && !event.preparing && event.done > 0;
