/** One thought of a teacher over its row: boxes drawn, what is wrong, and what a person says of it. */
import { useId, useMemo, useState } from 'react';
import type { JudgedCandidate, ThoughtCount } from '../../../engine/protocol/index.ts';
import type { Layer } from '../../boxes/roles.ts';
import { Legend, Strip } from '../../boxes/strip.tsx';
import { useThoughts } from '../../state/studio.ts';
import { useRow } from '../../state/use-rows.ts';
import { Icon } from '../../ui/icon.tsx';
import { Messages } from '../../ui/segments.tsx';

interface ThoughtDetailProps {
  readonly dataset: string;
  readonly candidate: JudgedCandidate;
  /** Words for what is wrong. */
  readonly labels: readonly ThoughtCount[];
}

export function ThoughtDetail({ dataset, candidate, labels }: ThoughtDetailProps) {
  const row = useRow(dataset, candidate.row);
  const judge = useThoughts((thoughts) => thoughts.judge);
  const [words, setWords] = useState(candidate.thought);
  const id = useId();
  const layers = useMemo((): Layer[] => {
    // A box of which no picture is said cannot be drawn.
    const boxes = candidate.boxes.flatMap(({ image, box }) => (image === null ? [] : [{ image, box }]));
    return [
      { role: 'truth', boxes: row?.solution ?? [] },
      { role: 'other', boxes },
    ];
  }, [row, candidate]);
  if (!row) return <p className="room-wait">Reading the row…</p>;
  const { by, faults, verdict, taken } = candidate;
  const unplaced = candidate.boxes.filter(({ image }) => image === null).length;
  return (
    <article className="detail" tabIndex={0} aria-label={`A thought of row ${row.id}`}>
      <Strip dataset={dataset} images={row.images} layers={layers} height={0.34} label={`Pictures of row ${row.id}`} />
      <div className="detail-line">
        <Legend roles={['truth', 'other']} />
        <span className="muted">
          {by.model} at {by.endpoint}, answer {by.sample + 1}, temperature {by.temperature}
          {by.hinted && ', with the true boxes as a hint'}
          {by.edited && ', rewritten by you'}
        </span>
      </div>
      {faults.length > 0 && (
        <ul className="chips" aria-label="What is wrong with it">
          {faults.map((fault) => (
            <li key={fault} className="chip">
              {labels.find(({ filter }) => filter === fault)?.label ?? fault}
            </li>
          ))}
        </ul>
      )}
      {unplaced > 0 && <p className="muted">It does not say in which picture its box lies.</p>}
      <div className="stacked">
        <label htmlFor={id}>Thought</label>
        <textarea id={id} rows={5} value={words} onChange={(event) => setWords(event.target.value)} />
      </div>
      <div className="button-row">
        <button
          type="button"
          className="button"
          aria-pressed={verdict === 'accepted'}
          disabled={words.trim() === ''}
          onClick={() => void judge(candidate, 'accepted', words)}
        >
          <Icon name="check" /> {words.trim() === candidate.thought.trim() ? 'Accept' : 'Accept these words'}{' '}
          <kbd>A</kbd>
        </button>
        <button
          type="button"
          className="button"
          aria-pressed={verdict === 'rejected'}
          onClick={() => void judge(candidate, verdict === 'rejected' ? null : 'rejected')}
        >
          <Icon name="close" /> {verdict === 'rejected' ? 'Take back' : 'Reject'} <kbd>R</kbd>
        </button>
        <span className="muted" role="status">
          {taken ? 'The row has this thought now.' : verdict === 'rejected' ? 'Rejected.' : ''}
        </span>
      </div>
      <section>
        <h2 className="minor">Prompt</h2>
        <Messages messages={row.prompt} />
      </section>
      <details>
        <summary>What it answered</summary>
        <p className="words">{candidate.content === '' ? 'Nothing.' : candidate.content}</p>
      </details>
    </article>
  );
}
