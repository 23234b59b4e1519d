/** Two runs answer by answer: the rows that both were asked in their last evaluations, and what each wrote. */
import { useEffect, useMemo, useState } from 'react';
import type { ComparedRow, EvaluatedRow, RunComparison, RunView } from '../../../engine/protocol/index.ts';
import { Legend, Strip, Swatch } from '../../boxes/strip.tsx';
import type { Layer, Role } from '../../boxes/roles.ts';
import { problemOf, type Problem } from '../../problem.ts';
import { useProject, useStudio } from '../../state/studio.ts';
import { useRow } from '../../state/use-rows.ts';
import { count, plural, ratio, signed } from '../../ui/format.ts';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { BoxChips, Messages } from '../../ui/segments.tsx';
import { VirtualList } from '../../ui/virtual-list.tsx';

interface AnswersComparedProps {
  readonly before: RunView;
  readonly after: RunView;
  readonly names: readonly [before: string, after: string];
}

const HIT = 0.5;
const hit = ({ value }: EvaluatedRow): boolean => value >= HIT;
const change = ({ before, after }: ComparedRow): number => after.value - before.value;

/** Which rows are listed, and how. The greatest change comes first. */
const VIEWS = {
  all: { words: () => 'All rows', takes: () => true },
  gained: {
    words: ([, after]: readonly string[]) => `Hit only by ${after}`,
    takes: ({ before, after }: ComparedRow) => !hit(before) && hit(after),
  },
  lost: {
    words: ([before]: readonly string[]) => `Hit only by ${before}`,
    takes: ({ before, after }: ComparedRow) => hit(before) && !hit(after),
  },
  missed: {
    words: () => 'Missed by both',
    takes: ({ before, after }: ComparedRow) => !hit(before) && !hit(after),
  },
} as const;

export function AnswersCompared({ before, after, names }: AnswersComparedProps) {
  const { client } = useStudio();
  const [compared, setCompared] = useState<RunComparison | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [view, setView] = useState<keyof typeof VIEWS>('all');
  const [selected, setSelected] = useState(0);
  useEffect(() => {
    let live = true;
    setCompared(null);
    client.request({ type: 'compare-runs', before: before.id, after: after.id }).then(
      (found) => live && setCompared(found),
      (error: unknown) => live && setProblem(problemOf(error)),
    );
    return () => void (live = false);
  }, [client, before.id, after.id]);
  const rows = useMemo(
    () =>
      (compared?.rows ?? [])
        .filter(VIEWS[view].takes)
        .toSorted((one, other) => Math.abs(change(other)) - Math.abs(change(one))),
    [compared, view],
  );
  if (problem) return <ProblemNote problem={problem} onDismiss={() => setProblem(null)} />;
  if (!compared) return <p className="room-wait">Answers are being read.</p>;
  if (compared.rows.length === 0)
    return (
      <p className="room-wait">
        {compared.difference
          ? 'The last evaluations of these runs have no row in common, or the answers of one were not kept.'
          : 'One of these runs has no evaluation.'}
      </p>
    );
  const shown = rows[Math.min(selected, rows.length - 1)];
  return (
    <div className="answers-compared">
      <div className="button-row">
        <select
          aria-label="Rows compared"
          value={view}
          onChange={(event) => {
            setView(event.target.value as keyof typeof VIEWS);
            setSelected(0);
          }}
        >
          {Object.entries(VIEWS).map(([key, { words, takes }]) => (
            <option key={key} value={key}>
              {words(names)} ({count(compared.rows.filter(takes).length)})
            </option>
          ))}
        </select>
        <span className="muted">{plural(compared.rows.length, 'row')} in common, the greatest change first</span>
      </div>
      {shown ? (
        <div className="answers-body">
          <VirtualList
            label="Rows that both runs answered"
            count={rows.length}
            rowHeight={44}
            selected={Math.min(selected, rows.length - 1)}
            onSelect={setSelected}
            render={(i) => <Line row={rows[i]!} />}
          />
          <Pair key={shown.after.rowId} row={shown} names={names} before={before} after={after} />
        </div>
      ) : (
        <p className="room-wait">No row is like this.</p>
      )}
    </div>
  );
}

function Line({ row }: { readonly row: ComparedRow }) {
  const { before, after } = row;
  return (
    <span className="answers-line num">
      <b>{signed(change(row))}</b>
      <span>
        {ratio(before.value)} → {ratio(after.value)}
      </span>
      <span className="muted">{after.rowId}</span>
    </span>
  );
}

function Pair({ row, names, before, after }: AnswersComparedProps & { readonly row: ComparedRow }) {
  const open = useProject((project) => project.dataset?.id ?? null);
  const dataset = useSameDataset(open, [before, after]);
  const asked = useRow(dataset, row.after.rowId);
  const layers = useMemo<Layer[]>(
    () => [
      { role: 'truth', boxes: asked?.solution ?? [] },
      { role: 'base', boxes: row.before.boxes },
      { role: 'tuned', boxes: row.after.boxes },
    ],
    [asked, row],
  );
  return (
    <div className="answers-pair">
      {asked && dataset ? (
        <>
          <Messages messages={asked.prompt} />
          <Strip
            dataset={dataset}
            images={asked.images}
            layers={layers}
            height={180}
            label={`Boxes of both runs in row ${row.after.rowId}`}
            caption={false}
          />
          <Legend roles={['truth']} />
        </>
      ) : (
        <p className="muted">Open the dataset of these runs to see the question and its pictures.</p>
      )}
      <div className="answers-texts">
        <Answer of={row.before} name={names[0]} role="base" />
        <Answer of={row.after} name={names[1]} role="tuned" />
      </div>
    </div>
  );
}

function Answer({ of, name, role }: { readonly of: EvaluatedRow; readonly name: string; readonly role: Role }) {
  return (
    <section className="card" aria-label={`Answer of ${name}`}>
      <h3>
        <Swatch role={role} /> {name}
      </h3>
      <p className="num">
        {hit(of) ? '✓ hit' : '✗ miss'}, IoU <b>{ratio(of.value)}</b>
        {!of.parsed && ', unreadable'}
      </p>
      <p className="words">{of.text || <span className="muted">The model wrote nothing.</span>}</p>
      <BoxChips boxes={of.boxes} />
    </section>
  );
}

/** The open dataset, if it is the one that a run stood on; else null: a row of the same name may be another. */
function useSameDataset(open: string | null, runs: readonly RunView[]): string | null {
  const { client } = useStudio();
  const [same, setSame] = useState<string | null>(null);
  const digests = runs.map(({ identity }) => identity.dataset).join();
  useEffect(() => {
    let live = true;
    setSame(null);
    if (open !== null)
      client.request({ type: 'identity', dataset: open }).then(
        ({ dataset }) => live && setSame(dataset !== null && digests.split(',').includes(dataset) ? open : null),
        () => undefined,
      );
    return () => void (live = false);
  }, [client, open, digests]);
  return same;
}
