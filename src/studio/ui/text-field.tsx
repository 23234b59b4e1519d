/** A line of text with a label above it and a hint below it; nothing is filled in or corrected for the user. */
import { useId, type ReactNode } from 'react';

export interface TextFieldProps {
  readonly label: string;
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly placeholder: string;
  readonly type?: 'text' | 'password';
  readonly list?: string;
  readonly required?: boolean;
  readonly children?: ReactNode;
}

export function TextField({ label, onValue, children, type = 'text', ...input }: TextFieldProps) {
  const id = useId();
  return (
    <div className="stacked">
      <label htmlFor={id}>{label}</label>
      <input
        {...input}
        id={id}
        type={type}
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        aria-describedby={children ? `${id}-hint` : undefined}
        onChange={(event) => onValue(event.target.value)}
      />
      {children && (
        <small id={`${id}-hint`} className="muted">
          {children}
        </small>
      )}
    </div>
  );
}
