/** One row of the gallery: what it asks, and how well both policies did. */
import type { Answer, Row } from '../../../engine/protocol/index.ts';
import type { AnswerPair } from '../../state/answers.ts';
import { ROLES } from '../../boxes/roles.ts';
import { ratio } from '../../ui/format.ts';
import { promptLine } from '../../ui/segments.tsx';
import { hits } from './gallery.ts';

interface GalleryLineProps {
  readonly row: Row;
  readonly pair: AnswerPair | undefined;
  readonly hitAt: number;
}

export function GalleryLine({ row, pair, hitAt }: GalleryLineProps) {
  return (
    <span className="row-line">
      <span className="row-line-top">
        <span className="tag">{row.task || 'no task'}</span>
        <Score role="base" answer={pair?.base} hitAt={hitAt} />
        <Score role="tuned" answer={pair?.tuned} hitAt={hitAt} />
      </span>
      <span className="row-line-text">{promptLine(row.prompt)}</span>
    </span>
  );
}

function Score({
  role,
  answer,
  hitAt,
}: {
  readonly role: 'base' | 'tuned';
  readonly answer: Answer | undefined;
  readonly hitAt: number;
}) {
  const hit = hits(answer, hitAt);
  if (hit === null) return null;
  const { name, color } = ROLES[role];
  return (
    <span className="score num" data-hit={hit} title={`${name} IoU: a ${hit ? 'hit' : 'miss'}`}>
      <span className="meter" aria-hidden="true">
        <i style={{ width: `${answer!.iou! * 100}%`, background: color }} />
      </span>
      <span className="visually-hidden">
        {name}, {hit ? 'hit' : 'miss'}, IoU{' '}
      </span>
      <span aria-hidden="true">{hit ? '✓' : '✗'}</span>
      {ratio(answer!.iou!)}
    </span>
  );
}
