/** Plans to start from, and stages to add. Native selects: small, known, and complete by keyboard. */
import { KINDS, PRESETS } from '../../../engine/presets.ts';
import { KIND_NAMES } from '../../recipe/kinds/index.ts';
import { useRecipe } from '../../state/studio.ts';
import { Icon } from '../../ui/icon.tsx';

const presets = Object.values(PRESETS);
const GROUPS = [
  { model: 'starter', title: 'For the starter' },
  { model: 'pretrained', title: 'For a pretrained model' },
] as const;

export function PresetMenu() {
  const recipe = useRecipe((editor) => editor.recipe);
  const use = useRecipe((editor) => editor.use);
  const current = presets.find((preset) => JSON.stringify(preset.recipe) === JSON.stringify(recipe));
  return (
    <div className="presets" role="group" aria-label="Presets">
      {GROUPS.map(({ model, title }) => (
        <div key={model} className="preset-group" role="group" aria-label={title}>
          <span className="muted">{title}</span>
          {presets
            .filter((preset) => preset.model === model)
            .map((preset) => (
              <button
                key={preset.recipe.name}
                type="button"
                className="preset"
                aria-pressed={preset === current}
                onClick={() => use(preset.recipe)}
                title={preset.summary}
              >
                {preset.title}
              </button>
            ))}
        </div>
      ))}
      <p className="muted">{current ? current.summary : 'Your own recipe.'}</p>
      {current && current.unverified.length > 0 && (
        <details className="preset-sources">
          <summary>Where its values come from</summary>
          <ul>
            {current.unverified.map((source) => (
              <li key={source}>{source}</li>
            ))}
          </ul>
        </details>
      )}
    </div>
  );
}

export function AddStage({ onAdded }: { readonly onAdded: () => void }) {
  const add = useRecipe((editor) => editor.add);
  return (
    <div className="add-stage" role="group" aria-label="Add a stage">
      <span className="muted">Add</span>
      {KINDS.map((kind) => (
        <button
          key={kind}
          type="button"
          className="button small"
          onClick={() => {
            add(kind);
            onAdded();
          }}
        >
          <Icon name="plus" /> {KIND_NAMES[kind]}
        </button>
      ))}
    </div>
  );
}
