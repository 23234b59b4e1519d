/** The load under way, shown once it takes longer than a blink. */
import { useProject } from '../state/studio.ts';
import { bytes, count } from './format.ts';
import { etaOf, Progress, useSlow } from './progress.tsx';
import { StopButton } from './stop-button.tsx';

export function LoadingBar() {
  const loading = useProject((project) => project.loading);
  const slow = useSlow(loading?.startedAt ?? null);
  return (
    <div role="status" aria-live="polite" className="loading-bar">
      {loading && slow && (
        <Progress
          label={loading.what ? `${loading.title}: ${loading.what}` : loading.title}
          done={loading.done}
          total={loading.total}
          detail={
            loading.total > 100_000
              ? `${bytes(loading.done)} of ${bytes(loading.total)}`
              : loading.total > 0
                ? `${count(loading.done)} of ${count(loading.total)}`
                : ''
          }
          etaSeconds={etaOf(loading.done, loading.total, loading.startedAt, loading.at)}
        />
      )}
      {loading?.stop && slow && <StopButton onStop={loading.stop} />}
    </div>
  );
}
