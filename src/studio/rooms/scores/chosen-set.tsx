/** Which model's answers a view of scores is of. */
import { useState, type ReactNode } from 'react';
import type { BenchmarkResult, SetScores } from '../../../engine/protocol/index.ts';

/** The chosen set, the last one at first, and the control that chooses it. */
export function useChosenSet({ sets }: BenchmarkResult): [set: SetScores, choice: ReactNode] {
  const [chosen, setChosen] = useState<string | null>(null);
  const set = sets.find(({ id }) => id === chosen) ?? sets.at(-1)!;
  return [
    set,
    <label key="choice" className="stacked">
      <span>Model</span>
      <select value={set.id} onChange={(event) => setChosen(event.target.value)}>
        {sets.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
    </label>,
  ];
}
