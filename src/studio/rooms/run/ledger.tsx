/** Sliders for "what if": other reward weights over what was already sampled. Nothing in the run changes. */
import { ratio } from '../../ui/format.ts';
import { weightOf, type Weights } from './rescore.ts';

interface LedgerProps {
  readonly terms: readonly string[];
  readonly own: Weights;
  readonly weights: Weights | null;
  readonly onChange: (weights: Weights | null) => void;
}

export function LedgerControls({ terms, own, weights, onChange }: LedgerProps) {
  const current = weights ?? own;
  return (
    <details className="ledger">
      <summary>
        Other weights <span className="muted">see how ranks would move; the run is not changed</span>
      </summary>
      <div className="ledger-terms">
        {terms.map((term) => (
          <label key={term} className="slider">
            {term}
            <input
              type="range"
              min={0}
              max={2}
              step={0.05}
              value={weightOf(current, term)}
              onChange={(event) =>
                onChange({
                  ...Object.fromEntries(terms.map((t) => [t, weightOf(current, t)])),
                  [term]: Number(event.target.value),
                })
              }
            />
            <span className="num">{ratio(weightOf(current, term))}</span>
          </label>
        ))}
        <button type="button" className="button small" disabled={weights === null} onClick={() => onChange(null)}>
          As in the run
        </button>
      </div>
    </details>
  );
}
