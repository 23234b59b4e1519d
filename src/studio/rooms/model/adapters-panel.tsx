/** Adapters kept for the loaded model: bring some in, stack them, train the top further, switch them off. */
import type { AdapterReport } from '../../../engine/protocol/index.ts';
import { isActive } from '../../state/run.ts';
import { useAdapters, useProject, useRun } from '../../state/studio.ts';
import { DropTarget } from '../../drop-target.tsx';
import { compact, plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { MergeForm, MergeTable } from './merge-form.tsx';
import './adapters.css';

export function AdaptersPanel() {
  const model = useProject((project) => project.model);
  const active = useRun((run) => isActive(run.state));
  const { adapters, stack, continueTop, tuned } = useAdapters((shelf) => shelf.report);
  const busy = useAdapters((shelf) => shelf.busy) || active;
  const problem = useAdapters((shelf) => shelf.problem);
  const dismiss = useAdapters((shelf) => shelf.dismiss);
  const importFiles = useAdapters((shelf) => shelf.importFiles);
  const arrange = useAdapters((shelf) => shelf.stack);
  if (!model) return null;
  // The stack from the top down, then what is not in use.
  const inUse = [...stack].reverse().flatMap((id) => adapters.find((a) => a.id === id) ?? []);
  const idle = adapters.filter(({ id }) => !stack.includes(id));
  return (
    <section className="card adapters" aria-label="Adapters">
      <h2>Adapters</h2>
      <p className="muted">
        What a run learns is listed here under its name until you close the page or load another model. The adapters in
        use form a stack, and a run starts on top of it.
      </p>
      {problem && <ProblemNote problem={problem} onDismiss={dismiss} />}
      {adapters.length > 0 && (
        <>
          <ul className="adapter-list" aria-label="Kept adapters">
            {[...inUse, ...idle].map((adapter) => (
              <AdapterLine
                key={adapter.id}
                adapter={adapter}
                place={stack.indexOf(adapter.id)}
                stack={stack}
                disabled={busy}
                onStack={(ids) => void arrange(ids, continueTop)}
              />
            ))}
          </ul>
          <label className="check">
            <input
              type="checkbox"
              checked={continueTop}
              disabled={busy || stack.length === 0}
              onChange={(event) => void arrange(stack, event.target.checked)}
            />
            <span>The next run trains the top adapter further, instead of adding a new one</span>
          </label>
          <p role="status" className="muted">
            {tuned === 'run'
              ? 'Tuned answers and exports use the last run.'
              : stack.length === 0
                ? 'All adapters are off, so tuned answers are those of the base model.'
                : `Tuned answers and exports use ${plural(stack.length, 'adapter')}.`}
          </p>
        </>
      )}
      {adapters.length > 1 && <MergeForm adapters={adapters} disabled={busy} />}
      <DropTarget
        label="Drop an adapter"
        pick={['folder', 'file']}
        accept=".zip,.json,.safetensors"
        className="drop drop-flat"
        onIntake={({ name, files }) => void importFiles(name.replace(/\.zip$/, ''), files)}
      >
        <p className="muted">
          A LoRA or DoRA adapter from PEFT: <code>adapter_config.json</code> and <code>adapter_model.safetensors</code>,
          as a folder or a zip.
        </p>
      </DropTarget>
    </section>
  );
}

const ORIGINS: { readonly [O in AdapterReport['origin']]: string } = {
  imported: 'Imported',
  trained: 'Trained here',
  merged: 'Merged here',
};

interface LineProps {
  readonly adapter: AdapterReport;
  /** In the stack, from the bottom; −1: not in use. */
  readonly place: number;
  readonly stack: readonly string[];
  readonly disabled: boolean;
  readonly onStack: (ids: readonly string[]) => void;
}

function AdapterLine({ adapter, place, stack, disabled, onStack }: LineProps) {
  const remove = useAdapters((shelf) => shelf.remove);
  const { id, name, origin, kind, modules, ranks, parameters, baseName } = adapter;
  const [low, high] = ranks;
  const lift = (by: 1 | -1) => {
    const next = stack.filter((other) => other !== id);
    next.splice(place + by, 0, id);
    onStack(next);
  };
  return (
    <li data-used={place >= 0 || undefined}>
      <label className="check">
        <input
          type="checkbox"
          checked={place >= 0}
          disabled={disabled}
          onChange={(event) => onStack(event.target.checked ? [...stack, id] : stack.filter((other) => other !== id))}
        />
        <span>
          <b>{name}</b>
          {place >= 0 && stack.length > 1 && (
            <span className="tag">{place === stack.length - 1 ? 'top' : place + 1}</span>
          )}
        </span>
      </label>
      <p className="muted num">
        {ORIGINS[origin]} · {kind}, rank {low === high ? low : `${low} to ${high}`} · {plural(modules, 'module')} ·{' '}
        {compact(parameters)} parameters
        {baseName && ` · made for ${baseName}`}
      </p>
      <Matched adapter={adapter} />
      {adapter.merge && <MergeTable merge={adapter.merge} />}
      <p className="button-row">
        <button
          type="button"
          className="button icon-only"
          aria-label={`Move ${name} up the stack`}
          disabled={disabled || place < 0 || place === stack.length - 1}
          onClick={() => lift(1)}
        >
          <Icon name="up" />
        </button>
        <button
          type="button"
          className="button icon-only"
          aria-label={`Move ${name} down the stack`}
          disabled={disabled || place <= 0}
          onClick={() => lift(-1)}
        >
          <Icon name="down" />
        </button>
        <button
          type="button"
          className="button icon-only"
          aria-label={`Forget ${name}`}
          disabled={disabled}
          onClick={() => void remove(id)}
        >
          <Icon name="trash" />
        </button>
      </p>
    </li>
  );
}

function Matched({ adapter: { origin, matched, total, unmatched, notes } }: { readonly adapter: AdapterReport }) {
  if (origin !== 'imported') return null;
  return (
    <>
      <p className="num">
        <span className="severity" data-severity={matched === total ? 'good' : 'warning'}>
          {matched} of {total} tensors found their module
        </span>
      </p>
      {unmatched.length > 0 && (
        <details>
          <summary>Without a matching module</summary>
          <ul className="num adapter-keys">
            {unmatched.map((key) => (
              <li key={key}>{key}</li>
            ))}
          </ul>
        </details>
      )}
      {notes.map((note) => (
        <p key={note} className="severity" data-severity="warning">
          {note}
        </p>
      ))}
    </>
  );
}
