/** How the files were read, and which rows are held out; both can be overruled without dropping anything again. */
import { useState } from 'react';
import type { DatasetOptions, DatasetReport, RowFormatName } from '../../../engine/protocol/index.ts';
import { useProject } from '../../state/studio.ts';
import { Choice } from '../../ui/choice.tsx';
import { count, plural } from '../../ui/format.ts';
import { NumberInput } from '../recipe/number-input.tsx';
import { TableHead } from '../../ui/table-head.tsx';

/** Why a format was guessed: the share of rows whose keys are its. */
function guess({ formats, leftOut }: DatasetReport): string {
  const rows = formats.reduce((sum, format) => sum + format.rows, 0);
  const [first] = formats;
  if (!first) return leftOut > 0 ? 'No row has the keys of a known format.' : 'There are no rows.';
  const share = Math.round((100 * first.rows) / Math.max(1, rows));
  return `Guessed from the keys of every row: ${share} % of ${plural(rows, 'readable row')} are ${first.name}.`;
}

export function FilesView({ dataset }: { readonly dataset: DatasetReport }) {
  const reread = useProject((project) => project.reread);
  const busy = useProject((project) => project.loading !== null);
  const { options } = dataset;
  const again = (change: Partial<DatasetOptions>) => void reread(cleaned({ ...options, ...change }));
  const reduced = dataset.ledger.find(({ key }) => key === 'answer-reduced')?.rows ?? 0;
  const isCoco = dataset.formats.some(({ name }) => name === 'COCO');
  return (
    <div className="files">
      <section className="card">
        <h2 className="minor">Format</h2>
        <label className="stacked">
          <span>Read rows as</span>
          <select
            value={options.format ?? ''}
            disabled={busy}
            onChange={(event) => again({ format: (event.target.value || undefined) as RowFormatName })}
          >
            <option value="">By their keys ({dataset.format})</option>
            {dataset.rowFormats.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <p className="muted">
          {options.format
            ? `You chose this format. ${count(dataset.train + dataset.heldout)} rows could be read, ${count(dataset.leftOut)} could not.`
            : guess(dataset)}
        </p>
        {(reduced > 0 || options.answers === 'words') && (
          <>
            <Choice
              label="What is taught of an answer with boxes"
              choices={[
                { key: 'boxes', title: 'Boxes alone' },
                { key: 'words', title: 'With the words around them' },
              ]}
              selected={options.answers ?? 'boxes'}
              onSelect={(answers) =>
                again({ answers: answers === 'words' ? answers : undefined } as Partial<DatasetOptions>)
              }
            />
            <p className="muted">
              {options.answers === 'words'
                ? 'The words around the boxes are taught as well. Rewards that ask for boxes alone count them as a broken form.'
                : `${plural(reduced, 'row')} ${reduced === 1 ? 'loses' : 'lose'} words around the boxes.`}{' '}
              The preview in Recipe shows a row as it is taught.
            </p>
          </>
        )}
        {(dataset.conversations > 0 || options.turns === 'last') && (
          <>
            <Choice
              label="Which answers of a conversation are taught"
              choices={[
                { key: 'all', title: 'Every answer' },
                { key: 'last', title: 'The last answer' },
              ]}
              selected={options.turns ?? 'all'}
              onSelect={(turns) => again({ turns: turns === 'last' ? turns : undefined } as Partial<DatasetOptions>)}
            />
            <p className="muted">
              {plural(dataset.conversations, 'row')} {dataset.conversations === 1 ? 'has' : 'have'} several answers.{' '}
              {options.turns === 'last'
                ? 'Earlier ones are read by the model and not taught.'
                : 'All of them are taught, as LLaMA-Factory, ms-swift and TRL do.'}{' '}
              The preview in Recipe marks what is learned.
            </p>
          </>
        )}
        {isCoco && (
          <div className="stacked">
            <span aria-hidden="true">Pictures per question</span>
            <NumberInput
              value={options.imagesPerRow ?? 1}
              min={1}
              max={12}
              integer
              label="Pictures per question"
              onChange={(imagesPerRow) => again({ imagesPerRow })}
            />
          </div>
        )}
      </section>
      <SplitCard key={dataset.id} dataset={dataset} busy={busy} onApply={again} />
      <section className="card files-list">
        <h2 className="minor">Files with rows</h2>
        <div className="scroll-table" tabIndex={0} role="region" aria-label="Files with rows">
          <table>
            <TableHead columns={['File', 'Kind', 'Rows']} />
            <tbody>
              {dataset.files.slice(0, 200).map((file) => (
                <tr key={file.path}>
                  <td>{file.path}</td>
                  <td>{file.kind}</td>
                  <td className="num">{count(file.rows)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        {dataset.files.length > 200 && <p className="muted">and {count(dataset.files.length - 200)} more</p>}
      </section>
      {dataset.notes.length > 0 && (
        <section className="card files-list">
          <h2 className="minor">What was decided</h2>
          <ul className="notes">
            {dataset.notes.map((note) => (
              <li key={note}>{note}</li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}

/** Without the keys that say nothing. */
const cleaned = (options: DatasetOptions): DatasetOptions =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));

interface SplitCardProps {
  readonly dataset: DatasetReport;
  readonly busy: boolean;
  readonly onApply: (change: Partial<DatasetOptions>) => void;
}

function SplitCard({ dataset, busy, onApply }: SplitCardProps) {
  const { options } = dataset;
  const [split, setSplit] = useState<'auto' | 'files' | 'draw'>(options.split ?? 'auto');
  const [seed, setSeed] = useState(options.seed ?? 0);
  const [share, setShare] = useState((options.heldoutShare ?? 0.1) * 100);
  return (
    <section className="card">
      <h2 className="minor">Held-out part</h2>
      <Choice
        label="How the held-out part is chosen"
        choices={[
          { key: 'auto', title: 'By files, else at random' },
          { key: 'files', title: 'By files' },
          { key: 'draw', title: 'At random' },
        ]}
        selected={split}
        onSelect={setSplit}
      />
      <p className="muted">
        A random split keeps rows that share a picture, or a copy of it, on one side. Benchmarks are always held out.
      </p>
      <div className="files-numbers">
        <div className="stacked">
          <span aria-hidden="true">Held out, %</span>
          <NumberInput value={share} min={0.1} max={50} integer={false} label="Held out, percent" onChange={setShare} />
        </div>
        <div className="stacked">
          <span aria-hidden="true">Seed</span>
          <NumberInput value={seed} min={0} max={2 ** 31} integer label="Seed of the draw" onChange={setSeed} />
        </div>
        <button
          type="button"
          className="button"
          disabled={busy}
          onClick={() =>
            onApply({
              split: split === 'auto' ? undefined : split,
              seed,
              heldoutShare: share / 100,
            } as Partial<DatasetOptions>)
          }
        >
          Split again
        </button>
      </div>
    </section>
  );
}
