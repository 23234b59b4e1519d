/** The latest profile of a step, kept while rooms and tabs come and go. */
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { EngineClient } from '../../engine/client.ts';
import type { StepProfile } from '../../engine/protocol/index.ts';
import { problemOf, type Problem } from '../problem.ts';

export interface ProfileState {
  readonly profile: StepProfile | null;
  readonly pending: boolean;
  readonly problem: Problem | null;
  ask(): Promise<void>;
  dismiss(): void;
}

export function createProfile(client: EngineClient): StoreApi<ProfileState> {
  return createStore<ProfileState>()((set) => ({
    profile: null,
    pending: false,
    problem: null,
    async ask() {
      set({ pending: true, problem: null });
      try {
        set({ profile: await client.request({ type: 'profile' }), pending: false });
      } catch (error) {
        set({ problem: problemOf(error), pending: false });
      }
    },
    dismiss: () => set({ problem: null }),
  }));
}
