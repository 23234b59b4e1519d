/** Questions about several pictures, composed of detection annotations: chosen, tried on a few rows, then opened as a dataset. */
import { useState } from 'react';
import { COMPOSED_KINDS, MAX_COMPOSED_PICTURES } from '../../../engine/presets.ts';
import type {
  Compose,
  ComposedKind,
  ComposedPreview,
  DatasetOptions,
  DatasetReport,
  Row,
} from '../../../engine/protocol/index.ts';
import { Strip } from '../../boxes/strip.tsx';
import { useProject, useStudio } from '../../state/studio.ts';
import { count, plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import { askForFile, saveStream } from '../../ui/save.ts';
import { promptLine, Segments } from '../../ui/segments.tsx';
import { NumberInput } from '../recipe/number-input.tsx';

const KIND_WORDS: Readonly<Record<ComposedKind, { readonly title: string; readonly about: string }>> = {
  find: { title: 'Find', about: 'a thing that is in one of the pictures, once' },
  common: { title: 'Common object', about: 'the one kind of thing that all pictures have' },
  count: { title: 'Count', about: 'a kind of thing over all pictures' },
};

const START: Compose = { kinds: COMPOSED_KINDS, pictures: 3, rows: 200, seed: 0 };
const MOST_ROWS = 100_000;
const PREVIEWED = 6;

export const canCompose = ({ formats, options }: DatasetReport): boolean =>
  options.compose !== undefined || formats.some(({ name }) => name === 'COCO');

export function ComposeView({ dataset }: { readonly dataset: DatasetReport }) {
  const { client, project } = useStudio();
  const reread = useProject((state) => state.reread);
  const busy = useProject((state) => state.loading !== null);
  const [chosen, setChosen] = useState<Compose>(dataset.options.compose ?? START);
  const [preview, setPreview] = useState<ComposedPreview | null>(null);
  const [trying, setTrying] = useState(false);
  const change = (part: Partial<Compose>) => {
    setChosen({ ...chosen, ...part });
    setPreview(null);
  };
  const tryIt = async () => {
    setTrying(true);
    const found = await project
      .getState()
      .attempt('composed rows', () =>
        client.request({ type: 'compose-preview', dataset: dataset.id, compose: chosen, count: PREVIEWED }),
      );
    if (found) setPreview(found);
    setTrying(false);
  };
  const none = chosen.kinds.length === 0;
  return (
    <div className="compose">
      <section className="card" aria-label="Questions about several pictures">
        <h2 className="minor">Questions about several pictures</h2>
        <p className="muted">
          These annotations can become questions about several pictures. Each answer is certain: crowds, boxes that are
          none and pictures without annotations are left out of it. The pictures are taken to be labelled in full.
        </p>
        <fieldset className="compose-kinds">
          <legend className="minor">What is asked</legend>
          {COMPOSED_KINDS.map((kind) => (
            <label key={kind}>
              <input
                type="checkbox"
                checked={chosen.kinds.includes(kind)}
                onChange={({ target }) =>
                  change({
                    kinds: COMPOSED_KINDS.filter((each) =>
                      each === kind ? target.checked : chosen.kinds.includes(each),
                    ),
                  })
                }
              />
              <span>
                {KIND_WORDS[kind].title}: <span className="muted">{KIND_WORDS[kind].about}</span>
              </span>
            </label>
          ))}
        </fieldset>
        <div className="files-numbers">
          <Amount
            name="Pictures a row"
            value={chosen.pictures}
            min={2}
            max={MAX_COMPOSED_PICTURES}
            onChange={(pictures) => change({ pictures })}
          />
          <Amount name="Rows" value={chosen.rows} min={1} max={MOST_ROWS} onChange={(rows) => change({ rows })} />
          <Amount name="Seed" value={chosen.seed} min={0} max={2 ** 31} onChange={(seed) => change({ seed })} />
        </div>
        <div className="button-row">
          <button type="button" className="button" disabled={busy || trying || none} onClick={() => void tryIt()}>
            {trying ? 'Composing…' : 'Preview'}
          </button>
          <button
            type="button"
            className="button primary"
            disabled={busy || trying || none}
            onClick={() => void reread({ ...dataset.options, compose: chosen })}
          >
            Open these rows
          </button>
        </div>
        <p className="muted">
          The rows are a dataset of their own, kept with the project. The same choices over the same files make the same
          rows.
        </p>
      </section>
      {dataset.options.compose && <Composed dataset={dataset} />}
      {preview && <Preview dataset={dataset.id} preview={preview} />}
    </div>
  );
}

function Amount({
  name,
  ...input
}: {
  readonly name: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly onChange: (value: number) => void;
}) {
  return (
    <div className="stacked">
      <span aria-hidden="true">{name}</span>
      <NumberInput {...input} integer label={name} />
    </div>
  );
}

/** What can be done with composed rows that are open. */
function Composed({ dataset }: { readonly dataset: DatasetReport }) {
  const { client, project } = useStudio();
  const reread = useProject((state) => state.reread);
  const busy = useProject((state) => state.loading !== null);
  const back = () => {
    const { compose: _, ...options } = dataset.options;
    void reread(options satisfies DatasetOptions);
  };
  const save = (split: Row['split']) =>
    project.getState().attempt('rows file', async () => {
      const handle = await askForFile(split === 'train' ? 'train.jsonl' : 'heldout.jsonl');
      if (handle === null) return;
      const { fileName, stream } = await client.request({ type: 'composed-file', dataset: dataset.id, split });
      await saveStream(stream, fileName, handle, () => undefined);
    });
  return (
    <section className="card" aria-label="Composed rows">
      <h2 className="minor">Open now</h2>
      <p>
        {plural(dataset.train, 'training row')} and {plural(dataset.heldout, 'held-out row')}, composed with seed{' '}
        {dataset.options.compose!.seed}. As JSON Lines they name their pictures by path, and say of which annotations
        they were made.
      </p>
      <div className="button-row">
        {dataset.train > 0 && (
          <button type="button" className="button small" onClick={() => void save('train')}>
            <Icon name="export" /> Save training rows
          </button>
        )}
        {dataset.heldout > 0 && (
          <button type="button" className="button small" onClick={() => void save('heldout')}>
            <Icon name="export" /> Save held-out rows
          </button>
        )}
        <button type="button" className="button small" disabled={busy} onClick={back}>
          Back to one picture per row
        </button>
      </div>
    </section>
  );
}

function Preview({ dataset, preview }: { readonly dataset: string; readonly preview: ComposedPreview }) {
  return (
    <section className="card compose-preview" aria-label="Preview of composed rows">
      <h2 className="minor">
        {count(preview.train)} training, {count(preview.heldout)} held out
      </h2>
      {preview.issues.map(({ reason, fix }) => (
        <p key={reason} className="note">
          <Icon name="alert" /> {sentence(reason)}. {fix}
        </p>
      ))}
      <ol>
        {preview.rows.map((row) => (
          <li key={row.id}>
            <p>
              <span className="tag">{row.task}</span> {promptLine(row.prompt)}
            </p>
            <Strip
              dataset={dataset}
              images={row.images}
              layers={[{ role: 'truth', boxes: row.solution }]}
              height={150}
              label={`Pictures of row ${row.id}`}
            />
            <p className="words">
              <Segments segments={row.answer} />
            </p>
          </li>
        ))}
      </ol>
    </section>
  );
}

const sentence = (words: string): string => words[0]!.toUpperCase() + words.slice(1);
