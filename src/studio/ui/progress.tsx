/** A bar with words: how far, and how long still. */
import { useEffect, useState } from 'react';
import { duration } from './format.ts';

interface ProgressProps {
  readonly label: string;
  readonly done: number;
  /** 0: unknown, the bar only shows that work goes on. */
  readonly total: number;
  readonly etaSeconds?: number | null;
  readonly detail?: string;
}

export function Progress({ label, done, total, etaSeconds, detail }: ProgressProps) {
  const known = total > 0;
  const share = known ? Math.min(1, done / total) : 0;
  const eta =
    etaSeconds === null || etaSeconds === undefined ? '' : etaSeconds > 0 ? `${duration(etaSeconds)} left` : '';
  return (
    <div className="progress">
      <div className="progress-words">
        <span>{label}</span>
        <span className="num">
          {[detail, known ? `${Math.round(share * 100)} %` : '', eta].filter(Boolean).join(' · ')}
        </span>
      </div>
      <div
        className="progress-track"
        data-known={known}
        role="progressbar"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={known ? Math.round(share * 100) : undefined}
        aria-valuetext={eta || undefined}
      >
        <div className="progress-bar" style={known ? { transform: `scaleX(${share})` } : undefined} />
      </div>
    </div>
  );
}

/** Seconds left by the pace so far; null in the first second or without a total. */
export function etaOf(done: number, total: number, startedAt: number, now: number): number | null {
  const seconds = (now - startedAt) / 1000;
  return total > 0 && done > 0 && seconds >= 1 ? ((total - done) * seconds) / done : null;
}

/** True a moment after `since`: what is done at once needs no bar. */
export function useSlow(since: number | null, afterMs = 300): boolean {
  const [slow, setSlow] = useState(false);
  useEffect(() => {
    setSlow(false);
    if (since === null) return;
    const timer = setTimeout(() => setSlow(true), afterMs);
    return () => clearTimeout(timer);
  }, [since, afterMs]);
  return slow;
}
