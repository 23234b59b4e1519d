/** The stages of a run as a line of road: done, under way, to come. */
import { useRehearsal, useRun } from '../../state/studio.ts';
import { isActive, type StageView } from '../../state/run.ts';
import { phaseOf, wordsOf } from '../../state/run-words.ts';
import { descriptorOf } from '../../../engine/presets.ts';
import { KIND_NAMES } from '../../recipe/kinds/index.ts';
import { bytes, duration } from '../../ui/format.ts';

export function StageTrack() {
  const stages = useRun((run) => run.stages);
  const state = useRun((run) => run.state);
  const asking = useRun((run) => run.asking);
  const notice = useRun((run) => run.notices.at(-1));
  const eta = usePlanEta();
  return (
    <section className="track" aria-label="Stages">
      <p className="track-state" role="status" data-state={state}>
        <i />
        {state === 'idle' && !asking ? 'Not started' : phaseOf(state, stages)}
        {eta !== null && <span className="num muted">the whole recipe: about {duration(eta)} left</span>}
        {notice && <span className="muted">{notice}</span>}
      </p>
      <DeviceMemory />
      <ol>
        {stages.map((view, i) => (
          <TrackStage
            key={i}
            view={view}
            ended={state === 'finished'}
            failed={state === 'failed' && view.status === 'running'}
          />
        ))}
      </ol>
    </section>
  );
}

/** What the run holds on the device now, and what it was planned to hold at most. */
function DeviceMemory() {
  // A stage that has told nothing yet has what the one before it left.
  const now = useRun(({ state, stages }) =>
    isActive(state) ? stages.findLast(({ progress }) => progress?.gpuBytes)?.progress?.gpuBytes : undefined,
  );
  const recipe = useRun((run) => run.recipe);
  const rehearsed = useRehearsal(({ result }) => result);
  if (now === undefined) return null;
  const planned = rehearsed?.recipe === recipe ? rehearsed?.rehearsal.memory.plannedBytes : undefined;
  return (
    <p className="muted num">
      {bytes(now)} of memory on the device{planned !== undefined && `, planned at most ${bytes(planned)}`}
    </p>
  );
}

/** Seconds left of the whole plan: the stage under way by its own pace, those to come by the rehearsal. */
function usePlanEta(): number | null {
  const stages = useRun((run) => run.stages);
  const state = useRun((run) => run.state);
  const recipe = useRun((run) => run.recipe);
  const rehearsed = useRehearsal(({ result }) => result);
  if (state !== 'running' || !rehearsed || rehearsed.recipe !== recipe) return null;
  return stages.reduce((sum, { status, progress, rounds, roundsDone }, i) => {
    const each = (rehearsed.rehearsal.stages[i]?.seconds ?? 0) / rounds;
    const left = Math.max(0, rounds - roundsDone);
    return sum + (status === 'running' ? (progress?.etaSeconds ?? each) + each * Math.max(0, left - 1) : each * left);
  }, 0);
}

function TrackStage({
  view,
  ended,
  failed,
}: {
  readonly view: StageView;
  readonly ended: boolean;
  readonly failed: boolean;
}) {
  const { stage, status, progress, preparing } = view;
  const share =
    status === 'finished' ? 1 : progress && progress.total > 0 ? Math.min(1, progress.done / progress.total) : 0;
  const words = failed ? 'failed here' : wordsOf(view, ended);
  return (
    <li data-status={status} style={{ flexGrow: descriptorOf(stage).reads === null ? 1 : 2 }}>
      <div
        className="progress-track"
        data-known="true"
        data-preparing={(status === 'running' && !failed && preparing !== undefined && preparing !== null) || undefined}
        role="progressbar"
        aria-label={`${stage.name}, ${KIND_NAMES[stage.kind]}`}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(share * 100)}
        aria-valuetext={words}
      >
        <div className="progress-bar" style={{ transform: `scaleX(${share})` }} />
      </div>
      <b>{stage.name}</b>
      <span className={failed ? 'num alarm' : 'num muted'}>{words}</span>
    </li>
  );
}
