/** A few choices side by side: native radio buttons, drawn as one bar. */
import { useId } from 'react';

interface ChoiceProps<T extends string> {
  readonly label: string;
  readonly choices: readonly { readonly key: T; readonly title: string }[];
  readonly selected: T;
  readonly onSelect: (key: T) => void;
}

export function Choice<T extends string>({ label, choices, selected, onSelect }: ChoiceProps<T>) {
  const name = useId();
  return (
    <fieldset className="choice">
      <legend className="visually-hidden">{label}</legend>
      {choices.map(({ key, title }) => (
        <label key={key}>
          <input type="radio" name={name} value={key} checked={key === selected} onChange={() => onSelect(key)} />
          <span>{title}</span>
        </label>
      ))}
    </fieldset>
  );
}
