/** All curves of the run, with one smoothing, one scale, one window of steps and one crosshair for all. */
import { useCallback, useEffect, useMemo, useState } from 'react';
import type { RunRecord } from '../../../engine/protocol/index.ts';
import { Chart } from '../../charts/chart.tsx';
import { colorOf } from '../../charts/colors.ts';
import { useHeldStep } from '../../charts/crosshair.ts';
import { curvesCsv } from '../../charts/curves-csv.ts';
import type { Horizontal } from '../../charts/horizontal.ts';
import { panelsFor } from '../../../engine/protocol/panels.ts';
import type { Alarm } from '../../state/alarms.ts';
import { currentProject } from '../../state/kept.ts';
import { nameOf, type StageView } from '../../state/run.ts';
import { useKeeping, usePast, useRun, useStudio } from '../../state/studio.ts';
import { useTheme } from '../../theme.ts';
import { Choice } from '../../ui/choice.tsx';
import { plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import { asFileName, saveBlob } from '../../ui/save.ts';
import { when } from '../projects/when.ts';
import { SettingsCompared } from './settings-compared.tsx';
import { StepTools } from './step-tools.tsx';
import { TimeTravel } from './time-travel.tsx';
import './curves.css';

const ALL: readonly [number, number] = [-Infinity, Infinity];

/** Stages that have points, by their first. */
export const stageStarts = (stages: readonly StageView[]) =>
  stages.flatMap(({ firstStep, stage }) => (firstStep === null ? [] : [{ step: firstStep, name: stage.name }]));

export function CurvesView({ alarms }: { readonly alarms: readonly Alarm[] }) {
  const { book, crosshair } = useStudio();
  const theme = useTheme();
  const stages = useRun((run) => run.stages);
  const recipe = useRun((run) => run.recipe);
  const past = usePast((state) => state.runs);
  const shownPast = useMemo(() => past.filter(({ shown }) => shown), [past]);
  const held = useHeldStep(crosshair);
  const [names, setNames] = useState(() => book.names());
  const [weight, setWeight] = useState(0.8);
  const [scale, setScale] = useState<'linear' | 'log'>('linear');
  const [horizontal, setHorizontal] = useState<Horizontal>('step');
  const [range, setRange] = useState(ALL);
  useEffect(() => {
    let version = -1;
    const look = () => {
      if (version === book.namesVersion) return;
      version = book.namesVersion;
      setNames(book.names());
    };
    look();
    return book.subscribe(look);
  }, [book]);
  useEffect(() => () => crosshair.hold(null), [crosshair]);
  const starts = useMemo(() => stageStarts(stages), [stages]);
  const ownName = useRun((run) => run.opened?.fileName ?? nameOf(run.recipe?.name ?? 'Run', run.runId ?? ''));
  const save = (curves: readonly string[], title: string) =>
    saveBlob(curvesCsv([{ name: ownName, book }, ...shownPast], curves), `${asFileName(`${ownName}-${title}`)}.csv`);
  const zoom = useCallback((from: number, to: number) => setRange([from, to]), []);
  const panels = panelsFor(names);
  if (panels.length === 0) return <p className="room-wait">The first point appears after the first training step.</p>;
  // Whether steps tell their time.
  const timed = book.clock.steps.length > 0;
  const zoomed = range.some(Number.isFinite);
  return (
    <div className="curves">
      <div className="curves-tools" role="group" aria-label="Curves">
        <label className="slider">
          Smoothing
          <input
            type="range"
            min={0}
            max={0.98}
            step={0.02}
            value={weight}
            aria-valuetext={weight === 0 ? 'off' : weight.toFixed(2)}
            onChange={(event) => setWeight(Number(event.target.value))}
          />
          <span className="num">{weight === 0 ? 'off' : weight.toFixed(2)}</span>
        </label>
        <Choice
          label="Scale"
          choices={[
            { key: 'linear', title: 'Linear' },
            { key: 'log', title: 'Log' },
          ]}
          selected={scale}
          onSelect={setScale}
        />
        {timed && (
          <Choice
            label="Horizontal axis"
            choices={[
              { key: 'step', title: 'Steps' },
              { key: 'time', title: 'Time' },
            ]}
            selected={horizontal}
            onSelect={setHorizontal}
          />
        )}
        <StepTools range={range} onZoom={zoom} />
        {zoomed && (
          <button type="button" className="button small" onClick={() => setRange(ALL)}>
            Show all steps
          </button>
        )}
        {held !== null && (
          <button type="button" className="button small" onClick={() => crosshair.hold(null)}>
            Release step {held}
          </button>
        )}
        {timed && horizontal === 'time' && (
          <span className="muted hint">Training time, without pauses, loading and evaluation</span>
        )}
        {!zoomed && held === null && (
          <span className="muted hint">Drag across a chart to zoom. Click to hold a step</span>
        )}
        <button type="button" className="button small" onClick={() => save(names, 'curves')}>
          <Icon name="down" /> All curves as CSV
        </button>
        <PastRunList />
      </div>
      {recipe && (
        <SettingsCompared
          own={recipe}
          others={shownPast.flatMap((run) => (run.recipe ? [{ ...run, recipe: run.recipe }] : []))}
        />
      )}
      <div className="curves-body">
        <TimeTravel />
        <div className="charts">
          {panels.map((panel) => (
            <Chart
              key={panel.key}
              panel={panel}
              book={book}
              past={shownPast}
              crosshair={crosshair}
              weight={weight}
              log={scale === 'log'}
              horizontal={timed ? horizontal : 'step'}
              range={range}
              stages={starts}
              alarms={alarms}
              theme={theme}
              onZoom={zoom}
              onSave={save}
            />
          ))}
        </div>
      </div>
    </div>
  );
}

/** Earlier runs, to be laid under the curves: those that were read, and those that the project has stored. */
function PastRunList() {
  const runs = usePast((state) => state.runs);
  const show = usePast((state) => state.show);
  const inView = useRun((run) => run.runId);
  const project = useKeeping(currentProject);
  const stored = (project?.runs ?? []).filter(
    ({ id, step }) => step > 0 && id !== inView && runs.every(({ key }) => key !== id),
  );
  if (runs.length === 0 && stored.length === 0) return null;
  const shown = runs.filter((run) => run.shown);
  return (
    <fieldset className="past-runs">
      <legend>Earlier runs</legend>
      {shown.length > 0 && (
        <span className="run-in-view">
          <i className="run-color" style={{ background: colorOf(0) }} /> Run in view
        </span>
      )}
      {runs.map((run) => (
        <label key={run.key}>
          <input type="checkbox" checked={run.shown} onChange={(event) => show(run.key, event.target.checked)} />
          {run.shown && <i className="run-color" style={{ background: colorOf(1 + shown.indexOf(run)) }} />}
          <span>{run.name}</span>
        </label>
      ))}
      {stored.length > 0 && <StoredRuns runs={stored} />}
    </fieldset>
  );
}

function StoredRuns({ runs }: { readonly runs: readonly RunRecord[] }) {
  const { project } = useStudio();
  const read = usePast((state) => state.read);
  return (
    <label>
      <span className="visually-hidden">Add a stored run</span>
      <select
        value=""
        onChange={(event) => {
          const run = runs.find(({ id }) => id === event.target.value);
          if (run) void project.getState().attempt('stored run', () => read(run));
        }}
      >
        <option value="">Add a stored run ({runs.length})</option>
        {runs.map((run) => (
          <option key={run.id} value={run.id}>
            {nameOf(run.recipe.name, run.id)}, {when(run.startedAt)}, {plural(run.step, 'step')}
          </option>
        ))}
      </select>
    </label>
  );
}
