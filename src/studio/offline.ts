/** The page's side of working offline: registers the service worker of the build, and tells when a newer one is here. */
import { useSyncExternalStore } from 'react';

let waiting: ServiceWorker | null = null;
const listeners = new Set<() => void>();

function tell(worker: ServiceWorker | null): void {
  waiting = worker;
  for (const listener of listeners) listener();
}

/**
 * Held as long as this page lives: its build's files are kept until no page needs them (scripts/service-worker.js). The
 * name of this script tells the build, since it changes with anything that the script imports.
 */
function holdBuild(): void {
  if (!('locks' in navigator)) return;
  const name = `groundwork-page ${import.meta.url}`;
  void navigator.locks.request(name, { mode: 'shared' }, () => new Promise<never>(() => undefined));
}

/** Not in development, where files change under the page, and not where the browser has no such thing. */
export async function workOffline(): Promise<void> {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  holdBuild();
  try {
    const registration = await navigator.serviceWorker.register('./sw.js');
    const look = () => {
      // Without a controller this is the first build this browser sees, and there is nothing to change over from.
      if (registration.waiting && navigator.serviceWorker.controller) tell(registration.waiting);
    };
    look();
    registration.addEventListener('updatefound', () => {
      const { installing } = registration;
      installing?.addEventListener('statechange', look);
    });
    const active = await navigator.serviceWorker.ready;
    const idle = 'requestIdleCallback' in window ? requestIdleCallback : (f: () => void) => setTimeout(f, 4000);
    idle(() => active.active?.postMessage('fetch-later'));
  } catch {
    // A browser that forbids it (private windows, policies) only costs working offline.
  }
}

/** True when a newer build was fetched and waits for its turn. */
export const useNewerBuild = (): boolean =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => waiting !== null,
  );

/** Changes over to the newer build. The page is loaded again once it has taken over. */
export function useNow(): void {
  navigator.serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true });
  waiting?.postMessage('use-now');
}
