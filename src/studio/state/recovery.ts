/** After the engine's worker was started anew: everything is opened again, and a run that was going on goes on. */
import type { StoreApi } from 'zustand/vanilla';
import type { EngineClient } from '../../engine/client.ts';
import { codeOf } from '../../engine/presets.ts';
import type { Choices } from './autosave.ts';
import { currentProject, type Keeping } from './kept.ts';
import { problemOf } from '../problem.ts';
import type { Project } from './project.ts';
import { isActive, type Run } from './run.ts';

interface Stopped {
  readonly client: EngineClient;
  readonly project: StoreApi<Project>;
  readonly run: StoreApi<Run>;
  readonly keeping: StoreApi<Keeping>;
}

export async function recover({ client, project, run, keeping }: Stopped, refs: Choices): Promise<void> {
  const { current } = keeping.getState();
  const before = run.getState();
  const { dataset, model } = project.getState();
  const wasActive = isActive(before.state);
  before.notice('The engine stopped and was started again. The last checkpoint is safe.');
  project.setState({ loading: null });
  try {
    if (current) await client.request({ type: 'take-project', id: current });
    if (dataset && refs.dataset)
      await project.getState().reopenDataset(refs.dataset, () => project.getState().dataset !== dataset);
    if (model && refs.model) await project.getState().reopenModel(refs.model, () => project.getState().model !== model);
    await keeping.getState().refresh();
    const record = currentProject(keeping.getState())?.runs.find(({ id }) => id === before.runId);
    const again = project.getState().dataset;
    if (!wasActive) {
      // The tuned policy is that of the run in view, which the new engine does not have yet.
      if (record && again && record.bytes > 0)
        await client.request({
          type: 'continue-run',
          runId: record.id,
          dataset: again.id,
          go: false,
          ...(before.checkpoint && { checkpoint: before.checkpoint.id }),
        });
      return;
    }
    if (!record || !again) {
      // What could not be opened has been told; the run stays in its project, to be gone on with from there.
      run.setState({ state: 'failed' });
      return;
    }
    // One that was being stopped waits: stopping is one click, what it would have learnt since is not wanted.
    const paused = before.state !== 'running';
    // It ran before the engine stopped, so its code was allowed.
    const allowCode = codeOf(record.recipe);
    await client.request({
      type: 'continue-run',
      runId: record.id,
      dataset: again.id,
      go: true,
      paused,
      ...(allowCode.length > 0 && { allowCode }),
    });
    run.getState().notice(`The run resumes after step ${record.step}.`);
  } catch (error) {
    project.getState().report(problemOf(error));
    run.setState({ state: 'failed' });
  }
}
