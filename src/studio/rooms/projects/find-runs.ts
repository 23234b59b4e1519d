/** Runs found by words: each word must stand somewhere in what is said of a run. */
import { dataOf, runName, type RunView } from '../../../engine/protocol/index.ts';

/** @param archived whether archived runs are listed, too; a search lists them only if asked */
export function findRuns(runs: readonly RunView[], wanted: string, archived: boolean): readonly RunView[] {
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  return runs.filter((run) => {
    const { label, recipe, modelName } = run;
    if (label.archived && !archived) return false;
    const said = [runName(run), recipe.name, dataOf(run), modelName, label.notes, ...label.tags]
      .join(' ')
      .toLowerCase();
    return words.every((word) => said.includes(word));
  });
}
