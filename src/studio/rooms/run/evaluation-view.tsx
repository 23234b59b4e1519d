/** What was measured, stage by stage, with its uncertainty. */
import type { Evaluation } from '../../../engine/protocol/index.ts';
import { useRun } from '../../state/studio.ts';
import type { EvaluationRecord } from '../../state/run.ts';
import { count, percent, ratio } from '../../ui/format.ts';

export function EvaluationView() {
  const evaluations = useRun((run) => run.evaluations);
  if (evaluations.length === 0) return <p className="room-wait">Results appear here after an evaluation stage.</p>;
  const tasks = [...new Set(evaluations.flatMap(({ evaluation }) => Object.keys(evaluation.tasks)))].sort();
  return (
    <div className="evaluation">
      <div className="scroll-table" tabIndex={0} role="region" aria-label="Evaluations">
        <table>
          <caption>
            Share of held-out rows with a box that overlaps enough, in the right picture. Intervals: 95 %, Wilson.
          </caption>
          <thead>
            <tr>
              <th scope="col">Stage</th>
              <th scope="col">Rows</th>
              <th scope="col" className="wide">
                Acc@0.5 with interval
              </th>
              <th scope="col">Acc@0.3</th>
              <th scope="col">Acc@0.7</th>
              <th scope="col">Mean IoU</th>
              <th scope="col">Right picture</th>
              <th scope="col">No readable box</th>
            </tr>
          </thead>
          <tbody>
            {evaluations.map((record, i) => (
              <Line key={i} record={record} />
            ))}
          </tbody>
        </table>
      </div>
      {tasks.length > 0 && (
        <div className="scroll-table" tabIndex={0} role="region" aria-label="Evaluations by task">
          <table>
            <caption>Acc@0.5 by task, with the number of rows</caption>
            <thead>
              <tr>
                <th scope="col">Task</th>
                {evaluations.map(({ name }, i) => (
                  <th scope="col" key={i}>
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {tasks.map((task) => (
                <tr key={task}>
                  <th scope="row">{task || 'no task'}</th>
                  {evaluations.map(({ evaluation }, i) => {
                    const result = evaluation.tasks[task];
                    return (
                      <td key={i} className="num">
                        {result ? (
                          <>
                            {percent(result.accAt50)} <span className="muted">of {count(result.n)}</span>
                          </>
                        ) : (
                          '–'
                        )}
                      </td>
                    );
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  );
}

function Line({ record: { name, evaluation } }: { readonly record: EvaluationRecord }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td className="num">{count(evaluation.n)}</td>
      <td className="wide">
        <Interval of={evaluation} />
      </td>
      <td className="num">{percent(evaluation.accAt30)}</td>
      <td className="num">{percent(evaluation.accAt70)}</td>
      <td className="num">{ratio(evaluation.meanIoU)}</td>
      <td className="num">{percent(evaluation.imageAccuracy)}</td>
      <td className="num">{count(evaluation.parseFailures)}</td>
    </tr>
  );
}

function Interval({ of: { accAt50, accAt50Interval } }: { readonly of: Evaluation }) {
  const [low, high] = accAt50Interval;
  return (
    <div className="interval-cell">
      <span className="interval" aria-hidden="true">
        <i className="interval-range" style={{ left: `${low * 100}%`, width: `${(high - low) * 100}%` }} />
        <i className="interval-point" style={{ left: `${accAt50 * 100}%` }} />
      </span>
      <span className="num">
        {percent(accAt50)}{' '}
        <span className="muted">
          {(low * 100).toFixed(1)} to {(high * 100).toFixed(1)}
        </span>
      </span>
    </div>
  );
}
