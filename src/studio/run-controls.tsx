/** Pause, resume, one step, stop and keep. The same buttons in the rail and in the Run room. */
import { useKeeping, useRun } from './state/studio.ts';
import { Icon, type IconName } from './ui/icon.tsx';

export function RunControls({ compact = false }: { readonly compact?: boolean }) {
  const state = useRun((run) => run.state);
  const asking = useRun((run) => run.asking);
  const control = useRun((run) => run.control);
  const button = (
    name: string,
    icon: IconName,
    action: 'pause' | 'resume' | 'step' | 'stop',
    enabled: boolean,
    hint: string,
  ) => (
    <button
      type="button"
      className={compact ? 'button icon-only' : 'button'}
      disabled={!enabled || asking}
      title={hint}
      aria-label={compact ? name : undefined}
      onClick={() => void control(action)}
    >
      <Icon name={icon} />
      {!compact && name}
    </button>
  );
  return (
    <div className="run-controls" role="group" aria-label={compact ? 'Run controls in the rail' : 'Run controls'}>
      {state === 'paused'
        ? button('Resume', 'play', 'resume', true, 'Resume the run')
        : button('Pause', 'pause', 'pause', state === 'running', 'Pause after the current step')}
      {!compact && <SaveNow />}
      {button('Step', 'step', 'step', state === 'paused', 'Make one step, then pause again')}
      {button(
        'Stop and keep',
        'stop',
        'stop',
        state === 'running' || state === 'paused',
        'End the run after the current step and keep what was learned',
      )}
    </div>
  );
}

/** Writes a checkpoint after the step under way. */
function SaveNow() {
  const state = useRun((run) => run.state);
  const busy = useKeeping((keeping) => keeping.busy);
  const saveNow = useKeeping((keeping) => keeping.saveNow);
  return (
    <button
      type="button"
      className="button"
      disabled={busy || (state !== 'running' && state !== 'paused')}
      title="Write a checkpoint after the current step"
      onClick={() => void saveNow()}
    >
      <Icon name="down" />
      Save now
    </button>
  );
}
