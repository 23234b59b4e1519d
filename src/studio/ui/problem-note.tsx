/** A failure told in full: what happened, then what is safe and what to do. */
import type { ReactNode } from 'react';
import type { Problem } from '../problem.ts';
import { Icon } from './icon.tsx';

export function ProblemNote({
  problem,
  onDismiss,
  children,
}: {
  readonly problem: Problem;
  readonly onDismiss?: () => void;
  readonly children?: ReactNode;
}) {
  return (
    <div className="note note-problem" role="alert">
      <Icon name="alert" />
      <div>
        <p className="note-what">{problem.what}</p>
        {problem.hint && <p>{problem.hint}</p>}
        {children}
        <details className="note-code num">
          <summary>Details</summary>
          {problem.code}
        </details>
      </div>
      {onDismiss && (
        <button type="button" className="button icon-only" aria-label="Dismiss" onClick={onDismiss}>
          <Icon name="close" />
        </button>
      )}
    </div>
  );
}
