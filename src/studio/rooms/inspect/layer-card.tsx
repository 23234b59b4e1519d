/** What another model wrote to the row in sight. */
import { Swatch } from '../../boxes/strip.tsx';
import { BoxChips } from '../../ui/segments.tsx';
import { ratio } from '../../ui/format.ts';
import { OUTCOMES } from '../../../engine/protocol/outcomes.ts';
import type { LayerAnswer } from './layer-answer.ts';

export function LayerCard({ name, answer, hitAt }: LayerAnswer & { readonly hitAt: number }) {
  return (
    <section className="card answer" aria-label={`Answer of ${name}`}>
      <header>
        <h2 className="minor">
          <Swatch role="other" /> {name}
        </h2>
        {answer && answer.value !== null && (
          <p className="num answer-iou" data-hit={answer.value >= hitAt}>
            {answer.value >= hitAt ? '✓ hit' : '✗ miss'}, IoU <b>{ratio(answer.value)}</b>
          </p>
        )}
      </header>
      {!answer ? (
        <p className="muted">It has no answer to this row.</p>
      ) : (
        <>
          {answer.outcome && answer.outcome !== 'right' && (
            <p className="verdict-line">
              <span className="severity" data-severity="error">
                {OUTCOMES[answer.outcome]}
              </span>
            </p>
          )}
          <p className="words">{answer.text}</p>
          <BoxChips boxes={answer.boxes} />
        </>
      )}
    </section>
  );
}
