/** A number as text, so that 1e-5 can be typed; only good values leave it. */
import { useEffect, useId, useState } from 'react';

interface NumberInputProps {
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly integer: boolean;
  readonly label: string;
  readonly describedBy?: string;
  readonly onChange: (value: number) => void;
}

const write = (value: number) => (value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential() : String(value));

export function readNumber(
  text: string,
  { min, max, integer }: Pick<NumberInputProps, 'min' | 'max' | 'integer'>,
): number | string {
  const value = Number(text.trim().replace(',', '.'));
  if (text.trim() === '' || Number.isNaN(value)) return 'Not a number';
  if (integer && !Number.isInteger(value)) return 'Enter a whole number';
  if (value < min || value > max) return `From ${min} to ${max}`;
  return value;
}

export function NumberInput({ value, min, max, integer, label, describedBy, onChange }: NumberInputProps) {
  const [text, setText] = useState(write(value));
  const id = useId();
  const read = readNumber(text, { min, max, integer });
  const fault = typeof read === 'string' ? read : null;
  useEffect(
    () => setText((old) => (readNumber(old, { min, max, integer }) === value ? old : write(value))),
    [value, min, max, integer],
  );
  return (
    <span className="number-input">
      <input
        type="text"
        inputMode="decimal"
        className="num"
        aria-label={label}
        aria-invalid={fault !== null}
        aria-describedby={[fault ? id : '', describedBy ?? ''].filter(Boolean).join(' ') || undefined}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          const next = readNumber(event.target.value, { min, max, integer });
          if (typeof next === 'number') onChange(next);
        }}
        onBlur={() => setText(write(value))}
      />
      {fault && (
        <span className="fault" id={id} role="alert">
          {fault}
        </span>
      )}
    </span>
  );
}
