/** Warnings drawn from the curves, looked for once a second: what it means, what to try, and where it shows. */
import { useCallback, useEffect, useState } from 'react';
import type { SeriesBook } from '../../charts/series-book.ts';
import { alarmsOf, type Alarm } from '../../state/alarms.ts';
import { useRun, useStudio } from '../../state/studio.ts';
import { plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';

/** What `find` finds in the curves, looked for again once a second while they grow. */
export function useFound<T>(find: (book: SeriesBook) => readonly T[]): readonly T[] {
  const { book } = useStudio();
  const [found, setFound] = useState<readonly T[]>([]);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = () => {
      timer = undefined;
      const next = find(book);
      setFound((old) => (JSON.stringify(old) === JSON.stringify(next) ? old : next));
    };
    look();
    const stop = book.subscribe(() => (timer ??= setTimeout(look, 1000)));
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [book, find]);
  return found;
}

/** Of the stage under way, or the last that learned. */
export function useAlarms(): readonly Alarm[] {
  const since = useRun((run) => run.stages.reduce((last, { firstStep }) => firstStep ?? last, 0));
  return useFound(useCallback((book: SeriesBook) => alarmsOf(book, since), [since]));
}

/** The gravest in full; the others are named, and told on request: five in full would push the curves out of sight. */
export function Alarms({ alarms }: { readonly alarms: readonly Alarm[] }) {
  const [all, setAll] = useState(false);
  const [gravest, ...others] = alarms;
  return (
    <div role="status" className="alarms" aria-label="Alarms">
      {gravest && <AlarmNote alarm={gravest} />}
      {all && others.map((alarm) => <AlarmNote key={alarm.key} alarm={alarm} />)}
      {others.length > 0 && (
        <p className="alarms-more">
          <button type="button" className="button small" aria-expanded={all} onClick={() => setAll(!all)}>
            {all ? 'Show only the most serious' : plural(others.length, 'more alarm')}
          </button>
          {!all && <span>{others.map(({ title }) => title).join(' · ')}</span>}
        </p>
      )}
    </div>
  );
}

function AlarmNote({ alarm: { title, means, attempt, steps } }: { readonly alarm: Alarm }) {
  const { crosshair } = useStudio();
  return (
    <div className="note note-warning alarm-note">
      <Icon name="alert" />
      <p>
        <b>{title}.</b> {means} <span className="alarm-try">Try: {attempt}</span>
      </p>
      {steps.length > 0 && (
        <button type="button" className="button small" onClick={() => crosshair.hold(steps.at(-1)!)}>
          Step {steps.at(-1)}
          <span className="visually-hidden">: look at it on the curves</span>
        </button>
      )}
    </div>
  );
}
