/** One completion: its boxes over all pictures of the sample, its words, and what each rule gave it. */
import { useMemo } from 'react';
import type { GroupCompletion, Row } from '../../../engine/protocol/index.ts';
import type { Layer } from '../../boxes/roles.ts';
import { Strip } from '../../boxes/strip.tsx';
import { ratio, signed } from '../../ui/format.ts';
import { termName } from './rescore.ts';

interface CompletionCardProps {
  readonly index: number;
  readonly dataset: string | null;
  readonly row: Row | null;
  readonly completion: GroupCompletion;
  /** Largest advantage in the group, either way, for the bar. */
  readonly strongest: number;
}

export function CompletionCard({ index, dataset, row, completion, strongest }: CompletionCardProps) {
  const { boxes, advantage, rewards, reward, think, text, tokens, truncated } = completion;
  const layers = useMemo<Layer[]>(
    () => [
      { role: 'truth', boxes: row?.solution.map((box) => ({ image: box.image, box: box.box })) ?? [] },
      { role: 'rollout', boxes },
    ],
    [row, boxes],
  );
  const answer = answerPart(text);
  return (
    <li className="completion" data-sign={Math.sign(advantage)}>
      <header>
        <b>Completion {index + 1}</b>
        <span className="num muted">
          {tokens} tokens{truncated && ', '}
          {truncated && <span className="alarm">cut</span>}
        </span>
        <Advantage value={advantage} strongest={strongest} />
      </header>
      {row && dataset && (
        <Strip
          dataset={dataset}
          images={row.images}
          layers={layers}
          height={120}
          label={`Boxes of completion ${index + 1}`}
          caption={false}
        />
      )}
      <dl className="terms">
        {Object.entries(rewards).map(([name, value]) => (
          <div key={name}>
            <dt>{termName(name)}</dt>
            <dd>
              <i style={{ width: `${Math.min(1, Math.max(0, value)) * 100 || 0}%` }} />
              <Scored value={value} />
            </dd>
          </div>
        ))}
        <div className="terms-sum">
          <dt>reward</dt>
          <dd>
            <Scored value={reward} />
          </dd>
        </div>
      </dl>
      {think !== null && <p className="words thought">{think}</p>}
      <p className="words">{answer || <span className="muted">The model wrote nothing.</span>}</p>
      {boxes.length === 0 && <p className="muted">It has no readable box.</p>}
    </li>
  );
}

/** A rule that does not apply to the row has no value: it is left out of the sum. */
function Scored({ value }: { readonly value: number }) {
  if (!Number.isNaN(value)) return <span className="num">{ratio(value)}</span>;
  return <span className="muted">does not apply</span>;
}

function Advantage({ value, strongest }: { readonly value: number; readonly strongest: number }) {
  const share = Math.min(1, Math.abs(value) / strongest) * 50;
  return (
    <span className="advantage" title="Advantage within the group">
      <span className="visually-hidden">Advantage </span>
      <span className="advantage-bar" aria-hidden="true">
        <i style={value >= 0 ? { left: '50%', width: `${share}%` } : { right: '50%', width: `${share}%` }} />
      </span>
      <b className="num">{signed(value)}</b>
    </span>
  );
}

/** What follows the thought; a text without tags is all answer. */
export function answerPart(text: string): string {
  const after = text.split('</think>').at(-1)!;
  return after.replace(/<\/?answer>/g, '').trim();
}
