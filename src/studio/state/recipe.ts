/** The plan being edited. It survives a reload. */
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { Recipe, Stage } from '../../engine/protocol/index.ts';
import { KINDS, newStage, presetRecipe } from '../../engine/presets.ts';

export interface RecipeEditor {
  readonly recipe: Recipe;
  use(recipe: Recipe): void;
  rename(name: string): void;
  reseed(seed: number): void;
  change(index: number, stage: Stage): void;
  add(kind: Stage['kind']): void;
  remove(index: number): void;
  move(index: number, by: 1 | -1): void;
}

const KEY = 'groundwork.recipe';

/** Reads a recipe from JSON someone gave; null if it is not one. Missing settings take their defaults. */
export function readRecipe(json: string): Recipe | null {
  try {
    const value = JSON.parse(json) as Partial<Recipe> | null;
    if (!value || !Array.isArray(value.stages)) return null;
    const stages = (value.stages as Partial<Stage>[]).map((stage) =>
      stage.kind && KINDS.includes(stage.kind) ? withDefaults(stage as Stage) : null,
    );
    if (stages.includes(null)) return null;
    return {
      name: String(value.name ?? 'Opened recipe'),
      seed: Number.isSafeInteger(value.seed) ? value.seed! : 42,
      stages: stages as Stage[],
    };
  } catch {
    return null;
  }
}

function withDefaults(stage: Stage): Stage {
  const fresh = newStage(stage.kind) as unknown as Record<string, unknown>;
  const merged: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fresh)) {
    const given = (stage as unknown as Record<string, unknown>)[key];
    const nested = typeof value === 'object' && value !== null && !Array.isArray(value);
    merged[key] = nested
      ? { ...value, ...(given as object | undefined) }
      : given === undefined || typeof given !== typeof value
        ? value
        : given;
  }
  return merged as unknown as Stage;
}

export function createRecipeEditor(storage: Pick<Storage, 'getItem' | 'setItem'> | null): StoreApi<RecipeEditor> {
  const saved = storage?.getItem(KEY);
  const store = createStore<RecipeEditor>()((set) => {
    const stages = (edit: (stages: readonly Stage[]) => readonly Stage[]) =>
      set(({ recipe }) => ({ recipe: { ...recipe, stages: edit(recipe.stages) } }));
    return {
      recipe: (saved ? readRecipe(saved) : null) ?? presetRecipe('demo-quick'),
      use: (recipe) => set({ recipe }),
      rename: (name) => set(({ recipe }) => ({ recipe: { ...recipe, name } })),
      reseed: (seed) => set(({ recipe }) => ({ recipe: { ...recipe, seed } })),
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
