/** What people have changed of the rows: counts, the rows behind them, what no longer fits; edits and rows as files. */
import { useState } from 'react';
import { ROW_FILE_FORMATS, type RowFileFormat } from '../../../engine/protocol/edits.ts';
import type { DatasetReport, RequestOf, RowFilter } from '../../../engine/protocol/index.ts';
import { useEditing, useProject, useStudio } from '../../state/studio.ts';
import { FileButton } from '../../ui/file-button.tsx';
import { plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { askForFile, asFileName, saveStream } from '../../ui/save.ts';

interface EditsViewProps {
  readonly dataset: DatasetReport;
  /** Shows rows by their edits. */
  readonly onRows: (edits: NonNullable<RowFilter['edits']>) => void;
}

export function EditsView({ dataset, onRows }: EditsViewProps) {
  const { edits } = dataset;
  const step = useEditing((editing) => editing.step);
  const take = useEditing((editing) => editing.take);
  const problem = useEditing((editing) => editing.problem);
  const dismiss = useEditing((editing) => editing.dismiss);
  const pending = useEditing((editing) => editing.pending > 0);
  const save = useSave();
  return (
    <div className="edits-view">
      {problem && <ProblemNote problem={problem} onDismiss={dismiss} />}
      {!edits || edits.entries === 0 ? (
        <p className="note">
          <Icon name="info" /> Nothing was edited. Open a row and press Edit (E) to move, draw or delete its boxes, to
          change its words, or to leave it out. Your files are never touched.
        </p>
      ) : (
        <ul className="findings" aria-label="Edits">
          <li>
            <p>
              {plural(edits.changes, 'change')} of {plural(edits.rows, 'row')}
              {edits.excluded > 0 && `, ${edits.excluded} of them left out`}. Runs, answers and exports see the rows as
              they are now; each run records what it saw (edits <code>{edits.digest.slice(0, 12)}</code>).
            </p>
            <div className="button-row">
              {edits.rows > 0 && (
                <button type="button" className="button small" onClick={() => onRows('edited')}>
                  Show {plural(edits.rows, 'edited row')}
                </button>
              )}
              {edits.excluded > 0 && (
                <button type="button" className="button small" onClick={() => onRows('excluded')}>
                  Show {plural(edits.excluded, 'row')} left out
                </button>
              )}
            </div>
          </li>
          {edits.unfitRows > 0 && (
            <li>
              <div>
                <p>
                  The edits of {plural(edits.unfitRows, 'row')} do not fit any more and change nothing. They are kept,
                  and hold again once their rows are what they were.
                </p>
                <details className="muted">
                  <summary>Which, and why</summary>
                  <ul>
                    {edits.unfit.map(({ row, why }) => (
                      <li key={row}>
                        {row}: {why}
                      </li>
                    ))}
                  </ul>
                </details>
              </div>
              <button type="button" className="button small" onClick={() => onRows('unfit')}>
                Show rows
              </button>
            </li>
          )}
        </ul>
      )}
      <div className="button-row">
        {edits?.undo && (
          <button type="button" className="button small" disabled={pending} onClick={() => void step('undo')}>
            Undo: {edits.undo.words}
          </button>
        )}
        {edits?.redo && (
          <button type="button" className="button small" disabled={pending} onClick={() => void step('redo')}>
            Redo: {edits.redo.words}
          </button>
        )}
      </div>
      <div className="button-row">
        <button
          type="button"
          className="button"
          disabled={!edits?.entries}
          onClick={() =>
            void save(`${asFileName(dataset.name)}.edits.jsonl`, { type: 'edits-file', dataset: dataset.id })
          }
        >
          <Icon name="export" /> Save edits
        </button>
        <FileButton
          label="Take edits from a file"
          accept=".jsonl,.json"
          pick="edits"
          onFile={(file) => void take({ path: file.name, file })}
        />
      </div>
      <RowFiles dataset={dataset} />
    </div>
  );
}

/** The rows as they are now, in another format or their own. */
function RowFiles({ dataset }: { readonly dataset: DatasetReport }) {
  const [format, setFormat] = useState<RowFileFormat>('marks');
  const save = useSave();
  const { loses, ending } = ROW_FILE_FORMATS[format];
  return (
    <section className="row-files" aria-labelledby="row-files-title">
      <h2 className="minor" id="row-files-title">
        Mended rows as files
      </h2>
      <div className="button-row">
        <select
          aria-label="Format of the rows"
          value={format}
          onChange={(event) => setFormat(event.target.value as RowFileFormat)}
        >
          {Object.entries(ROW_FILE_FORMATS).map(([key, { label }]) => (
            <option key={key} value={key}>
              {label}
            </option>
          ))}
        </select>
        {(['train', 'heldout'] as const).map((split) => (
          <button
            key={split}
            type="button"
            className="button"
            disabled={dataset[split] === 0}
            onClick={() => void save(`${split}.${ending}`, { type: 'rows-file', dataset: dataset.id, split, format })}
          >
            <Icon name="export" /> {split === 'train' ? 'Training' : 'Held-out'} {plural(dataset[split], 'row')}
          </button>
        ))}
      </div>
      <p className="muted">Pictures are named by their paths. Put the file where the original rows are. {loses}</p>
    </section>
  );
}

function useSave() {
  const { client } = useStudio();
  const attempt = useProject((project) => project.attempt);
  return (name: string, request: RequestOf<'rows-file' | 'edits-file'>) =>
    attempt('rows file', async () => {
      const handle = await askForFile(name);
      if (handle === null) return;
      const { fileName, stream } = await client.request(request);
      await saveStream(stream, fileName, handle, () => undefined);
    });
}
