/** What is wrong with which row, why, and how to mend it. */
import { useEffect, useState } from 'react';
import type { DatasetReport, RowIssue } from '../../../engine/protocol/index.ts';
import { useStudio } from '../../state/studio.ts';
import { Choice } from '../../ui/choice.tsx';
import { count, plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import { askForFile, saveStream } from '../../ui/save.ts';
import { TableHead } from '../../ui/table-head.tsx';

/** Rows of the table at once; the rest by a button: a broken dataset may have as many issues as rows. */
const STEP = 100;

type Filter = 'all' | 'error' | 'warning';

export function IssueTable({ dataset }: { readonly dataset: DatasetReport }) {
  const { errors, warnings } = dataset.issueCount;
  const [filter, setFilter] = useState<Filter>('all');
  const [shown, setShown] = useState(STEP);
  const issues = useIssues(dataset.id, filter, shown);
  const total = filter === 'all' ? errors + warnings : filter === 'error' ? errors : warnings;
  if (errors + warnings === 0) {
    return (
      <p className="note note-good">
        <Icon name="check" /> Every row was read. Nothing is missing, and every box is inside its picture.
      </p>
    );
  }
  return (
    <div className="issues">
      <div className="issues-head">
        <p>
          <b>{plural(dataset.train + dataset.heldout, 'row')} kept.</b> {outcome(dataset)}
        </p>
        <div className="button-row">
          <Choice
            label="Which issues"
            choices={[
              { key: 'all', title: `All ${count(errors + warnings)}` },
              { key: 'error', title: `Errors ${count(errors)}` },
              { key: 'warning', title: `Warnings ${count(warnings)}` },
            ]}
            selected={filter}
            onSelect={(next) => {
              setFilter(next);
              setShown(STEP);
            }}
          />
          <Download dataset={dataset.id} as="csv" />
          <Download dataset={dataset.id} as="json" />
        </div>
      </div>
      <div className="scroll-table issues-table" tabIndex={0} role="region" aria-label="Issues by row">
        <table>
          <TableHead columns={['Kind', 'Where', 'Field', 'What is wrong', 'What to do']} />
          <tbody>
            {issues.map((issue, i) => (
              <Line key={i} issue={issue} />
            ))}
          </tbody>
        </table>
      </div>
      {total > shown && (
        <button type="button" className="button" onClick={() => setShown(shown + STEP)}>
          Show {Math.min(STEP, total - shown)} more of {count(total - shown)}
        </button>
      )}
    </div>
  );
}

function outcome({ leftOut, options, issueCount }: DatasetReport): string {
  if (leftOut === 0)
    return issueCount.errors > 0
      ? 'Some files could not be read. No row of the other files is missing.'
      : 'No row was left out. Please judge the warnings yourself.';
  return options.skipped
    ? `${plural(leftOut, 'row')} skipped, as you chose. A run records which rows and why.`
    : `${plural(leftOut, 'row')} cannot be used until corrected.`;
}

function useIssues(dataset: string, filter: Filter, wanted: number): readonly RowIssue[] {
  const { client, project } = useStudio();
  const [issues, setIssues] = useState<readonly RowIssue[]>([]);
  useEffect(() => {
    let live = true;
    const request = { type: 'issues', dataset, offset: 0, count: wanted } as const;
    const read = () => client.request(filter === 'all' ? request : { ...request, severity: filter });
    void project
      .getState()
      .attempt('issues', read)
      .then((page) => live && page && setIssues(page));
    return () => void (live = false);
  }, [client, project, dataset, filter, wanted]);
  return issues;
}

function Download({ dataset, as }: { readonly dataset: string; readonly as: 'csv' | 'json' }) {
  const { client, project } = useStudio();
  const save = () =>
    project.getState().attempt('issues file', async () => {
      const handle = await askForFile(`issues.${as}`);
      if (handle === null) return;
      const { fileName, stream } = await client.request({ type: 'issues-file', dataset, as });
      await saveStream(stream, fileName, handle, () => undefined);
    });
  return (
    <button type="button" className="button small" onClick={() => void save()}>
      <Icon name="export" /> {as.toUpperCase()}
    </button>
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
