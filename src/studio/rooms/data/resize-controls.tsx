/** With which resize pixels were written: a limit by a slider, or one size for all; boxes follow on the picture beside. */
import type { Resize } from '../../../engine/protocol/index.ts';
import { NumberInput } from '../recipe/number-input.tsx';
import { Choice } from '../../ui/choice.tsx';
import { count } from '../../ui/format.ts';

/** Least and most of the slider, in pixels; steps are alike in proportion. */
const [LEAST, MOST] = [224 * 224, 14 * 14 * 4 * 16384];
const STEPS = 400;
const toSlider = (pixels: number): number => (STEPS * Math.log(pixels / LEAST)) / Math.log(MOST / LEAST);
const fromSlider = (at: number): number => LEAST * (MOST / LEAST) ** (at / STEPS);
/** To patches of 28 × 28, in which limits are given; both ends stay what they are. */
const inPatches = (pixels: number): number => Math.round(pixels / 784) * 784;

type Budget = Extract<Resize, { kind: 'budget' }>;

interface ResizeControlsProps {
  readonly value: Resize;
  /** Limits that the field uses, and those that were fitted to the boxes. */
  readonly known: readonly Resize[];
  readonly onChange: (resize: Resize) => void;
}

const keyOf = (resize: Resize): string => JSON.stringify(Object.entries(resize).sort());

const title = (resize: Resize): string =>
  resize.kind === 'size'
    ? `${resize.width} × ${resize.height}`
    : `${resize.maxPixels === undefined ? 'No limit' : `At most ${count(resize.maxPixels)}`}${resize.factor === 1 ? '' : `, multiples of ${resize.factor}`}`;

export function ResizeControls({ value, known, onChange }: ResizeControlsProps) {
  const isKnown = known.some((each) => keyOf(each) === keyOf(value));
  const start: Budget = { kind: 'budget', factor: 28, minPixels: 56 * 56, maxPixels: 1_003_520 };
  return (
    <div className="resize-controls">
      <Choice
        label="How pictures were resized"
        choices={[
          { key: 'budget', title: 'To a limit' },
          { key: 'size', title: 'To one size' },
        ]}
        selected={value.kind}
        onSelect={(kind) => onChange(kind === 'size' ? { kind, width: 640, height: 640 } : start)}
      />
      <label className="stacked">
        <span>Usual and fitted limits</span>
        <select
          value={isKnown ? keyOf(value) : ''}
          onChange={(event) => {
            const chosen = known.find((each) => keyOf(each) === event.target.value);
            if (chosen) onChange(chosen);
          }}
        >
          {!isKnown && <option value="">Your own: {title(value)}</option>}
          {known.map((each) => (
            <option key={keyOf(each)} value={keyOf(each)}>
              {title(each)}
            </option>
          ))}
        </select>
      </label>
      {value.kind === 'size' ? (
        <div className="files-numbers">
          {(['width', 'height'] as const).map((side) => (
            <div className="stacked" key={side}>
              <span aria-hidden="true">{side === 'width' ? 'Width' : 'Height'}</span>
              <NumberInput
                value={value[side]}
                min={1}
                max={20_000}
                integer
                label={side === 'width' ? 'Width after the resize' : 'Height after the resize'}
                onChange={(n) => onChange({ ...value, [side]: n })}
              />
            </div>
          ))}
        </div>
      ) : (
        <BudgetControls value={value} onChange={onChange} />
      )}
    </div>
  );
}

function BudgetControls({ value, onChange }: { readonly value: Budget; readonly onChange: (resize: Resize) => void }) {
  const { factor, minPixels, maxPixels } = value;
  return (
    <>
      <label className="stacked">
        <span>Largest picture: {maxPixels === undefined ? 'no limit' : `${count(maxPixels)} pixels`}</span>
        <input
          type="range"
          min={0}
          max={STEPS}
          value={toSlider(Math.min(MOST, Math.max(LEAST, maxPixels ?? MOST)))}
          aria-valuetext={maxPixels === undefined ? 'no limit' : `${count(maxPixels)} pixels`}
          onChange={(event) => onChange({ ...value, maxPixels: inPatches(fromSlider(Number(event.target.value))) })}
        />
      </label>
      <div className="files-numbers">
        <div className="stacked">
          <span aria-hidden="true">At most</span>
          <NumberInput
            value={maxPixels ?? MOST}
            min={1}
            max={1e9}
            integer
            label="Largest picture, pixels"
            onChange={(n) => onChange({ ...value, maxPixels: n })}
          />
        </div>
        <div className="stacked">
          <span aria-hidden="true">At least</span>
          <NumberInput
            value={minPixels}
            min={1}
            max={1e9}
            integer
            label="Smallest picture, pixels"
            onChange={(n) => onChange({ ...value, minPixels: n })}
          />
        </div>
        <label className="stacked">
          <span>Multiples of</span>
          <select value={factor} onChange={(event) => onChange({ ...value, factor: Number(event.target.value) })}>
            {[...new Set([1, 14, 28, 32, factor])].map((each) => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </select>
        </label>
      </div>
    </>
  );
}
