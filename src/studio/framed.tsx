/** Shown in a frame of another origin: a page around us could draw its own controls over ours. */
import { Mark } from './ui/mark.tsx';

/** Whether a page of another origin has this one in a frame. The servers of `npm start` forbid it; others may not. */
export function framedByAnother(): boolean {
  try {
    for (let frame: Window = window; frame !== frame.parent; frame = frame.parent)
      if (frame.parent.location.origin !== location.origin) return true;
    return false;
  } catch {
    return true; // it may not even be asked
  }
}

export function Framed() {
  return (
    <main className="explain">
      <p className="explain-brand">
        <Mark /> Groundwork
      </p>
      <h1>Groundwork does not run inside another page</h1>
      <p className="explain-lede">
        Another site shows this page in a frame, and could cover its buttons with its own. Nothing was opened here.
      </p>
      <p>
        <a className="button primary" href={location.href} target="_blank" rel="noreferrer">
          Open it in a tab of its own
        </a>
      </p>
    </main>
  );
}
