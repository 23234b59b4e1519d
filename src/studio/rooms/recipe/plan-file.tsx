/** The exact configuration, to read, copy, keep and open again. */
import { useState } from 'react';
import { codeOf, parseRecipe } from '../../../engine/presets.ts';
import type { Recipe } from '../../../engine/protocol/index.ts';
import { problemOf } from '../../problem.ts';
import { useCodeConsent, useProject, useRecipe } from '../../state/studio.ts';
import { saveBlob } from '../../ui/save.ts';
import { FileButton } from '../../ui/file-button.tsx';
import { Icon } from '../../ui/icon.tsx';

/** The recipe with its own rewards switched off. */
const withoutCode = (recipe: Recipe): Recipe => ({
  ...recipe,
  stages: recipe.stages.map((stage) =>
    stage.kind === 'grpo' ? { ...stage, rewardCode: '', rewardWeights: { ...stage.rewardWeights, own: 0 } } : stage,
  ),
});

export function PlanFile() {
  const recipe = useRecipe((editor) => editor.recipe);
  const use = useRecipe((editor) => editor.use);
  const allow = useCodeConsent((consent) => consent.allow);
  const report = useProject((project) => project.report);
  const settled = useProject((project) => project.settled);
  const [copied, setCopied] = useState(false);
  /** A plan from elsewhere that carries code: nothing of it is used before it is agreed to. */
  const [foreign, setForeign] = useState<Recipe | null>(null);
  const take = (recipe: Recipe) => {
    setForeign(null);
    use(recipe);
  };
  const json = JSON.stringify(recipe, null, 2);
  const open = async (file: File) => {
    try {
      const opened = parseRecipe(await file.text(), file.name, 'refused');
      settled('plan file');
      if (codeOf(opened).length > 0) setForeign(opened);
      else use(opened);
    } catch (error) {
      const { hint, ...problem } = problemOf(error);
      report({ ...problem, about: 'plan file', hint: `${hint} Your recipe was not changed.` });
    }
  };
  return (
    <div className="plan-file">
      <div className="button-row">
        <button
          type="button"
          className="button"
          onClick={() =>
            saveBlob(
              new Blob([json], { type: 'application/json' }),
              `${recipe.name.replace(/[^\w-]+/g, '-').toLowerCase() || 'plan'}.groundwork.json`,
            )
          }
        >
          <Icon name="down" /> Save
        </button>
        <FileButton label="Open" accept=".json,application/json" pick="plan" onFile={(file) => void open(file)} />
        <button
          type="button"
          className="button"
          onClick={() =>
            void navigator.clipboard.writeText(json).then(
              () => setCopied(true),
              () => setCopied(false),
            )
          }
        >
          <Icon name="copy" /> {copied ? 'Copied' : 'Copy'}
        </button>
      </div>
      {foreign && (
        <section role="alertdialog" aria-labelledby="foreign-code" className="note">
          <h3 id="foreign-code">This recipe carries code</h3>
          <p>
            A reward of “{foreign.name}” is JavaScript. It would score answers during a run. It runs in an interpreter
            without network, storage or clock. Read it before you allow it.
          </p>
          {codeOf(foreign).map((code) => (
            <pre key={code} className="code" tabIndex={0} role="region" aria-label="The code of the reward">
              {code}
            </pre>
          ))}
          <div className="button-row">
            <button
              type="button"
              className="button"
              onClick={() => {
                codeOf(foreign).forEach(allow);
                take(foreign);
              }}
            >
              Open it with the code
            </button>
            <button type="button" className="button" onClick={() => take(withoutCode(foreign))}>
              Open it without the code
            </button>
            <button type="button" className="button" onClick={() => setForeign(null)}>
              Keep my recipe
            </button>
          </div>
        </section>
      )}
      <pre className="code" tabIndex={0} role="region" aria-label="The recipe as JSON">
        {json}
      </pre>
    </div>
  );
}
