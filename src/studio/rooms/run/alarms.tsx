/** Warnings drawn from the curves, looked for once a second. */
import { useEffect, useState } from 'react';
import { alarmsOf, type Alarm } from '../../state/alarms.ts';
import { useStudio } from '../../state/studio.ts';
import { Icon } from '../../ui/icon.tsx';

export function Alarms() {
  const { book } = useStudio();
  const [alarms, setAlarms] = useState<readonly Alarm[]>([]);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = () => {
      timer = undefined;
      const next = alarmsOf(book);
      setAlarms((old) => (old.map((a) => a.text).join() === next.map((a) => a.text).join() ? old : next));
    };
    look();
    const stop = book.subscribe(() => (timer ??= setTimeout(look, 1000)));
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [book]);
  return (
    <div role="status" className="alarms">
      {alarms.map((alarm) => (
        <p key={alarm.key} className="note note-warning">
          <Icon name="alert" /> <span>{alarm.text}</span>
        </p>
      ))}
    </div>
  );
}
