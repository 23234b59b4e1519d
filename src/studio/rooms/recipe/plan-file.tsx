/** The exact configuration, to read, copy, keep and open again. */
import { useState } from 'react';
import { parseRecipe } from '../../../engine/presets.ts';
import { problemOf } from '../../problem.ts';
import { useProject, useRecipe } from '../../state/studio.ts';
import { saveBlob } from '../../ui/save.ts';
import { FileButton } from '../../ui/file-button.tsx';
import { Icon } from '../../ui/icon.tsx';

export function PlanFile() {
  const recipe = useRecipe((editor) => editor.recipe);
  const use = useRecipe((editor) => editor.use);
  const report = useProject((project) => project.report);
  const settled = useProject((project) => project.settled);
  const [copied, setCopied] = useState(false);
  const json = JSON.stringify(recipe, null, 2);
  const open = async (file: File) => {
    try {
      use(parseRecipe(await file.text(), file.name, 'refused'));
      settled('plan file');
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
      <pre className="code" tabIndex={0} role="region" aria-label="The recipe as JSON">
        {json}
      </pre>
    </div>
  );
}
