/** Every alarm since the run began: those that are over, too. */
import { useCallback } from 'react';
import type { SeriesBook } from '../../charts/series-book.ts';
import { alarmLog } from '../../state/alarms.ts';
import { useRun } from '../../state/studio.ts';
import { count } from '../../ui/format.ts';
import { useFound } from './alarms.tsx';
import { stageStarts } from './curves-view.tsx';

/** Rows shown; a run may flicker in and out of an alarm for days. */
const MOST = 200;

/** `onLook`: shows a step on the curves. */
export function AlarmLog({ onLook }: { readonly onLook: (step: number) => void }) {
  const stages = useRun((run) => run.stages);
  const log = useFound(useCallback((book: SeriesBook) => alarmLog(book, stageStarts(stages)), [stages]));
  if (log.length === 0) return <p className="room-wait">No alarms since the run began.</p>;
  return (
    <div className="scroll-table" tabIndex={0} role="region" aria-label="Alarms since the run began">
      <table>
        <thead>
          <tr>
            <th scope="col">Steps</th>
            <th scope="col">Alarm</th>
            <th scope="col">Curve</th>
            <th scope="col">Stage</th>
            <th scope="col">
              <span className="visually-hidden">Look at it</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {log.slice(0, MOST).map(({ title, curve, from, to, stage, lasts }) => (
            <tr key={`${from}\n${title}\n${curve}`}>
              <td className="num">
                {from}
                {to > from && `–${to}`}
                {lasts && <span className="muted"> still</span>}
              </td>
              <th scope="row">{title}</th>
              <td>{curve}</td>
              <td>{stage}</td>
              <td>
                <button type="button" className="button small" onClick={() => onLook(from)}>
                  Step {from}
                  <span className="visually-hidden">: look at it on the curves</span>
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {log.length > MOST && <p className="muted">and {count(log.length - MOST)} before</p>}
    </div>
  );
}
