/** What the studio says when it is opened again: what happened, what is safe, and what can be done. */
import { useLocation } from 'wouter';
import type { ProjectView, RunRecord } from '../engine/protocol/index.ts';
import { Confirm } from './ui/confirm.tsx';
import { when } from './rooms/projects/when.ts';
import { partsOf } from './state/dataset-actions.ts';
import { currentProject, interruptedRun } from './state/kept.ts';
import { isActive } from './state/run.ts';
import { useKeeping, useProject, useRun } from './state/studio.ts';
import { plural } from './ui/format.ts';
import { Icon } from './ui/icon.tsx';

/** File names that fit in a sentence. */
const FEW = 3;

export function KeepingNotes() {
  const owned = useKeeping((keeping) => keeping.owned);
  const project = useKeeping(currentProject);
  const run = useKeeping(interruptedRun);
  const active = useRun(({ state }) => isActive(state));
  if (!project) return null;
  if (!owned) return <ReadOnly name={project.name} id={project.id} />;
  return (
    <>
      {run && !active && <Interrupted run={run} />}
      {!(run && !active) && <Reopen />}
    </>
  );
}

function ReadOnly({ name, id }: { readonly name: string; readonly id: string }) {
  const open = useKeeping((keeping) => keeping.open);
  const busy = useKeeping((keeping) => keeping.busy);
  return (
    <div className="note note-warning" role="status">
      <Icon name="info" />
      <div>
        <p className="note-what">“{name}” is open in another tab. Here it is read-only.</p>
        <p>
          Choices that you make here are not saved, and you cannot start or resume a run. Close the other tab first.
        </p>
        <div className="button-row">
          <button type="button" className="button" disabled={busy} onClick={() => void open(id)}>
            Try again
          </button>
        </div>
      </div>
    </div>
  );
}

function Interrupted({ run }: { readonly run: RunRecord }) {
  const { resume, settle, busy, needs, fit, lost } = useKeeping((keeping) => keeping);
  const loading = useProject((project) => project.loading !== null);
  const project = useKeeping(currentProject);
  const dataset = useProject((open) => open.dataset?.name);
  const model = useProject((open) => open.model?.name);
  const [, go] = useLocation();
  const stage = run.recipe.stages.length;
  const choose = [
    needs.dataset === 'choose' && `${filesOf(project, run)} in the Data room`,
    needs.model === 'choose' && `the model “${run.modelName}” in the Model room`,
  ].filter(Boolean);
  const wrong = [
    fit?.dataset === false && otherThan('dataset', run.datasetName, dataset ?? ''),
    fit?.model === false && otherThan('model', run.modelName, model ?? ''),
  ].filter((words) => words !== false);
  const blocked = choose.length > 0 || wrong.length > 0 || needs.dataset === 'copy-deleted';
  return (
    <div className="note note-warning" role="status" aria-label="Interrupted run">
      <Icon name="alert" />
      <div>
        <p className="note-what">
          The run “{run.recipe.name}” ({plural(stage, 'stage')}), started {when(run.startedAt)}, was interrupted.
        </p>
        <p>
          {run.bytes > 0
            ? `Its last checkpoint is safe: ${when(run.changedAt)}, after ${plural(run.step, 'step')}. `
            : `It had no checkpoint yet, so it starts again. ${lost > 0 ? `${plural(lost, 'step')} ${lost === 1 ? 'is' : 'are'} lost. ` : ''}`}
          {run.bytes > 0 &&
            lost > 0 &&
            `${plural(lost, 'step')} after it ${lost === 1 ? 'is lost and is' : 'are lost and are'} made again. `}
          {run.bytes > 0 && 'The run resumes from there as if nothing had happened.'}
        </p>
        {choose.length > 0 && (
          <p>
            First open {choose.join(' and ')} again. The browser lets a page read these files during one visit only.
          </p>
        )}
        {needs.dataset === 'copy-deleted' && (
          <p>First open the dataset “{run.datasetName}” again. Its copy was deleted from this browser.</p>
        )}
        {wrong.map((words) => (
          <p key={words}>{words}</p>
        ))}
        {(needs.dataset === 'permission' || needs.model === 'permission') && (
          <p>The browser will ask whether the page may read your files again.</p>
        )}
        <div className="button-row">
          <button
            type="button"
            className="button primary"
            disabled={busy || loading || blocked}
            onClick={() => void resume(run).then(() => go('/run'))}
          >
            <Icon name="play" /> Resume
          </button>
          <button type="button" className="button" disabled={busy} onClick={() => void settle(run, 'keep')}>
            Keep as finished
          </button>
          <Confirm
            name="Discard the interrupted run"
            question="Delete what it has learned?"
            word="Discard"
            disabled={busy}
            onConfirm={() => void settle(run, 'discard')}
          />
        </div>
      </div>
    </div>
  );
}

/** What has to be chosen, by the names of its files where they are few. */
function filesOf(project: ProjectView | null, { datasetName }: RunRecord): string {
  const paths = project?.dataset?.name === datasetName ? project.dataset.sources.map(({ path }) => path) : [];
  const names = paths.filter((path) => path !== '' && path !== datasetName);
  const few = names.length > 0 && names.length <= FEW ? ` (${names.join(', ')})` : '';
  return `the dataset “${datasetName}”${few}`;
}

/** Why what is open cannot serve, and what would. */
function otherThan(kind: 'dataset' | 'model', wanted: string, open: string): string {
  if (open === wanted)
    return kind === 'dataset'
      ? `A dataset “${open}” is open, but its rows are not those of this run: it has other files, or it is read in another way. Open the files that the run began with.`
      : `A model “${open}” is loaded, but it is not the one of this run: it has other files, or its weights are held in another way. Load the one that the run began with.`;
  return `The ${kind} “${open}” is open, but this run needs “${wanted}”. Open “${wanted}” to resume.`;
}

/** Folders on the user's disk wait for a click; files given once must be given again. */
function Reopen() {
  const { needs, reopen } = useKeeping((keeping) => keeping);
  const project = useKeeping(currentProject);
  const dataset = useProject(({ dataset: open }) => open === null);
  const model = useProject(({ model: open }) => open === null);
  const waits = [
    dataset && needs.dataset && { need: needs.dataset, name: project?.dataset?.name ?? 'the dataset' },
    model &&
      needs.model && {
        need: needs.model,
        name: project?.model && 'name' in project.model ? project.model.name : 'the model',
      },
  ].filter((wait) => wait !== false && wait !== null);
  if (waits.length === 0) return null;
  const asks = waits.filter(({ need }) => need === 'permission').map(({ name }) => name);
  const again = waits.filter(({ need }) => need === 'choose').map(({ name }) => name);
  const deleted = waits.find(({ need }) => need === 'copy-deleted');
  return (
    <div className="note note-info" role="status">
      <Icon name="folder" />
      <div>
        {asks.length > 0 && (
          <>
            <p>{asks.join(' and ')}: still on your disk. The browser will ask you before the page may read it again.</p>
            <div className="button-row">
              <button type="button" className="button" onClick={() => void reopen()}>
                Open again
              </button>
            </div>
          </>
        )}
        {again.length > 0 && (
          <p>
            {again.join(' and ')}: choose the files again
            {again.some((name) => partsOf(name).length > 1) && ', the first dataset first, and add the others to it'}.
            The browser lets a page read them during one visit only.
          </p>
        )}
        {deleted && <p>{deleted.name}: its copy was deleted from this browser. Open its files again.</p>}
      </div>
    </div>
  );
}
