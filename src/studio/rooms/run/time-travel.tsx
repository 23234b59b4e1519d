/**
 * Time travel: what the watched rows were answered at a step, as boxes on their pictures. The step is the charts'
 * crosshair, or this panel's own slider.
 */
import { useMemo } from 'react';
import type { SnapshotRecord } from '../../state/run.ts';
import type { Layer } from '../../boxes/roles.ts';
import { Legend, Strip } from '../../boxes/strip.tsx';
import { useCrosshairStep } from '../../charts/crosshair.ts';
import { useRun, useStudio } from '../../state/studio.ts';
import { useRunRow } from '../../state/use-rows.ts';
import { ratio, signed } from '../../ui/format.ts';
import { promptLine } from '../../ui/segments.tsx';
import './time-travel.css';

/** Steps at which there are answers, ascending, and the answers by step and row. */
function index(snapshots: readonly SnapshotRecord[]) {
  const byStep = new Map<number, Map<string, SnapshotRecord>>();
  for (const shot of snapshots) {
    const rows = byStep.get(shot.step) ?? new Map<string, SnapshotRecord>();
    byStep.set(shot.step, rows.set(shot.rowId, shot));
  }
  return { byStep, steps: [...byStep.keys()].sort((a, b) => a - b) };
}

/** The last step with answers that is not after the one looked at. */
export function stepAt(steps: readonly number[], step: number | null): number {
  if (step === null) return steps.at(-1)!;
  return steps.findLast((each) => each <= step) ?? steps[0]!;
}

export function TimeTravel() {
  const { crosshair } = useStudio();
  const snapshots = useRun((run) => run.snapshots);
  const { byStep, steps } = useMemo(() => index(snapshots), [snapshots]);
  const looked = useCrosshairStep(crosshair);
  if (steps.length === 0) return null;
  const step = stepAt(steps, looked);
  const rows = [...byStep.get(step)!.values()];
  return (
    <section className="travel" aria-label="Watched rows">
      <header>
        <h2 className="minor">Watched rows</h2>
        <span className="num">after step {step}</span>
      </header>
      <input
        type="range"
        min={0}
        max={steps.length - 1}
        value={steps.indexOf(step)}
        disabled={steps.length === 1}
        aria-label="Step of the watched rows"
        aria-valuetext={`step ${step}`}
        onChange={(event) => crosshair.hold(steps[Number(event.target.value)]!)}
      />
      <Legend roles={['truth', 'tuned']} />
      <ul className="travel-rows">
        {rows.map((shot) => (
          <Watched key={shot.rowId} shot={shot} first={byStep.get(steps[0]!)?.get(shot.rowId)} />
        ))}
      </ul>
    </section>
  );
}

function Watched({ shot, first }: { readonly shot: SnapshotRecord; readonly first: SnapshotRecord | undefined }) {
  const dataset = useRun((run) => run.dataset);
  const row = useRunRow(shot.rowId);
  const { boxes, iou, rightImage, parsed } = shot.answer;
  const layers = useMemo<Layer[]>(
    () => [
      { role: 'truth', boxes: row?.solution ?? [] },
      { role: 'tuned', boxes: boxes.map(({ image, box }) => ({ image, box })) },
    ],
    [row, boxes],
  );
  const gain = iou !== null && typeof first?.answer.iou === 'number' ? iou - first.answer.iou : null;
  return (
    <li>
      <p className="travel-head">
        {row?.task && <span className="tag">{row.task}</span>}
        {iou !== null && (
          <span className="num">
            IoU <b>{ratio(iou)}</b>
          </span>
        )}
        {gain !== null && Math.abs(gain) >= 0.005 && (
          <span className="num" data-sign={Math.sign(gain)} title="Since the first answer">
            {signed(gain)}
          </span>
        )}
        {!parsed ? (
          <span className="muted">no readable box</span>
        ) : (
          rightImage === false && <span className="muted">wrong picture</span>
        )}
      </p>
      {row && dataset && (
        <Strip
          dataset={dataset}
          images={row.images}
          layers={layers}
          height={104}
          label={`Watched row ${shot.rowId} after step ${shot.step}`}
          caption={false}
        />
      )}
      {row && <p className="travel-prompt muted">{promptLine(row.prompt)}</p>}
    </li>
  );
}
