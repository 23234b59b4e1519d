/** A failure told in full: what happened, then what is safe and what to do. */
import { createContext, useContext, type ReactNode } from 'react';
import { isDefect } from '../../base/error-codes.ts';
import type { Problem } from '../problem.ts';
import { Icon } from './icon.tsx';

/** Saves a report of a defect; null where there is nothing to save one of. */
export const DefectReports = createContext<((problem: Problem) => void) | null>(null);

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
        {isDefect(problem.code) && <SaveReport problem={problem} />}
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

function SaveReport({ problem }: { readonly problem: Problem }) {
  const save = useContext(DefectReports);
  if (!save) return null;
  return (
    <p>
      <button type="button" className="button small" onClick={() => save(problem)}>
        Save a report
      </button>{' '}
      It holds places in the code, this browser and the device. It holds no pictures, no words and no names of your
      data.
    </p>
  );
}
