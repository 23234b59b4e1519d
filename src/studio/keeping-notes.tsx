/** What the studio says when it is opened again: what happened, what is safe, and what can be done. */
import { useLocation } from 'wouter';
import type { RunRecord } from '../engine/protocol/index.ts';
import { Confirm } from './ui/confirm.tsx';
import { when } from './rooms/projects/when.ts';
import { currentProject, interruptedRun } from './state/kept.ts';
import { isActive } from './state/run.ts';
import { useKeeping, useProject, useRun } from './state/studio.ts';
import { plural } from './ui/format.ts';
import { Icon } from './ui/icon.tsx';

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
  const { resume, settle, busy, needs } = useKeeping((keeping) => keeping);
  const loading = useProject((project) => project.loading !== null);
  const [, go] = useLocation();
  const stage = run.recipe.stages.length;
  const lost = needs.dataset === 'copy-deleted';
  const choose = [
    (needs.dataset === 'choose' || lost) && 'the dataset',
    needs.model === 'choose' && 'the model',
  ].filter(Boolean);
  return (
    <div className="note note-warning" role="status" aria-label="Interrupted run">
      <Icon name="alert" />
      <div>
        <p className="note-what">
          The run “{run.recipe.name}” ({plural(stage, 'stage')}), started {when(run.startedAt)}, was interrupted.
        </p>
        <p>
          {run.bytes > 0
            ? `Its last checkpoint is safe: ${when(run.changedAt)}, after ${plural(run.step, 'step')}. The run resumes from there as if nothing had happened.`
            : 'It had no checkpoint yet, so it starts again.'}
        </p>
        {choose.length > 0 && (
          <p>
            First choose {choose.join(' and ')} again:{' '}
            {lost
              ? 'the copy of the dataset was deleted from this browser.'
              : 'the browser lets a page read these files during one visit only.'}
          </p>
        )}
        {(needs.dataset === 'permission' || needs.model === 'permission') && (
          <p>The browser will ask whether the page may read your files again.</p>
        )}
        <div className="button-row">
          <button
            type="button"
            className="button primary"
            disabled={busy || loading || choose.length > 0}
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
          <p>{again.join(' and ')}: choose the files again. The browser lets a page read them during one visit only.</p>
        )}
        {deleted && <p>{deleted.name}: its copy was deleted from this browser. Open its files again.</p>}
      </div>
    </div>
  );
}
