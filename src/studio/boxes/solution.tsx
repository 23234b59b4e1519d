/** The boxes of a row's solution as words, in fractions, in the numbers of its file, or in those of the model. */
import { useEffect, useState } from 'react';
import { useStore } from 'zustand';
import type { BoxNumbers, Row } from '../../engine/protocol/index.ts';
import { NUMBERS, numbersShown, type NumbersShown } from '../state/box-numbers.ts';
import { useProject, useRecipe, useStudio } from '../state/studio.ts';
import { Choice } from '../ui/choice.tsx';
import { BoxChip } from '../ui/segments.tsx';

const TITLES: Record<NumbersShown, string> = { fractions: 'Fractions', file: 'As in the file', model: 'As the model' };

const MISSING: Record<Exclude<NumbersShown, 'fractions'>, string> = {
  file: 'This row’s file gives no such numbers, or the row was edited. Fractions are shown.',
  model: 'Load a model to see the numbers that it writes. Fractions are shown.',
};

export function Solution({ dataset, row }: { readonly dataset: string; readonly row: Row }) {
  const shown = useStore(numbersShown, (store) => store.shown);
  const show = useStore(numbersShown, (store) => store.show);
  const numbers = useNumbers(dataset, row, shown);
  if (row.solution.length === 0) return <p className="muted">No box: not a grounding row.</p>;
  const asked = shown === 'fractions' ? null : numbers && numbers[shown];
  return (
    <>
      <Choice
        label="Numbers of the boxes"
        choices={NUMBERS.map((key) => ({ key, title: TITLES[key] }))}
        selected={shown}
        onSelect={show}
      />
      {shown !== 'fractions' && numbers && !asked && <p className="muted">{MISSING[shown]}</p>}
      <ul className="chips" aria-label="Boxes of the solution">
        {row.solution.map((box, i) => (
          <li key={i}>
            <BoxChip box={box} numbers={asked?.[i]} />
          </li>
        ))}
      </ul>
    </>
  );
}

function useNumbers(dataset: string, row: Row, shown: NumbersShown): BoxNumbers | null {
  const { client, project } = useStudio();
  const model = useProject((state) => state.model?.digest);
  const pictures = useRecipe((editor) => editor.recipe.pictures);
  const [found, setFound] = useState<{ readonly of: Row; readonly numbers: BoxNumbers } | null>(null);
  useEffect(() => {
    if (shown === 'fractions') return;
    let live = true;
    void project
      .getState()
      .attempt('numbers of boxes', () => client.request({ type: 'box-numbers', dataset, rowId: row.id, pictures }))
      .then((numbers) => live && numbers && setFound({ of: row, numbers }));
    return () => void (live = false);
  }, [client, project, dataset, row, shown, model, pictures]);
  return found?.of === row ? found.numbers : null;
}
