/** The load under way, shown once it takes longer than a blink. */
import { useProject } from './state/studio.ts';
import { bytes, count } from './ui/format.ts';
import { etaOf, Progress, useSlow } from './ui/progress.tsx';
import { StopButton } from './ui/stop-button.tsx';

export function LoadingBar() {
  const loading = useProject((project) => project.loading);
  const waiting = useProject((project) => project.waiting);
  const slow = useSlow(loading?.startedAt ?? null);
  return (
    <div role="status" aria-live="polite" className="loading-bar">
      {loading && slow && (
        <Progress
          label={loading.what ? `${loading.title}: ${loading.what}` : loading.title}
          done={loading.done}
          total={loading.total}
          detail={detailOf(loading)}
          etaSeconds={etaOf(loading.done, loading.total, loading.since, loading.at)}
        />
      )}
      {slow && waiting.length > 0 && <p className="muted">Then: {waiting.join(', ')}</p>}
      {loading?.stop && slow && <StopButton onStop={loading.stop} />}
    </div>
  );
}

interface Pace {
  readonly done: number;
  readonly total: number;
  readonly since: number;
  readonly at: number;
}

function detailOf({ done, total, since, at }: Pace): string {
  const seconds = (at - since) / 1000;
  const unit = total > 1_000_000 ? bytes : count;
  const rate = seconds >= 1 && done > 0 ? `${unit(Math.round(done / seconds))} per second` : '';
  const far = total > 0 ? `${unit(done)} of ${unit(total)}` : done > 0 ? unit(done) : '';
  return [far, rate].filter(Boolean).join(' · ');
}
