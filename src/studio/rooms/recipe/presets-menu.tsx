/** Plans to start from, and stages to add. Native selects: small, known, and complete by keyboard. */
import { PRESETS } from '../../recipe/presets.ts';
import { KIND_NAMES, KINDS } from '../../recipe/stages.ts';
import { useRecipe } from '../../state/studio.ts';
import { Icon } from '../../ui/icon.tsx';

export function PresetMenu() {
  const recipe = useRecipe((editor) => editor.recipe);
  const use = useRecipe((editor) => editor.use);
  const current = PRESETS.find((preset) => JSON.stringify(preset.recipe) === JSON.stringify(recipe));
  return (
    <div className="presets" role="group" aria-label="Presets">
      {PRESETS.map((preset) => (
        <button
          key={preset.key}
          type="button"
          className="preset"
          aria-pressed={preset === current}
          onClick={() => use(preset.recipe)}
          title={preset.about}
        >
          {preset.title}
        </button>
      ))}
      <p className="muted">{current ? current.about : 'Your own plan.'}</p>
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
