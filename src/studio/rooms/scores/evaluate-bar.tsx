/** How rows are asked, how far it is, and the button that begins or goes on. */
import { useProject, useRun, useScores } from '../../state/studio.ts';
import { rateOf } from '../../state/scores.ts';
import { isActive } from '../../state/run.ts';
import { count } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import { Progress } from '../../ui/progress.tsx';
import { NumberField } from './number-field.tsx';

export function EvaluateBar() {
  const evaluating = useScores((scores) => scores.evaluating);
  const stop = useScores((scores) => scores.stop);
  if (!evaluating) return <Begin />;
  const rate = rateOf(evaluating);
  const { done, total, policy, stopping } = evaluating;
  const pace =
    rate === null ? '' : rate < 1 ? `${(60 * rate).toFixed(1)} rows a minute` : `${rate.toFixed(1)} rows a second`;
  return (
    <div className="ask-many">
      <Progress
        label={`${policy === 'base' ? 'Base' : 'Tuned'}: ${count(done)} of ${count(total)} rows`}
        done={done}
        total={total}
        etaSeconds={rate === null ? null : (total - done) / rate}
        detail={pace}
      />
      <button type="button" className="button" disabled={stopping} onClick={stop}>
        <Icon name="stop" /> {stopping ? 'Stopping…' : 'Stop'}
      </button>
    </div>
  );
}

function Begin() {
  const { prompt, limit, seed, swap } = useScores((scores) => scores.options);
  const choose = useScores((scores) => scores.choose);
  const evaluate = useScores((scores) => scores.evaluate);
  const abouts = useScores((scores) => scores.abouts);
  const policies = useScores((scores) => scores.policies);
  const busy = useScores((scores) => scores.busy);
  const model = useProject((project) => project.model);
  const active = useRun((run) => isActive(run.state));
  const benchmarks = abouts?.some(({ name }) => name !== null) ?? false;
  return (
    <div className="evaluate">
      {benchmarks && (
        <label className="stacked">
          <span>Prompt of</span>
          <select value={prompt} onChange={(event) => choose({ prompt: event.target.value as typeof prompt })}>
            <option value="published">the published script</option>
            <option value="own">the dataset</option>
          </select>
        </label>
      )}
      <NumberField label="Rows (0: all)" value={limit} onChange={(value) => choose({ limit: value })} />
      {limit > 0 && <NumberField label="Seed of the draw" value={seed} onChange={(value) => choose({ seed: value })} />}
      <label
        className="check"
        title="Rows of several pictures are answered a second time, with their pictures in other places. Rows that name a picture by its place are not."
      >
        <input
          type="checkbox"
          checked={swap ?? false}
          onChange={(event) => choose({ swap: event.target.checked ? true : undefined })}
        />
        Swap the pictures, too
      </label>
      <button
        type="button"
        className="button primary"
        disabled={!model || active || busy || !abouts?.length}
        title={
          !model
            ? 'Load a model first'
            : active
              ? 'Wait until the run ends: its weights change at every step'
              : undefined
        }
        onClick={() => void evaluate()}
      >
        <Icon name="play" /> {policies.length > 1 ? 'Evaluate base and tuned' : 'Evaluate'}
      </button>
    </div>
  );
}
