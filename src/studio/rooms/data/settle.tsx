/** What only the user can say, before a run may start: how boxes are to be read, and that rows are to be skipped. */
import { useState } from 'react';
import type { DatasetReport } from '../../../engine/protocol/index.ts';
import { useProject, useStudio } from '../../state/studio.ts';
import { plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import type { FileAndWay } from './conventions-view.tsx';

/** Files that are asked about at a time. */
const ASKED_AT_ONCE = 4;

export function Settle({
  dataset,
  onIssues,
  onCoordinates,
}: {
  readonly dataset: DatasetReport;
  readonly onIssues: () => void;
  readonly onCoordinates: (of: FileAndWay) => void;
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
    <section className="settle" aria-label="To decide before a run">
      {conventions.slice(0, ASKED_AT_ONCE).map(({ file, way, words }) => (
        <div key={`${file} ${way}`}>
          <Icon name="alert" />
          <p>
            <b>How should the boxes of {file} be read?</b> It does not say. {sentence(words)} is a guess. Wrong
            coordinates train a wrong model.
          </p>
          <button type="button" className="button primary" onClick={() => onCoordinates({ file, way })}>
            Check and confirm
          </button>
        </div>
      ))}
      {conventions.length > ASKED_AT_ONCE && (
        <p className="muted">
          {plural(conventions.length - ASKED_AT_ONCE, 'other question')} of this kind will follow, each about one file.
        </p>
      )}
      {skips && (
        <div>
          <Icon name="alert" />
          <p>
            <b>{plural(skips.rows, 'row')} cannot be used.</b> The others are kept. Correct{' '}
            {skips.rows === 1 ? 'it' : 'them'} and open the dataset again, or skip {skips.rows === 1 ? 'it' : 'them'}. A
            run records which rows and why.
          </p>
          <button type="button" className="button" onClick={onIssues}>
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

const sentence = (words: string): string => words[0]!.toUpperCase() + words.slice(1);
