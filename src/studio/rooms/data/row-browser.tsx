/** The rows of a split in a list, by task, text or finding, and the chosen one in full. */
import { useEffect, useMemo, useState } from 'react';
import type { DatasetReport, FindingKey, LedgerKey, Row, RowFilter } from '../../../engine/protocol/index.ts';
import { Legend, Strip } from '../../boxes/strip.tsx';
import type { Layer } from '../../boxes/roles.ts';
import type { Split } from '../../state/row-cache.ts';
import { EditButton, editKey } from '../../edit/edit-button.tsx';
import { useEditing } from '../../state/studio.ts';
import { useRows } from '../../state/use-rows.ts';
import { Choice } from '../../ui/choice.tsx';
import { count, plural } from '../../ui/format.ts';
import { Solution } from '../../boxes/solution.tsx';
import { Icon } from '../../ui/icon.tsx';
import { Messages, promptLine, Segments } from '../../ui/segments.tsx';
import { VirtualList } from '../../ui/virtual-list.tsx';

/** What each finding is called where rows are filtered by it. */
const FINDING_NAMES: Readonly<Record<FindingKey, string>> = {
  'picture-leak': 'Picture on both sides',
  'picture-alike': 'Picture like one of the other part',
  'question-leak': 'Question on both sides',
  'repeated-question': 'Repeated question',
  'copied-picture': 'Copied picture',
  'same-picture-twice': 'Same picture twice',
  'clipped-box': 'Box cut at the edge',
  'tiny-box': 'Tiny box',
  'whole-picture-box': 'Box of a whole picture',
  'picture-guessed': 'Picture guessed',
  'no-box': 'No box',
  'long-answer': 'Long answer',
  'narrow-picture': 'Narrow picture',
  'cut-picture': 'Picture truncated or damaged',
};

export interface RowFilterState {
  readonly task: string;
  readonly finding: FindingKey | '';
  readonly done: LedgerKey | '';
  readonly edits: NonNullable<RowFilter['edits']> | '';
}

/** What rows are called by their edits. */
const EDIT_NAMES: Readonly<Record<NonNullable<RowFilter['edits']>, string>> = {
  edited: 'Edited',
  excluded: 'Left out by you',
  unfit: 'Edits that do not fit',
};

export const NO_FILTER: RowFilterState = { task: '', finding: '', done: '', edits: '' };

interface RowBrowserProps {
  readonly dataset: DatasetReport;
  readonly filter: RowFilterState;
  readonly onFilter: (filter: RowFilterState) => void;
}

/** Waits until typing pauses: a search reads every row. */
function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), 300);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}

function useFilter({ task, finding, done, edits }: RowFilterState, text: string): RowFilter | undefined {
  return useMemo(() => {
    const filter: RowFilter = {
      ...(task && { task }),
      ...(finding && { finding }),
      ...(done && { done }),
      ...(edits && { edits }),
      ...(text && { text }),
    };
    return Object.keys(filter).length > 0 ? filter : undefined;
  }, [task, finding, done, edits, text]);
}

export function RowBrowser({ dataset, filter: chosen, onFilter }: RowBrowserProps) {
  const [split, setSplit] = useState<Split>(dataset.train > 0 ? 'train' : 'heldout');
  const [at, setAt] = useState({ train: 0, heldout: 0 });
  const [text, setText] = useState('');
  const narrowed = chosen.task !== '' || chosen.finding !== '' || chosen.done !== '' || chosen.edits !== '';
  const [choosing, setChoosing] = useState(narrowed);
  const filter = useFilter(chosen, useSettled(text.trim()));
  const rows = useRows(dataset.id, split, filter);
  const { want } = rows;
  // The list asks for what is in sight; of an unknown number of rows nothing is.
  useEffect(() => want(0, 1), [want]);
  useEffect(() => setAt({ train: 0, heldout: 0 }), [filter]);
  const total = filter ? (rows.total ?? 0) : dataset[split];
  const selected = Math.min(at[split], total - 1);
  const row = rows.at(selected);
  const edit = useEditing((editing) => editing.open);
  return (
    <div className="browser" onKeyDown={row && editKey(() => edit(row.id))}>
      <div className="browser-list">
        <Choice
          label="Part of the dataset"
          choices={[
            { key: 'train', title: `Training ${count(dataset.train)}` },
            { key: 'heldout', title: `Held out ${count(dataset.heldout)}` },
          ]}
          selected={split}
          onSelect={setSplit}
        />
        <div className="row-filter" role="search" aria-label="Rows">
          <input
            type="search"
            value={text}
            aria-label="Search text of rows"
            placeholder="Search question, answer, id"
            onChange={(event) => setText(event.target.value)}
          />
          <button type="button" className="button" aria-expanded={choosing} onClick={() => setChoosing(!choosing)}>
            {narrowed ? 'Filtered' : 'Filter'}
          </button>
          {choosing && <Selects dataset={dataset} chosen={chosen} onFilter={onFilter} />}
        </div>
        {filter && (
          <p className="row-count muted num" role="status">
            {rows.total === undefined ? 'Searching…' : `${plural(rows.total, 'row')} of ${count(dataset[split])}`}
          </p>
        )}
        <VirtualList
          key={split}
          label="Rows"
          count={total}
          rowHeight={52}
          selected={selected}
          onSelect={(index) => setAt({ ...at, [split]: index })}
          onRange={rows.want}
          render={(index) => <RowLine index={index} row={rows.at(index)} />}
        />
      </div>
      {row ? (
        <RowDetail dataset={dataset.id} row={row} />
      ) : (
        <p className="room-wait">
          {total > 0 || (filter && rows.total === undefined)
            ? 'Reading rows…'
            : filter
              ? 'No row of this part passes the filter.'
              : 'There is no row in this part.'}
        </p>
      )}
    </div>
  );
}

function Selects({ dataset, chosen, onFilter }: Omit<RowBrowserProps, 'filter'> & { readonly chosen: RowFilterState }) {
  return (
    <>
      <select
        aria-label="Task"
        value={chosen.task}
        onChange={(event) => onFilter({ ...chosen, task: event.target.value })}
      >
        <option value="">All tasks</option>
        {Object.keys(dataset.tasks)
          .filter(Boolean)
          .map((task) => (
            <option key={task}>{task}</option>
          ))}
      </select>
      <select
        aria-label="Finding"
        value={chosen.finding}
        onChange={(event) => onFilter({ ...chosen, finding: event.target.value as FindingKey | '' })}
      >
        <option value="">All rows</option>
        {Object.entries(FINDING_NAMES).map(([key, name]) => (
          <option key={key} value={key}>
            {name}
          </option>
        ))}
      </select>
      {dataset.ledger.some(({ rows }) => rows > 0) && (
        <select
          aria-label="What was done"
          value={chosen.done}
          onChange={(event) => onFilter({ ...chosen, done: event.target.value as LedgerKey | '' })}
        >
          <option value="">Everything that was done</option>
          {dataset.ledger
            .filter(({ rows }) => rows > 0)
            .map(({ key, sentence }) => (
              <option key={key} value={key}>
                {sentence}
              </option>
            ))}
        </select>
      )}
      {dataset.edits !== null && (
        <select
          aria-label="Edits"
          value={chosen.edits}
          onChange={(event) => onFilter({ ...chosen, edits: event.target.value as RowFilterState['edits'] })}
        >
          <option value="">Edited or not</option>
          {Object.entries(EDIT_NAMES).map(([key, name]) => (
            <option key={key} value={key}>
              {name}
            </option>
          ))}
        </select>
      )}
    </>
  );
}

function RowLine({ index, row }: { readonly index: number; readonly row: Row | undefined }) {
  if (!row) return <span className="row-line muted">{index + 1}</span>;
  return (
    <span className="row-line">
      <span className="row-line-top">
        <b className="num">{index + 1}</b>
        <span className="tag">{row.task || 'no task'}</span>
        {row.edits && <span className="tag">{row.edits.excluded === undefined ? 'edited' : 'left out'}</span>}
        <span className="num muted">
          {plural(row.images.length, 'picture')},{' '}
          {row.solution.length > 0 ? plural(row.solution.length, 'box') : 'no box'}
        </span>
      </span>
      <span className="row-line-text">{promptLine(row.prompt)}</span>
    </span>
  );
}

export function RowDetail({ dataset, row }: { readonly dataset: string; readonly row: Row }) {
  const layers = useMemo<Layer[]>(() => [{ role: 'truth', boxes: row.solution }], [row]);
  return (
    <article className="detail" tabIndex={0} aria-label={`Row ${row.id}`}>
      {row.edits?.excluded !== undefined && (
        <p className="note note-warning">
          <Icon name="alert" /> Left out: {row.edits.excluded}
        </p>
      )}
      <Strip dataset={dataset} images={row.images} layers={layers} height={0.42} label={`Pictures of row ${row.id}`} />
      <div className="detail-line">
        <Legend roles={['truth']} />
        <EditButton rowId={row.id} />
        <span className="num muted">
          {row.id === `${row.source.file}:${row.source.line}` ? '' : `${row.id} · `}
          {row.source.file}:{row.source.line}
        </span>
      </div>
      <div className="detail-words">
        <section>
          <h2 className="minor">Prompt</h2>
          <Messages messages={row.prompt} />
        </section>
        {row.think !== undefined && (
          <section>
            <h2 className="minor">Thought</h2>
            <p className="words">{row.think}</p>
          </section>
        )}
        <section>
          <h2 className="minor">Answer</h2>
          <p className="words">
            {row.answer.length > 0 ? (
              <Segments segments={row.answer} />
            ) : (
              <span className="muted">None. This row can be used only in reinforcement learning.</span>
            )}
          </p>
        </section>
        <section>
          <h2 className="minor">Solution</h2>
          <Solution dataset={dataset} row={row} />
        </section>
      </div>
    </article>
  );
}
