/** The image-swap test: the pictures change places, the words stay. Does the answer follow its picture? */
import { useEffect, useState } from 'react';
import type { Answer, Row } from '../../../engine/protocol/index.ts';
import { judgeSwap, namesPlaces, turned, type SwapVerdict } from '../../../grounding/picture-swap.ts';
import { problemOf, type Problem } from '../../problem.ts';
import { useStudio } from '../../state/studio.ts';
import { ratio } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { promptLine } from '../../ui/segments.tsx';

export const judgeAnswers = (before: Answer, after: Answer, order: readonly number[]): SwapVerdict =>
  judgeSwap(before.boxes[0]?.image, after.boxes[0]?.image, order);

export const VERDICTS: Record<SwapVerdict, { title: string; about: string; severity: 'good' | 'error' | 'warning' }> = {
  follows: {
    title: 'It follows the picture',
    about: 'The answer names the same picture in its new place.',
    severity: 'good',
  },
  stays: {
    title: 'It stays with the number',
    about:
      'The answer names the same number, although another picture is there now. The model may follow the number and not what it sees.',
    severity: 'error',
  },
  elsewhere: { title: 'It goes elsewhere', about: 'The answer now names a third picture.', severity: 'warning' },
  unreadable: {
    title: 'No box to compare',
    about: 'One of the two answers has no readable box.',
    severity: 'warning',
  },
};

interface SwapTestProps {
  readonly dataset: string;
  readonly row: Row;
  readonly tuned: Answer | undefined;
}

export function SwapTest({ dataset, row, tuned }: SwapTestProps) {
  const { client } = useStudio();
  const [result, setResult] = useState<Answer | Problem | 'asking' | null>(null);
  useEffect(() => setResult(null), [row.id, tuned]);
  if (row.images.length < 2 || !tuned) return null;
  const order = turned(row.images.length);
  const ask = () => {
    setResult('asking');
    client.request({ type: 'answer', dataset, rowId: row.id, policies: ['tuned'], order }).then(
      ([answer]) => setResult(answer!),
      (error: unknown) => setResult(problemOf(error)),
    );
  };
  const numbered = namesPlaces(promptLine(row.prompt));
  return (
    <section className="swap" aria-label="Picture-swap test">
      <button type="button" className="button small" disabled={result === 'asking'} onClick={ask}>
        <Icon name="copy" /> {result === 'asking' ? 'Answering…' : 'Swap the pictures and ask again'}
      </button>
      {numbered && result === null && (
        <span className="muted">This prompt names pictures by number, so the swap makes its words wrong.</span>
      )}
      <div role="status">
        {result !== null &&
          result !== 'asking' &&
          ('code' in result ? (
            <ProblemNote problem={result} />
          ) : (
            <Verdict before={tuned} after={result} order={order} />
          ))}
      </div>
    </section>
  );
}

function Verdict({
  before,
  after,
  order,
}: {
  readonly before: Answer;
  readonly after: Answer;
  readonly order: readonly number[];
}) {
  const { title, about, severity } = VERDICTS[judgeAnswers(before, after, order)];
  const at = after.boxes[0]?.image;
  return (
    <p>
      <span className="severity" data-severity={severity}>
        {title}
      </span>{' '}
      {about}{' '}
      {at !== undefined && (
        <span className="num muted">
          Image {at + 1} after the swap is image {order[at]! + 1} of the row
          {after.iou !== null && `; IoU ${ratio(after.iou)} there`}.
        </span>
      )}
    </p>
  );
}
