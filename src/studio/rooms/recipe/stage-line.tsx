/** One stage of the plan: its name, what it does in a sentence, and its faults. */
import type { Stage } from '../../../engine/protocol/index.ts';
import type { Advice } from '../../../engine/presets.ts';
import { describeStage, KIND_NAMES } from '../../recipe/kinds/index.ts';
import { useRecipe } from '../../state/studio.ts';
import { Icon } from '../../ui/icon.tsx';

interface StageLineProps {
  readonly stage: Stage;
  readonly index: number;
  readonly count: number;
  /** How often it is run. */
  readonly rounds: number;
  readonly selected: boolean;
  readonly advice: readonly Advice[];
  readonly onSelect: () => void;
  readonly onMoved: (to: number) => void;
}

export function StageLine({ stage, index, count, rounds, selected, advice, onSelect, onMoved }: StageLineProps) {
  const move = useRecipe((editor) => editor.move);
  const remove = useRecipe((editor) => editor.remove);
  const shift = (by: 1 | -1) => {
    move(index, by);
    onMoved(index + by);
  };
  return (
    <li className="stage-line" data-selected={selected || undefined} data-kind={stage.kind}>
      <button type="button" className="stage-main" aria-current={selected ? 'true' : undefined} onClick={onSelect}>
        <span className="stage-dot" aria-hidden="true" />
        <span className="stage-title">
          <b>{stage.name}</b>
          {rounds > 1 && <span className="tag">{rounds} rounds</span>}
          {stage.name !== KIND_NAMES[stage.kind] && <span className="tag">{KIND_NAMES[stage.kind]}</span>}
        </span>
        <span className="stage-about">{describeStage(stage)}</span>
        {advice.map((a) => (
          <span key={a.text} className="advice" data-severity={a.severity}>
            {a.text} {a.hint}
          </span>
        ))}
      </button>
      <span className="stage-tools">
        <button
          type="button"
          className="button icon-only"
          aria-label={`Move ${stage.name} up`}
          disabled={index === 0}
          onClick={() => shift(-1)}
        >
          <Icon name="up" />
        </button>
        <button
          type="button"
          className="button icon-only"
          aria-label={`Move ${stage.name} down`}
          disabled={index === count - 1}
          onClick={() => shift(1)}
        >
          <Icon name="down" />
        </button>
        <button
          type="button"
          className="button icon-only"
          aria-label={`Remove ${stage.name}`}
          onClick={() => remove(index)}
        >
          <Icon name="trash" />
        </button>
      </span>
    </li>
  );
}
