/** Where answers go wrong: kinds by task, each cell a gallery; accuracy by what a row is like; what a model prefers. */
import { useChosenSet } from './chosen-set.tsx';
import { useLocation } from 'wouter';
import { OUTCOMES } from '../../../engine/protocol/outcomes.ts';
import type { BenchmarkResult, Bin, SetScores } from '../../../engine/protocol/index.ts';
import { useScores } from '../../state/studio.ts';
import { SWAP_VERDICTS, SWAP_WORDS } from '../../../grounding/picture-swap.ts';
import { count, plural, ratio } from '../../ui/format.ts';
import { range, share } from './figures.ts';
import { ThresholdCurve } from './threshold-curve.tsx';

export function FailuresView({ results }: { readonly results: readonly BenchmarkResult[] }) {
  if (results.length === 0) return <p className="room-wait">Evaluate a model first. Then its failures are here.</p>;
  return (
    <div className="score-sections">
      {results.map((result) => (
        <Failures key={result.about.title} result={result} />
      ))}
    </div>
  );
}

function Failures({ result }: { readonly result: BenchmarkResult }) {
  const [set, choice] = useChosenSet(result);
  const pair = result.pairs.find((each) => each.set === set.id);
  const title = result.about.name === null ? 'Held-out rows' : result.about.title;
  const open = useGallery(set);
  return (
    <section className="score-section" aria-label={`Failures on ${title}`}>
      <div className="reading-head">
        <h2>{title}</h2>
        {choice}
      </div>
      {set.failures.tasks.length === 0 ? (
        <p className="note">
          These answers have no strict reading, because the coordinates of their boxes are not known.
        </p>
      ) : (
        <>
          <Grid set={set} onRows={open} />
          {pair && (
            <div className="button-row">
              {(
                [
                  ['gained', pair.gained],
                  ['lost', pair.lost],
                ] as const
              ).map(([word, rows]) => (
                <button
                  key={word}
                  type="button"
                  className="button small"
                  disabled={rows.length === 0}
                  onClick={() => open(`${word} against ${pair.before}`, rows)}
                >
                  {plural(rows.length, 'row')} {word} against {pair.before}
                </button>
              ))}
            </div>
          )}
          <HoldTogether set={set} onRows={open} />
          {set.traits.n > 0 && <Traits result={result} set={set} onRows={open} />}
        </>
      )}
    </section>
  );
}

type OnRows = (words: string, rows: readonly string[]) => void;

/** Opens Inspect on some rows, with the answers of the set over them. */
function useGallery(set: SetScores): OnRows {
  const select = useScores((scores) => scores.select);
  const [, go] = useLocation();
  return (words, rowIds) => {
    select(set.id, { words: `${set.name}: ${words}`, rowIds });
    go('/inspect');
  };
}

function Grid({ set, onRows }: { readonly set: SetScores; readonly onRows: OnRows }) {
  const { kinds, tasks } = set.failures;
  return (
    <div className="scroll-table" tabIndex={0} role="region" aria-label={`Answers of ${set.name} by what came of them`}>
      <table className="grid">
        <thead>
          <tr>
            <th scope="col">Task</th>
            <th scope="col">n</th>
            {kinds.map((kind) => (
              <th key={kind} scope="col">
                {OUTCOMES[kind]}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {tasks.map(({ task, n, rows }) => (
            <tr key={task}>
              <th scope="row">{task || 'no task'}</th>
              <td className="num">{count(n)}</td>
              {kinds.map((kind) => {
                const ids = rows[kind] ?? [];
                const words = `${task || 'no task'}, ${OUTCOMES[kind]}`;
                return (
                  <td key={kind}>
                    {ids.length > 0 && (
                      <button
                        type="button"
                        className="cell num"
                        data-good={kind === 'right' || undefined}
                        style={{ '--share': ids.length / n } as React.CSSProperties}
                        aria-label={`${words}: ${plural(ids.length, 'row')}. Show them`}
                        onClick={() => onRows(words, ids)}
                      >
                        {count(ids.length)} <span className="muted">{Math.round((100 * ids.length) / n)} %</span>
                      </button>
                    )}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Traits({
  result,
  set,
  onRows,
}: {
  readonly result: BenchmarkResult;
  readonly set: SetScores;
  readonly onRows: OnRows;
}) {
  const { size, pictures, place, places, areaRatio } = set.traits;
  return (
    <div className="traits">
      <ThresholdCurve sets={result.sets} />
      <Bars title="Acc@0.5 by size of the right box" bins={size} onRows={onRows} />
      <Bars title="Acc@0.5 by number of pictures" bins={pictures} onRows={onRows} />
      <Bars title="Acc@0.5 by place of the right picture" bins={place} onRows={onRows} />
      {places.length > 1 && (
        <figure className="trait">
          <figcaption>Which picture: right, and given</figcaption>
          <div className="scroll-table" tabIndex={0} role="region" aria-label="Right and given pictures">
            <table>
              <thead>
                <tr>
                  <th scope="col">Place</th>
                  <th scope="col">Right</th>
                  <th scope="col">Given</th>
                  <th scope="col">Difference</th>
                </tr>
              </thead>
              <tbody>
                {places.map(({ name, right, given }) => (
                  <tr key={name}>
                    <th scope="row">{name}</th>
                    <td className="num">{count(right)}</td>
                    <td className="num">{count(given)}</td>
                    <td className="num">
                      {given >= right ? '+' : '−'}
                      {count(Math.abs(given - right))}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </figure>
      )}
      {areaRatio && (
        <figure className="trait">
          <figcaption>Size of the boxes that it gives</figcaption>
          <p>
            In the right picture, half of its boxes have between <b className="num">{share(areaRatio.low)} %</b> and{' '}
            <b className="num">{share(areaRatio.high)} %</b> of the right box’s area; the median is{' '}
            <b className="num">{share(areaRatio.middle)} %</b> (n = {count(areaRatio.n)}).
          </p>
        </figure>
      )}
    </div>
  );
}

/** Whether its answers follow their pictures and their thoughts; what does not opens its rows. */
function HoldTogether({ set, onRows }: { readonly set: SetScores; readonly onRows: OnRows }) {
  const { swap, thought } = set.consistency;
  if (!swap && !thought) return null;
  const rows = (words: string, ids: readonly string[] | undefined) =>
    ids &&
    ids.length > 0 && (
      <button type="button" className="button small" key={words} onClick={() => onRows(words, ids)}>
        {count(ids.length)} {words}
      </button>
    );
  return (
    <section className="trait" aria-label={`Do answers of ${set.name} hold together?`}>
      <h3>Do its answers hold together?</h3>
      {swap && (
        <>
          <p>
            Pictures swapped: <b className="num">{share(swap.held / swap.n)} %</b>{' '}
            <span className="num muted">
              [{range(swap.interval)}] n = {count(swap.n)}
            </span>{' '}
            follow their picture to its new place. {plural(swap.leftOut, 'row')} of several pictures{' '}
            {swap.leftOut === 1 ? 'was' : 'were'} not asked again: the words name a place, or the answer has no box.
          </p>
          <div className="button-row">
            {SWAP_VERDICTS.filter((verdict) => verdict !== 'follows').map((verdict) =>
              rows(SWAP_WORDS[verdict], swap.rows[verdict]),
            )}
          </div>
        </>
      )}
      {thought && (
        <>
          <p>
            Thought and answer: <b className="num">{share(thought.held / thought.n)} %</b>{' '}
            <span className="num muted">
              [{range(thought.interval)}] n = {count(thought.n)}
            </span>{' '}
            are the box that their thought ends with (IoU from 0.5). Mean IoU {ratio(thought.meanIoU)}.
          </p>
          <div className="button-row">{rows('differ from their thought', thought.rows)}</div>
        </>
      )}
    </section>
  );
}

/** Shares with their intervals; each bar opens its rows. */
function Bars({
  title,
  bins,
  onRows,
}: {
  readonly title: string;
  readonly bins: readonly Bin[];
  readonly onRows: OnRows;
}) {
  if (bins.length === 0) return null;
  return (
    <figure className="trait">
      <figcaption>{title}</figcaption>
      <ul className="bars">
        {bins.map(({ name, n, hits, interval, rows }) => (
          <li key={name}>
            <button
              type="button"
              className="bar"
              aria-label={`${title}, ${name}: ${share(hits / n)} per cent of ${plural(n, 'row')}. Show them`}
              onClick={() => onRows(name, rows)}
            >
              <span className="bar-name">{name}</span>
              <span className="bar-track" aria-hidden="true">
                <i
                  className="bar-range"
                  style={{ left: `${100 * interval[0]}%`, right: `${100 - 100 * interval[1]}%` }}
                />
                <i className="bar-point" style={{ left: `${(100 * hits) / n}%` }} />
              </span>
              <span className="num">
                {share(hits / n)}{' '}
                <span className="muted">
                  [{range(interval)}] n={count(n)}
                </span>
              </span>
            </button>
          </li>
        ))}
      </ul>
    </figure>
  );
}
