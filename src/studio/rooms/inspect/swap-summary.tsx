/** The image-swap test over all rows in view: how often the tuned answer follows its picture to another place. */
import { useEffect, useRef, useState } from 'react';
import type { EngineClient } from '../../../engine/client.ts';
import type { Answer, Row } from '../../../engine/protocol/index.ts';
import { namesPlaces, turned, type SwapVerdict } from '../../../grounding/picture-swap.ts';
import { ROWS_TOGETHER, type AnswerPair } from '../../state/answers.ts';
import { problemOf, type Problem } from '../../problem.ts';
import { useAnswers, useStudio } from '../../state/studio.ts';
import { count, percent, plural } from '../../ui/format.ts';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { etaOf, Progress } from '../../ui/progress.tsx';
import { promptLine } from '../../ui/segments.tsx';
import { judgeAnswers, VERDICTS } from './swap-test.tsx';

/** Rows that can be tested: several pictures, an answer with a box, and no picture called by its number. */
export function swappable(rows: readonly Row[], answers: ReadonlyMap<string, AnswerPair>): Row[] {
  return rows.filter(
    ({ id, images, prompt }) =>
      images.length > 1 && (answers.get(id)?.tuned?.boxes.length ?? 0) > 0 && !namesPlaces(promptLine(prompt)),
  );
}

interface Work {
  readonly done: number;
  readonly total: number;
  readonly startedAt: number;
  readonly at: number;
  readonly verdicts: readonly SwapVerdict[];
  readonly problem: Problem | null;
}

/** Asks about the rows with their pictures swapped and tells how far it is; `wanted` false: it stops. */
async function testRows(
  client: EngineClient,
  dataset: string,
  rows: readonly { readonly row: Row; readonly before: Answer }[],
  tell: (work: Work) => void,
  wanted: () => boolean,
): Promise<void> {
  const startedAt = performance.now();
  const verdicts: SwapVerdict[] = [];
  const now = (problem: Problem | null = null): Work => ({
    done: verdicts.length,
    total: rows.length,
    startedAt,
    at: performance.now(),
    verdicts: [...verdicts],
    problem,
  });
  tell(now());
  try {
    while (verdicts.length < rows.length) {
      const some = rows.slice(verdicts.length, verdicts.length + ROWS_TOGETHER);
      const orders = some.map(({ row }) => turned(row.images.length));
      const rowIds = some.map(({ row }) => row.id);
      const after = await client.request({ type: 'answer-rows', dataset, rowIds, policy: 'tuned', orders });
      if (!wanted()) return;
      verdicts.push(...after.map((answer, i) => judgeAnswers(some[i]!.before, answer, orders[i]!)));
      tell(now());
    }
  } catch (error) {
    if (wanted()) tell(now(problemOf(error)));
  }
}

export function SwapSummary({ dataset, rows }: { readonly dataset: string; readonly rows: readonly Row[] }) {
  const { client } = useStudio();
  const answers = useAnswers((state) => state.byRow);
  const asking = useAnswers((state) => state.batch !== null);
  const [work, setWork] = useState<Work | null>(null);
  const round = useRef(0);
  const stop = () => void round.current++;
  useEffect(() => stop, []);
  const able = swappable(rows, answers);
  const busy = work !== null && work.done < work.total && work.problem === null;
  if (able.length === 0 && !work) return null;
  const test = () => {
    const mine = ++round.current;
    const asked = able.map((row) => ({ row, before: answers.get(row.id)!.tuned! }));
    void testRows(client, dataset, asked, setWork, () => mine === round.current);
  };
  return (
    <section className="swap-summary" aria-label="Picture-swap test over rows">
      {busy ? (
        <>
          <Progress
            label="Swapping pictures"
            done={work.done}
            total={work.total}
            etaSeconds={etaOf(work.done, work.total, work.startedAt, work.at)}
          />
          <button
            type="button"
            className="button small"
            onClick={() => {
              stop();
              setWork({ ...work, total: work.done });
            }}
          >
            Cancel
          </button>
        </>
      ) : (
        <button
          type="button"
          className="button small"
          disabled={asking || able.length === 0}
          title="The pictures of each row change places and its words stay. Does the tuned answer follow its picture? Rows that name pictures by number are left out."
          onClick={test}
        >
          Swap the pictures of {plural(able.length, 'answered row')}
        </button>
      )}
      {work?.problem && <ProblemNote problem={work.problem} />}
      <div role="status">{work && work.verdicts.length > 0 && <Verdicts all={work.verdicts} />}</div>
    </section>
  );
}

function Verdicts({ all }: { readonly all: readonly SwapVerdict[] }) {
  const kinds = (Object.keys(VERDICTS) as SwapVerdict[]).map((kind) => ({
    kind,
    n: all.filter((verdict) => verdict === kind).length,
  }));
  return (
    <ul className="features">
      {kinds
        .filter(({ n }) => n > 0)
        .map(({ kind, n }) => (
          <li key={kind} title={VERDICTS[kind].about}>
            <span className="severity" data-severity={VERDICTS[kind].severity}>
              {VERDICTS[kind].title}
            </span>{' '}
            <span className="num">
              {count(n)} of {count(all.length)} ({percent(n / all.length)})
            </span>
          </li>
        ))}
    </ul>
  );
}
