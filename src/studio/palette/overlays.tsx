/** Ctrl+K and ? open what lies over every room; both are fetched when the page is idle, or first asked for. */
import { lazy, Suspense, useCallback, useEffect, useState } from 'react';
import { useKeyDown } from '../ui/key-down.ts';

const palette = () => import('./palette.tsx');
const Palette = lazy(() => palette().then((m) => ({ default: m.Palette })));
const Keys = lazy(() => import('./keys.tsx').then((m) => ({ default: m.Keys })));

/** A letter typed there is meant for the field. */
const FIELDS = 'input, textarea, select, [contenteditable]';

export function Overlays() {
  const [shown, setShown] = useState<'palette' | 'keys' | null>(null);
  // A dialog that is taken away tells so a moment later, when another may be shown.
  const closePalette = useCallback(() => setShown((now) => (now === 'palette' ? null : now)), []);
  const closeKeys = useCallback(() => setShown((now) => (now === 'keys' ? null : now)), []);
  // The palette closes when one of its commands was chosen: the sheet comes after it.
  const keys = useCallback(() => void setTimeout(() => setShown('keys')), []);
  useEffect(() => {
    // Letters that are typed while it is fetched would be lost.
    const idle = setTimeout(() => void palette().catch(() => undefined), 2000);
    return () => clearTimeout(idle);
  }, []);
  useKeyDown((event) => {
    const target = event.target instanceof Element ? event.target : null;
    // What already lies over the room has its own keys.
    if (event.defaultPrevented || document.querySelector('dialog[open]')) return;
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === 'k') setShown('palette');
    else if (event.key === '?' && !event.ctrlKey && !event.metaKey && !target?.matches(FIELDS)) setShown('keys');
    else return;
    event.preventDefault();
  });
  return (
    <Suspense fallback={null}>
      {shown === 'palette' && <Palette onClose={closePalette} onKeys={keys} />}
      {shown === 'keys' && <Keys onClose={closeKeys} />}
    </Suspense>
  );
}
