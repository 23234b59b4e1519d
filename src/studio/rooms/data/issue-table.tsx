/** What is wrong with which row, why, and how to mend it. */
import { useMemo, useState } from 'react';
import type { DatasetReport, RowIssue } from '../../../engine/protocol.ts';
import { Choice } from '../../ui/choice.tsx';
import { count, plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';

/** Rows of the table at once; the rest by a button: a broken dataset may have as many issues as rows. */
const STEP = 200;

type Filter = 'all' | 'error' | 'warning';

export function IssueTable({ dataset }: { readonly dataset: DatasetReport }) {
  const [filter, setFilter] = useState<Filter>('all');
  const [shown, setShown] = useState(STEP);
  const issues = useMemo(
    () => dataset.issues.filter((issue) => filter === 'all' || issue.severity === filter),
    [dataset, filter],
  );
  const errors = dataset.issues.filter((issue) => issue.severity === 'error').length;
  if (dataset.issues.length === 0) {
    return (
      <p className="note note-good">
        <Icon name="check" /> Every row was read: nothing is missing, and every box lies on its picture.
      </p>
    );
  }
  return (
    <div className="issues">
      <div className="issues-head">
        <p>
          <b>{plural(dataset.train + dataset.heldout, 'row')} kept.</b>{' '}
          {errors > 0
            ? `${plural(errors, 'fault')} led to rows being left out; they are listed here and recorded with the run.`
            : 'Nothing was left out; the warnings are for you to judge.'}
        </p>
        <Choice
          label="Which issues"
          choices={[
            { key: 'all', title: `All ${count(dataset.issues.length)}` },
            { key: 'error', title: `Left out ${count(errors)}` },
            { key: 'warning', title: `Warnings ${count(dataset.issues.length - errors)}` },
          ]}
          selected={filter}
          onSelect={setFilter}
        />
      </div>
      <div className="scroll-table issues-table" tabIndex={0} role="region" aria-label="Issues by row">
        <table>
          <thead>
            <tr>
              <th scope="col">Kind</th>
              <th scope="col">Where</th>
              <th scope="col">Field</th>
              <th scope="col">What is wrong</th>
              <th scope="col">What to do</th>
            </tr>
          </thead>
          <tbody>
            {issues.slice(0, shown).map((issue, i) => (
              <Line key={i} issue={issue} />
            ))}
          </tbody>
        </table>
      </div>
      {issues.length > shown && (
        <button type="button" className="button" onClick={() => setShown(shown + STEP)}>
          Show {Math.min(STEP, issues.length - shown)} more of {count(issues.length - shown)}
        </button>
      )}
    </div>
  );
}

function Line({ issue }: { readonly issue: RowIssue }) {
  return (
    <tr>
      <td>
        <span className="severity" data-severity={issue.severity}>
          {issue.severity === 'error' ? 'Left out' : 'Warning'}
        </span>
      </td>
      <td className="num">
        {issue.file}
        {issue.line > 0 && `:${issue.line}`}
      </td>
      <td className="num">{issue.field}</td>
      <td>{issue.reason}</td>
      <td>{issue.fix}</td>
    </tr>
  );
}
