/** The shell: the rail with the rooms, and the room in view. Rooms load when first entered. */
import { lazy, Suspense, useEffect, useState } from 'react';
import { Redirect, Route, Router, Switch, useLocation } from 'wouter';
import { useHashLocation } from 'wouter/use-hash-location';
import { useKeepFocus } from './keep-focus.ts';
import { SILENT } from '../engine/protocol/words.ts';
import { KeepingNotes } from './keeping-notes.tsx';
import { NoWebgpu } from './no-webgpu.tsx';
import { Notes } from './notes.tsx';
import { Rail } from './rail.tsx';
import { useRunFileDrop } from './rooms/run/open-run.ts';
import { RoomBoundary } from './room-boundary.tsx';
import { isActive } from './state/run.ts';
import { useEditing, useProject, useRun } from './state/studio.ts';
import { HubBar } from './hub-bar.tsx';
import { LoadingBar } from './loading-bar.tsx';
import { Overlays } from './palette/overlays.tsx';
import { CodeDialog } from './rooms/recipe/code-dialog.tsx';
import { PlaceDialog } from './place-dialog.tsx';
import { ProblemNote } from './ui/problem-note.tsx';

const DataRoom = lazy(() => import('./rooms/data/data-room.tsx').then((m) => ({ default: m.DataRoom })));
const ModelRoom = lazy(() => import('./rooms/model/model-room.tsx').then((m) => ({ default: m.ModelRoom })));
const RecipeRoom = lazy(() => import('./rooms/recipe/recipe-room.tsx').then((m) => ({ default: m.RecipeRoom })));
const RunRoom = lazy(() => import('./rooms/run/run-room.tsx').then((m) => ({ default: m.RunRoom })));
const InspectRoom = lazy(() => import('./rooms/inspect/inspect-room.tsx').then((m) => ({ default: m.InspectRoom })));
const ScoresRoom = lazy(() => import('./rooms/scores/scores-room.tsx').then((m) => ({ default: m.ScoresRoom })));
const TryRoom = lazy(() => import('./rooms/try/try-room.tsx').then((m) => ({ default: m.TryRoom })));
const ProjectsRoom = lazy(() =>
  import('./rooms/projects/projects-room.tsx').then((m) => ({ default: m.ProjectsRoom })),
);
const ExportRoom = lazy(() => import('./rooms/export/export-room.tsx').then((m) => ({ default: m.ExportRoom })));
const RowEditor = lazy(() => import('./edit/row-editor.tsx').then((m) => ({ default: m.RowEditor })));
const RecordedRun = lazy(() => import('./recorded-run.tsx').then((m) => ({ default: m.RecordedRun })));

/** Codes with which the engine says that there is no graphics adapter to work on. */
const NO_ADAPTER = new Set(['no-adapter', 'no-webgpu', 'gpu-missing']);

export function App() {
  const deviceProblem = useProject((project) => project.deviceProblem);
  const [recorded, setRecorded] = useState(false);
  if (recorded)
    return (
      <Suspense fallback={<p className="room-wait">Opening the recorded run…</p>}>
        <RecordedRun onBack={() => setRecorded(false)} />
      </Suspense>
    );
  if (deviceProblem && NO_ADAPTER.has(deviceProblem.code))
    return <NoWebgpu reason="no-adapter" detail={deviceProblem.what} onRecorded={() => setRecorded(true)} />;
  return (
    <Router hook={useHashLocation}>
      <Shell />
    </Router>
  );
}

function Shell() {
  const [path] = useLocation();
  useLeaveWarning();
  useRunFileDrop();
  useKeepFocus();
  useEffect(() => {
    const name = path.slice(1);
    document.title = name ? `${name[0]!.toUpperCase()}${name.slice(1)} · Groundwork` : 'Groundwork';
  }, [path]);
  return (
    <div className="shell">
      <a
        className="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById('main')?.focus();
        }}
      >
        Skip to the room
      </a>
      <Rail />
      <main id="main" tabIndex={-1}>
        <div className="alerts">
          <Notes />
          <Problems />
          <KeepingNotes />
        </div>
        <LoadingBar />
        <HubBar />
        <RoomBoundary key={path}>
          <Suspense fallback={<p className="room-wait">Opening the room…</p>}>
            <Switch>
              <Route path="/data" component={DataRoom} />
              <Route path="/model" component={ModelRoom} />
              <Route path="/recipe" component={RecipeRoom} />
              <Route path="/run" component={RunRoom} />
              <Route path="/inspect" component={InspectRoom} />
              <Route path="/scores" component={ScoresRoom} />
              <Route path="/try" component={TryRoom} />
              <Route path="/export" component={ExportRoom} />
              <Route path="/projects" component={ProjectsRoom} />
              <Route>
                <Redirect to="/data" replace />
              </Route>
            </Switch>
          </Suspense>
        </RoomBoundary>
      </main>
      <Editor />
      <CodeDialog />
      <PlaceDialog />
      <Overlays />
    </div>
  );
}

/** A row open for editing lies over every room. */
function Editor() {
  const rowId = useEditing((editing) => editing.rowId);
  return <Suspense fallback={null}>{rowId !== null && <RowEditor key={rowId} rowId={rowId} />}</Suspense>;
}

function Problems() {
  const problem = useProject((project) => project.problem);
  const deviceProblem = useProject((project) => project.deviceProblem);
  const dismiss = useProject((project) => project.dismiss);
  const failure = useRun((run) => run.failure);
  const dismissFailure = useRun((run) => run.dismiss);
  const silent = useProject((project) => project.silent);
  const restartEngine = useProject((project) => project.restartEngine);
  return (
    <>
      {silent && (
        <ProblemNote problem={{ code: SILENT[silent].code, what: SILENT[silent].message, hint: SILENT[silent].hint }}>
          <button type="button" className="button small" onClick={restartEngine}>
            Restart the engine
          </button>
        </ProblemNote>
      )}
      {deviceProblem && deviceProblem.code !== failure?.code && <ProblemNote problem={deviceProblem} />}
      {problem && problem.code !== deviceProblem?.code && <ProblemNote problem={problem} onDismiss={dismiss} />}
      {failure && <ProblemNote problem={failure} onDismiss={dismissFailure} />}
    </>
  );
}

/** Leaving a run by accident costs hours; the browser asks first. */
function useLeaveWarning(): void {
  const active = useRun((run) => isActive(run.state));
  useEffect(() => {
    if (!active) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener('beforeunload', warn);
    return () => removeEventListener('beforeunload', warn);
  }, [active]);
}
