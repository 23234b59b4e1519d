/** What the plan's picture budget makes of the open rows, asked anew when one of them changes. */
import { useEffect, useState } from 'react';
import type { DatasetReport, PictureReport } from '../../../engine/protocol/index.ts';
import { problemOf, type Problem } from '../../problem.ts';
import { useProject, useRecipe, useStudio } from '../../state/studio.ts';
import { budgetFault } from './budget-words.ts';

/** A slider that moves asks once it rests. */
const PATIENCE_MS = 150;

export interface PicturesSeen {
  readonly report: PictureReport | null;
  readonly problem: Problem | null;
  /** A newer answer is under way. */
  readonly busy: boolean;
}

const NOTHING: PicturesSeen = { report: null, problem: null, busy: false };

/** Nothing while a dataset or a model is missing, or where the budget cannot be used. */
export function usePictureReport(dataset: DatasetReport | null): PicturesSeen {
  const { client } = useStudio();
  const model = useProject((project) => project.model);
  const recipe = useRecipe((editor) => editor.recipe);
  const { prompt, pictures, seed, stages } = recipe;
  const [seen, setSeen] = useState(NOTHING);
  const id = dataset?.id;
  const able = id !== undefined && model !== null && budgetFault(model, pictures) === null;
  useEffect(() => {
    if (!able) return setSeen(NOTHING);
    let live = true;
    setSeen((before) => ({ ...before, busy: true }));
    const timer = setTimeout(() => {
      const asked = { seed, stages, ...(prompt && { prompt }), ...(pictures && { pictures }) };
      client.request({ type: 'picture-report', dataset: id, recipe: asked }).then(
        (report) => live && setSeen({ report, problem: null, busy: false }),
        (error: unknown) => live && setSeen({ report: null, problem: problemOf(error), busy: false }),
      );
    }, PATIENCE_MS);
    return () => {
      live = false;
      clearTimeout(timer);
    };
    // `model`: another one under the same plan.
  }, [client, able, id, model, prompt, pictures, seed, stages]);
  return seen;
}
