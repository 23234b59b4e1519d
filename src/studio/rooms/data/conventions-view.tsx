/** Coordinates: what the numbers say about how boxes are written, and the boxes on a picture under every reading. */
import { useEffect, useState } from 'react';
import type { Convention, ConventionReport, ConventionSample, DatasetReport } from '../../../engine/protocol/index.ts';
import { Strip } from '../../boxes/strip.tsx';
import { problemOf } from '../../problem.ts';
import { useProject, useStudio } from '../../state/studio.ts';
import { count, percent } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';

const SPACES: Readonly<Record<Convention['space'], string>> = {
  natural: 'Pixels of the picture file',
  model: 'Pixels after Qwen2.5-VL’s resizing',
  thousand: 'Thousandths (0–1000)',
  fraction: 'Fractions (0–1)',
};
const LAYOUTS: Readonly<Record<Convention['layout'], string>> = {
  xyxy: 'two corners',
  xywh: 'corner, width, height',
};

const same = (a: Convention, b: Convention) => a.space === b.space && a.layout === b.layout;

export function ConventionsView({ dataset }: { readonly dataset: DatasetReport }) {
  const [at, setAt] = useState(0);
  const report = dataset.conventions[Math.min(at, dataset.conventions.length - 1)];
  if (!report)
    return (
      <p className="note note-good">
        <Icon name="check" /> The rows state their coordinates themselves, or have none: there is nothing to decide.
      </p>
    );
  return (
    <div className="coordinates">
      {dataset.conventions.length > 1 && (
        <label className="stacked coordinates-file">
          <span>File and way of writing</span>
          <select value={at} onChange={(event) => setAt(Number(event.target.value))}>
            {dataset.conventions.map((each, i) => (
              <option key={i} value={i}>
                {each.file}, {each.way === 'pairs' ? '(x1,y1),(x2,y2)' : 'four numbers'}
                {each.ambiguous ? ' (a guess)' : ''}
              </option>
            ))}
          </select>
        </label>
      )}
      <Candidates key={`${dataset.id}/${report.file}/${report.way}`} dataset={dataset} report={report} />
    </div>
  );
}

function Candidates({ dataset, report }: { readonly dataset: DatasetReport; readonly report: ConventionReport }) {
  const reread = useProject((project) => project.reread);
  const busy = useProject((project) => project.loading !== null);
  const [chosen, setChosen] = useState<Convention>(report);
  const samples = useSamples(dataset.id, report);
  const [at, setAt] = useState(0);
  const sample = samples?.[Math.min(at, samples.length - 1)];
  const confirm = () =>
    void reread({
      ...dataset.options,
      conventions: {
        ...dataset.options.conventions,
        [report.way]: { space: chosen.space, layout: chosen.layout },
      },
    });
  const layouts = report.way === 'pairs' ? ['xyxy'] : ['xyxy', 'xywh'];
  return (
    <>
      <p>
        <b>
          {count(report.boxes)} boxes of {report.file} are read as {report.words}
        </b>
        , because {report.reason}
        {report.ambiguous ? '. The numbers alone do not decide it: look, and confirm.' : '.'}
      </p>
      <div className="coordinates-columns">
        <fieldset className="coordinates-choice">
          <legend className="minor">Read the numbers as</legend>
          {report.candidates
            .filter(({ layout }) => layouts.includes(layout))
            .map((candidate) => (
              <label key={`${candidate.space} ${candidate.layout}`} data-chosen={same(candidate, chosen) || undefined}>
                <input
                  type="radio"
                  name={`convention-${report.file}-${report.way}`}
                  checked={same(candidate, chosen)}
                  onChange={() => setChosen(candidate)}
                />
                <span>
                  {SPACES[candidate.space]}
                  <small className="muted"> {LAYOUTS[candidate.layout]}</small>
                </span>
                <span className="num" title="Boxes that would lie inside their pictures">
                  {candidate.fits === null ? '?' : percent(candidate.fits)}
                </span>
              </label>
            ))}
          <p className="muted">The share says how many boxes would lie inside their pictures.</p>
          <div className="button-row">
            <button type="button" className="button primary" disabled={busy} onClick={confirm}>
              <Icon name="check" /> {same(chosen, report) ? 'Confirm this reading' : 'Read them so'}
            </button>
          </div>
        </fieldset>
        <div className="coordinates-sample">
          {sample ? (
            <>
              <Strip
                dataset={dataset.id}
                images={sample.images}
                layers={[
                  { role: 'truth', boxes: sample.candidates.find((candidate) => same(candidate, chosen))?.boxes ?? [] },
                ]}
                height={0.4}
                label={`Images of row ${sample.rowId}, boxes as ${SPACES[chosen.space]}`}
              />
              <div className="detail-line">
                <span className="num muted">
                  {sample.rowId}: {sample.numbers.map((numbers) => `[${numbers.join(', ')}]`).join(' ')}
                </span>
                <span className="button-row">
                  <button type="button" className="button small" disabled={at === 0} onClick={() => setAt(at - 1)}>
                    Previous
                  </button>
                  <button
                    type="button"
                    className="button small"
                    disabled={at + 1 >= samples.length}
                    onClick={() => setAt(at + 1)}
                  >
                    Next
                  </button>
                </span>
              </div>
            </>
          ) : (
            <p className="room-wait">{samples ? 'No row with such a box could be read.' : 'Reading rows…'}</p>
          )}
        </div>
      </div>
    </>
  );
}

const SAMPLES = 8;

function useSamples(dataset: string, { file, way }: ConventionReport): readonly ConventionSample[] | null {
  const { client, project } = useStudio();
  const [samples, setSamples] = useState<readonly ConventionSample[] | null>(null);
  useEffect(() => {
    let live = true;
    client.request({ type: 'try-conventions', dataset, file, way, count: SAMPLES }).then(
      (found) => live && setSamples(found),
      (error) => live && project.getState().report(problemOf(error)),
    );
    return () => void (live = false);
  }, [client, project, dataset, file, way]);
  return samples;
}
