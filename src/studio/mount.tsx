/** Puts the studio on a page, whatever engine is at the other end of the client. */
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import type { EngineClient } from '../engine/client.ts';
import { App } from './app.tsx';
import { NoWebgpu } from './no-webgpu.tsx';
import { createStudio, StudioContext, type Studio } from './state/studio.ts';
import { applyTheme } from './theme.ts';
import './styles/tokens.css';
import './styles/base.css';
import './styles/controls.css';
import './styles/shell.css';
import './styles/pictures.css';

function storage(): Storage | null {
  try {
    return localStorage;
  } catch {
    return null;
  }
}

export function mountStudio(root: HTMLElement, client: EngineClient): Studio {
  applyTheme();
  const studio = createStudio(client, storage());
  void studio.project.getState().findDevice();
  createRoot(root).render(
    <StrictMode>
      <StudioContext value={studio}>
        <App />
      </StudioContext>
    </StrictMode>,
  );
  return studio;
}

export function mountWithoutWebgpu(root: HTMLElement): void {
  applyTheme();
  createRoot(root).render(<NoWebgpu reason={window.isSecureContext ? 'missing' : 'insecure'} />);
}
