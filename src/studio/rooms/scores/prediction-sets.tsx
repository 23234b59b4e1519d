/** Answers that are kept: of which model, how many, as a file; and answers of a model that is not here. */
import { useState } from 'react';
import type { ForeignSpace, PredictionSet } from '../../../engine/protocol/index.ts';
import { useScores } from '../../state/studio.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { FileButton } from '../../ui/file-button.tsx';
import { count } from '../../ui/format.ts';
import { TableHead } from '../../ui/table-head.tsx';
import { usePredictionsFile } from './use-files.ts';

export function PredictionSets() {
  const sets = useScores((scores) => scores.sets);
  return (
    <div className="prediction-sets">
      {sets.length === 0 ? (
        <p className="muted">
          Nothing was answered yet. Evaluate the model, or take the answers of another from a file.
        </p>
      ) : (
        <div className="scroll-table" tabIndex={0} role="region" aria-label="Answers">
          <table>
            <TableHead columns={['Model', 'Answered', 'Asked', 'Draw']} actions="Actions" />
            <tbody>
              {sets.map((set) => (
                <Line key={set.id} set={set} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      <Take />
    </div>
  );
}

function Line({ set }: { readonly set: PredictionSet }) {
  const save = usePredictionsFile();
  const forget = useScores((scores) => scores.forget);
  const { id, name, answered, total, header } = set;
  return (
    <tr>
      <th scope="row">{name}</th>
      <td className="num">
        {count(answered)} of {count(total)}
      </td>
      <td>{header === null ? 'not known' : header.prompt === 'published' ? 'as published' : 'as the dataset'}</td>
      <td className="num">
        {header === null
          ? 'not known'
          : header.limit === 0
            ? 'all rows'
            : `${count(header.limit)}, seed ${header.seed}`}
      </td>
      <td>
        <div className="button-row">
          {(
            [
              ['groundwork', 'JSON Lines'],
              ['vlmevalkit', 'VLMEvalKit'],
              ['lmms-eval', 'lmms-eval'],
            ] as const
          ).map(([as, words]) => (
            <button
              key={as}
              type="button"
              className="button small"
              aria-label={`Save the answers of ${name} as ${words}`}
              onClick={() => void save(id, as)}
            >
              {words}
            </button>
          ))}
          <Confirm
            name={`Delete the answers of ${name}`}
            disabled={false}
            question={`Delete ${count(answered)} answers?`}
            onConfirm={() => void forget(id)}
          />
        </div>
      </td>
    </tr>
  );
}

const OURS = '{"groundwork":"predictions"';

/** A file of ours says how it was made; of another only the user knows what its numbers are. */
function Take() {
  const take = useScores((scores) => scores.take);
  const busy = useScores((scores) => scores.busy);
  const [file, setFile] = useState<File | null>(null);
  const [name, setName] = useState('');
  const [space, setSpace] = useState<ForeignSpace | 'none' | ''>('');
  const [ours, setOurs] = useState(false);
  const chosen = async (given: File) => {
    const head = await given.slice(0, OURS.length).text();
    setOurs(head === OURS);
    setName(given.name.replace(/\.(?:predictions\.)?[a-z]+$/i, ''));
    setSpace('');
    setFile(given);
  };
  return (
    <section className="card take" aria-label="Answers of another model">
      <h2 className="minor">Answers of another model</h2>
      <p className="muted">
        JSON Lines of ours, lmms-eval’s samples, VLMEvalKit’s TSV, or JSON with an id and a text for each row. They
        become a row of the table and a layer in Inspect.
      </p>
      <FileButton
        label="Choose a file of answers"
        accept=".jsonl,.json,.tsv,.csv"
        pick="predictions"
        onFile={(given) => void chosen(given)}
      />
      {file && (
        <form
          className="take-form"
          onSubmit={(event) => {
            event.preventDefault();
            void take(file, name.trim() || file.name, ours || space === 'none' || space === '' ? null : space).then(
              () => setFile(null),
            );
          }}
        >
          <label className="stacked">
            <span>Name of the model</span>
            <input type="text" value={name} onChange={(event) => setName(event.target.value)} />
          </label>
          {!ours && (
            <label className="stacked">
              <span>The numbers of its boxes are</span>
              <select
                required
                value={space}
                onChange={(event) => setSpace(event.target.value as ForeignSpace | 'none' | '')}
              >
                <option value="">Choose</option>
                <option value="thousandths">thousandths of the picture</option>
                <option value="pixels">pixels of the picture file</option>
                <option value="none">not known: read no boxes</option>
              </select>
            </label>
          )}
          <button type="submit" className="button" disabled={busy || (!ours && space === '')}>
            Take the answers of {file.name}
          </button>
        </form>
      )}
    </section>
  );
}
