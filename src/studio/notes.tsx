/** Notes of the page about itself: a newer build, and what the browser did while the tab was in the background. */
import { useEffect, useRef, useState } from 'react';
import { useNewerBuild, useNow as changeOver } from './offline.ts';
import { isActive } from './state/run.ts';
import { useRun, useStudio } from './state/studio.ts';
import { duration } from './ui/format.ts';
import { Icon } from './ui/icon.tsx';

/** Less is not worth a word. */
const LONG_SECONDS = 60;

export function Notes() {
  return (
    <>
      <NewerBuild />
      <BeenAway />
    </>
  );
}

function NewerBuild() {
  const newer = useNewerBuild();
  const active = useRun((run) => isActive(run.state));
  const [later, setLater] = useState(false);
  if (!newer || later) return null;
  return (
    <div className="note note-info" role="status">
      <Icon name="info" />
      <p>
        <b>A newer version of Groundwork is ready.</b>{' '}
        {active
          ? 'The run continues with this version. The newer one is used after the run, when the page is loaded again.'
          : 'It is used when the page is loaded again.'}
      </p>
      {!active && (
        <button type="button" className="button small" onClick={changeOver}>
          Load it now
        </button>
      )}
      <button type="button" className="button icon-only" aria-label="Dismiss" onClick={() => setLater(true)}>
        <Icon name="close" />
      </button>
    </div>
  );
}

interface Away {
  readonly seconds: number;
  readonly from: number;
  readonly to: number;
}

/** While a run is active: what a hidden tab means for it, told when the user is back. */
function BeenAway() {
  const { book, run } = useStudio();
  const [away, setAway] = useState<Away | null>(null);
  const left = useRef<{ at: number; step: number } | null>(null);
  useEffect(() => {
    const look = () => {
      if (document.visibilityState === 'hidden') {
        left.current = isActive(run.getState().state) ? { at: Date.now(), step: book.lastStep } : null;
        return;
      }
      const since = left.current;
      left.current = null;
      if (!since) return;
      // The clock on the wall: sleep counts, and a hidden tab's own timers do not tell.
      const seconds = (Date.now() - since.at) / 1000;
      if (seconds < LONG_SECONDS) return;
      // What waited in the queue while nothing was drawn comes first.
      setTimeout(() => setAway({ seconds, from: since.step, to: book.lastStep }), 500);
    };
    document.addEventListener('visibilitychange', look);
    return () => document.removeEventListener('visibilitychange', look);
  }, [book, run]);
  if (!away) return null;
  const steps = away.to - away.from;
  return (
    <div className="note note-info" role="status">
      <Icon name="info" />
      <p>
        <b>This tab was in the background for {duration(away.seconds)}.</b> Browsers slow down hidden tabs, but training
        runs in its own worker. It{' '}
        {steps > 0
          ? `made ${steps} more ${steps === 1 ? 'step' : 'steps'}.`
          : 'made no step in that time: the machine may have slept, or the run was paused.'}{' '}
        Keep the tab open and the machine awake. A browser that is short of memory may close hidden tabs.
      </p>
      <button type="button" className="button icon-only" aria-label="Dismiss" onClick={() => setAway(null)}>
        <Icon name="close" />
      </button>
    </div>
  );
}
