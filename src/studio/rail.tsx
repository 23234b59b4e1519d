/** The rooms with a line of what is in each, the run's controls, the device, the theme. */
import { Link, useLocation } from 'wouter';
import type { RunState } from '../engine/protocol/index.ts';
import { DevicePanel } from './device-panel.tsx';
import { isActive, type Run } from './state/run.ts';
import { wasStopped, wordsOf } from './state/run-words.ts';
import { currentProject } from './state/kept.ts';
import { useChat, useKeeping, useProject, useRecipe, useRun, useScores } from './state/studio.ts';
import { applyTheme, useThemeChoice, type ThemeChoice } from './theme.ts';
import { compact, plural } from './ui/format.ts';
import { Icon, type IconName } from './ui/icon.tsx';
import { Mark } from './ui/mark.tsx';
import { RunControls } from './run-controls.tsx';

const STATES: Record<RunState, string> = {
  idle: 'Nothing yet',
  running: 'Running',
  paused: 'Paused',
  stopping: 'Stopping',
  finished: 'Finished',
  failed: 'Failed',
};

export function Rail() {
  return (
    <aside className="rail" aria-label="Studio">
      <Link href="/data" className="brand">
        <Mark />
        <span>Groundwork</span>
      </Link>
      <ProjectItem />
      <nav aria-label="Rooms">
        <ul>
          <DataItem />
          <ModelItem />
          <RecipeItem />
          <RunItem />
          <InspectItem />
          <ScoresItem />
          <TryItem />
          <Item path="/export" icon="export" name="Export" status="Adapter, weights" />
        </ul>
      </nav>
      <RunPanel />
      <Foot />
    </aside>
  );
}

function Item({
  path,
  icon,
  name,
  status,
  live = false,
}: {
  readonly path: string;
  readonly icon: IconName;
  readonly name: string;
  readonly status: string;
  readonly live?: boolean;
}) {
  const [here] = useLocation();
  return (
    <li>
      <Link
        href={path}
        className="rail-item"
        aria-current={here === path ? 'page' : undefined}
        data-live={live || undefined}
      >
        <Icon name={icon} />
        <span className="rail-name">{name}</span>
        <span className="rail-status num">{status}</span>
      </Link>
    </li>
  );
}

function ProjectItem() {
  const [here] = useLocation();
  const name = useKeeping((keeping) => currentProject(keeping)?.name);
  const runs = useKeeping((keeping) => currentProject(keeping)?.runs.length ?? 0);
  return (
    <Link href="/projects" className="rail-item" aria-current={here === '/projects' ? 'page' : undefined}>
      <Icon name="folder" />
      <span className="rail-name">Projects</span>
      <span className="rail-status">
        {name === undefined ? 'Kept in this browser' : runs > 0 ? `${name}, ${plural(runs, 'run')}` : name}
      </span>
    </Link>
  );
}

function DataItem() {
  const dataset = useProject((project) => project.dataset);
  return (
    <Item
      path="/data"
      icon="data"
      name="Data"
      status={dataset ? plural(dataset.train + dataset.heldout, 'row') : 'Drop a dataset'}
    />
  );
}

function ModelItem() {
  const model = useProject((project) => project.model);
  return (
    <Item
      path="/model"
      icon="model"
      name="Model"
      status={model ? `${compact(model.parameters)} parameters` : 'None loaded'}
    />
  );
}

function RecipeItem() {
  const stages = useRecipe((editor) => editor.recipe.stages.length);
  return <Item path="/recipe" icon="recipe" name="Recipe" status={plural(stages, 'stage')} />;
}

function RunItem() {
  const state = useRun((run) => run.state);
  const stopped = useRun((run) => wasStopped(run.state, run.stages));
  return (
    <Item path="/run" icon="run" name="Run" status={stopped ? 'Stopped' : STATES[state]} live={state === 'running'} />
  );
}

function InspectItem() {
  const dataset = useProject((project) => project.dataset);
  return (
    <Item
      path="/inspect"
      icon="inspect"
      name="Inspect"
      status={dataset ? plural(dataset.heldout, 'held-out row') : 'Base and tuned'}
    />
  );
}

function ScoresItem() {
  const sets = useScores((scores) => scores.sets.length);
  const evaluating = useScores((scores) => scores.evaluating);
  return (
    <Item
      path="/scores"
      icon="scores"
      name="Scores"
      status={
        evaluating
          ? `${evaluating.done}/${evaluating.total} rows`
          : sets > 0
            ? plural(sets, 'model')
            : 'Benchmarks and runs'
      }
      live={evaluating !== null}
    />
  );
}

function TryItem() {
  const turns = useChat((chat) => chat.turns.length);
  const writing = useChat((chat) => chat.writing !== null);
  return (
    <Item
      path="/try"
      icon="try"
      name="Try"
      status={writing ? 'Answering' : turns ? plural(turns / 2, 'question') : 'Your own pictures'}
      live={writing}
    />
  );
}

export const currentStage = (run: Run) => run.stages[run.current];

function RunPanel() {
  const active = useRun((run) => isActive(run.state));
  const stage = useRun(currentStage);
  if (!active || !stage) return null;
  const { progress } = stage;
  const share = progress && progress.total > 0 ? progress.done / progress.total : 0;
  return (
    <section className="rail-run" aria-label="The run">
      <p>
        <b>{stage.stage.name}</b>
        <span className="num">{wordsOf(stage, false)}</span>
      </p>
      <div
        className="progress-track"
        data-known="true"
        data-preparing={stage.preparing ? true : undefined}
        aria-hidden="true"
      >
        <div className="progress-bar" style={{ transform: `scaleX(${share})` }} />
      </div>
      <RunControls compact />
    </section>
  );
}

const THEMES: readonly { key: ThemeChoice; icon: IconName; name: string }[] = [
  { key: 'auto', icon: 'auto', name: 'Theme of the system' },
  { key: 'light', icon: 'sun', name: 'Light theme' },
  { key: 'dark', icon: 'moon', name: 'Dark theme' },
];

function Foot() {
  const theme = useThemeChoice();
  const at = THEMES.findIndex(({ key }) => key === theme);
  return (
    <div className="rail-foot">
      <DevicePanel />
      <button
        type="button"
        className="button icon-only"
        aria-label={`${THEMES[at]!.name}. Change theme`}
        onClick={() => applyTheme(THEMES[(at + 1) % 3]!.key)}
      >
        <Icon name={THEMES[at]!.icon} />
      </button>
    </div>
  );
}
