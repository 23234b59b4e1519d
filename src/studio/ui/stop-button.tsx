/** Ends what the bar beside it shows. */
import { Icon } from './icon.tsx';

export function StopButton({ onStop }: { readonly onStop: () => void }) {
  return (
    <button type="button" className="button small" onClick={onStop}>
      <Icon name="stop" /> Stop
    </button>
  );
}
