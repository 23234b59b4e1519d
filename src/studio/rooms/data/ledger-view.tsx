/** What was done to the rows that were brought: a count, a sentence, and the rows or places behind it. */
import type { DatasetReport, LedgerEntry, LedgerKey } from '../../../engine/protocol/index.ts';
import { count, plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';

interface LedgerViewProps {
  readonly dataset: DatasetReport;
  /** Shows the rows of an entry. */
  readonly onRows: (key: LedgerKey) => void;
}

export function LedgerView({ dataset, onRows }: LedgerViewProps) {
  if (dataset.ledger.length === 0)
    return (
      <p className="note note-good">
        <Icon name="check" /> The rows are learned as they were written. Nothing was dropped, added or assumed.
      </p>
    );
  return (
    <ul className="findings ledger" aria-label="What was done to your rows">
      {dataset.ledger.map((entry) => (
        <li key={entry.key}>
          <div>
            <p>{entry.sentence}</p>
            <Places entry={entry} />
          </div>
          {entry.rows > 0 && (
            <button type="button" className="button small" onClick={() => onRows(entry.key)}>
              Show {plural(entry.rows, 'row')}
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}

/** Files with their counts; for a thing that is no row, also where it was met first. */
function Places({ entry }: { readonly entry: LedgerEntry }) {
  const { files, fileCount, places, rows } = entry;
  const lines = rows > 0 ? [] : places.filter(({ line }) => line > 0);
  const unlisted = fileCount - files.length;
  return (
    <details className="muted">
      <summary>{fileCount === 1 ? files[0]!.file : `in ${count(fileCount)} files`}</summary>
      <ul>
        {files.map(({ file, count: n }) => (
          <li key={file} className="num">
            {file}
            {n > 1 && `: ${count(n)}`}
          </li>
        ))}
        {unlisted > 0 && <li>and {plural(unlisted, 'other file')}</li>}
        {lines.length > 0 && (
          <li className="num">
            first at {lines.map(({ file, line }) => (fileCount === 1 ? `${line}` : `${file}:${line}`)).join(', ')}
          </li>
        )}
      </ul>
    </details>
  );
}
