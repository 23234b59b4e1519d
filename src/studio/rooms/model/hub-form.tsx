/** A model of a Hub by its id: the third way in. */
import { useId } from 'react';
import { PUBLISHED } from '../../../engine/presets.ts';
import { DEFAULT_ENDPOINT, DEFAULT_REVISION } from '../../../engine/protocol/index.ts';
import type { HubForm as Form } from '../../state/hub.ts';
import { useHub } from '../../state/studio.ts';
import { Icon } from '../../ui/icon.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { TextField, type TextFieldProps } from '../../ui/text-field.tsx';

export function HubForm({ busy }: { readonly busy: boolean }) {
  const form = useHub((hub) => hub.form);
  const underWay = useHub((hub) => hub.underWay !== null);
  const load = useHub((hub) => hub.load);
  const known = useId();
  const asUsual = form.revision === DEFAULT_REVISION && form.endpoint === DEFAULT_ENDPOINT && form.token === '';
  return (
    <form
      className="hub-form"
      aria-label="From a Hub"
      onSubmit={(event) => {
        event.preventDefault();
        void load();
      }}
    >
      <Field name="id" label="Id of the model" list={known} placeholder="Qwen/Qwen3-VL-2B-Instruct" required />
      <datalist id={known}>
        {PUBLISHED.map(({ id }) => (
          <option key={id}>{id}</option>
        ))}
      </datalist>
      <details open={asUsual ? undefined : true}>
        <summary>Revision, endpoint, token</summary>
        <Field name="revision" label="Revision" placeholder={DEFAULT_REVISION}>
          A branch, a tag or a commit.
        </Field>
        <Field name="endpoint" label="Endpoint" placeholder={DEFAULT_ENDPOINT}>
          The Hub, or a mirror.
        </Field>
        <Field name="token" label="Token" type="password" placeholder="hf_…">
          For gated and private models. The token stays in this tab’s memory and is sent only to the endpoint.
        </Field>
      </details>
      <button type="submit" className="button" disabled={busy || underWay || form.id.trim() === ''}>
        <Icon name="down" /> Download and load
      </button>
      <HubNews />
    </form>
  );
}

function HubNews() {
  const problem = useHub((hub) => hub.problem);
  const notice = useHub((hub) => hub.notice);
  const dismiss = useHub((hub) => hub.dismiss);
  return (
    <>
      {problem && <ProblemNote problem={problem} onDismiss={dismiss} />}
      <p role="status" className="muted">
        {notice}
      </p>
    </>
  );
}

function Field({ name, ...field }: Omit<TextFieldProps, 'value' | 'onValue'> & { readonly name: keyof Form }) {
  const value = useHub((hub) => hub.form[name]);
  const edit = useHub((hub) => hub.edit);
  return <TextField {...field} value={value} onValue={(text) => edit({ [name]: text })} />;
}
