/** The boxes of a row with their numbers in pixels, their pictures and names, to be chosen and set by hand. */
import { useEffect, useState } from 'react';
import { toNatural } from '../../grounding/convert.ts';
import type { BoxNatural, GroundedBox, Size } from '../../grounding/box.ts';
import { Icon } from '../ui/icon.tsx';
import { withNumber } from './box-geometry.ts';
import type { Draft } from './stage.tsx';

interface BoxListProps {
  readonly boxes: readonly GroundedBox[];
  readonly pictures: number;
  /** Of the picture in view. */
  readonly image: number;
  readonly size: Size | null;
  readonly chosen: number | null;
  readonly draft: Draft | null;
  readonly onChoose: (index: number) => void;
  readonly onSet: (index: number, box: BoxNatural) => void;
  readonly onBox: (index: number, box: GroundedBox) => void;
  readonly onDelete: (index: number) => void;
}

const SIDES = ['Left', 'Top', 'Right', 'Bottom'] as const;
const shortly = (v: number): string => String(Math.round(v * 100) / 100);

export function BoxList(props: BoxListProps) {
  const { boxes, pictures, image, size, chosen, draft } = props;
  if (boxes.length === 0)
    return (
      <p className="note">
        <Icon name="info" /> The answer has no box.
      </p>
    );
  return (
    <ul className="box-list" aria-label="Boxes">
      {boxes.map((box, index) => (
        <li key={index} data-chosen={index === chosen || undefined}>
          <div className="box-list-head">
            <button
              type="button"
              className="button small"
              aria-pressed={index === chosen}
              onClick={() => props.onChoose(index)}
            >
              Box {index + 1}
            </button>
            <select
              aria-label={`Picture of box ${index + 1}`}
              value={box.image}
              onChange={(event) => props.onBox(index, { ...box, image: Number(event.target.value) })}
            >
              {Array.from({ length: pictures }, (_, i) => (
                <option key={i} value={i}>
                  Image {i + 1}
                </option>
              ))}
            </select>
            <Committed
              label={`Name of box ${index + 1}`}
              value={box.label ?? ''}
              placeholder="no name"
              onCommit={(label) => {
                const { label: _, ...rest } = box;
                props.onBox(index, label.trim() === '' ? rest : { ...rest, label: label.trim() });
              }}
            />
            <button
              type="button"
              className="button icon-only"
              aria-label={`Delete box ${index + 1}`}
              onClick={() => props.onDelete(index)}
            >
              <Icon name="trash" />
            </button>
          </div>
          {index === chosen && box.image === image && size && (
            <Numbers
              box={draft?.index === index ? draft.box : toNatural(box.box, size)}
              size={size}
              onSet={(next) => props.onSet(index, next)}
            />
          )}
        </li>
      ))}
    </ul>
  );
}

function Numbers({
  box,
  size,
  onSet,
}: {
  readonly box: BoxNatural;
  readonly size: Size;
  readonly onSet: (box: BoxNatural) => void;
}) {
  return (
    <div className="box-numbers">
      {SIDES.map((side, at) => (
        <label key={side}>
          {side}
          <Committed
            label={`${side}, pixels`}
            value={shortly(box[at as 0])}
            numeric
            onCommit={(text) => {
              const value = Number(text);
              if (text.trim() !== '' && Number.isFinite(value))
                onSet(withNumber(box, at as 0 | 1 | 2 | 3, value, size));
            }}
          />
        </label>
      ))}
    </div>
  );
}

/** A field whose text counts when it is left, or with Enter. */
function Committed({
  label,
  value,
  onCommit,
  placeholder,
  numeric = false,
}: {
  readonly label: string;
  readonly value: string;
  readonly onCommit: (text: string) => void;
  readonly placeholder?: string;
  readonly numeric?: boolean;
}) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const commit = () => {
    if (text !== value) onCommit(text);
    setText(value);
  };
  return (
    <input
      type="text"
      inputMode={numeric ? 'decimal' : 'text'}
      aria-label={label}
      value={text}
      placeholder={placeholder}
      onChange={(event) => setText(event.target.value)}
      onBlur={commit}
      onKeyDown={(event) => event.key === 'Enter' && commit()}
    />
  );
}
