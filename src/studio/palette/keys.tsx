/** The sheet of keys: what can be pressed, and where. */
import { Fragment, useLayoutEffect, useRef } from 'react';
import { Icon } from '../ui/icon.tsx';
import './palette.css';

type Key = readonly [keys: string, what: string];

const SHEET: readonly { readonly where: string; readonly keys: readonly Key[] }[] = [
  {
    where: 'Everywhere',
    keys: [
      ['Ctrl K', 'Commands: go to a room, pause the run, change the theme'],
      ['?', 'This sheet'],
      ['Tab', 'To the next control'],
      ['Esc', 'Close the dialog'],
    ],
  },
  {
    where: 'Lists of rows',
    keys: [
      ['↑ ↓', 'To another row'],
      ['E', 'Edit the row'],
    ],
  },
  {
    where: 'Inspect',
    keys: [
      ['← →', 'To another row'],
      ['1 2 3 4', 'Show or hide a layer of boxes'],
      ['+ −', 'Move the IoU from which a box counts as a hit'],
      ['A', 'Answer with both models'],
      ['H', 'Coordinate heat'],
      ['P', 'Pin the row for runs'],
      ['E', 'Edit the row'],
    ],
  },
  { where: 'Groups', keys: [['← →', 'Next or previous group']] },
  {
    where: 'In the row editor',
    keys: [
      ['N', 'Add a box'],
      ['B', 'Next box, with Shift the previous one'],
      ['← ↑ → ↓', 'Move the box by a pixel, with Shift by ten'],
      ['Ctrl ← ↑ → ↓', 'Move its lower right corner'],
      ['Alt ← ↑ → ↓', 'Move its upper left corner'],
      ['Del', 'Delete the box'],
      ['+ − 0', 'Zoom in, zoom out, the whole picture'],
      ['Page ↑ ↓', 'Next or previous picture'],
      ['Ctrl Z', 'Undo, with Shift redo'],
    ],
  },
];

const VERSION = import.meta.env.VERSION as string;

export function Keys({ onClose }: { readonly onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const element = dialog.current!;
    element.showModal();
    return () => element.close();
  }, []);
  return (
    <dialog ref={dialog} className="dialog keys" aria-labelledby="keys-title" onClose={onClose}>
      <header>
        <h2 id="keys-title">Keys</h2>
        <button type="button" className="button icon-only" aria-label="Close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      <div className="keys-sheet">
        {SHEET.map(({ where, keys }) => (
          <section key={where}>
            <h3>{where}</h3>
            <dl>
              {keys.map(([key, what]) => (
                <Fragment key={key}>
                  <dt>
                    <kbd>{key}</kbd>
                  </dt>
                  <dd>{what}</dd>
                </Fragment>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <p className="muted">Groundwork {VERSION}</p>
    </dialog>
  );
}
