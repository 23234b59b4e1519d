/** A run's kept checkpoint, put in view: its policy is the tuned one, to be inspected and exported. */
import type { KeptCheckpoint, RunRecord } from '../../engine/protocol/index.ts';
import type { Studio } from './studio.ts';
import { isActive } from './run.ts';

type World = Pick<Studio, 'client' | 'project' | 'run'>;

/** Whether it could be opened; what stood in the way is told where the studio tells such things. */
export async function openCheckpoint(
  { client, project, run }: World,
  { id: runId, state }: Pick<RunRecord, 'id' | 'state'>,
  { id: checkpoint }: KeptCheckpoint,
): Promise<boolean> {
  const { dataset } = project.getState();
  if (!dataset || isActive(run.getState().state)) return false;
  const opened = await project.getState().attempt('stored run', async () => {
    await client.request({ type: 'continue-run', runId, dataset: dataset.id, go: false, checkpoint });
    run.setState({ runId, dataset: dataset.id, state: state === 'failed' ? 'failed' : 'finished' });
    return true;
  });
  return opened ?? false;
}
