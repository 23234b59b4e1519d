/** One row of the gallery: what it asks, and how well both policies did. */
import type { Answer, Row } from '../../../engine/protocol.ts';
import type { AnswerPair } from '../../state/answers.ts';
import { ROLES } from '../../boxes/roles.ts';
import { ratio } from '../../ui/format.ts';
import { promptLine } from '../../ui/segments.tsx';

export function GalleryLine({ row, pair }: { readonly row: Row; readonly pair: AnswerPair | undefined }) {
  return (
    <span className="row-line">
      <span className="row-line-top">
        <span className="tag">{row.task || 'no task'}</span>
        <Score role="base" answer={pair?.base} />
        <Score role="tuned" answer={pair?.tuned} />
      </span>
      <span className="row-line-text">{promptLine(row.prompt)}</span>
    </span>
  );
}

function Score({ role, answer }: { readonly role: 'base' | 'tuned'; readonly answer: Answer | undefined }) {
  if (!answer || answer.iou === null) return null;
  return (
    <span className="score num" title={`${ROLES[role].name} IoU`}>
      <span className="meter" aria-hidden="true">
        <i style={{ width: `${answer.iou * 100}%`, background: ROLES[role].color }} />
      </span>
      <span className="visually-hidden">{ROLES[role].name} IoU </span>
      {ratio(answer.iou)}
    </span>
  );
}
