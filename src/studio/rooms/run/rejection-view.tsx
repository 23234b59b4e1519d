/** What rejection sampling kept and what it set aside, to look through. */
import { useState } from 'react';
import type { Tried, Verdict } from '../../state/run.ts';
import { useRun } from '../../state/studio.ts';
import { useRunRow } from '../../state/use-rows.ts';
import { RowDetail } from '../data/row-browser.tsx';
import { count, percent } from '../../ui/format.ts';
import { promptLine } from '../../ui/segments.tsx';
import { VirtualList } from '../../ui/virtual-list.tsx';

const VERDICTS: readonly { key: Verdict; title: string; about: string }[] = [
  { key: 'kept', title: 'Kept', about: 'solved sometimes: the model can learn from these' },
  { key: 'too-easy', title: 'Too easy', about: 'solved nearly every time' },
  { key: 'too-hard', title: 'Too hard', about: 'hardly ever solved' },
];

export function RejectionView() {
  const rejection = useRun((run) => run.rejection);
  const [verdict, setVerdict] = useState<Verdict>('kept');
  const total = VERDICTS.reduce((sum, { key }) => sum + rejection[key].length, 0);
  if (total === 0)
    return <p className="room-wait">Prompts appear here after a rejection sampling stage has tried them.</p>;
  return (
    <div className="rejection">
      <div className="verdicts" role="group" aria-label="Verdicts">
        {VERDICTS.map(({ key, title, about }) => (
          <button
            key={key}
            type="button"
            className="verdict"
            data-verdict={key}
            aria-pressed={key === verdict}
            onClick={() => setVerdict(key)}
            style={{ flexGrow: Math.max(rejection[key].length / total, 0.12) }}
          >
            <b className="num">{count(rejection[key].length)}</b>
            <span>{title}</span>
            <span className="muted">{about}</span>
          </button>
        ))}
      </div>
      <TriedList key={verdict} tried={rejection[verdict]} title={VERDICTS.find(({ key }) => key === verdict)!.title} />
    </div>
  );
}

function TriedList({ tried, title }: { readonly tried: readonly Tried[]; readonly title: string }) {
  const dataset = useRun((run) => run.dataset);
  const [at, setAt] = useState(0);
  const selected = Math.min(at, tried.length - 1);
  const row = useRunRow(tried[selected]?.rowId ?? null);
  if (tried.length === 0) return <p className="room-wait">No prompt was {title.toLowerCase()}.</p>;
  return (
    <div className="browser">
      <div className="browser-list">
        <VirtualList
          label={`${title} prompts`}
          count={tried.length}
          rowHeight={52}
          selected={selected}
          onSelect={setAt}
          render={(i) => <Line tried={tried[i]!} />}
        />
      </div>
      {row && dataset ? (
        <RowDetail dataset={dataset} row={row} />
      ) : (
        <p className="room-wait">
          {dataset ? 'Reading the row…' : 'The run file does not hold this row. Open its dataset to see it.'}
        </p>
      )}
    </div>
  );
}

function Line({ tried }: { readonly tried: Tried }) {
  const row = useRunRow(tried.rowId);
  return (
    <span className="row-line">
      <span className="row-line-top">
        <b className="num">{percent(tried.successRate)}</b>
        <span className="meter" aria-hidden="true">
          <i style={{ width: `${tried.successRate * 100}%` }} />
        </span>
        <span className="num muted">{tried.rowId}</span>
      </span>
      <span className="row-line-text">{row ? promptLine(row.prompt) : ''}</span>
    </span>
  );
}
