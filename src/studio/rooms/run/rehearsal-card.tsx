/** The rehearsal: asks for it, shows it under way, and says what the run will take. */
import type { Rehearsal } from '../../../engine/protocol/index.ts';
import { isActive } from '../../state/run.ts';
import { useProject, useRecipe, useRehearsal, useRun } from '../../state/studio.ts';
import { bytes, count, duration, plural, value } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { Progress } from '../../ui/progress.tsx';
import { TableHead } from '../../ui/table-head.tsx';
import './rehearsal.css';

export function RehearsalCard() {
  const recipe = useRecipe((editor) => editor.recipe);
  const dataset = useProject((project) => project.dataset);
  const model = useProject((project) => project.model);
  const active = useRun((run) => isActive(run.state));
  const { under, result, problem, start, cancel, dismiss } = useRehearsal((state) => state);
  return (
    <section className="card rehearsal" aria-label="Rehearsal">
      <header>
        <div>
          <h2>Rehearsal</h2>
          <p className="muted">
            Makes real steps of every stage on the longest row, forward and backward. It estimates how long the recipe
            will take and how much memory it needs. It changes no weight and no random number of the run.
          </p>
        </div>
        {under ? (
          <button type="button" className="button" onClick={() => void cancel()}>
            Cancel
          </button>
        ) : (
          <button
            type="button"
            className="button"
            disabled={!dataset || !model || active || recipe.stages.length === 0}
            onClick={() => dataset && void start(dataset.id, recipe)}
          >
            <Icon name="step" /> {result ? 'Rehearse again' : 'Rehearse'}
          </button>
        )}
      </header>
      {under && <Progress label={`Rehearsing: ${under.what}`} done={under.done} total={under.total} />}
      {problem && <ProblemNote problem={problem} onDismiss={dismiss} />}
      {result && !under && (
        <>
          {result.recipe !== recipe && (
            <p className="advice" data-severity="warning">
              The recipe has changed since. Rehearse again for valid figures.
            </p>
          )}
          <Figures rehearsal={result.rehearsal} />
        </>
      )}
    </section>
  );
}

function Figures({ rehearsal }: { readonly rehearsal: Rehearsal }) {
  const { stages, pictures, totalSeconds, longest, memory } = rehearsal;
  return (
    <>
      <dl className="rehearsal-sums">
        <div>
          <dt>The whole recipe</dt>
          <dd className="num">about {duration(totalSeconds)}</dd>
        </div>
        <div>
          <dt>Memory, measured</dt>
          <dd className="num">{bytes(memory.allocatedBytes)}</dd>
        </div>
        <div>
          <dt>Memory, planned</dt>
          <dd className="num">
            {bytes(memory.plannedBytes)}
            {memory.plannedStage !== null && <span className="muted"> in {memory.plannedStage}</span>}
          </dd>
        </div>
        <div>
          <dt>Longest of {count(longest.among)} rows</dt>
          <dd className="num">
            {count(longest.promptTokens + longest.targetTokens)} tokens <span className="muted">({longest.rowId})</span>
          </dd>
        </div>
      </dl>
      <div className="scroll-table" tabIndex={0} role="region" aria-label="Rehearsal by stage">
        <table>
          <TableHead columns={['Stage', 'Each', 'Times', 'Total', 'Note']} />
          <tbody>
            {stages.map(({ index, name, secondsEach, count: times, unit, seconds, note }) => (
              <tr key={index}>
                <th scope="row">{name}</th>
                <td className="num">{secondsEach === null ? '–' : `${value(secondsEach)} s`}</td>
                <td className="num">{plural(times, unit)}</td>
                <td className="num">{duration(seconds)}</td>
                <td className="muted">{note}</td>
              </tr>
            ))}
            <tr>
              <th scope="row">Pictures</th>
              <td className="num">{pictures.count > 0 ? `${value(pictures.seconds / pictures.count)} s` : '–'}</td>
              <td className="num">{count(pictures.count)}</td>
              <td className="num">{duration(pictures.seconds)}</td>
              <td className="muted">Each passes the vision tower once.</td>
            </tr>
          </tbody>
        </table>
      </div>
    </>
  );
}
