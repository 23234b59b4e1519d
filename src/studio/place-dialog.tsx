/** Asks whether another dataset begins a project of its own. Nothing is opened before the answer. */
import { useLayoutEffect, useRef } from 'react';
import type { PlaceQuestion } from './state/kept.ts';
import { useKeeping } from './state/studio.ts';
import { plural } from './ui/format.ts';
import { Icon } from './ui/icon.tsx';

export function PlaceDialog() {
  const asked = useKeeping((keeping) => keeping.asked);
  return asked && <Question key={asked.dataset} asked={asked} />;
}

function Question({ asked }: { readonly asked: PlaceQuestion }) {
  const { dataset, project, holds, runs, edits, active, addable, answer } = asked;
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const element = dialog.current!;
    element.showModal();
    // The focus goes back to where it was.
    return () => element.close();
  }, []);
  const stands = [runs > 0 && plural(runs, 'run'), edits > 0 && plural(edits, 'edit')].filter(Boolean).join(' and ');
  return (
    <dialog
      ref={dialog}
      className="dialog"
      aria-labelledby="place-title"
      onCancel={(event) => {
        event.preventDefault();
        answer(null);
      }}
    >
      <h2 id="place-title">Where should “{dataset}” be opened?</h2>
      <p>
        The project “{project}” holds the dataset “{holds}”{stands && `, with ${stands}`}. In a new project “{dataset}”
        stands apart from it, with the same model and recipe.
      </p>
      <p className="muted">
        {active
          ? 'A run is active. Stop it before you begin a new project.'
          : stands
            ? `In this project it takes the place of “${holds}”. Runs and edits stay, and are listed with the data that they stand on.`
            : `In this project it takes the place of “${holds}”. Your files stay as they are.`}
      </p>
      {addable && (
        <p className="muted">
          Added to “{holds}”, its rows stand beside those that are there, as if you had dropped both together.
        </p>
      )}
      <div className="button-row">
        <button type="button" className="button primary" disabled={active} onClick={() => answer('new')}>
          <Icon name="plus" /> Begin a new project
        </button>
        <button type="button" className="button" onClick={() => answer('here')}>
          Open it in “{project}”
        </button>
        {addable && (
          <button type="button" className="button" onClick={() => answer('add')}>
            Add it to “{holds}”
          </button>
        )}
        <button type="button" className="button" onClick={() => answer(null)}>
          Cancel
        </button>
      </div>
    </dialog>
  );
}
