/** A project is saved when something is chosen: its dataset, its model, its recipe. */
import type { StoreApi } from 'zustand/vanilla';
import type { EngineClient } from '../../engine/client.ts';
import type { DatasetRef, ModelRef, ProjectView, Recipe } from '../../engine/protocol/index.ts';
import { currentProject, type Keeping } from './kept.ts';
import { problemOf } from '../problem.ts';
import { datasetRef, type Project } from './project.ts';
import type { RecipeEditor } from './recipe.ts';

interface Watched {
  readonly client: EngineClient;
  readonly project: StoreApi<Project>;
  readonly recipe: StoreApi<RecipeEditor>;
  readonly keeping: StoreApi<Keeping>;
}

export interface Choices {
  readonly dataset: DatasetRef | null;
  readonly model: ModelRef | null;
  readonly recipe: Recipe;
}

/** Edits of the plan within this time are saved together, milliseconds. */
const SAVE_AFTER = 250;

/** What there is to save: of something that waits to be opened again, what it was. */
export function choicesOf({ project, recipe, keeping }: Omit<Watched, 'client'>): Choices {
  const state = project.getState();
  const before = currentProject(keeping.getState());
  return {
    dataset: datasetRef(state) ?? before?.dataset ?? null,
    model: state.modelRef ?? before?.model ?? null,
    recipe: recipe.getState().recipe,
  };
}

/** Records of older versions do not say: there a project that a person had not named had its dataset's name. */
const isNamed = ({ named, name, dataset }: ProjectView): boolean =>
  named ?? ![UNTITLED, dataset?.name, placeOf(dataset)].includes(name);

const UNTITLED = 'Untitled';

/** A dataset's name as a project's: a packed file is called after what is in it. */
const placeOf = (dataset: Pick<DatasetRef, 'name'> | null): string | undefined =>
  dataset?.name.replace(/\.(?:zip|tar|tgz|tar\.gz|jsonl?|csv|parquet)$/i, '') || undefined;

/** Starts to watch, and gives the function that saves at once. Saves take turns: a new project is made once. */
export function autosave(watched: Watched): () => Promise<void> {
  const { client, project, recipe, keeping } = watched;
  let saved: string | null = null;
  /** A name for what a project holds; none for one that a person has named. */
  const nameFor = ({ dataset, model }: Choices): { readonly name?: string } => {
    const before = currentProject(keeping.getState());
    if (before && isNamed(before)) return {};
    return { name: placeOf(dataset) ?? (model && 'name' in model ? model.name : UNTITLED) };
  };
  const saveOnce = async () => {
    const { current, owned, projects } = keeping.getState();
    const change = choicesOf(watched);
    if (!owned || projects === null || JSON.stringify([current, change]) === saved) return;
    try {
      const { id } = await client.request({
        type: 'save-project',
        id: current,
        change: { ...nameFor(change), ...change },
      });
      saved = JSON.stringify([id, change]);
      project.getState().settled('saving');
      keeping.setState({ current: id });
      await keeping.getState().refresh();
    } catch (error) {
      project.getState().report({ ...problemOf(error), about: 'saving' });
    }
  };
  let turn = Promise.resolve();
  const save = () => (turn = turn.then(saveOnce));

  let timer: ReturnType<typeof setTimeout> | undefined;
  const saveSoon = () => {
    clearTimeout(timer);
    timer = setTimeout(() => void save(), SAVE_AFTER);
  };
  project.subscribe(({ dataset, model }, before) => {
    // Not soon but now: what was confirmed about a dataset should not be asked again after a reload.
    if ((dataset !== before.dataset && dataset) || (model !== before.model && model)) void save();
  });
  recipe.subscribe((now, before) => {
    if (now.recipe !== before.recipe && keeping.getState().current !== null) saveSoon();
  });
  return save;
}
