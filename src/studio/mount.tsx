/** Puts the studio on a page, whatever engine is at the other end of the client. */
import { lazy, StrictMode, Suspense, useState, type ReactNode } from 'react';
import { createRoot } from 'react-dom/client';
import type { EngineClient } from '../engine/client.ts';
import { App } from './app.tsx';
import { saveDefectReport } from './defect-report.ts';
import { Framed } from './framed.tsx';
import { NoWebgpu } from './no-webgpu.tsx';
import type { Problem } from './problem.ts';
import { createStudio, StudioContext, type Studio } from './state/studio.ts';
import { applyTheme } from './theme.ts';
import { DefectReports } from './ui/problem-note.tsx';
import { tidyOutbox } from './ui/save.ts';
import './styles/order.css';
import './styles/tokens.css';
import './styles/base.css';
import './styles/controls.css';
import './styles/shell.css';
import './styles/pictures.css';
import './styles/drop.css';
import './styles/utilities.css';
import './styles/forced-colors.css';

function storage(): Storage | null {
  try {
    return localStorage;
  } catch {
    return null;
  }
}

function InStudio({ studio, children }: { readonly studio: Studio; readonly children: ReactNode }) {
  const save = (problem: Problem) => saveDefectReport(studio, problem);
  return (
    <StudioContext value={studio}>
      <DefectReports value={save}>{children}</DefectReports>
    </StudioContext>
  );
}

export function mountStudio(root: HTMLElement, client: EngineClient): Studio {
  applyTheme();
  const studio = createStudio(client, storage());
  void studio.project.getState().findDevice();
  void studio.keeping.getState().begin();
  void tidyOutbox();
  createRoot(root).render(
    <StrictMode>
      <InStudio studio={studio}>
        <App />
      </InStudio>
    </StrictMode>,
  );
  return studio;
}

export function mountFramed(root: HTMLElement): void {
  applyTheme();
  createRoot(root).render(<Framed />);
}

const RecordedRun = lazy(() => import('./recorded-run.tsx').then((m) => ({ default: m.RecordedRun })));

/** `open` starts an engine, to read the recorded run's pictures; nobody asks it for a graphics card. */
export function mountWithoutWebgpu(root: HTMLElement, open: () => EngineClient): void {
  applyTheme();
  const reason = window.isSecureContext ? 'missing' : 'insecure';
  function Page() {
    const [studio, setStudio] = useState<Studio | null>(null);
    const [shown, setShown] = useState(false);
    const show = () => {
      setStudio((old) => old ?? createStudio(open(), null));
      setShown(true);
    };
    if (!studio || !shown) return <NoWebgpu reason={reason} onRecorded={show} />;
    return (
      <InStudio studio={studio}>
        <Suspense fallback={<p className="room-wait">Opening the recorded run…</p>}>
          <RecordedRun onBack={() => setShown(false)} />
        </Suspense>
      </InStudio>
    );
  }
  createRoot(root).render(
    <StrictMode>
      <Page />
    </StrictMode>,
  );
}
