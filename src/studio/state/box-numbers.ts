/** In whose numbers boxes are shown, in every room and also in the next visit. */
import { createStore } from 'zustand/vanilla';

export const NUMBERS = ['fractions', 'file', 'model'] as const;
export type NumbersShown = (typeof NUMBERS)[number];

const KEY = 'groundwork.box-numbers';

function stored(): NumbersShown {
  try {
    return NUMBERS.find((kind) => kind === localStorage.getItem(KEY)) ?? 'fractions';
  } catch {
    return 'fractions';
  }
}

interface Shown {
  readonly shown: NumbersShown;
  show(kind: NumbersShown): void;
}

export const numbersShown = createStore<Shown>()((set) => ({
  shown: stored(),
  show(shown) {
    set({ shown });
    try {
      localStorage.setItem(KEY, shown);
    } catch {
      // Only the memory of the choice is lost.
    }
  },
}));
