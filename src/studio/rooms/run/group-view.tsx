/** One group of GRPO: the same prompt answered several times, side by side, each with its rewards and advantage. */
import { useEffect, useMemo, useState } from 'react';
import { EditButton } from '../../edit/edit-button.tsx';
import { useRunRow } from '../../state/use-rows.ts';
import { useProject, useRun } from '../../state/studio.ts';
import type { GroupRecord } from '../../state/run.ts';
import { Legend } from '../../boxes/strip.tsx';
import { Icon } from '../../ui/icon.tsx';
import { Messages } from '../../ui/segments.tsx';
import { CompletionCard } from './completion-card.tsx';
import { comparison, LedgerControls, termsOf, useOwnRules } from './ledger.tsx';
import { rescore, type WhatIf } from './rescore.ts';

/** The newest group changes at most this often, so that it can be read. */
const FOLLOW_MS = 1500;

interface GroupViewProps {
  /** A group's key; null: the newest. */
  readonly pinned: number | null;
  readonly onPin: (key: number | null) => void;
  readonly whatIf: WhatIf | null;
  readonly onWhatIf: (whatIf: WhatIf | null) => void;
}

export function GroupView({ pinned, onPin, whatIf, onWhatIf }: GroupViewProps) {
  const groups = useRun((run) => run.groups);
  const newest = useFollowed(groups.at(-1) ?? null);
  if (groups.length === 0 || !newest)
    return <p className="room-wait">Groups appear here once a GRPO stage samples completions.</p>;
  const at =
    pinned === null
      ? Math.max(0, groups.indexOf(newest))
      : Math.max(
          0,
          groups.findIndex((group) => group.key === pinned),
        );
  const group = pinned === null ? newest : groups[at]!;
  const go = (index: number) => onPin(groups[Math.min(groups.length - 1, Math.max(0, index))]!.key);
  return (
    <div
      className="groups"
      onKeyDown={(event) => {
        if (event.target instanceof HTMLInputElement) return;
        if (event.key === 'ArrowLeft') go(at - 1);
        if (event.key === 'ArrowRight') go(at + 1);
      }}
    >
      <div className="groups-tools" role="group" aria-label="Which group">
        <button
          type="button"
          className="button icon-only"
          aria-label="Earlier group"
          disabled={at === 0}
          onClick={() => go(at - 1)}
        >
          <Icon name="left" />
        </button>
        <input
          type="range"
          min={0}
          max={groups.length - 1}
          value={at}
          aria-label="Group"
          aria-valuetext={`step ${group.step}`}
          onChange={(event) => go(Number(event.target.value))}
        />
        <button
          type="button"
          className="button icon-only"
          aria-label="Later group"
          disabled={at === groups.length - 1}
          onClick={() => go(at + 1)}
        >
          <Icon name="right" />
        </button>
        <span className="num">
          Step {group.step}, row {group.rowId}
        </span>
        <label className="switch">
          <input
            type="checkbox"
            role="switch"
            checked={pinned === null}
            onChange={(event) => onPin(event.target.checked ? null : group.key)}
          />
          <span>Follow the newest</span>
        </label>
      </div>
      <Group key={group.key} group={group} whatIf={whatIf} onWhatIf={onWhatIf} />
    </div>
  );
}

function useFollowed(newest: GroupRecord | null): GroupRecord | null {
  const [shown, setShown] = useState(newest);
  const [since, setSince] = useState(() => performance.now());
  useEffect(() => {
    if (newest === shown) return;
    const timer = setTimeout(
      () => {
        setShown(newest);
        setSince(performance.now());
      },
      Math.max(0, since + FOLLOW_MS - performance.now()),
    );
    return () => clearTimeout(timer);
  }, [newest, shown, since]);
  return shown ?? newest;
}

function Group({
  group,
  whatIf,
  onWhatIf,
}: { readonly group: GroupRecord } & Pick<GroupViewProps, 'whatIf' | 'onWhatIf'>) {
  const dataset = useRun((run) => run.dataset);
  const open = useProject((project) => project.dataset?.id ?? null);
  const stage = useRun((run) => run.stages[group.stageIndex]?.stage);
  const row = useRunRow(group.rowId);
  const own = useOwnRules(group);
  const completions = useMemo(
    () => rescore(group.completions, whatIf, comparison(stage)?.scaleRewards ?? 'group'),
    [group, whatIf, stage],
  );
  const best = Math.max(...completions.map(({ advantage }) => Math.abs(advantage)), 1e-9);
  return (
    <>
      <div className="group-prompt">
        {row ? <Messages messages={row.prompt} /> : <p className="muted">Reading the row…</p>}
        <Legend roles={['truth', 'rollout']} />
        {row && open === dataset && <EditButton rowId={row.id} />}
      </div>
      <details className="ledger" open={whatIf !== null || undefined}>
        <summary>
          Other rules <span className="muted">see how ranks would change, without changing the run</span>
        </summary>
        <LedgerControls terms={termsOf(group)} own={own} whatIf={whatIf} onChange={onWhatIf} />
      </details>
      <ol className="completions" aria-label={`${completions.length} completions`}>
        {completions.map((completion, i) => (
          <CompletionCard key={i} index={i} dataset={dataset} row={row} completion={completion} strongest={best} />
        ))}
      </ol>
    </>
  );
}
