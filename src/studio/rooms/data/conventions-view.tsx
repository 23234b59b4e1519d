/** Coordinates: what the numbers of a file say about how its boxes are written, and the boxes on a picture as they would be read. */
import { useEffect, useState } from 'react';
import type {
  Convention,
  ConventionReport,
  ConventionTrial,
  DatasetReport,
  WayOfWriting,
} from '../../../engine/protocol/index.ts';
import { Strip } from '../../boxes/strip.tsx';
import { useProject, useStudio } from '../../state/studio.ts';
import { Choice } from '../../ui/choice.tsx';
import { count, percent } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import { ResizeControls } from './resize-controls.tsx';

const SPACES: Readonly<Record<Convention['space'], string>> = {
  natural: 'Pixels of the picture file',
  model: 'Pixels after a resize',
  thousand: 'Thousandths (0–1000)',
  fraction: 'Fractions (0–1)',
  percent: 'Percent (0–100)',
  listed: 'Pixels of the size that the file gives',
  stored: 'Pixels before the picture is turned (EXIF)',
};
const LAYOUTS: Readonly<Record<Convention['layout'], string>> = {
  xyxy: 'two corners',
  xywh: 'corner, width, height',
  cxcywh: 'centre, width, height',
  yxyx: 'two corners, y first',
};
const WAYS: Readonly<Record<WayOfWriting, string>> = {
  pairs: '(x1,y1),(x2,y2)',
  list: 'four numbers',
  declared: 'fields for boxes',
};

/** One file's boxes that are written in one way: each is asked about by itself. */
export interface FileAndWay {
  readonly file: string;
  readonly way: WayOfWriting;
}

const sameConvention = (a: Convention, b: Convention): boolean =>
  a.space === b.space &&
  a.layout === b.layout &&
  (a.space !== 'model' || JSON.stringify(a.resize) === JSON.stringify(b.resize));

interface ConventionsViewProps {
  readonly dataset: DatasetReport;
  /** null: the first that is open. */
  readonly shown: FileAndWay | null;
  readonly onShow: (of: FileAndWay | null) => void;
}

export function ConventionsView({ dataset, shown, onShow }: ConventionsViewProps) {
  const { conventions } = dataset;
  const named = conventions.findIndex(({ file, way }) => file === shown?.file && way === shown.way);
  const at = Math.max(0, named >= 0 ? named : conventions.findIndex(({ ambiguous }) => ambiguous));
  const report = conventions[at];
  if (!report)
    return (
      <p className="note note-good">
        <Icon name="check" /> The rows state their coordinates, or have none. There is nothing to decide.
      </p>
    );
  return (
    <div className="coordinates">
      {conventions.length > 1 && (
        <label className="stacked coordinates-file">
          <span>File and notation</span>
          <select value={at} onChange={(event) => onShow(conventions[Number(event.target.value)]!)}>
            {conventions.map((each, i) => (
              <option key={i} value={i}>
                {each.file}, {WAYS[each.way]}
                {each.ambiguous ? ' (a guess)' : ''}
              </option>
            ))}
          </select>
        </label>
      )}
      <Candidates
        key={`${dataset.id}/${report.file}/${report.way}`}
        dataset={dataset}
        report={report}
        onShow={onShow}
      />
    </div>
  );
}

const conventionOf = ({ space, layout, resize }: Convention): Convention =>
  space === 'model' && resize ? { space, layout, resize } : { space, layout };

interface CandidatesProps {
  readonly dataset: DatasetReport;
  readonly report: ConventionReport;
  readonly onShow: ConventionsViewProps['onShow'];
}

function Candidates({ dataset, report, onShow }: CandidatesProps) {
  const reread = useProject((project) => project.reread);
  const busy = useProject((project) => project.loading !== null);
  const [chosen, setChosen] = useState<Convention>(conventionOf(report));
  const trial = useTrial(dataset.id, report, chosen);
  const { file, way } = report;
  // A guess that is confirmed leads to the next question; what another reading makes of the rows is to be seen first.
  const agreed = sameConvention(chosen, report);
  const confirm = () => {
    onShow(agreed ? null : { file, way });
    void reread({
      ...dataset.options,
      readings: [
        ...(dataset.options.readings ?? []).filter((each) => each.file !== file || each.way !== way),
        { file, way, ...chosen },
      ],
    });
  };
  const known = report.candidates.filter(({ space, layout }) => space === 'model' && layout === chosen.layout);
  const spaces = (Object.keys(SPACES) as Convention['space'][]).filter((space) =>
    report.candidates.some((each) => each.space === space),
  );
  const fitsOf = (space: Convention['space']): number | null => {
    if (space === chosen.space && trial) return trial.fits;
    const shares = report.candidates.filter((each) => each.space === space && each.layout === chosen.layout);
    return shares.reduce<number | null>((best, { fits }) => (fits === null ? best : Math.max(best ?? 0, fits)), null);
  };
  const choose = (space: Convention['space']) => {
    const resize = report.resize ?? known.find((each) => each.resize)?.resize;
    setChosen({ space, layout: chosen.layout, ...(space === 'model' && resize && { resize }) });
  };
  return (
    <>
      <p>
        <b>
          {count(report.boxes)} boxes of {report.file} are read as {report.words}
        </b>
        , because {report.reason}
        {report.ambiguous ? '. The numbers alone do not prove it. Look at the boxes and confirm.' : '.'}
      </p>
      <div className="coordinates-columns">
        <fieldset className="coordinates-choice">
          <legend className="minor">Read the numbers of {report.file} as</legend>
          {spaces.map((space) => {
            const fits = fitsOf(space);
            return (
              <label key={space} data-chosen={space === chosen.space || undefined}>
                <input
                  type="radio"
                  name={`convention-${report.file}-${report.way}`}
                  checked={space === chosen.space}
                  onChange={() => choose(space)}
                />
                <span>
                  {SPACES[space]}
                  <small className="muted"> {LAYOUTS[chosen.layout]}</small>
                </span>
                <span className="num" title="Boxes that would lie inside their pictures">
                  {fits === null ? '?' : percent(fits)}
                </span>
              </label>
            );
          })}
          {chosen.space === 'model' && chosen.resize && (
            <ResizeControls
              value={chosen.resize}
              known={known.flatMap(({ resize }) => resize ?? [])}
              onChange={(resize) => setChosen({ ...chosen, resize })}
            />
          )}
          {report.way !== 'pairs' && (
            <Choice
              label="Layout of four numbers"
              choices={(['xyxy', 'xywh', 'cxcywh', 'yxyx'] as const).map((key) => ({ key, title: LAYOUTS[key] }))}
              selected={chosen.layout}
              onSelect={(layout) => setChosen({ ...chosen, layout })}
            />
          )}
          <p className="muted">
            The share says how many boxes would lie inside their pictures. This settles {report.file} and no other file.
          </p>
          <div className="button-row">
            <button type="button" className="button primary" disabled={busy} onClick={confirm}>
              <Icon name="check" /> {agreed ? 'Confirm this reading' : 'Use this reading'}
            </button>
          </div>
        </fieldset>
        <Samples dataset={dataset.id} trial={trial} words={SPACES[chosen.space]} />
      </div>
    </>
  );
}

interface SamplesProps {
  readonly dataset: string;
  readonly trial: ConventionTrial | null;
  readonly words: string;
}

function Samples({ dataset, trial, words }: SamplesProps) {
  const [at, setAt] = useState(0);
  const sample = trial?.samples[Math.min(at, trial.samples.length - 1)];
  if (!trial || !sample)
    return (
      <div className="coordinates-sample">
        <p className="room-wait">{trial ? 'No row with such a box could be read.' : 'Reading rows…'}</p>
      </div>
    );
  return (
    <div className="coordinates-sample">
      <Strip
        dataset={dataset}
        images={sample.images}
        layers={[{ role: 'truth', boxes: sample.boxes }]}
        height={0.4}
        label={`Pictures of row ${sample.rowId}, boxes as ${words}`}
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
            disabled={at + 1 >= trial.samples.length}
            onClick={() => setAt(at + 1)}
          >
            Next
          </button>
        </span>
      </div>
    </div>
  );
}

const SAMPLES = 8;
/** A slider moves faster than rows are read. */
const SETTLE_MS = 60;

/** Some rows with their boxes as `chosen` reads them; the last ones while others are on their way. */
function useTrial(dataset: string, { file, way }: FileAndWay, chosen: Convention): ConventionTrial | null {
  const { client, project } = useStudio();
  const [trial, setTrial] = useState<ConventionTrial | null>(null);
  useEffect(() => {
    let live = true;
    const timer = setTimeout(() => {
      const read = () =>
        client.request({ type: 'try-convention', dataset, file, way, convention: chosen, count: SAMPLES });
      void project
        .getState()
        .attempt('coordinates', read)
        .then((found) => live && found && setTrial(found));
    }, SETTLE_MS);
    return () => {
      live = false;
      clearTimeout(timer);
    };
  }, [client, project, dataset, file, way, chosen]);
  return trial;
}
