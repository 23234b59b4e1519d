/** The plan being edited. It survives a reload. */
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { PictureBudget, Recipe, Stage } from '../../engine/protocol/index.ts';
import { newStage, parseRecipe, presetRecipe, type DrawSettings, type PromptSettings } from '../../engine/presets.ts';
import { problemOf, type Problem } from '../problem.ts';

export interface RecipeEditor {
  readonly recipe: Recipe;
  use(recipe: Recipe): void;
  rename(name: string): void;
  reseed(seed: number): void;
  /** How rows are asked; null: as they are written. */
  ask(prompt: PromptSettings | null): void;
  /** How training rows are drawn; null: each once a pass, as it is. */
  draw(draw: DrawSettings | null): void;
  /** How many pixels of a picture reach the model; null: as the checkpoint's processor says. */
  limit(pictures: PictureBudget | null): void;
  change(index: number, stage: Stage): void;
  add(kind: Stage['kind']): void;
  remove(index: number): void;
  move(index: number, by: 1 | -1): void;
}

const KEY = 'groundwork.recipe';

/** @param tell what is wrong with the stored plan, where it cannot be read */
export function createRecipeEditor(
  storage: Pick<Storage, 'getItem' | 'setItem'> | null,
  tell: (problem: Problem) => void = () => {},
): StoreApi<RecipeEditor> {
  const saved = storage?.getItem(KEY);
  const stored = (): Recipe | null => {
    if (!saved) return null;
    try {
      return parseRecipe(saved, 'The recipe of your last visit', 'default');
    } catch (error) {
      tell({
        ...problemOf(error),
        hint: 'The quick recipe is open instead. Your projects and runs are unchanged.',
      });
      return null;
    }
  };
  const store = createStore<RecipeEditor>()((set) => {
    const stages = (edit: (stages: readonly Stage[]) => readonly Stage[]) =>
      set(({ recipe }) => ({ recipe: { ...recipe, stages: edit(recipe.stages) } }));
    /** What holds for the whole plan; null: it has none, and no place for it. */
    const whole = <K extends 'prompt' | 'draw' | 'pictures'>(key: K, value: Recipe[K] | null) =>
      set(({ recipe: { stages: all, ...about } }) => {
        const { [key]: _, ...others } = about;
        return { recipe: { ...others, ...(value && { [key]: value }), stages: all } as Recipe };
      });
    return {
      recipe: stored() ?? presetRecipe('demo-quick'),
      use: (recipe) => set({ recipe }),
      rename: (name) => set(({ recipe }) => ({ recipe: { ...recipe, name } })),
      reseed: (seed) => set(({ recipe }) => ({ recipe: { ...recipe, seed } })),
      ask: (prompt) => whole('prompt', prompt),
      draw: (draw) => whole('draw', draw),
      limit: (pictures) => whole('pictures', pictures && Object.keys(pictures).length > 0 ? pictures : null),
      change: (index, stage) => stages((all) => all.map((old, i) => (i === index ? stage : old))),
      add: (kind) => stages((all) => [...all, newStage(kind)]),
      remove: (index) => stages((all) => all.filter((_, i) => i !== index)),
      move: (index, by) =>
        stages((all) => {
          const to = index + by;
          if (to < 0 || to >= all.length) return all;
          const next = [...all];
          [next[index], next[to]] = [next[to]!, next[index]!];
          return next;
        }),
    };
  });
  store.subscribe(({ recipe }) => {
    try {
      storage?.setItem(KEY, JSON.stringify(recipe));
    } catch {
      // A full or forbidden storage only costs the memory of the plan.
    }
  });
  return store;
}
