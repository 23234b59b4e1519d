/** What only the user can say, before a run may start: how boxes are to be read, and that rows are to be skipped. */
import { useEffect, useState } from 'react';
import type {
  DatasetReport,
  LedgerKey,
  SaidBenchmark,
  UnfitRow,
  UnsaidPictures,
} from '../../../engine/protocol/index.ts';
import { useProject, useStudio } from '../../state/studio.ts';
import { plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import type { FileAndWay } from './conventions-view.tsx';

/** Files that are asked about at a time. */
const ASKED_AT_ONCE = 4;

const PLACES: readonly { readonly as: UnsaidPictures['as']; readonly title: string }[] = [
  { as: 'first', title: 'In the first' },
  { as: 'last', title: 'In the last' },
  { as: 'leave-out', title: 'Leave them out' },
];

/** Rows that the loaded model cannot take; none while either is missing. */
export function useUnfitRows(dataset: DatasetReport | null): readonly UnfitRow[] {
  const { client, project } = useStudio();
  const model = useProject((state) => state.model);
  const [found, setFound] = useState<{ readonly of: string; readonly rows: readonly UnfitRow[] } | null>(null);
  const of = dataset && model ? `${dataset.id} ${model.digest}` : null;
  const id = dataset?.id;
  useEffect(() => {
    if (of === null || id === undefined) return;
    let live = true;
    void project
      .getState()
      .attempt('unfit rows', () => client.request({ type: 'unfit-rows', dataset: id }))
      .then((rows) => live && rows && setFound({ of, rows }));
    return () => void (live = false);
  }, [client, project, of, id]);
  return found !== null && found.of === of ? found.rows : [];
}

/** Rows named of those that the model cannot take. */
const NAMED = 3;

export function UnfitRows({ dataset, rows }: { readonly dataset: DatasetReport; readonly rows: readonly UnfitRow[] }) {
  const reread = useProject((project) => project.reread);
  const busy = useProject((project) => project.loading !== null);
  return (
    <section className="settle" aria-label="Rows that the model cannot take">
      <div>
        <Icon name="alert" />
        <p>
          <b>The model cannot take {plural(rows.length, 'row')}.</b> {rows[0]!.fix} A run does not start with{' '}
          {rows.length === 1 ? 'it' : 'them'}.{' '}
          {rows.slice(0, NAMED).map(({ file, line, reason }) => (
            <span key={`${file} ${line}`} className="unfit num">
              {file}:{line}: {reason}
            </span>
          ))}
          {rows.length > NAMED && <span className="unfit">and {plural(rows.length - NAMED, 'other row')}</span>}
        </p>
        <button
          type="button"
          className="button"
          disabled={busy}
          onClick={() => void reread({ ...dataset.options, unfit: [...(dataset.options.unfit ?? []), ...rows] })}
        >
          Leave {rows.length === 1 ? 'it' : 'them'} out
        </button>
      </div>
    </section>
  );
}

export function Settle({
  dataset,
  onIssues,
  onCoordinates,
  onRows,
}: {
  readonly dataset: DatasetReport;
  readonly onIssues: () => void;
  readonly onCoordinates: (of: FileAndWay) => void;
  readonly onRows: (done: LedgerKey) => void;
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
  const pictures = dataset.questions.filter((question) => question.kind === 'picture');
  const place = async (file: string, as: UnsaidPictures['as']) => {
    setBusy(true);
    const others = (dataset.options.unsaidPictures ?? []).filter((each) => each.file !== file);
    await reread({ ...dataset.options, unsaidPictures: [...others, { file, as }] });
    setBusy(false);
  };
  const likenesses = dataset.questions.filter((question) => question.kind === 'benchmark');
  const say = async (file: string, as: SaidBenchmark['as']) => {
    setBusy(true);
    const others = (dataset.options.benchmarks ?? []).filter((each) => each.file !== file);
    await reread({ ...dataset.options, benchmarks: [...others, { file, as }] });
    setBusy(false);
  };
  const skips = dataset.questions.find((question) => question.kind === 'skip');
  return (
    <section className="settle" aria-label="To decide before a run">
      {conventions.slice(0, ASKED_AT_ONCE).map(({ file, way, words }) => (
        <div key={`${file} ${way}`}>
          <Icon name="alert" />
          <p>
            <b>How should the boxes of {file} be read?</b> The file does not say. {sentence(words)} is a guess. Wrong
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
      {likenesses.slice(0, ASKED_AT_ONCE).map(({ file, title, rows }) => (
        <div key={file}>
          <Icon name="alert" />
          <p>
            <b>
              {rows === 1 ? 'Is a row' : `Are ${plural(rows, 'row')}`} of {file} from {title}?
            </b>{' '}
            {rows === 1 ? 'It looks' : 'They look'} like it, and could be your own. A benchmark is never trained on:
            until you say it, {rows === 1 ? 'it is' : 'they are'} held out.
          </p>
          <button type="button" className="button" disabled={busy} onClick={() => void say(file, 'benchmark')}>
            The benchmark
          </button>
          <button type="button" className="button" disabled={busy} onClick={() => void say(file, 'own')}>
            My own rows
          </button>
        </div>
      ))}
      {pictures.slice(0, ASKED_AT_ONCE).map(({ file, rows }) => (
        <div key={file}>
          <Icon name="alert" />
          <p>
            <b>In which picture do the boxes of {file} lie?</b> {plural(rows, 'row')} {rows === 1 ? 'has' : 'have'}{' '}
            several pictures and {rows === 1 ? 'does' : 'do'} not say it. A box in the wrong picture trains a wrong
            model.
          </p>
          <button type="button" className="button" onClick={() => onRows('picture-guessed')}>
            Look
          </button>
          {PLACES.map(({ as, title }) => (
            <button key={as} type="button" className="button" disabled={busy} onClick={() => void place(file, as)}>
              {title}
            </button>
          ))}
        </div>
      ))}
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
