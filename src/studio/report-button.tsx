/** Saves a report of one file: of a run, or of the answers to benchmarks. It asks which galleries go in. */
import { useLayoutEffect, useRef, useState } from 'react';
import { GALLERIES, GALLERY_ROWS, type GalleryKind } from '../engine/protocol/report.ts';
import { problemOf, type Problem } from './problem.ts';
import { useProject, useStudio } from './state/studio.ts';
import { Icon } from './ui/icon.tsx';
import { ProblemNote } from './ui/problem-note.tsx';
import { askForFile, saveStream } from './ui/save.ts';

interface ReportOf {
  readonly run?: string;
  readonly sets?: readonly string[];
}

export function ReportButton(of: ReportOf) {
  const [asking, setAsking] = useState(false);
  return (
    <>
      <button type="button" className="button" onClick={() => setAsking(true)}>
        <Icon name="export" /> Report
      </button>
      {asking && <Question of={of} onDone={() => setAsking(false)} />}
    </>
  );
}

const KINDS = Object.keys(GALLERIES) as GalleryKind[];

function Question({ of: { run, sets = [] }, onDone }: { readonly of: ReportOf; readonly onDone: () => void }) {
  const { client, keeping } = useStudio();
  const dataset = useProject((project) => project.dataset?.id ?? null);
  const dialog = useRef<HTMLDialogElement>(null);
  const [chosen, setChosen] = useState<readonly GalleryKind[]>(['worst', 'gained']);
  const [rows, setRows] = useState(GALLERY_ROWS);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  useLayoutEffect(() => {
    const element = dialog.current!;
    element.showModal();
    return () => element.close();
  }, []);
  const save = async () => {
    setBusy(true);
    setProblem(null);
    try {
      const handle = await askForFile('report.html');
      if (handle !== null) {
        const { fileName, stream } = await client.request({
          type: 'report-file',
          dataset,
          project: keeping.getState().current,
          runId: run ?? null,
          sets,
          galleries: KINDS.filter((kind) => chosen.includes(kind)),
          rows,
        });
        await saveStream(stream, fileName, handle, () => undefined);
        onDone();
        return;
      }
    } catch (error) {
      setProblem(problemOf(error));
    }
    setBusy(false);
  };
  return (
    <dialog
      ref={dialog}
      className="dialog"
      aria-labelledby="report-title"
      onCancel={(event) => {
        event.preventDefault();
        onDone();
      }}
    >
      <h2 id="report-title">Report</h2>
      <p>
        One HTML file that opens anywhere and loads nothing:{' '}
        {run === undefined ? '' : 'the plan, curves, evaluations, '}
        the data and its health, tables with intervals, and the rows below with their pictures and boxes.
      </p>
      <fieldset className="checks">
        <legend>Rows with their pictures</legend>
        {KINDS.map((kind) => (
          <label key={kind} className="check">
            <input
              type="checkbox"
              checked={chosen.includes(kind)}
              onChange={(event) =>
                setChosen([...chosen.filter((each) => each !== kind), ...(event.target.checked ? [kind] : [])])
              }
            />
            {GALLERIES[kind]}
          </label>
        ))}
        <label className="stacked">
          <span>Rows of each, at most</span>
          <input
            type="number"
            min={1}
            max={200}
            value={rows}
            onChange={(event) => setRows(Math.min(200, Math.max(1, Math.round(Number(event.target.value) || 1))))}
          />
        </label>
      </fieldset>
      {dataset === null && <p className="muted">No dataset is open, so there will be no pictures.</p>}
      <p className="muted">Pictures in the file can be seen by whoever gets it.</p>
      {problem && <ProblemNote problem={problem} onDismiss={() => setProblem(null)} />}
      <div className="button-row">
        <button type="button" className="button primary" disabled={busy} onClick={() => void save()}>
          <Icon name="export" /> {busy ? 'Being written…' : 'Save the report'}
        </button>
        <button type="button" className="button" onClick={onDone}>
          Cancel
        </button>
      </div>
    </dialog>
  );
}
