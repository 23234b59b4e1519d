/** Kept adapters as one: which, with what weight and how; and what came of it, held against its parts. */
import { useState } from 'react';
import { COMBINATIONS, type Combination, type CombinationKind } from '../../../engine/presets.ts';
import type { AdapterReport, MergeReport } from '../../../engine/protocol/index.ts';
import { useAdapters } from '../../state/studio.ts';
import { NumberInput } from '../recipe/number-input.tsx';

const KINDS = Object.keys(COMBINATIONS) as CombinationKind[];

export function MergeForm({ adapters, disabled }: { adapters: readonly AdapterReport[]; disabled: boolean }) {
  const merge = useAdapters((shelf) => shelf.merge);
  const [weights, setWeights] = useState<Readonly<Record<string, number>>>({});
  const [kind, setKind] = useState<CombinationKind>('cat');
  const [density, setDensity] = useState(0.5);
  const [rank, setRank] = useState(0);
  const rule: Combination = COMBINATIONS[kind];
  const parts = adapters.flatMap(({ id, name }) => (weights[id] ? [{ id, name, weight: weights[id] }] : []));
  const submit = () =>
    merge({
      name: parts.map(({ name }) => name).join(' + '),
      parts: parts.map(({ id, weight }) => ({ id, weight })),
      kind,
      density,
      rank: rank > 0 ? rank : null,
    });
  return (
    <details className="merge-form">
      <summary>Merge adapters</summary>
      <p className="muted">
        Give the adapters that go in a weight. A negative weight subtracts, and 0 leaves it out. The result is kept as
        one more adapter.
      </p>
      <table>
        <thead>
          <tr>
            <th scope="col">Adapter</th>
            <th scope="col">Weight</th>
          </tr>
        </thead>
        <tbody>
          {adapters.map(({ id, name }) => (
            <tr key={id}>
              <td>{name}</td>
              <td>
                <NumberInput
                  value={weights[id] ?? 0}
                  min={-100}
                  max={100}
                  integer={false}
                  label={`Weight of ${name}`}
                  onChange={(weight) => setWeights({ ...weights, [id]: weight })}
                />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className="merge-settings">
        <label>
          <span>Method</span>
          <select value={kind} onChange={(event) => setKind(event.target.value as CombinationKind)}>
            {KINDS.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        {rule.drops && (
          <span className="merge-setting">
            <span>Density</span>
            <NumberInput value={density} min={0.001} max={1} integer={false} label="Density" onChange={setDensity} />
          </span>
        )}
        {rule.works === 'change' && (
          <span className="merge-setting">
            <span>Rank (0: the largest)</span>
            <NumberInput value={rank} min={0} max={4096} integer label="Rank" onChange={setRank} />
          </span>
        )}
        <button
          type="button"
          className="button"
          disabled={disabled || parts.length === 0}
          onClick={() => void submit()}
        >
          Merge
        </button>
      </p>
      <p className="muted">{`${rule.summary[0]!.toUpperCase()}${rule.summary.slice(1)}.`}</p>
    </details>
  );
}

const shown = (cosine: number | null): string => (cosine === null ? '–' : cosine.toFixed(2).replace('-', '−'));

/** The result against its parts, to be looked at before it is exported. */
export function MergeTable({ merge: { kind, norm, parts, oddest } }: { merge: MergeReport }) {
  return (
    <details className="merge-table">
      <summary>Compare with its parts</summary>
      <table className="num">
        <caption className="muted">
          {`Merged by ${kind}. A cosine of 1 points where the result points, 0 is sideways, −1 is against it.`}
        </caption>
        <thead>
          <tr>
            <th scope="col">Part</th>
            <th scope="col">Weight</th>
            <th scope="col">Length of its change</th>
            <th scope="col">Cosine with the result</th>
          </tr>
        </thead>
        <tbody>
          {parts.map((part) => (
            <tr key={part.name}>
              <td>{part.name}</td>
              <td>{String(Number(part.weight.toPrecision(6))).replace('-', '−')}</td>
              <td>{part.norm.toPrecision(3)}</td>
              <td>{shown(part.cosine)}</td>
            </tr>
          ))}
          <tr>
            <td>Result</td>
            <td>–</td>
            <td>{norm.toPrecision(3)}</td>
            <td>–</td>
          </tr>
        </tbody>
      </table>
      <p className="muted">It differs most from its parts in:</p>
      <ul className="num adapter-keys">
        {oddest.map(({ module, cosines }) => (
          <li key={module}>{`${module}: ${cosines.map(shown).join(', ')}`}</li>
        ))}
      </ul>
    </details>
  );
}
