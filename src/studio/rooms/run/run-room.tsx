/** Run: the stages as they go, the curves, the groups, what was set aside, what was measured. */
import { Suspense, useState } from 'react';
import { Link } from 'wouter';
import { useShallow } from 'zustand/react/shallow';
import { advise } from '../../../engine/presets.ts';
import { dataOf, runName } from '../../../engine/protocol/index.ts';
import { RUN_VIEWS } from '../../recipe/kinds/index.ts';
import { currentProject } from '../../state/kept.ts';
import { isActive } from '../../state/run.ts';
import { useKeeping, useProject, useRecipe, useRun, useStudio } from '../../state/studio.ts';
import { count, plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import { RoomHead } from '../../ui/room-head.tsx';
import { ReportButton } from '../../report-button.tsx';
import { RunControls } from '../../run-controls.tsx';
import { Tabs } from '../../ui/tabs.tsx';
import { SoftwareNote } from '../model/model-room.tsx';
import { StartButton } from '../recipe/recipe-room.tsx';
import { AlarmLog } from './alarm-log.tsx';
import { Alarms, useAlarms } from './alarms.tsx';
import { CheckpointsView } from './checkpoints.tsx';
import { CurvesView } from './curves-view.tsx';
import { OpenedNote, OpenRunButton } from './opened-run.tsx';
import { RehearsalCard } from './rehearsal-card.tsx';
import { ProfileView } from './profile-view.tsx';
import type { WhatIf } from './rescore.ts';
import { StageTrack } from './stage-track.tsx';
import { WatchSettings } from './watch-settings.tsx';
import './run.css';

export function RunRoom() {
  const begun = useRun((run) => run.stages.length > 0);
  return begun ? <RunViews /> : <NoRun />;
}

function NoRun() {
  const recipe = useRecipe((editor) => editor.recipe);
  const dataset = useProject((project) => project.dataset);
  const model = useProject((project) => project.model);
  const startWithSample = useProject((project) => project.startWithSample);
  const busy = useProject((project) => project.loading !== null);
  const software = useProject((project) => project.device?.software ?? false);
  return (
    <div className="room room-run">
      <RoomHead title="Run" lede="Curves, completions and boxes while the model learns.">
        <OpenRunButton />
        <StartButton advice={advise(recipe, dataset)} />
      </RoomHead>
      {software && <SoftwareNote />}
      <div className="card">
        <h2>Needed for a run</h2>
        <ul className="features">
          <Ready done={dataset !== null} href="/data" text={dataset ? `Dataset: ${dataset.name}` : 'A dataset'} />
          <Ready done={model !== null} href="/model" text={model ? `Model: ${model.name}` : 'A model'} />
          <Ready
            done={recipe.stages.length > 0}
            href="/recipe"
            text={`Recipe: ${recipe.name}, ${plural(recipe.stages.length, 'stage')} (${recipe.stages.map(({ name }) => name).join(', ')})`}
          />
        </ul>
        {(!dataset || !model) && (
          <button type="button" className="button" disabled={busy} onClick={() => void startWithSample()}>
            {/* It says what it replaces: a click may not cost an open dataset in silence. */}
            Use the sample dataset{dataset && ` instead of “${dataset.name}”`}
            {!model && ' with the starter model'}
          </button>
        )}
      </div>
      <div className="before-run">
        <RehearsalCard />
        <WatchSettings />
      </div>
    </div>
  );
}

function Ready({ done, href, text }: { readonly done: boolean; readonly href: string; readonly text: string }) {
  return (
    <li data-has={done}>
      <Icon name={done ? 'check' : 'right'} />
      <Link href={href}>{text}</Link>
    </li>
  );
}

/** What the run is called, and the data that it stands on. A run that has just begun stands on what is open. */
function useLede(): string {
  const { runId, recipe, opened, state } = useRun(
    useShallow(({ runId: id, recipe: plan, opened: file, state: now }) => ({
      runId: id,
      recipe: plan,
      opened: file,
      state: now,
    })),
  );
  const record = useKeeping((keeping) => currentProject(keeping)?.runs.find(({ id }) => id === runId));
  const open = useProject(({ dataset }) => dataset);
  if (record) return `${runName(record)}, on ${dataOf(record)}`;
  const name = recipe?.name ?? '';
  if (opened || !open || !isActive(state)) return name;
  const { train, heldout, images, edits } = open;
  return `${name}, on ${dataOf({ datasetName: open.name, data: { train, heldout, images }, ...(edits?.changes && { edits }) })}`;
}

/** The run in view. `recorded`: nothing to start or to open from here. */
export function RunViews({ recorded = false }: { readonly recorded?: boolean }) {
  const [tab, setTab] = useState('curves');
  const [pinned, setPinned] = useState<number | null>(null);
  const [whatIf, setWhatIf] = useState<WhatIf | null>(null);
  const { crosshair } = useStudio();
  const alarms = useAlarms();
  const recipe = useRecipe((editor) => editor.recipe);
  const dataset = useProject((project) => project.dataset);
  const lede = useLede();
  // A run from a file has no log here.
  const runId = useRun((run) => (run.opened ? null : run.runId));
  const active = useRun((run) => isActive(run.state));
  const counts = useRun(useShallow((run) => RUN_VIEWS.map(({ count: shown }) => shown?.(run) ?? 0)));
  const titled = (title: string, n: number) => (n > 0 ? `${title} (${count(n)})` : title);
  return (
    <div className="room room-run">
      <RoomHead title="Run" lede={lede}>
        {recorded ? null : active ? (
          <RunControls />
        ) : (
          <>
            <OpenRunButton />
            {runId !== null && <ReportButton run={runId} />}
            <StartButton advice={advise(recipe, dataset)} />
          </>
        )}
      </RoomHead>
      <OpenedNote recorded={recorded} />
      <StageTrack />
      <Alarms alarms={alarms} />
      <Tabs
        label="Views of the run"
        selected={tab}
        onSelect={setTab}
        tabs={[
          { key: 'curves', title: 'Curves', body: () => <CurvesView alarms={alarms} /> },
          ...RUN_VIEWS.map(({ key, title, body }, i) => ({
            key,
            title: titled(title, counts[i]!),
            body: () => (
              <Suspense fallback={null}>
                {body({ pinned, pin: setPinned, whatIf, suppose: setWhatIf, open: setTab })}
              </Suspense>
            ),
          })),
          {
            key: 'alarms',
            title: 'Alarm log',
            body: () => (
              <AlarmLog
                onLook={(step) => {
                  setTab('curves');
                  crosshair.hold(step);
                }}
              />
            ),
          },
          // A run from a file has none here.
          ...(runId === null ? [] : [{ key: 'checkpoints', title: 'Checkpoints', body: () => <CheckpointsView /> }]),
          ...(active || recorded
            ? []
            : [
                {
                  key: 'next',
                  title: 'Next run',
                  body: () => (
                    <div className="before-run">
                      <RehearsalCard />
                      <WatchSettings />
                    </div>
                  ),
                },
              ]),
          ...(recorded ? [] : [{ key: 'profile', title: 'Profile', body: () => <ProfileView /> }]),
        ]}
      />
    </div>
  );
}
