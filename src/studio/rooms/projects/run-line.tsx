/** A run in the table: its name and figures, what can be done with it, and the form that describes it. */
import { Fragment, useEffect, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { runName, type RunLabel, type RunView } from '../../../engine/protocol/index.ts';
import type { RunColumn } from '../../state/run-list.ts';
import { isActive } from '../../state/run.ts';
import { useKeeping, useRun } from '../../state/studio.ts';
import { bytes } from '../../ui/format.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { Checkpoints } from '../run/checkpoints.tsx';
import { COLUMNS, type ListedRun } from './run-columns.tsx';
import { when } from './when.ts';

interface RunLineProps {
  readonly listed: ListedRun;
  readonly columns: readonly RunColumn[];
  readonly chosen: boolean;
  readonly onChoose: (chosen: boolean) => void;
  readonly onBaseline: (baseline: boolean) => void;
}

export function RunLine({ listed, columns, chosen, onChoose, onBaseline }: RunLineProps) {
  const { run, here } = listed;
  const keeping = useKeeping((all) => all);
  const active = useRun(({ state }) => isActive(state));
  const [describing, setDescribing] = useState(false);
  const [listing, setListing] = useState(false);
  const [, go] = useLocation();
  const idle = !active && !keeping.busy && keeping.owned;
  const { label } = run;
  const started = when(run.startedAt);
  const title = `the run of ${started}`;
  const change = (part: Partial<RunLabel>) => void keeping.label(run.id, part);
  return (
    <Fragment>
      <tr data-baseline={label.baseline || undefined}>
        <td>
          <input
            type="checkbox"
            aria-label={`Compare ${title}`}
            checked={chosen}
            onChange={(event) => onChoose(event.target.checked)}
          />
        </td>
        <th scope="row">
          {runName(run)}{' '}
          {[label.baseline && 'baseline', label.pinned && 'pinned', label.archived && 'archived'].map(
            (word) =>
              word && (
                <span className="tag" key={word}>
                  {word}
                </span>
              ),
          )}
          {label.tags.map((tag) => (
            <span className="tag" key={`#${tag}`}>
              {tag}
            </span>
          ))}
          <p className="muted num">
            {started}, {run.recipe.name}, seed {run.recipe.seed}
          </p>
          {label.notes && <p className="run-notes">{label.notes}</p>}
        </th>
        {columns.map((column) => (
          <td key={column} data-column={column} className={COLUMNS[column].num && 'num'}>
            {COLUMNS[column].cell(listed)}
          </td>
        ))}
        <td>
          <div className="button-row">
            {!here && (
              <button
                type="button"
                className="button small"
                aria-label={`Show ${title}`}
                disabled={active || keeping.busy}
                onClick={() => void keeping.show(run).then(() => go('/run'))}
              >
                Show
              </button>
            )}
            {!here && run.state !== 'finished' && (
              <button
                type="button"
                className="button small"
                aria-label={`Resume ${title}`}
                disabled={!idle}
                onClick={() => void keeping.resume(run).then(() => go('/run'))}
              >
                Resume
              </button>
            )}
            <button
              type="button"
              className="button small"
              aria-label={`Name and notes of ${title}`}
              aria-expanded={describing}
              disabled={!keeping.owned}
              onClick={() => setDescribing(!describing)}
            >
              Name, notes
            </button>
            {run.bytes > 0 && (
              <button
                type="button"
                className="button small"
                aria-label={`Checkpoints of ${title}`}
                aria-expanded={listing}
                onClick={() => setListing(!listing)}
              >
                Checkpoints
              </button>
            )}
            <LabelToggle name={`Baseline: ${title}`} on={label.baseline ?? false} onToggle={(on) => onBaseline(on)}>
              Baseline
            </LabelToggle>
            <LabelToggle name={`Pin ${title}`} on={label.pinned} onToggle={(on) => change({ pinned: on })}>
              Pin
            </LabelToggle>
            <LabelToggle name={`Archive ${title}`} on={label.archived} onToggle={(on) => change({ archived: on })}>
              Archive
            </LabelToggle>
            {!here && (
              <Confirm
                name={`Delete ${title}`}
                question={`Delete ${bytes(run.bytes)} and its curves?`}
                disabled={!idle}
                onConfirm={() => void keeping.settle(run, 'discard')}
              />
            )}
          </div>
        </td>
      </tr>
      {listing && (
        <tr>
          <td colSpan={columns.length + 3}>
            <Checkpoints run={run} />
          </td>
        </tr>
      )}
      {describing && (
        <tr>
          <td colSpan={columns.length + 3}>
            <Describe
              run={run}
              onDone={(part) => {
                setDescribing(false);
                if (part) change(part);
              }}
            />
          </td>
        </tr>
      )}
    </Fragment>
  );
}

/** What is said of a run by one click, and taken back by another. */
function LabelToggle({
  name,
  on,
  onToggle,
  children,
}: {
  readonly name: string;
  readonly on: boolean;
  readonly onToggle: (on: boolean) => void;
  readonly children: string;
}) {
  const fixed = useKeeping(({ busy, owned }) => busy || !owned);
  return (
    <button
      type="button"
      className="button small"
      aria-label={name}
      aria-pressed={on}
      disabled={fixed}
      onClick={() => onToggle(!on)}
    >
      {children}
    </button>
  );
}

function Describe({
  run: { label, recipe },
  onDone,
}: {
  readonly run: RunView;
  readonly onDone: (part: Partial<RunLabel> | null) => void;
}) {
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), []);
  return (
    <form
      className="run-label"
      aria-label="Name and notes"
      onSubmit={(event) => {
        event.preventDefault();
        const data = new FormData(event.currentTarget);
        const text = (name: string) => String(data.get(name));
        onDone({ name: text('name'), tags: text('tags').split(','), notes: text('notes').trim() });
      }}
      onKeyDown={(event) => event.key === 'Escape' && onDone(null)}
    >
      <label>
        <span>Name</span>
        <input
          type="text"
          name="name"
          defaultValue={label.name}
          placeholder={recipe.name}
          maxLength={120}
          ref={first}
        />
      </label>
      <label>
        <span>Tags, with commas between them</span>
        <input type="text" name="tags" defaultValue={label.tags.join(', ')} />
      </label>
      <label className="wide">
        <span>Notes</span>
        <textarea name="notes" rows={3} defaultValue={label.notes} />
      </label>
      <div className="button-row">
        <button type="submit" className="button small">
          Save
        </button>
        <button type="button" className="button small" onClick={() => onDone(null)}>
          Cancel
        </button>
      </div>
    </form>
  );
}
