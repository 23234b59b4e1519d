/**
 * Code that recipes carry runs only once a person has allowed it: by writing it here, or by reading it in a dialog. What
 * was allowed is remembered in this browser, by the code itself: a recipe from elsewhere with other code asks again. The
 * engine runs no code that a request does not name (`allowCode`), so a way that forgets to ask runs nothing.
 */
import { createStore, type StoreApi } from 'zustand/vanilla';
import { GroundworkError } from '../../base/error.ts';
import { codeOf } from '../../engine/presets.ts';
import type { Recipe } from '../../engine/protocol/index.ts';

export interface CodeConsent {
  /** What waits for an answer. */
  readonly asking: { readonly name: string; readonly codes: readonly string[] } | null;
  /** A person wrote it here, or has read it. */
  allow(code: string): void;
  answer(allowed: boolean): void;
  /** The code of a recipe, once all of it is allowed. Throws `code-declined`. */
  require(recipe: Recipe): Promise<readonly string[]>;
}

const KEY = 'groundwork.allowed-code';
/** Codes remembered; of more, the oldest is asked about again. */
const MOST_REMEMBERED = 20;

export function createCodeConsent(storage: Pick<Storage, 'getItem' | 'setItem'> | null): StoreApi<CodeConsent> {
  let allowed = remembered(storage);
  /** Written or read in this visit. What is run of it is remembered. */
  const written = new Set<string>();
  let answered: ((allowed: boolean) => void) | null = null;
  const remember = (codes: readonly string[]) => {
    allowed = [...allowed.filter((code) => !codes.includes(code)), ...codes].slice(-MOST_REMEMBERED);
    try {
      storage?.setItem(KEY, JSON.stringify(allowed));
    } catch {
      // A full or forbidden storage asks again on the next visit.
    }
  };
  return createStore<CodeConsent>()((set) => ({
    asking: null,
    allow: (code) => void written.add(code),
    answer(yes) {
      set({ asking: null });
      answered?.(yes);
      answered = null;
    },
    async require(recipe) {
      const codes = codeOf(recipe);
      const unread = [...new Set(codes)].filter((code) => !allowed.includes(code) && !written.has(code));
      if (unread.length === 0) {
        if (codes.length > 0) remember(codes);
        return codes;
      }
      answered?.(false);
      const yes = await new Promise<boolean>((resolve) => {
        answered = resolve;
        set({ asking: { name: recipe.name, codes: unread } });
      });
      if (!yes)
        throw new GroundworkError(
          'code-declined',
          `The code in “${recipe.name}” was not allowed, so nothing was run.`,
          'To run the recipe without it, set the weight of your own reward to 0.',
        );
      remember(codes);
      return codes;
    },
  }));
}

function remembered(storage: Pick<Storage, 'getItem'> | null): readonly string[] {
  try {
    const stored: unknown = JSON.parse(storage?.getItem(KEY) ?? '[]');
    return Array.isArray(stored) ? stored.filter((code) => typeof code === 'string') : [];
  } catch {
    return [];
  }
}
