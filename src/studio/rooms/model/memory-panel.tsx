/** What the recipe would need of the graphics memory, item by item, for the loaded model or one not loaded yet. */
import { useEffect, useState } from 'react';
import { PUBLISHED } from '../../../engine/presets.ts';
import type { MemoryReport, MemoryRow, ReckoningEvent } from '../../../engine/protocol/index.ts';
import { problemOf, type Problem } from '../../problem.ts';
import { isActive } from '../../state/run.ts';
import { useProject, useRecipe, useRun, useStudio } from '../../state/studio.ts';
import { bytes, count } from '../../ui/format.ts';
import { FileButton } from '../../ui/file-button.tsx';
import { Icon } from '../../ui/icon.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { Progress } from '../../ui/progress.tsx';
import { NumberInput } from '../recipe/number-input.tsx';
import './memory.css';

const CARDS = [4, 6, 8, 12, 16, 24, 32, 48];
/** What a run may use of a card: the rest is the screen's and the browser's. */
const SHARE = 0.9;
const GIB = 2 ** 30;
const ROW: MemoryRow = { pictures: 3, width: 1024, height: 768, promptTokens: 120, targetTokens: 160 };

/** Forecasts follow the recipe as it is edited, a moment behind. */
const PATIENCE_MS = 400;

type Forecast = { readonly report: MemoryReport } | { readonly problem: Problem } | null;

export function MemoryPanel() {
  const { client } = useStudio();
  const recipe = useRecipe((editor) => editor.recipe);
  const loaded = useProject((project) => project.model);
  const loading = useProject((project) => project.loading !== null);
  const dataset = useProject((project) => project.dataset);
  const active = useRun((run) => isActive(run.state));
  const [chosen, setChosen] = useState<string | null>(null);
  const [described, setDescribed] = useState<Described | null>(null);
  const [card, setCard] = useState(8);
  const [row, setRow] = useState(ROW);
  const [forecast, setForecast] = useState<Forecast>(null);
  const [busy, setBusy] = useState(false);
  // What is said of one model must not stand under the name of another.
  const choose = (next: string | null) => {
    setChosen(next);
    setForecast(null);
  };
  const model = chosen ?? (loaded ? null : PUBLISHED[0]!.id);
  const availableBytes = card * GIB * SHARE;
  useEffect(() => {
    if (active || loading) return;
    let live = true;
    setBusy(true);
    const timer = setTimeout(() => {
      client
        .request({
          type: 'memory-plan',
          model,
          ...(described?.name === model && { config: described.config }),
          dataset: dataset?.id ?? null,
          row,
          recipe,
          availableBytes,
        })
        .then(
          (report) => live && setForecast({ report }),
          (error: unknown) => live && setForecast({ problem: problemOf(error) }),
        )
        .finally(() => live && setBusy(false));
    }, PATIENCE_MS);
    return () => {
      live = false;
      clearTimeout(timer);
    };
    // `loaded`: another model under the same choice.
  }, [client, model, described, loaded, dataset, row, recipe, availableBytes, active, loading]);
  return (
    <section className="card memory" aria-label="Memory" aria-busy={busy}>
      <h2>Memory</h2>
      <p className="muted">
        What this recipe would allocate at its peak. The figure is computed without allocating anything. Browsers do not
        say how much memory a graphics card has, so choose yours.
      </p>
      <div className="memory-choices">
        <label className="stacked">
          <span>Model</span>
          <select value={model ?? ''} onChange={(event) => choose(event.target.value || null)}>
            {loaded && <option value="">{loaded.name} (loaded)</option>}
            {PUBLISHED.map(({ id }) => (
              <option key={id}>{id}</option>
            ))}
            {described && <option>{described.name}</option>}
          </select>
        </label>
        <ConfigButton
          onRead={(read) => {
            setDescribed(read);
            choose(read.name);
          }}
        />
        <label className="stacked">
          <span>Graphics memory</span>
          <select value={card} onChange={(event) => setCard(Number(event.target.value))}>
            {CARDS.map((size) => (
              <option key={size} value={size}>
                {size} GB
              </option>
            ))}
          </select>
        </label>
        {!dataset && <RowFields row={row} onChange={setRow} />}
      </div>
      {active ? (
        <p className="muted">A run is active. The forecast waits until it ends.</p>
      ) : forecast && 'problem' in forecast ? (
        <ProblemNote problem={forecast.problem} />
      ) : forecast ? (
        <Report report={forecast.report} card={card} availableBytes={availableBytes} />
      ) : (
        <Reckoning busy={busy} />
      )}
    </section>
  );
}

/** How far the forecast has come: rows are measured, then plans are made until one fits. */
function Reckoning({ busy }: { readonly busy: boolean }) {
  const { client } = useStudio();
  const [at, setAt] = useState<ReckoningEvent | null>(null);
  useEffect(
    () => client.subscribe((event) => event.type === 'reckoning' && event.what !== 'row lengths' && setAt(event)),
    [client],
  );
  return (
    <Progress
      label={at?.what === 'rows' ? 'Measuring rows' : 'Estimating memory'}
      done={busy && at ? at.done : 0}
      total={busy && at ? at.total : 0}
    />
  );
}

/** A model that is neither loaded nor published: what its config.json says. */
interface Described {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
}

function ConfigButton({ onRead }: { readonly onRead: (read: Described) => void }) {
  const { project } = useStudio();
  const read = async (file: File) => {
    const { report, settled } = project.getState();
    try {
      const config = JSON.parse(await file.text()) as Described['config'] | null;
      if (typeof config?.['model_type'] === 'string') {
        settled('configuration');
        return onRead({ name: String(config['_name_or_path'] || `${config['model_type']}, ${file.name}`), config });
      }
    } catch {
      // Told below, with what is no object.
    }
    report({
      about: 'configuration',
      code: 'config-unreadable',
      what: `${file.name} does not describe a model.`,
      hint: 'Choose the config.json of a Hugging Face checkpoint. Nothing was changed.',
    });
  };
  return (
    <div className="stacked">
      <span>Another model</span>
      <FileButton
        label="By its config.json"
        accept=".json,application/json"
        pick="config"
        onFile={(file) => void read(file)}
      />
    </div>
  );
}

const FIELDS: readonly { key: keyof MemoryRow; name: string; min: number; max: number }[] = [
  { key: 'pictures', name: 'Pictures per row', min: 0, max: 64 },
  { key: 'width', name: 'Picture width', min: 1, max: 20_000 },
  { key: 'height', name: 'Picture height', min: 1, max: 20_000 },
  { key: 'promptTokens', name: 'Text tokens', min: 1, max: 100_000 },
  { key: 'targetTokens', name: 'Answer tokens', min: 1, max: 100_000 },
];

function RowFields({ row, onChange }: { readonly row: MemoryRow; readonly onChange: (row: MemoryRow) => void }) {
  return FIELDS.map(({ key, name, min, max }) => (
    <div className="stacked memory-number" key={key}>
      <span aria-hidden="true">{name}</span>
      <NumberInput
        label={name}
        value={row[key]}
        min={min}
        max={max}
        integer
        onChange={(value) => onChange({ ...row, [key]: value })}
      />
    </div>
  ));
}

function Report({
  report,
  card,
  availableBytes,
}: {
  readonly report: MemoryReport;
  readonly card: number;
  readonly availableBytes: number;
}) {
  const whole = Math.max(report.totalBytes, availableBytes);
  const { promptTokens, imageTokens, targetTokens } = report.longest;
  const device = useProject((project) => project.device);
  return (
    <>
      <div className="memory-bar" aria-hidden="true">
        {report.items.map(({ name, bytes: n }, i) => (
          <i key={name} data-item={i % 6} style={{ width: `${(100 * n) / whole}%` }} />
        ))}
        <b style={{ left: `${(100 * availableBytes) / whole}%` }} />
      </div>
      <Verdict report={report} card={card} />
      {report.unbindable && device && (
        <p className="note note-warning">
          <Icon name="info" />{' '}
          <span>
            With this recipe one buffer ({report.unbindable.what}) needs {bytes(report.unbindable.bytes)}. This device
            binds at most {bytes(device.maxBindingBytes)} at once, however much memory the card has.
          </span>
        </p>
      )}
      <table className="memory-items">
        <caption className="visually-hidden">Items of the memory plan</caption>
        <tbody>
          {report.items.map(({ name, bytes: n }, i) => (
            <tr key={name}>
              <th scope="row">
                <i data-item={i % 6} aria-hidden="true" />
                {name === 'weights' ? `weights, ${report.storage}` : name}
              </th>
              <td className="num">{bytes(n)}</td>
            </tr>
          ))}
          <tr>
            <th scope="row">total{report.stage && <span className="muted"> in “{report.stage}”</span>}</th>
            <td className="num">
              <b>{bytes(report.totalBytes)}</b>
            </td>
          </tr>
        </tbody>
      </table>
      <p className="muted">
        For a row of {count(promptTokens)} tokens, {count(imageTokens)} of them image tokens, and an answer of{' '}
        {count(targetTokens)} tokens.
        {device &&
          ` This device binds at most ${bytes(device.maxBindingBytes)} at once. Larger weights are split by rows.`}
      </p>
    </>
  );
}

function Verdict({ report: { fits, unbindable }, card }: { readonly report: MemoryReport; readonly card: number }) {
  const recipe = useRecipe((editor) => editor.recipe);
  const use = useRecipe((editor) => editor.use);
  if (!fits)
    return (
      <p className="note note-warning" role="status">
        <Icon name="info" />{' '}
        <span>
          No change to the recipe makes this fit in {card} GB. Choose a smaller model{' '}
          {unbindable ? ', or shorter rows' : ''}.
        </span>
      </p>
    );
  if (fits.changes.length === 0)
    return (
      <p className="note note-good" role="status">
        <Icon name="check" /> <span>It fits in {card} GB as it is.</span>
      </p>
    );
  const changesPlan = JSON.stringify(fits.recipe) !== JSON.stringify(recipe);
  return (
    <div className="note note-info" role="status">
      <Icon name="info" />
      <div>
        <p>
          It fits in {card} GB, with {bytes(fits.totalBytes)}, after these changes:
        </p>
        <ul>
          {fits.changes.map((change) => (
            <li key={change}>{change}</li>
          ))}
        </ul>
        {changesPlan && (
          <button type="button" className="button small" onClick={() => use(fits.recipe)}>
            Change the recipe
          </button>
        )}
      </div>
    </div>
  );
}
