/** "What if": other reward weights, or a threshold, over what was already sampled. Nothing in the run changes. */
import { useDeferredValue, useId, useMemo } from 'react';
import type { GroupRecord } from '../../state/run.ts';
import { useRun } from '../../state/studio.ts';
import { percent, plural, ratio } from '../../ui/format.ts';
import { descriptorOf, weightOf, type Stage } from '../../../engine/presets.ts';
import { sumLedger, termName, type LedgerSum, type WhatIf } from './rescore.ts';
import { TableHead } from '../../ui/table-head.tsx';

interface LedgerProps {
  readonly terms: readonly string[];
  readonly own: WhatIf;
  readonly whatIf: WhatIf | null;
  readonly onChange: (whatIf: WhatIf | null) => void;
}

/** By which rules a stage compares completions; undefined: by none. */
export const comparison = (stage: Stage | undefined) => stage && descriptorOf(stage).compares?.(stage);

/** What the run itself went by. */
export function useOwnRules(group: GroupRecord | undefined): WhatIf {
  const stage = useRun((run) => (group ? run.stages[group.stageIndex]?.stage : undefined));
  return useMemo(() => ({ weights: { ...comparison(stage)?.rewardWeights }, iouThreshold: null }), [stage]);
}

export const termsOf = (group: GroupRecord | undefined): readonly string[] =>
  Object.keys(group?.completions[0]?.rewards ?? {});

export function LedgerControls({ terms, own, whatIf, onChange }: LedgerProps) {
  const { weights, iouThreshold } = whatIf ?? own;
  const change = (part: Partial<WhatIf>) =>
    onChange({ weights: Object.fromEntries(terms.map((t) => [t, weightOf(weights, t)])), iouThreshold, ...part });
  const thresholdId = useId();
  return (
    <div className="ledger-terms" role="group" aria-label="Other rules">
      {terms.map((term) => (
        <label key={term} className="slider">
          {termName(term)}
          <input
            type="range"
            min={0}
            max={2}
            step={0.05}
            value={weightOf(weights, term)}
            onChange={(event) =>
              change({
                weights: {
                  ...Object.fromEntries(terms.map((t) => [t, weightOf(weights, t)])),
                  [term]: Number(event.target.value),
                },
              })
            }
          />
          <span className="num">{ratio(weightOf(weights, term))}</span>
        </label>
      ))}
      {terms.includes('iou') && (
        <span className="slider">
          <label htmlFor={thresholdId}>1 from IoU</label>
          <input
            id={thresholdId}
            type="range"
            min={0}
            max={0.95}
            step={0.05}
            value={iouThreshold ?? 0}
            aria-valuetext={iouThreshold === null ? 'off: uses the overlap itself' : ratio(iouThreshold)}
            onChange={(event) => change({ iouThreshold: Number(event.target.value) || null })}
          />
          <span className="num">{iouThreshold === null ? 'off' : ratio(iouThreshold)}</span>
        </span>
      )}
      <button type="button" className="button small" disabled={whatIf === null} onClick={() => onChange(null)}>
        As in the run
      </button>
    </div>
  );
}

/** The ledger of the whole run. */
export function LedgerView({
  whatIf,
  onChange,
  onLook,
}: {
  readonly whatIf: WhatIf | null;
  readonly onChange: (whatIf: WhatIf | null) => void;
  /** Opens a group in the group view. */
  readonly onLook: (key: number) => void;
}) {
  const groups = useRun((run) => run.groups);
  const own = useOwnRules(groups.at(-1));
  const asked = useDeferredValue(whatIf ?? own);
  const sum = useMemo(() => sumLedger(groups, asked), [groups, asked]);
  if (groups.length === 0)
    return <p className="room-wait">The ledger opens after a GRPO stage has sampled its first groups.</p>;
  return (
    <div className="ledger-view">
      <p>
        Apply other rules to completions that were already sampled. See how ranks would move, and how many groups would
        have taught something. Nothing in the run changes, and no GPU time is spent.
      </p>
      <LedgerControls terms={termsOf(groups.at(-1))} own={own} whatIf={whatIf} onChange={onChange} />
      <div className="ledger-sums" role="status">
        <Signal title="As in the run" with={sum.signalBefore} of={sum.groups} />
        <Signal title="Under these rules" with={sum.signalAfter} of={sum.groups} />
        <p>
          <b className="num">{percent(sum.reordered)}</b> of pairs within a group would change places.
        </p>
      </div>
      <Moved sum={sum} groups={groups} onLook={onLook} />
    </div>
  );
}

function Signal({ title, with: count, of }: { readonly title: string; readonly with: number; readonly of: number }) {
  return (
    <div className="ledger-signal">
      <span>{title}</span>
      <span className="meter" aria-hidden="true">
        <i style={{ width: `${(count / of) * 100}%` }} />
      </span>
      <span className="num">
        <b>{count}</b> of {plural(of, 'group')} with a signal
      </span>
    </div>
  );
}

const MOST_LISTED = 12;

function Moved({
  sum,
  groups,
  onLook,
}: {
  readonly sum: LedgerSum;
  readonly groups: readonly GroupRecord[];
  readonly onLook: (key: number) => void;
}) {
  if (sum.moved.length === 0) return <p className="muted">No rank changes. Change a weight to see an effect.</p>;
  return (
    <div className="scroll-table" tabIndex={0} role="region" aria-label="Groups that change most">
      <table>
        <caption>The groups that change most, of {sum.moved.length} that move</caption>
        <TableHead columns={['Step', 'Row', 'Pairs that change places', 'Signal']} actions="Look" />
        <tbody>
          {sum.moved.slice(0, MOST_LISTED).map(({ index, reordered, gained }) => {
            const group = groups[index]!;
            return (
              <tr key={group.key}>
                <th scope="row" className="num">
                  {group.step}
                </th>
                <td className="num">{group.rowId}</td>
                <td className="num">{percent(reordered)}</td>
                <td>{gained > 0 ? 'gained' : gained < 0 ? 'lost' : 'as before'}</td>
                <td>
                  <button type="button" className="link" onClick={() => onLook(group.key)}>
                    Look<span className="visually-hidden"> at the group of step {group.step}</span>
                  </button>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
