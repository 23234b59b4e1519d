/** How the rows are asked: system text, form of the answer, names of the pictures; for all of them and by task. */
import { useState } from 'react';
import {
  ANSWER_FORMS,
  askedHow,
  PROMPT,
  PROMPT_SCHEMA,
  PROMPT_TEMPLATES,
  type AskedHow,
  type PromptSettings,
} from '../../../engine/presets.ts';
import { useProject, useRecipe } from '../../state/studio.ts';
import { Icon } from '../../ui/icon.tsx';
import { NumberInput } from './number-input.tsx';
import { SettingLine } from './setting-line.tsx';

const FORM_WORDS: Readonly<Record<AskedHow['answerForm'], string>> = {
  'as-written': 'As the row is written',
  think: 'Think, then answer',
  answer: 'Answer only',
  mix: 'A mix of both',
};

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

export function PromptView() {
  const prompt = useRecipe((editor) => editor.recipe.prompt ?? null);
  const ask = useRecipe((editor) => editor.ask);
  return (
    <div className="prompt-view">
      <p className="muted">
        These words are put around every row: where it is learned, sampled, evaluated, and in the snippets of Export.
        The rows stay as they are.
      </p>
      <div className="presets" role="group" aria-label="Prompts to start from">
        <div className="preset-group">
          {PROMPT_TEMPLATES.map(({ title, prompt: template }) => (
            <button
              key={title}
              type="button"
              className="preset"
              aria-pressed={same(template, prompt)}
              onClick={() => ask(template)}
            >
              {title}
            </button>
          ))}
        </div>
      </div>
      {prompt === null ? (
        <p>Rows are asked exactly as they are written.</p>
      ) : (
        <>
          <AskedFields label="All rows" how={prompt} onChange={(part) => ask({ ...prompt, ...part })} />
          <Tasks prompt={prompt} onChange={ask} />
        </>
      )}
    </div>
  );
}

function Tasks({
  prompt,
  onChange,
}: {
  readonly prompt: PromptSettings;
  readonly onChange: (prompt: PromptSettings) => void;
}) {
  const known = useProject((project) => project.dataset?.tasks);
  const [chosen, setChosen] = useState('');
  const tasks = prompt.tasks ?? {};
  const free = Object.keys(known ?? {}).filter((task) => !Object.hasOwn(tasks, task));
  const put = (next: NonNullable<PromptSettings['tasks']>) => {
    const { tasks: _, ...all } = prompt;
    onChange(Object.keys(next).length > 0 ? { ...all, tasks: next } : all);
  };
  const task = free.includes(chosen) ? chosen : free[0];
  return (
    <>
      {Object.entries(tasks).map(([name, own]) => (
        <AskedFields
          key={name}
          label={nameOf(name)}
          how={askedHow(prompt, name)}
          onChange={(part) => put({ ...tasks, [name]: { ...own, ...part } })}
          onRemove={() => put(Object.fromEntries(Object.entries(tasks).filter(([other]) => other !== name)))}
        />
      ))}
      {task !== undefined && (
        <div className="button-row">
          <label className="prompt-task">
            <span>Ask in another way for</span>
            <select value={task} onChange={(event) => setChosen(event.target.value)}>
              {free.map((each) => (
                <option key={each} value={each}>
                  {nameOf(each)}
                </option>
              ))}
            </select>
          </label>
          <button
            type="button"
            className="button small"
            onClick={() => put({ ...tasks, [task]: { answerForm: prompt.answerForm } })}
          >
            <Icon name="plus" /> Add
          </button>
        </div>
      )}
    </>
  );
}

const nameOf = (task: string): string => task || 'rows without a task';

function AskedFields({
  label,
  how,
  onChange,
  onRemove,
}: {
  readonly label: string;
  readonly how: AskedHow;
  readonly onChange: (part: Partial<AskedHow>) => void;
  readonly onRemove?: () => void;
}) {
  const { answerForm } = how;
  const [thinks, answers] = [
    answerForm === 'think' || answerForm === 'mix',
    answerForm === 'answer' || answerForm === 'mix',
  ];
  return (
    <section className="prompt-part" aria-label={label}>
      <div className="prompt-part-head">
        <h2 className="minor">{label}</h2>
        {onRemove && (
          <button type="button" className="button small" onClick={onRemove}>
            <Icon name="trash" /> Ask as all rows<span className="visually-hidden">: {label}</span>
          </button>
        )}
      </div>
      <div className="fields">
        <SettingLine
          title="Answer form"
          name="answerForm"
          help="What an answer is asked to be. The format rewards judge by it. In a mix the form of a row depends on the seed and the row alone, so it never changes."
        >
          {(helpId) => (
            <select
              value={answerForm}
              aria-label={`Answer form, ${label}`}
              aria-describedby={helpId}
              onChange={(event) => onChange({ answerForm: event.target.value as AskedHow['answerForm'] })}
            >
              {ANSWER_FORMS.map((form) => (
                <option key={form} value={form}>
                  {FORM_WORDS[form]}
                </option>
              ))}
            </select>
          )}
        </SettingLine>
        {answerForm === 'mix' && (
          <SettingLine
            title="Share that thinks"
            name="thinkShare"
            help="From 0 to 1. Rows without a thought cannot teach to think: where they are learned, they are asked for the answer."
          >
            {(helpId) => (
              <NumberInput
                value={how.thinkShare}
                min={0}
                max={1}
                integer={false}
                label={`Share that thinks, ${label}`}
                describedBy={helpId}
                onChange={(thinkShare) => onChange({ thinkShare })}
              />
            )}
          </SettingLine>
        )}
        <SettingLine
          title="Name of each picture"
          name="pictureName"
          help="Stands before each picture, {n} being its number. A picture that has this name already does not get it twice. Empty: no name."
        >
          {(helpId) => (
            <input
              type="text"
              value={how.pictureName}
              maxLength={PROMPT_SCHEMA.pictureName.most}
              placeholder="Image-{n}: "
              aria-label={`Name of each picture, ${label}`}
              aria-describedby={helpId}
              onChange={(event) => onChange({ pictureName: event.target.value })}
            />
          )}
        </SettingLine>
      </div>
      <Words
        label={label}
        title="System text"
        name="system"
        help="Stands before the conversation, and before a system text of the row’s own. Empty: the row’s own, or the model’s."
        value={how.system}
        most={PROMPT_SCHEMA.system.most}
        onChange={(system) => onChange({ system })}
      />
      {thinks && (
        <Words
          label={label}
          title="Words for thinking first"
          name="thinkWords"
          help={BOXES_HELP}
          value={how.thinkWords}
          most={PROMPT_SCHEMA.thinkWords.most}
          usual={PROMPT.thinkWords}
          onChange={(thinkWords) => onChange({ thinkWords })}
        />
      )}
      {answers && (
        <Words
          label={label}
          title="Words for the answer only"
          name="answerWords"
          help={BOXES_HELP}
          value={how.answerWords}
          most={PROMPT_SCHEMA.answerWords.most}
          usual={PROMPT.answerWords}
          onChange={(answerWords) => onChange({ answerWords })}
        />
      )}
    </section>
  );
}

const BOXES_HELP = 'Added to the question. {boxes} becomes an example of how the model writes boxes. Empty: no words.';

function Words({
  label,
  title,
  name,
  help,
  value,
  most,
  usual,
  onChange,
}: {
  readonly label: string;
  readonly title: string;
  readonly name: string;
  readonly help: string;
  readonly value: string;
  readonly most: number;
  readonly usual?: string;
  readonly onChange: (value: string) => void;
}) {
  return (
    <SettingLine title={title} name={name} help={help}>
      {(helpId) => (
        <span className="prompt-words">
          <textarea
            rows={3}
            maxLength={most}
            aria-label={`${title}, ${label}`}
            aria-describedby={helpId}
            value={value}
            onChange={(event) => onChange(event.target.value)}
          />
          {usual !== undefined && value !== usual && (
            <button type="button" className="link" onClick={() => onChange(usual)}>
              The usual words
              <span className="visually-hidden">
                : {title}, {label}
              </span>
            </button>
          )}
        </span>
      )}
    </SettingLine>
  );
}
