/** Export: the adapter, the merged weights, the run file; written straight to the disk where the browser can. */
import { useEffect, useRef, useState } from 'react';
import { GroundworkError } from '../../../base/error.ts';
import { DEFAULT_PRECISION, GGUF_PRECISIONS, PRECISIONS, serveSnippets } from '../../../engine/presets.ts';
import type { EngineClient } from '../../../engine/client.ts';
import type {
  ExportCheck,
  ExportChoice,
  ExportObstacles,
  GgufPrecision,
  KeyStyle,
} from '../../../engine/protocol/index.ts';
import { problemOf, type Problem } from '../../problem.ts';
import { useAdapters, useProject, useRun, useStudio } from '../../state/studio.ts';
import { bytes, plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { Progress } from '../../ui/progress.tsx';
import { RoomHead } from '../../ui/room-head.tsx';
import { askForFile, askForFolder, canAskForFolder, removeFiles, saveBlob, saveStream } from '../../ui/save.ts';
import { foundationOf, writeRunFile } from '../../state/run-file.ts';
import { seenUnder } from '../recipe/budget-words.ts';
import { OpenCheckpoint } from '../run/checkpoints.tsx';
import { SUFFIX } from '../run/open-run.ts';
import './export.css';

interface Kind {
  readonly what: ExportChoice['what'];
  readonly title: string;
  readonly about: string;
  readonly file: string;
  /** It may be written as a folder, where the browser lets a page write to one. */
  readonly folder: boolean;
  /** It is nothing without something learnt. */
  readonly needsLearnt: boolean;
}

const KINDS: readonly Kind[] = [
  {
    what: 'adapter',
    title: 'Adapter',
    about:
      'The LoRA adapter in the layout of PEFT: adapter_config.json and adapter_model.safetensors in a small zip. It fits the weights that you loaded: adapters that were merged during the run are part of it.',
    file: 'adapter.zip',
    folder: false,
    needsLearnt: true,
  },
  {
    what: 'merged',
    title: 'Merged weights',
    about:
      'The whole model with everything learned folded in, as a Hugging Face checkpoint: safetensors, configuration, tokenizer and processor. It is as large as the model. Choose a folder that holds no model yet. The checkpoint is complete when its last file, config.json, is there.',
    file: 'merged.zip',
    folder: true,
    needsLearnt: false,
  },
  {
    what: 'gguf',
    title: 'GGUF for llama.cpp',
    about:
      'The whole model with everything learned folded in, as llama.cpp, Ollama and LM Studio load it: the text model in one file, the vision tower with its projector (mmproj) in another.',
    file: 'gguf.zip',
    folder: true,
    needsLearnt: false,
  },
  {
    what: 'gguf-adapter',
    title: 'GGUF adapter',
    about: 'The LoRA adapter alone for llama.cpp, which lays it over the base model (--lora).',
    file: 'gguf-adapter.zip',
    folder: false,
    needsLearnt: true,
  },
];

/** How a precision is offered. */
const PRECISION_WORDS: Readonly<Record<GgufPrecision, string>> = {
  f16: 'F16: as exact as the weights',
  bf16: 'BF16: for weights too large for F16',
  q8_0: 'Q8_0: half the size, next to nothing lost',
  q4_0: 'Q4_0: a quarter of the size, some accuracy lost',
};

export function ExportRoom() {
  const model = useProject((project) => project.model);
  const stacked = useAdapters(({ report }) => report.stack.length > 0);
  const begun = useRun((run) => run.runId !== null) || stacked;
  const state = useRun((run) => run.state);
  const obstacles = useObstacles();
  return (
    <div className="room room-export">
      <RoomHead title="Export" lede="Take your results to Python. This page writes them to your disk." />
      {!begun && (
        <p className="note note-info">
          <Icon name="info" />{' '}
          <span>
            Nothing has been learned yet. You can write an adapter once a run has begun, and the weights once a model is
            loaded.
          </span>
        </p>
      )}
      <OpenCheckpoint />
      {state === 'running' && (
        <p className="note note-info">
          <Icon name="info" />{' '}
          <span>A run is active. The export holds the state after the current step. The run continues.</span>
        </p>
      )}
      <div className="exports">
        {KINDS.map((kind) => (
          <ExportCard
            key={kind.what}
            kind={kind}
            ready={kind.needsLearnt ? begun : model !== null}
            against={obstacles?.[kind.what] ?? []}
          />
        ))}
        <RunFileCard />
      </div>
    </div>
  );
}

/** Asked anew for every model, and when something was learnt: what is learnt may speak against a form. */
function useObstacles(): ExportObstacles | null {
  const { client } = useStudio();
  const digest = useProject((project) => project.model?.digest ?? null);
  const state = useRun((run) => run.state);
  const stack = useAdapters(({ report }) => report.stack);
  const [known, setKnown] = useState<ExportObstacles | null>(null);
  useEffect(() => {
    let current = true;
    setKnown(null);
    if (digest === null) return;
    // Without an answer nothing is said here; writing says what is wrong.
    void client.request({ type: 'export-obstacles' }).then(
      (obstacles) => current && setKnown(obstacles),
      () => undefined,
    );
    return () => {
      current = false;
    };
  }, [client, digest, state, stack]);
  return known;
}

type Progressing =
  | { readonly at: 'asking' }
  | { readonly at: 'writing'; readonly bytes: number; readonly weightBytes: number }
  | { readonly at: 'checking'; readonly bytes: number }
  | { readonly at: 'done'; readonly bytes: number; readonly name: string; readonly check: ExportCheck }
  | { readonly at: 'failed'; readonly problem: Problem };

interface Written {
  readonly bytes: number;
  /** As the user knows it. */
  readonly name: string;
  readonly place: Blob | FileSystemDirectoryHandle;
}

/** Writes to the place it was made for. */
type Writer = (
  client: EngineClient,
  choice: ExportChoice,
  onBytes: (bytes: number, weightBytes: number) => void,
  signal: AbortSignal,
) => Promise<Written>;

const toZip =
  (handle: FileSystemFileHandle | undefined): Writer =>
  async (client, choice, onBytes, signal) => {
    const { fileName, stream, weightBytes } = await client.request({ type: 'export', ...choice });
    const lost = new AbortController();
    const forget = client.onLost((error) => lost.abort(engineLost(error, 'The incomplete file was removed.')));
    const ended = AbortSignal.any([signal, lost.signal]);
    try {
      const saved = await saveStream(stream, fileName, handle, (bytes) => onBytes(bytes, weightBytes), ended);
      return { bytes: saved.bytes, name: handle?.name ?? fileName, place: saved.written };
    } finally {
      forget();
    }
  };

const toFolder =
  (folder: FileSystemDirectoryHandle): Writer =>
  async (client, choice, onBytes, signal) => {
    const begun = new Set<string>();
    const unsubscribe = client.subscribe((event) => {
      if (event.type !== 'exporting') return;
      begun.add(event.path);
      onBytes(event.bytes, event.weightBytes);
    });
    signal.addEventListener('abort', () => void client.request({ type: 'cancel-export' }).catch(() => undefined));
    try {
      const { bytes } = await client.request({ type: 'export-folder', folder, ...choice });
      return { bytes, name: folder.name, place: folder };
    } catch (error) {
      if (!(error instanceof GroundworkError && error.code === 'engine-lost')) throw error;
      // Nobody else is left to take away what it wrote.
      const left = await removeFiles(folder, begun);
      throw engineLost(
        error,
        left.length > 0
          ? `Delete ${left.join(', ')} from “${folder.name}”: they are incomplete.`
          : `What was written to “${folder.name}” was removed.`,
      );
    } finally {
      unsubscribe();
    }
  };

const engineLost = ({ code, message }: GroundworkError, left: string) =>
  new GroundworkError(code, message, `${left} The engine starts again. Then write it again.`);

function ExportCard({
  kind,
  ready: possible,
  against,
}: {
  readonly kind: Kind;
  readonly ready: boolean;
  readonly against: readonly string[];
}) {
  const { client } = useStudio();
  const renamed = useProject((project) => project.model?.renamed ?? false);
  const model = useProject((project) => project.model);
  const runId = useRun((run) => run.runId);
  const prompt = useRun((run) => run.recipe?.prompt ?? null);
  const budget = useRun((run) => run.recipe?.pictures);
  const [precision, setPrecision] = useState<GgufPrecision>(DEFAULT_PRECISION);
  const ready = possible && against.length === 0;
  const [style, setStyle] = useState<KeyStyle>('current');
  const [progress, setProgress] = useState<Progressing | null>(null);
  const stop = useRef<AbortController | null>(null);
  const write = async <T,>(place: Promise<T | null>, writer: (place: T) => Writer) => {
    const { signal } = (stop.current = new AbortController());
    let shown = 0;
    const show = (bytes: number, weightBytes: number) => {
      const now = performance.now();
      if (now - shown < 100 || signal.aborted) return;
      shown = now;
      setProgress({ at: 'writing', bytes, weightBytes });
    };
    try {
      const chosen = await place;
      if (chosen === null) return;
      setProgress({ at: 'asking' });
      const written = await writer(chosen)(
        client,
        { what: kind.what, style, precision, ...(runId !== null && { runId }) },
        show,
        signal,
      );
      setProgress({ at: 'checking', bytes: written.bytes });
      const check = await client.request({ type: 'check-export', what: kind.what, written: written.place });
      setProgress({ at: 'done', bytes: written.bytes, name: written.name, check });
    } catch (error) {
      const problem = problemOf(error);
      // What the user stopped is no failure, unless some of it is still there.
      setProgress(signal.aborted && problem.code !== 'folder-left' ? null : { at: 'failed', problem });
    }
  };
  const busy = progress !== null && progress.at !== 'done' && progress.at !== 'failed';
  const folders = kind.folder && canAskForFolder();
  const title = kind.title.replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase());
  return (
    <section className="card export" aria-label={kind.title}>
      <h2>{kind.title}</h2>
      <p>{kind.about}</p>
      {kind.what === 'adapter' && renamed && (
        <label className="stacked">
          <span>Module names for PEFT with</span>
          <select value={style} onChange={(event) => setStyle(event.target.value as KeyStyle)}>
            <option value="current">transformers 4.52 or newer, vLLM</option>
            <option value="legacy">transformers 4.51 or older, vLLM</option>
          </select>
          <span className="muted">
            As <code>{style === 'current' ? 'model.language_model.layers' : 'model.layers'}</code> in the file.
          </span>
        </label>
      )}
      {kind.what === 'gguf' && against.length === 0 && (
        <label className="stacked">
          <span>Weights of the text model</span>
          <select value={precision} onChange={(event) => setPrecision(event.target.value as GgufPrecision)}>
            {GGUF_PRECISIONS.map((each) => (
              <option key={each} value={each}>
                {PRECISION_WORDS[each]}
              </option>
            ))}
          </select>
        </label>
      )}
      {against.length > 0 && (
        <div className="note note-info">
          <Icon name="info" />
          <div>
            <p>llama.cpp would not answer as this model answers here, so this is not written.</p>
            <ul>
              {against.map((reason) => (
                <li key={reason}>{reason}</li>
              ))}
            </ul>
          </div>
        </div>
      )}
      <div className="button-row">
        {folders && (
          <button
            type="button"
            className="button primary"
            disabled={!ready || busy}
            onClick={() => void write(askForFolder(), toFolder)}
          >
            <Icon name="folder" /> Write into a folder
          </button>
        )}
        <button
          type="button"
          className={folders ? 'button' : 'button primary'}
          disabled={!ready || busy}
          onClick={() => void write(askForFile(kind.file), toZip)}
        >
          <Icon name="down" /> {folders ? 'Write a zip' : `Write the ${title}`}
        </button>
        {progress?.at === 'writing' && (
          <button type="button" className="button" onClick={() => stop.current?.abort()}>
            Cancel
          </button>
        )}
      </div>
      <div role="status" aria-live="polite">
        {progress?.at === 'asking' && <Progress label="Reading from the device" done={0} total={0} />}
        {progress?.at === 'writing' && (
          <Progress
            label="Writing"
            done={progress.bytes}
            total={Math.max(progress.bytes, progress.weightBytes)}
            detail={bytes(progress.bytes)}
          />
        )}
        {progress?.at === 'checking' && (
          <Progress label="Reading back" done={0} total={0} detail={bytes(progress.bytes)} />
        )}
        {progress?.at === 'done' && <Checked {...progress} />}
      </div>
      {progress?.at === 'failed' && <ProblemNote problem={progress.problem} onDismiss={() => setProgress(null)} />}
      {model && against.length === 0 && (
        <>
          <h3>To use it</h3>
          {serveSnippets(
            kind.what,
            { ...model, pictures: seenUnder(model, budget), prompt },
            { precision, tower: PRECISIONS[precision].tower.toLowerCase() },
          ).map((snippet) => (
            <details key={snippet.title}>
              <summary>{snippet.title}</summary>
              <pre className="code" tabIndex={0} role="region" aria-label={`${kind.title} with ${snippet.title}`}>
                {snippet.text}
              </pre>
            </details>
          ))}
        </>
      )}
    </section>
  );
}

function Checked({ name, bytes: size, check }: Extract<Progressing, { at: 'done' }>) {
  const { files, tensors, modules, problems } = check;
  const good = problems.length === 0;
  return (
    <div className={`note ${good ? 'note-good' : 'note-problem'}`}>
      <Icon name={good ? 'check' : 'alert'} />
      <div>
        <p>
          <b>{name}</b>, {bytes(size)}, was read back:{' '}
          {good
            ? `every file has the right bytes, and ${plural(tensors, 'tensor')} the right name and shape${modules === null ? '' : `, ${plural(modules, 'module')} matched`}.`
            : 'it is damaged. Do not use it. Write it again, to another place if this happens twice.'}
        </p>
        {problems.map((problem) => (
          <p key={problem}>{problem}</p>
        ))}
        <details>
          <summary>SHA-256 of {plural(files.length, 'file')}</summary>
          <dl className="hashes">
            {files.map((file) => (
              <div key={file.path}>
                <dt>
                  {file.path} <span className="num muted">{bytes(file.bytes)}</span>
                </dt>
                <dd className="num hash">{file.sha256}</dd>
              </div>
            ))}
          </dl>
        </details>
      </div>
    </div>
  );
}

function RunFileCard() {
  const studio = useStudio();
  const begun = useRun((run) => run.stages.length > 0);
  const save = async () => {
    const { client, run, project, book, rows } = studio;
    await project.getState().attempt('run file', async () => {
      const json = await writeRunFile(
        run.getState(),
        await foundationOf(client, project.getState(), run.getState().runId),
        book,
        rows,
        new Date(),
      );
      saveBlob(
        new Blob([json], { type: 'application/json' }),
        `run-${run.getState().runId ?? 'unstarted'}${SUFFIX}`.replace('run-run-', 'run-'),
      );
    });
  };
  return (
    <section className="card export" aria-label="Run file">
      <h2>Run file</h2>
      <p>
        One JSON file with the recipe and its seed, what it ran on, every curve, the measurements, some groups, the
        watched answers with the text of their rows, and which rows were left out and why. It holds no pictures and no
        weights.
      </p>
      <button type="button" className="button" disabled={!begun} onClick={() => void save()}>
        <Icon name="down" /> Save the run file
      </button>
      <h3>To open it again</h3>
      <p>
        Drop it anywhere in the studio. The studio shows the run, or lays its curves under another run, and can run its
        recipe again.
      </p>
    </section>
  );
}
