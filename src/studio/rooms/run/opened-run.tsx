/** What a run from a file is, what is missing to see its pictures, and the way to run it again. */
import { useLocation } from 'wouter';
import { readingToTry } from '../../state/run-match.ts';
import type { RunFile } from '../../state/run-records.ts';
import { useProject, useRecipe, useRun, useStudio } from '../../state/studio.ts';
import { FileButton } from '../../ui/file-button.tsx';
import { Icon } from '../../ui/icon.tsx';
import { openRunFile, SUFFIX } from './open-run.ts';
import './opened-run.css';

export function OpenRunButton() {
  const studio = useStudio();
  return (
    <FileButton
      label="Open a run file"
      accept={`${SUFFIX},application/json`}
      pick="run"
      onFile={(file) => void openRunFile(studio, file)}
    />
  );
}

export function OpenedNote({ recorded }: { readonly recorded: boolean }) {
  const opened = useRun((run) => run.opened);
  const pictures = useRun((run) => run.dataset !== null);
  const use = useRecipe((editor) => editor.use);
  const model = useProject((project) => project.model);
  const openSample = useProject((project) => project.openSample);
  const loading = useProject((project) => project.loading !== null);
  const [, go] = useLocation();
  if (!opened) return null;
  const { file, fileName } = opened;
  const was = namesOf(file);
  const again = () => {
    use(file.recipe);
    go('/recipe');
  };
  const isSample = file.dataset?.format !== undefined && file.dataset.name === 'Sample dataset';
  return (
    <div className="note note-info opened-run">
      <Icon name="file" />
      <div>
        <p>
          <b>A recorded run.</b> {fileName}, written {file.written.slice(0, 16).replace('T', ' ')} by Groundwork{' '}
          {file.groundwork}
          {file.device && ` on ${file.device.name}`}. Seed {file.recipe.seed}.
        </p>
        <p>
          {was.model && `Model: ${was.model}. `}
          {was.dataset && `Dataset: ${was.dataset}`}
          {file.dataset && `, ${file.dataset.train} training and ${file.dataset.heldout} held-out rows`}
          {was.dataset && '. '}
          {!pictures && !recorded && 'Open that dataset to see its pictures under the boxes.'}
        </p>
        {!recorded && <Differences />}
        {!recorded && (
          <p className="button-row">
            {!pictures && isSample && (
              <button type="button" className="button small" disabled={loading} onClick={() => void openSample()}>
                Open the sample dataset
              </button>
            )}
            <button type="button" className="button small" onClick={again}>
              Run it again
            </button>
            {(!pictures || !model) && (
              <span className="muted">
                To reproduce it, use the same recipe, seed, dataset and model on the same kind of device.
              </span>
            )}
          </p>
        )}
      </div>
    </div>
  );
}

const namesOf = (file: RunFile | undefined) => ({
  model: file?.madeOn?.model.name ?? file?.model?.name,
  dataset: file?.madeOn?.dataset.name ?? file?.dataset?.name,
});

/** What is open, where it is not what the run was made on. */
function Differences() {
  const match = useRun((run) => run.match);
  const file = useRun((run) => run.opened?.file);
  const open = useProject((project) => project.dataset);
  const reread = useProject((project) => project.reread);
  const loading = useProject((project) => project.loading !== null);
  const model = useProject((project) => project.model?.name);
  const otherDataset = match?.dataset === 'other';
  const otherModel = match?.model === 'other';
  if (!otherDataset && !otherModel) return null;
  const was = namesOf(file);
  const dataset = open?.name;
  const reading = file && open && readingToTry(file, open);
  return (
    <div role="status" aria-label="Differences from what is open">
      {otherDataset && (
        <p className="opened-difference">
          <Icon name="alert" />
          <span>
            <b>This run was made on another dataset.</b>{' '}
            {was.dataset === dataset
              ? `The rows of ${dataset} have changed since, or are read or split in another way. The boxes of the run are not drawn on these pictures.`
              : `It was ${was.dataset}, but ${dataset} is open. The boxes of the run are not drawn on these pictures.`}
          </span>
        </p>
      )}
      {otherDataset && reading && (
        <p className="opened-way">
          <button type="button" className="button small" disabled={loading} onClick={() => void reread(reading)}>
            Read {dataset} as that run did
          </button>
        </p>
      )}
      {otherModel && (
        <p className="opened-difference">
          <Icon name="alert" />
          <span>
            <b>This run was made with another model.</b>{' '}
            {was.model === model
              ? `The files of ${model} have changed since, or its weights are stored in another way.`
              : `It was ${was.model}, but ${model} is loaded.`}
          </span>
        </p>
      )}
      <p>If you run it again now, the result will differ.</p>
    </div>
  );
}
