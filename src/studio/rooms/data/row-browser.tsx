/** The rows of a split in a list, and the chosen one in full. */
import { useMemo, useState } from 'react';
import type { DatasetReport, Row } from '../../../engine/protocol.ts';
import { Legend, Strip } from '../../boxes/strip.tsx';
import type { Layer } from '../../boxes/roles.ts';
import type { Split } from '../../state/row-cache.ts';
import { useRows } from '../../state/use-rows.ts';
import { Choice } from '../../ui/choice.tsx';
import { plural } from '../../ui/format.ts';
import { BoxChip, Messages, promptLine, Segments } from '../../ui/segments.tsx';
import { VirtualList } from '../../ui/virtual-list.tsx';

export function RowBrowser({ dataset }: { readonly dataset: DatasetReport }) {
  const [split, setSplit] = useState<Split>('train');
  const [at, setAt] = useState({ train: 0, heldout: 0 });
  const rows = useRows(dataset.id, split);
  const total = dataset[split];
  const selected = Math.min(at[split], total - 1);
  const row = rows.at(selected);
  return (
    <div className="browser">
      <div className="browser-list">
        <Choice
          label="Part of the dataset"
          choices={[
            { key: 'train', title: `Training ${dataset.train}` },
            { key: 'heldout', title: `Held out ${dataset.heldout}` },
          ]}
          selected={split}
          onSelect={setSplit}
        />
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
        <p className="room-wait">{total === 0 ? 'There is no row in this part.' : 'Reading rows…'}</p>
      )}
    </div>
  );
}

function RowLine({ index, row }: { readonly index: number; readonly row: Row | undefined }) {
  if (!row) return <span className="row-line muted">{index + 1}</span>;
  return (
    <span className="row-line">
      <span className="row-line-top">
        <b className="num">{index + 1}</b>
        <span className="tag">{row.task || 'no task'}</span>
        <span className="num muted">
          {plural(row.images.length, 'image')}, {plural(row.solution.length, 'box')}
        </span>
      </span>
      <span className="row-line-text">{promptLine(row.prompt)}</span>
    </span>
  );
}

export function RowDetail({ dataset, row }: { readonly dataset: string; readonly row: Row }) {
  const layers = useMemo<Layer[]>(() => [{ role: 'truth', boxes: row.solution }], [row]);
  return (
    <article className="detail" aria-label={`Row ${row.id}`}>
      <Strip dataset={dataset} images={row.images} layers={layers} height={0.42} label={`Images of row ${row.id}`} />
      <div className="detail-line">
        <Legend roles={['truth']} />
        <span className="num muted">
          {row.id} · {row.source.file}:{row.source.line}
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
              <span className="muted">None: this row can be learned from by reward only.</span>
            )}
          </p>
        </section>
        <section>
          <h2 className="minor">Solution</h2>
          {row.solution.length > 0 ? (
            <ul className="chips">
              {row.solution.map((box, i) => (
                <li key={i}>
                  <BoxChip box={box} />
                </li>
              ))}
            </ul>
          ) : (
            <p className="muted">No box: not a grounding row.</p>
          )}
        </section>
      </div>
    </article>
  );
}
