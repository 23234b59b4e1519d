/** What would leave this machine, to whom, before anything does. The safe answer has the focus. */
import { useEffect, useRef } from 'react';
import type { ThoughtsPlan } from '../../../engine/protocol/index.ts';
import type { NearPermission } from '../../teacher/permission.ts';
import { useThoughts } from '../../state/studio.ts';
import { bytes, count, plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';

const PLACES: Readonly<Record<ThoughtsPlan['address']['place'], string>> = {
  loopback: 'A server on this machine. Nothing leaves the machine, unless that server passes it on.',
  local: 'A server in your network. Your data leave this machine.',
  public:
    'A server on the internet. Your data leave this machine and your network. This page cannot know what its owner does with them.',
};

const PERMISSIONS: Readonly<Record<NearPermission, string | null>> = {
  none: null,
  granted: 'The browser lets this page reach your network.',
  prompt:
    'The browser will ask whether this page may reach your network or this machine. Allow it, or the server cannot be reached.',
  denied:
    'The browser was told earlier that this page may not reach your network. Click the icon beside the address, open the site’s settings, allow the local network, and reload the page.',
};

export function ThoughtsConsent() {
  const asking = useThoughts((thoughts) => thoughts.asking);
  return asking && <Asked plan={asking.plan} permission={asking.permission} />;
}

function Asked({ plan, permission }: { readonly plan: ThoughtsPlan; readonly permission: NearPermission }) {
  const form = useThoughts((thoughts) => thoughts.form);
  const agree = useThoughts((thoughts) => thoughts.agree);
  const decline = useThoughts((thoughts) => thoughts.decline);
  const dialog = useRef<HTMLDialogElement>(null);
  const safe = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
    safe.current?.focus();
  }, []);
  const { address, rows, withThought, questions, pictures, bytesPerQuestion, example, spaceChecked } = plan;
  const [least, most] = questions;
  const near = PERMISSIONS[permission];
  return (
    <dialog ref={dialog} className="dialog thoughts-consent" aria-labelledby="consent-title" onClose={decline}>
      <header>
        <h2 id="consent-title">
          Send rows to <code>{address.origin}</code>?
        </h2>
      </header>
      <p className={address.place === 'loopback' ? 'note' : 'note note-warning'}>
        <Icon name={address.place === 'loopback' ? 'info' : 'alert'} /> {PLACES[address.place]}
        {!address.private &&
          ' The connection is not encrypted. Anyone between this machine and the server can read it.'}
      </p>
      <h3 className="minor">What is sent</h3>
      <ul className="thoughts-leaves">
        <li>
          Questions of {plural(rows, 'training row')}
          {withThought > 0 &&
            ` (${plural(withThought, 'row')} with a thought ${withThought === 1 ? 'is' : 'are'} left out)`}
          .
        </li>
        <li>
          {plural(pictures, 'picture')}, as their files are, with what a file says beside its pixels, such as place and
          time.
        </li>
        {form.rationalise && <li>The true boxes of rows for which no answer was right.</li>}
        {form.key.trim() !== '' && <li>The key, in the header of each request.</li>}
        <li>
          {count(least)}
          {most > least && ` to ${count(most)}`} requests of about {bytes(bytesPerQuestion)} of pictures each, to{' '}
          <code>{address.base}</code>. No redirect is followed.
        </li>
      </ul>
      {example && (
        <details>
          <summary>The first row ({example.rowId}), word for word</summary>
          <div className="thoughts-example" tabIndex={0} role="region" aria-label="The first row, word for word">
            {example.turns.map(({ role, parts }, i) => (
              <p key={i} className="words">
                <b className="words-role">{role} </b>
                {parts.map((part, k) =>
                  part.type === 'text' ? (
                    <span key={k}>{part.text}</span>
                  ) : (
                    <span key={k} className="chip">
                      {part.path}
                    </span>
                  ),
                )}
              </p>
            ))}
            {example.hint !== null && (
              <p className="words">
                <b className="words-role">asked again </b>
                {example.hint}
              </p>
            )}
          </div>
        </details>
      )}
      {!spaceChecked && (
        <p className="muted">
          No model is loaded. Thoughts that name coordinates are kept in the teacher’s numbers: load the model first if
          it counts in another way.
        </p>
      )}
      {near && (
        <p className={permission === 'denied' ? 'note note-warning' : 'note'}>
          <Icon name={permission === 'denied' ? 'alert' : 'info'} /> {near}
        </p>
      )}
      <p className="muted">
        Only a frame of this page speaks to the server, and it can reach no other. The server must let pages of{' '}
        <code>{location.origin}</code> in (CORS). docs/teacher.md says how for each server.
      </p>
      <div className="button-row">
        <button type="button" className="button" ref={safe} onClick={() => dialog.current?.close()}>
          Send nothing
        </button>
        <button type="button" className="button primary" onClick={() => void agree()}>
          Send to {address.origin}
        </button>
      </div>
    </dialog>
  );
}
