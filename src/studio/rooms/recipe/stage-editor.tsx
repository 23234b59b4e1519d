/** The settings of one stage: the few that matter in view, the rest behind one step; each with its TRL or PEFT name. */
import { useId } from 'react';
import type { Stage } from '../../../engine/protocol/index.ts';
import { getAt, setAt } from '../../../engine/presets.ts';
import { fieldsOf, type Field } from '../../recipe/fields.ts';
import { wordsOf } from '../../recipe/kinds/index.ts';
import { useCodeConsent, useRecipe } from '../../state/studio.ts';
import { defaultsOf, same, written, type Defaults } from '../../recipe/defaults.ts';
import { withinSentence } from '../../ui/format.ts';
import { NumberInput } from './number-input.tsx';
import { RewardBench } from './reward-bench.tsx';

export function StageEditor({ stage, index }: { readonly stage: Stage; readonly index: number }) {
  const change = useRecipe((editor) => editor.change);
  const allow = useCodeConsent((consent) => consent.allow);
  const groups = fieldsOf(stage.kind);
  const { name, sentence, without } = wordsOf(stage.kind);
  const essential = groups.flatMap((group) => group.fields.filter((field) => field.essential));
  const line = (field: Field) => (
    <FieldLine
      key={field.path}
      kind={stage.kind}
      field={field}
      value={getAt(stage, field.path)}
      onChange={(value) => {
        // Who writes code here has allowed it.
        if (field.path === 'rewardCode') allow(String(value));
        change(index, setAt(stage, field.path, value));
      }}
    />
  );
  return (
    <div className="stage-editor">
      <div className="stage-editor-head">
        <p className="eyebrow">{name}</p>
        <label>
          <span className="visually-hidden">Name of the stage</span>
          <input
            type="text"
            className="stage-name"
            value={stage.name}
            onChange={(event) => change(index, { ...stage, name: event.target.value })}
          />
        </label>
        <p className="muted">{sentence(stage)}</p>
      </div>
      {essential.length > 0 ? (
        <div className="fields">{essential.map(line)}</div>
      ) : (
        without !== undefined && <p>{without}</p>
      )}
      {stage.kind === 'grpo' && <RewardBench stage={stage} index={index} />}
      {groups.map((group) => {
        const rest = group.fields.filter((field) => !field.essential);
        if (rest.length === 0) return null;
        return (
          <details key={group.title} className="more">
            <summary>
              {group.title} <span className="muted">{rest.map((field) => withinSentence(field.label)).join(', ')}</span>
            </summary>
            <div className="fields">{rest.map(line)}</div>
          </details>
        );
      })}
    </div>
  );
}

function FieldLine({
  kind,
  field,
  value,
  onChange,
}: {
  readonly kind: Stage['kind'];
  readonly field: Field;
  readonly value: unknown;
  readonly onChange: (value: unknown) => void;
}) {
  const id = useId();
  return (
    <div className="field">
      <div className="field-name">
        <span>{field.label}</span>
        <code title={`Its name in ${field.origin}`}>
          {field.origin === 'Groundwork' ? '' : `${field.origin} · `}
          {field.name}
        </code>
      </div>
      <span className="field-input">
        <FieldInput field={field} value={value} helpId={id} onChange={onChange} />
        {field.unit !== undefined && <span className="muted">{field.unit}</span>}
      </span>
      <p className="field-help" id={id}>
        {field.help}
      </p>
      <DefaultLine defaults={defaultsOf(kind, field)} field={field} value={value} onChange={onChange} />
    </div>
  );
}

/** From this length on a text has lines. */
const LONG_TEXT = 4000;

/** What it is when nobody sets it, here and at its namesake. */
function DefaultLine({
  defaults: { ours, theirs },
  field,
  value,
  onChange,
}: {
  readonly defaults: Defaults;
  readonly field: Field;
  readonly value: unknown;
  readonly onChange: (value: unknown) => void;
}) {
  // A list is typed, so it is not set from outside while it may be under the cursor.
  const changed = !same(value, ours) && field.type !== 'modules';
  return (
    <p className="field-default">
      {changed ? (
        <button type="button" className="link" onClick={() => onChange(ours)}>
          Default {written(ours)}
          <span className="visually-hidden">: set {field.label} back to it</span>
        </button>
      ) : (
        <span>{same(value, ours) ? 'Default' : `Default ${written(ours)}`}</span>
      )}
      {theirs !== undefined && (
        <span>
          {field.origin}: {same(theirs, ours) ? 'the same' : written(theirs)}
        </span>
      )}
      {/* Their None: off. What PEFT leaves to the kind of model is told by the field's help. */}
      {theirs === undefined && field.origin !== 'Groundwork' && field.type !== 'modules' && (
        <span>{field.origin}: none</span>
      )}
    </p>
  );
}

function FieldInput({
  field,
  value,
  helpId,
  onChange,
}: {
  readonly field: Field;
  readonly value: unknown;
  readonly helpId: string;
  readonly onChange: (value: unknown) => void;
}) {
  switch (field.type) {
    case 'number':
      return (
        <NumberInput
          value={value as number}
          min={field.min}
          max={field.max}
          integer={field.integer}
          label={field.label}
          describedBy={helpId}
          onChange={onChange}
        />
      );
    case 'flag':
      return (
        <label className="switch">
          <input
            type="checkbox"
            role="switch"
            checked={value as boolean}
            aria-label={field.label}
            aria-describedby={helpId}
            onChange={(event) => onChange(event.target.checked)}
          />
          <span aria-hidden="true">{value ? 'On' : 'Off'}</span>
        </label>
      );
    case 'choice':
      return (
        <select
          value={value as string}
          aria-label={field.label}
          aria-describedby={helpId}
          onChange={(event) => onChange(event.target.value)}
        >
          {field.choices.map((choice) => (
            <option key={choice}>{choice}</option>
          ))}
        </select>
      );
    case 'text':
      return field.most > LONG_TEXT ? (
        <textarea
          className="num wide"
          rows={8}
          spellCheck={false}
          maxLength={field.most}
          aria-label={field.label}
          aria-describedby={helpId}
          value={value as string}
          onChange={(event) => onChange(event.target.value)}
        />
      ) : (
        <input
          type="text"
          className="wide"
          maxLength={field.most}
          aria-label={field.label}
          aria-describedby={helpId}
          value={value as string}
          onChange={(event) => onChange(event.target.value)}
        />
      );
    case 'modules':
      return (
        <input
          type="text"
          className="num wide"
          aria-label={field.label}
          aria-describedby={helpId}
          defaultValue={Array.isArray(value) ? value.join(', ') : String(value)}
          onChange={(event) => onChange(readList(event.target.value))}
        />
      );
  }
}

/** PEFT's rules: names apart by commas are a list; anything else is 'all-linear' or a regular expression. */
export function readList(text: string): string | string[] {
  const trimmed = text.trim();
  if (trimmed === 'all-linear' || /[\\^$*+?()[\]{}|]/.test(trimmed)) return trimmed;
  return trimmed
    .split(/[\s,]+/)
    .map((part) => part.trim())
    .filter(Boolean);
}
