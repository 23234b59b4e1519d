/** Code of a recipe from elsewhere, before it is run for the first time. The safe answer has the focus. */
import { useEffect, useRef } from 'react';
import { useCodeConsent } from '../../state/studio.ts';

export function CodeDialog() {
  const asking = useCodeConsent((consent) => consent.asking);
  return asking && <Asked key={asking.codes.join('\n')} name={asking.name} codes={asking.codes} />;
}

function Asked({ name, codes }: { readonly name: string; readonly codes: readonly string[] }) {
  const answer = useCodeConsent((consent) => consent.answer);
  const dialog = useRef<HTMLDialogElement>(null);
  const safe = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
    safe.current?.focus();
  }, []);
  return (
    <dialog ref={dialog} className="dialog" aria-labelledby="code-title" onClose={() => answer(false)}>
      <header>
        <h2 id="code-title">Run the code in “{name}”?</h2>
      </header>
      <p>
        A reward of this recipe is JavaScript that was not written in this browser. It would score answers. It runs in
        an interpreter without network, storage or clock, and nothing of it has run yet. Read it before you allow it.
      </p>
      {codes.map((code) => (
        <pre key={code} className="code" tabIndex={0} role="region" aria-label="The code of the reward">
          {code}
        </pre>
      ))}
      <div className="button-row">
        <button ref={safe} type="button" className="button" onClick={() => answer(false)}>
          Do not run it
        </button>
        <button type="button" className="button primary" onClick={() => answer(true)}>
          Allow and run
        </button>
      </div>
    </dialog>
  );
}
