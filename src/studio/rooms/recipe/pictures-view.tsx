/** The picture budget of the plan, and beside it what it makes of the rows: tokens, memory, and the smallest true box. */
import { useEffect, useState } from 'react';
import { ownPart, PICTURES_SCHEMA } from '../../../engine/presets.ts';
import type { ModelReport, PictureBudget, PictureReport } from '../../../engine/protocol/index.ts';
import { problemOf, type Problem } from '../../problem.ts';
import { isActive } from '../../state/run.ts';
import { useProject, useRecipe, useRun, useStudio } from '../../state/studio.ts';
import { bytes, count, plural } from '../../ui/format.ts';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { Progress } from '../../ui/progress.tsx';
import { LongRowsNote } from '../data/long-rows.tsx';
import { budgetFault, seenUnder } from './budget-words.ts';
import { NumberInput } from './number-input.tsx';
import { SettingLine } from './setting-line.tsx';
import { usePictureReport, type PicturesSeen } from './use-picture-report.ts';

export function PicturesView() {
  const model = useProject((project) => project.model);
  const dataset = useProject((project) => project.dataset);
  const budget = useRecipe((editor) => editor.recipe.pictures);
  const limit = useRecipe((editor) => editor.limit);
  const seen = usePictureReport(dataset);
  const fault = budgetFault(model, budget);
  return (
    <div className="prompt-view">
      <p className="muted">
        How many pixels of a picture reach the model. Fewer make rows shorter and steps faster, and small things vanish.
        The plan’s budget holds wherever the model sees a picture: in training, in answers, and in what is exported.
      </p>
      {!model ? (
        <p className="muted">Load a model to set it: families limit pictures in different ways.</p>
      ) : (
        <div className="budget">
          <section className="prompt-part" aria-label="Picture budget">
            <div className="prompt-part-head">
              <h2 className="minor">Picture budget</h2>
              <button type="button" className="button small" disabled={!budget} onClick={() => limit(null)}>
                As the checkpoint says
              </button>
            </div>
            {model.pictures.limitedBy.by === 'area' ? (
              <AreaFields model={model} budget={budget ?? {}} onChange={limit} />
            ) : (
              <TileFields model={model} budget={budget ?? {}} onChange={limit} />
            )}
            {fault !== null && (
              <div className="note note-problem" role="alert">
                <div>
                  <p className="note-what">{fault}</p>
                  <div className="button-row">
                    <button
                      type="button"
                      className="button"
                      onClick={() => limit(ownPart(budget!, model.pictures.limitedBy))}
                    >
                      Take out what the family lacks
                    </button>
                  </div>
                </div>
              </div>
            )}
          </section>
          <section className="prompt-part" aria-label="What it makes of the rows" aria-busy={seen.busy}>
            <h2 className="minor">What it makes of the rows</h2>
            {dataset ? (
              <Seen seen={seen} model={model} budget={budget} dataset={dataset.id} />
            ) : (
              <p className="muted">Open a dataset to see it.</p>
            )}
          </section>
        </div>
      )}
      {seen.report && <LongRowsNote report={seen.report} />}
    </div>
  );
}

interface FieldsProps {
  readonly model: ModelReport;
  readonly budget: PictureBudget;
  readonly onChange: (budget: PictureBudget) => void;
}

const STEPS = 200;

function AreaFields({ model, budget, onChange }: FieldsProps) {
  const { limitedBy, pixelsPerToken, maxPixels: own } = model.pictures;
  const { minPixels, maxPixels } = seenUnder(model, budget);
  const step = limitedBy.by === 'area' ? limitedBy.factor ** 2 : 1;
  const [least, most] = [step, Math.max(own, maxPixels, 4 * step)];
  // Steps are alike in proportion, and what comes of them is whole tokens.
  const at = (STEPS * Math.log(Math.max(least, maxPixels) / least)) / Math.log(most / least);
  const pixelsAt = (place: number) =>
    place >= STEPS ? most : Math.max(1, Math.round((least * (most / least) ** (place / STEPS)) / step)) * step;
  // What is least follows where it would be above.
  const setMost = (pixels: number) =>
    onChange({ ...budget, maxPixels: pixels, ...(minPixels > pixels && { minPixels: pixels }) });
  const tokens = (pixels: number) => plural(Math.floor(pixels / pixelsPerToken), 'token');
  return (
    <>
      <label className="stacked">
        <span>
          Largest picture: {count(maxPixels)} pixels, {tokens(maxPixels)}
        </span>
        <input
          type="range"
          min={0}
          max={STEPS}
          value={at}
          aria-valuetext={`${count(maxPixels)} pixels, ${tokens(maxPixels)}`}
          onChange={(event) => setMost(pixelsAt(Number(event.target.value)))}
        />
      </label>
      <div className="fields">
        <SettingLine
          title="At most"
          name="max_pixels"
          help={`Pixels of a picture after resizing. Larger ones are made smaller. The checkpoint says ${count(own)}.`}
        >
          {(helpId) => (
            <NumberInput
              value={maxPixels}
              min={step}
              max={PICTURES_SCHEMA.maxPixels.max}
              integer
              label="At most, pixels"
              describedBy={helpId}
              onChange={setMost}
            />
          )}
        </SettingLine>
        <SettingLine
          title="At least"
          name="min_pixels"
          help={`Smaller pictures are made larger. The checkpoint says ${count(model.pictures.minPixels)}.`}
        >
          {(helpId) => (
            <NumberInput
              value={minPixels}
              min={1}
              max={Math.max(maxPixels, minPixels)}
              integer
              label="At least, pixels"
              describedBy={helpId}
              onChange={(pixels) => onChange({ ...budget, minPixels: pixels })}
            />
          )}
        </SettingLine>
      </div>
    </>
  );
}

function TileFields({ model, budget, onChange }: FieldsProps) {
  const { limitedBy, longestEdge: own = 0 } = model.pictures;
  const { longestEdge = own, imageSplitting = true } = seenUnder(model, budget);
  const tile = limitedBy.by === 'tiles' ? limitedBy.tile : 1;
  const most = Math.floor(PICTURES_SCHEMA.longestEdge.max / tile) * tile;
  const across = Math.ceil(longestEdge / tile);
  const words = !imageSplitting
    ? 'the whole picture as one tile'
    : across > 1
      ? `up to ${across} × ${across} tiles and a small whole`
      : 'the whole picture as one tile';
  return (
    <>
      <label className="stacked">
        <span>
          Longest edge: {count(longestEdge)} pixels, {words}
        </span>
        <input
          type="range"
          min={tile}
          max={most}
          step={tile}
          value={longestEdge}
          aria-valuetext={`${count(longestEdge)} pixels, ${words}`}
          onChange={(event) => onChange({ ...budget, longestEdge: Number(event.target.value) })}
        />
      </label>
      <div className="fields">
        <SettingLine
          title="Longest edge"
          name="longest_edge"
          help={`What the longer side is resized to before tiles of ${count(tile)} are cut. The checkpoint says ${count(own)}.`}
        >
          {(helpId) => (
            <NumberInput
              value={longestEdge}
              min={PICTURES_SCHEMA.longestEdge.min}
              max={PICTURES_SCHEMA.longestEdge.max}
              integer
              label="Longest edge, pixels"
              describedBy={helpId}
              onChange={(edge) => onChange({ ...budget, longestEdge: edge })}
            />
          )}
        </SettingLine>
        <SettingLine
          title="Tiles"
          name="do_image_splitting"
          help="A large picture as several tiles and a small whole. Without, every picture is one tile."
        >
          {(helpId) => (
            <label className="check">
              <input
                type="checkbox"
                checked={imageSplitting}
                aria-describedby={helpId}
                onChange={(event) => onChange({ ...budget, imageSplitting: event.target.checked })}
              />{' '}
              Cut into tiles
            </label>
          )}
        </SettingLine>
      </div>
    </>
  );
}

function Seen({
  seen,
  model,
  budget,
  dataset,
}: {
  readonly seen: PicturesSeen;
  readonly model: ModelReport;
  readonly budget: PictureBudget | undefined;
  readonly dataset: string;
}) {
  const { report, problem } = seen;
  const memory = usePeak(dataset, budgetFault(model, budget) === null);
  if (problem) return problem.code === 'superseded' ? <Waiting /> : <ProblemNote problem={problem} />;
  if (!report) return <Waiting />;
  const { pictureTokens, rowTokens, looked, total } = report;
  return (
    <>
      <dl className="budget-facts">
        <dt>Tokens a picture</dt>
        <dd className="num">{pictureTokens ? spreadWords(pictureTokens) : 'no row has a picture'}</dd>
        <dt>Tokens a row</dt>
        <dd className="num">{rowTokens ? spreadWords(rowTokens) : 'no row'}</dd>
        <dt>Memory at the peak</dt>
        <dd className="num">{memory}</dd>
        <dt>Smallest true box</dt>
        <dd>
          <Smallest report={report} side={Math.round(Math.sqrt(model.pictures.pixelsPerToken))} />
        </dd>
      </dl>
      {looked < total && (
        <p className="muted">
          From {plural(looked, 'row')} of {count(total)}, evenly spread.
        </p>
      )}
    </>
  );
}

/** Rows are looked at once, for all budgets. */
function Waiting() {
  const { client } = useStudio();
  const [[done, total], setAt] = useState([0, 0]);
  useEffect(
    () =>
      client.subscribe(
        (event) => event.type === 'reckoning' && event.what === 'row lengths' && setAt([event.done, event.total]),
      ),
    [client],
  );
  return <Progress label="Looking at the rows" done={done} total={total} />;
}

const spreadWords = ({ least, median, most }: NonNullable<PictureReport['rowTokens']>): string =>
  least === most ? count(most) : `${count(least)} to ${count(most)}, half of them up to ${count(median)}`;

function Smallest({ report, side }: { readonly report: PictureReport; readonly side: number }) {
  const { smallest, belowToken, boxes } = report;
  if (!smallest) return <>no row has a box</>;
  const pixels = (length: number) => (length < 10 ? length.toFixed(1) : String(Math.round(length)));
  return (
    <>
      <span className="num">
        {pixels(smallest.width)} × {pixels(smallest.height)} pixels
      </span>{' '}
      as the model sees it, in image {smallest.image + 1} of {smallest.rowId}.{' '}
      {belowToken > 0
        ? `${plural(belowToken, 'box')} of ${count(boxes)} ${belowToken === 1 ? 'has' : 'have'} a side below the ${side} pixels of a token.`
        : `No box has a side below the ${side} pixels of a token.`}
    </>
  );
}

const PATIENCE_MS = 400;

/** What the plan allocates at its peak, in words. */
function usePeak(dataset: string, able: boolean): string {
  const { client } = useStudio();
  const recipe = useRecipe((editor) => editor.recipe);
  const active = useRun((run) => isActive(run.state));
  const [peak, setPeak] = useState<number | Problem | null>(null);
  useEffect(() => {
    setPeak(null);
    if (!able || active) return;
    let live = true;
    const timer = setTimeout(() => {
      client
        .request({
          type: 'memory-plan',
          model: null,
          dataset,
          row: { pictures: 1, width: 1, height: 1, promptTokens: 1, targetTokens: 1 },
          recipe,
          // The plan as it is, and no change to it.
          availableBytes: Number.MAX_SAFE_INTEGER,
        })
        .then(
          ({ totalBytes }) => live && setPeak(totalBytes),
          (error: unknown) => live && setPeak(problemOf(error)),
        );
    }, PATIENCE_MS);
    return () => {
      live = false;
      clearTimeout(timer);
    };
  }, [client, dataset, recipe, able, active]);
  if (active) return 'planned when the run has ended';
  if (peak === null) return 'planning…';
  return typeof peak === 'number' ? bytes(peak) : peak.what;
}
