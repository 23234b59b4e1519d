/** Which teacher, and how it is asked. */
import { useId, type ReactNode } from 'react';
import { TEACHER_SPACES } from '../../../engine/presets.ts';
import type { ThoughtsForm as Form } from '../../state/thoughts.ts';
import { useThoughts } from '../../state/studio.ts';
import { Icon } from '../../ui/icon.tsx';
import { TextField, type TextFieldProps } from '../../ui/text-field.tsx';

type TextName = 'endpoint' | 'key' | 'model';
type NumberName =
  | 'limit'
  | 'samples'
  | 'temperature'
  | 'maxTokens'
  | 'concurrency'
  | 'thoughtsPerRow'
  | 'iouThreshold'
  | 'minThoughtWords'
  | 'maxThoughtWords';

const SPACE_NAMES: Readonly<Record<Form['space'], string>> = {
  thousandths: 'Thousandths (0 to 1000)',
  pixels: 'Pixels of the picture',
};

export function ThoughtsForm() {
  const form = useThoughts((thoughts) => thoughts.form);
  const models = useThoughts((thoughts) => thoughts.models);
  const busy = useThoughts((thoughts) => thoughts.state !== 'idle');
  const edit = useThoughts((thoughts) => thoughts.edit);
  const plan = useThoughts((thoughts) => thoughts.plan);
  const [list, again, space, system] = [useId(), useId(), useId(), useId()];
  return (
    <form
      className="thoughts-form"
      aria-label="Ask a teacher"
      onSubmit={(event) => {
        event.preventDefault();
        void plan();
      }}
    >
      <div className="thoughts-fields">
        <Text name="endpoint" label="Server" placeholder="http://127.0.0.1:8000/v1" required>
          vLLM, llama.cpp, Ollama, LM Studio, or another OpenAI-compatible server.
        </Text>
        <Text name="model" label="Model" list={list} placeholder="the only one that it has">
          It must see pictures.
        </Text>
        <Text name="key" label="Key" type="password" placeholder="none">
          Stays in this tab’s memory. It is sent only to the server.
        </Text>
        <datalist id={list}>
          {models?.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </datalist>
        <Count name="limit" label="Rows" min={0}>
          0: all with true boxes and no thought.
        </Count>
        <Count name="samples" label="Answers per question" min={1} max={64}>
          More find a right answer to harder rows.
        </Count>
      </div>
      <label className="thoughts-flag" htmlFor={again}>
        <input
          id={again}
          type="checkbox"
          checked={form.rationalise}
          onChange={(event) => edit({ rationalise: event.target.checked })}
        />{' '}
        Ask again with the true boxes where no answer is right. The hint is not learned, and a thought that gives it
        away is dropped.
      </label>
      <details>
        <summary>Sampling, filters, words before the question</summary>
        <div className="thoughts-fields">
          <Count name="temperature" label="Temperature" min={0} max={2} step={0.1} />
          <Count name="maxTokens" label="Longest answer, in tokens" min={16} />
          <Count name="concurrency" label="Questions at once" min={1} max={64}>
            Groundwork lowers this when the server says that it gets too many.
          </Count>
          <Count name="thoughtsPerRow" label="Thoughts per row" min={1} max={64}>
            Further ones become rows of the saved dataset.
          </Count>
          <Count name="iouThreshold" label="Right from IoU" min={0} max={1} step={0.05} />
          <Count name="minThoughtWords" label="Shortest thought, in words" min={0} />
          <Count name="maxThoughtWords" label="Longest thought, in words" min={1} />
          <div className="stacked">
            <label htmlFor={space}>Its coordinates</label>
            <select
              id={space}
              value={form.space}
              onChange={(event) => edit({ space: event.target.value as Form['space'] })}
            >
              {TEACHER_SPACES.map((key) => (
                <option key={key} value={key}>
                  {SPACE_NAMES[key]}
                </option>
              ))}
            </select>
          </div>
        </div>
        <div className="stacked">
          <label htmlFor={system}>System text</label>
          <textarea
            id={system}
            rows={2}
            value={form.system}
            onChange={(event) => edit({ system: event.target.value })}
          />
        </div>
      </details>
      <div className="button-row">
        <button type="submit" className="button primary" disabled={busy || form.endpoint.trim() === ''}>
          <Icon name="play" /> Ask the teacher…
        </button>
        <span className="muted">You see what would leave this machine before anything does.</span>
      </div>
    </form>
  );
}

function Text({ name, ...field }: Omit<TextFieldProps, 'value' | 'onValue'> & { readonly name: TextName }) {
  const value = useThoughts((thoughts) => thoughts.form[name]);
  const edit = useThoughts((thoughts) => thoughts.edit);
  return <TextField {...field} value={value} onValue={(text) => edit({ [name]: text })} />;
}

interface CountProps {
  readonly name: NumberName;
  readonly label: string;
  readonly min: number;
  readonly max?: number;
  readonly step?: number;
  readonly children?: ReactNode;
}

function Count({ name, label, min, max = 1e6, step = 1, children }: CountProps) {
  const value = useThoughts((thoughts) => thoughts.form[name]);
  const edit = useThoughts((thoughts) => thoughts.edit);
  const id = useId();
  return (
    <div className="stacked">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        type="number"
        inputMode="decimal"
        {...{ min, max, step, value }}
        aria-describedby={children ? `${id}-hint` : undefined}
        onChange={(event) => {
          const next = event.target.valueAsNumber;
          if (Number.isFinite(next))
            edit({ [name]: Math.min(max, Math.max(min, step === 1 ? Math.round(next) : next)) });
        }}
      />
      {children && (
        <small id={`${id}-hint`} className="muted">
          {children}
        </small>
      )}
    </div>
  );
}
