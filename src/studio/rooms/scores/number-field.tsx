/** A whole number from 0, taken over when it is one. */
import { useState } from 'react';

interface NumberFieldProps {
  readonly label: string;
  readonly value: number;
  readonly onChange: (value: number) => void;
}

const isWhole = (text: string): boolean => /^\d{1,7}$/.test(text.trim());

export function NumberField({ label, value, onChange }: NumberFieldProps) {
  const [text, setText] = useState(String(value));
  return (
    <label className="stacked number-field">
      <span>{label}</span>
      <input
        type="text"
        inputMode="numeric"
        value={text}
        aria-invalid={!isWhole(text) || undefined}
        onChange={({ target }) => {
          setText(target.value);
          if (isWhole(target.value)) onChange(Number(target.value));
        }}
      />
    </label>
  );
}
