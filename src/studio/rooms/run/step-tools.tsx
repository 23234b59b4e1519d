/** What the pointer does on a chart, for the keyboard: the step that is held, and the window of steps that is drawn. */
import { useSyncExternalStore } from 'react';
import { useHeldStep } from '../../charts/crosshair.ts';
import { useStudio } from '../../state/studio.ts';
import { NumberInput } from '../recipe/number-input.tsx';

interface StepToolsProps {
  /** First and last step drawn; infinite: as far as there are points. */
  readonly range: readonly [number, number];
  readonly onZoom: (from: number, to: number) => void;
}

export function StepTools({ range, onZoom }: StepToolsProps) {
  const { book, crosshair } = useStudio();
  const last = useSyncExternalStore(
    (listener) => book.subscribe(listener),
    () => book.lastStep,
  );
  const held = useHeldStep(crosshair);
  const from = Math.min(last, Math.max(1, Math.ceil(range[0])));
  const to = Math.max(from, Math.min(last, Math.floor(range[1])));
  return (
    <>
      <label className="slider">
        Step
        <input
          type="range"
          min={1}
          max={last}
          value={held ?? last}
          disabled={last < 2}
          aria-label="Step"
          aria-valuetext={held === null ? 'newest' : `step ${held}`}
          onChange={(event) => crosshair.hold(Number(event.target.value))}
        />
        <span className="num">{held ?? 'newest'}</span>
      </label>
      <span className="steps-window">
        <span>Shown from</span>
        <NumberInput
          value={from}
          min={1}
          max={to}
          integer
          label="First step shown"
          onChange={(next) => onZoom(next, range[1])}
        />
        <span>to</span>
        <NumberInput
          value={to}
          min={from}
          max={last}
          integer
          label="Last step shown"
          onChange={(next) => onZoom(range[0], next)}
        />
      </span>
    </>
  );
}
