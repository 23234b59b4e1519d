/** A model on its way from a Hub: how far, how fast, how long still, and the way to stop it. Shown in every room. */
import type { HubProgressEvent } from '../engine/protocol/index.ts';
import { useHub } from './state/studio.ts';
import { bytes, duration } from './ui/format.ts';
import { Progress } from './ui/progress.tsx';
import { StopButton } from './ui/stop-button.tsx';

const PHASES: Readonly<Record<HubProgressEvent['phase'], string>> = {
  asking: 'asking the Hub',
  checking: 'checking what is already here',
  fetching: 'fetching',
  verifying: 'comparing with the Hub’s hashes',
};

export function HubBar() {
  const underWay = useHub((hub) => hub.underWay);
  const cancel = useHub((hub) => hub.cancel);
  if (!underWay) return null;
  const { title, progress, trouble } = underWay;
  return (
    <section className="hub-bar" aria-label="Model download">
      <Progress
        label={`${title}: ${progress ? PHASES[progress.phase] : PHASES.asking}`}
        done={progress?.done ?? 0}
        total={progress?.total ?? 0}
        detail={progress && progress.total > 0 ? detail(progress) : ''}
        etaSeconds={progress?.etaSeconds ?? null}
      />
      {trouble && (
        <p role="status" className="hub-trouble">
          {trouble.what} {again(trouble)}
        </p>
      )}
      <StopButton onStop={cancel} />
    </section>
  );
}

const again = ({ attempt, of, waitMs }: { attempt: number; of: number; waitMs: number }): string =>
  waitMs > 0 ? `Attempt ${attempt} of ${of} begins in ${duration(waitMs / 1000)}.` : `Attempt ${attempt} of ${of}.`;

function detail({ done, total, bytesPerSecond, file }: HubProgressEvent): string {
  const speed = bytesPerSecond === null ? '' : `${bytes(Math.round(bytesPerSecond))}/s`;
  return [file, `${bytes(done)} of ${bytes(total)}`, speed].filter(Boolean).join(' · ');
}
