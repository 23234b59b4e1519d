/** A button that asks once more; the safe answer has the focus. */
import { useState } from 'react';
import { Icon } from './icon.tsx';

export function Confirm({
  name,
  question,
  disabled,
  onConfirm,
  word = 'Delete',
}: {
  readonly name: string;
  readonly question: string;
  readonly disabled: boolean;
  readonly onConfirm: () => void;
  readonly word?: string;
}) {
  const [asking, setAsking] = useState(false);
  if (!asking)
    return (
      <button
        type="button"
        className="button small"
        aria-label={name}
        disabled={disabled}
        onClick={() => setAsking(true)}
      >
        <Icon name="trash" /> {word}
      </button>
    );
  return (
    <span className="button-row" role="group" aria-label={question}>
      <span>{question}</span>
      <button
        type="button"
        className="button small"
        onClick={() => {
          setAsking(false);
          onConfirm();
        }}
      >
        {word}
      </button>
      <button type="button" className="button small" ref={(button) => button?.focus()} onClick={() => setAsking(false)}>
        Keep
      </button>
    </span>
  );
}
