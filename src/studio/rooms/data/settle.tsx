/** What only the user can say, before a run may start: how boxes are to be read, and that rows are to be skipped. */
import { useState } from 'react';
import type { DatasetReport } from '../../../engine/protocol/index.ts';
import { useProject, useStudio } from '../../state/studio.ts';
import { plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';

export function Settle({
  dataset,
  onShow,
}: {
  readonly dataset: DatasetReport;
  readonly onShow: (tab: string) => void;
}) {
  const { client } = useStudio();
  const reread = useProject((project) => project.reread);
  const [busy, setBusy] = useState(false);
  const skip = async () => {
    setBusy(true);
    const skipped = await client.request({ type: 'skipped', dataset: dataset.id }).catch(() => null);
    if (skipped) await reread({ ...dataset.options, skipped });
    setBusy(false);
  };
  const conventions = dataset.questions.filter((question) => question.kind === 'convention');
  const skips = dataset.questions.find((question) => question.kind === 'skip');
  return (
    <section className="settle" aria-label="To settle before a run">
      {conventions.length > 0 && (
        <div>
          <Icon name="alert" />
          <p>
            <b>How are the boxes to be read?</b> {files(conventions.map(({ file }) => file))} not say.{' '}
            {sentence(conventions[0]!.words)} is a guess. Wrong coordinates train a wrong model.
          </p>
          <button type="button" className="button primary" onClick={() => onShow('coordinates')}>
            Look and confirm
          </button>
        </div>
      )}
      {skips && (
        <div>
          <Icon name="alert" />
          <p>
            <b>{plural(skips.rows, 'row')} cannot be used.</b> The others are kept. Mend{' '}
            {skips.rows === 1 ? 'it' : 'them'} and open the dataset again, or skip {skips.rows === 1 ? 'it' : 'them'}; a
            run records which and why.
          </p>
          <button type="button" className="button" onClick={() => onShow('issues')}>
            See why
          </button>
          <button type="button" className="button primary" disabled={busy} onClick={() => void skip()}>
            Skip {plural(skips.rows, 'row')}
          </button>
        </div>
      )}
    </section>
  );
}

/** “a.jsonl does”, “a.jsonl and 2 other files do”. */
function files(names: readonly string[]): string {
  const others = new Set(names).size - 1;
  return others === 0 ? `${names[0]} does` : `${names[0]} and ${plural(others, 'other file')} do`;
}

const sentence = (words: string): string => words[0]!.toUpperCase() + words.slice(1);
