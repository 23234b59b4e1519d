/** Inspect: rows with the true boxes, and what the base and the tuned model say to them. */
import { useEffect, useMemo, useState } from 'react';
import { Link } from 'wouter';
import type { DatasetReport, Row } from '../../../engine/protocol/index.ts';
import { ROLES } from '../../boxes/roles.ts';
import { PAGE, type Split } from '../../state/row-cache.ts';
import type { AskedWith } from '../../state/answers.ts';
import type { Selection } from '../../state/scores.ts';
import { useAnswers, useProject, useScores, useStudio } from '../../state/studio.ts';
import { Choice } from '../../ui/choice.tsx';
import { count, plural, ratio } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { etaOf, Progress } from '../../ui/progress.tsx';
import { RoomHead } from '../../ui/room-head.tsx';
import { VirtualList } from '../../ui/virtual-list.tsx';
import { OpenCheckpoint } from '../run/checkpoints.tsx';
import { arrange, OUTCOMES, tally, type Order, type Outcome } from './gallery.ts';
import { GalleryLine } from './gallery-line.tsx';
import { SwapSummary } from './swap-summary.tsx';
import { SampleView } from './sample-view.tsx';
import './inspect.css';

export function InspectRoom() {
  const dataset = useProject((project) => project.dataset);
  if (dataset) return <Gallery key={dataset.id} dataset={dataset} />;
  return (
    <div className="room room-inspect">
      <RoomHead title="Inspect" lede="Ground truth, base and tuned boxes on all pictures of a row." />
      <p>
        <Link href="/data">Open a dataset</Link> first. Then you see its rows here and can have them answered.
      </p>
    </div>
  );
}

/** Rows held for sorting; a gallery of more is not for looking through by hand. */
const ROWS_HELD = 4096;

function useAllRows(dataset: DatasetReport, split: Split): readonly Row[] {
  const { rows: cache, project } = useStudio();
  const [rows, setRows] = useState<readonly Row[]>([]);
  const total = Math.min(dataset[split], ROWS_HELD);
  useEffect(() => {
    let live = true;
    setRows([]);
    const read = async () => {
      const all: Row[] = [];
      for (let page = 0; page * PAGE < total && live; page++) {
        all.push(...(await cache.page(dataset.id, split, page)));
        if (live && (page % 4 === 0 || (page + 1) * PAGE >= total)) setRows([...all]);
      }
    };
    void project.getState().attempt('rows', read);
    return () => void (live = false);
  }, [cache, project, dataset.id, split, total]);
  return rows;
}

function Gallery({ dataset }: { readonly dataset: DatasetReport }) {
  const [split, setSplit] = useState<Split>(dataset.heldout > 0 ? 'heldout' : 'train');
  const [task, setTask] = useState<string | null>(null);
  const [order, setOrder] = useState<Order>('dataset');
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const [text, setText] = useState('');
  const [hitAt, setHitAt] = useState(0.5);
  const [chosen, setChosen] = useState<string | null>(null);
  const answers = useAnswers((state) => state.byRow);
  const every = useAllRows(dataset, split);
  const selection = useScores((scores) => scores.selection);
  const selectAll = useScores((scores) => scores.selectAll);
  const rows = useSelected(dataset, selection, every);
  const shown = useMemo(
    () => arrange(rows, answers, { task, order, outcome, text, hitAt }),
    [rows, answers, task, order, outcome, text, hitAt],
  );
  const score = useMemo(() => tally(shown, answers, hitAt), [shown, answers, hitAt]);
  const changeHitAt = (next: number) => setHitAt(Math.min(1, Math.max(0.05, Math.round(next * 20) / 20)));
  const found = shown.findIndex((row) => row.id === chosen);
  const at = found < 0 ? 0 : found;
  const row = shown[at];
  const select = (index: number) => setChosen(shown[Math.min(shown.length - 1, Math.max(0, index))]?.id ?? null);
  return (
    <div className="room room-inspect">
      <RoomHead title="Inspect" lede="Ground truth, base and tuned boxes on all pictures of a row.">
        <AskMany dataset={dataset.id} rows={shown} />
      </RoomHead>
      <AnswerProblem />
      <OpenCheckpoint />
      <div className="browser">
        <div className="browser-list">
          <div className="gallery-tools">
            {selection && (
              <p className="gallery-selection" role="status">
                <span>
                  <b>{selection.words}</b>, {plural(selection.rowIds.length, 'row')}
                </span>
                <button type="button" className="button small" onClick={selectAll}>
                  Show all rows
                </button>
              </p>
            )}
            <LayerChoice />
            <Choice
              label="Part of the dataset"
              choices={[
                { key: 'heldout', title: 'Held out' },
                { key: 'train', title: 'Training' },
              ]}
              selected={split}
              onSelect={setSplit}
            />
            <label className="stacked">
              <span>Task</span>
              <select value={task ?? ''} onChange={(event) => setTask(event.target.value || null)}>
                <option value="">All tasks</option>
                {Object.keys(dataset.tasks)
                  .filter(Boolean)
                  .map((name) => (
                    <option key={name}>{name}</option>
                  ))}
              </select>
            </label>
            <label className="stacked">
              <span>Order</span>
              <select value={order} onChange={(event) => setOrder(event.target.value as Order)}>
                <option value="dataset">Dataset order</option>
                <option value="worst">Worst IoU first</option>
                <option value="best">Best IoU first</option>
                <option value="gain">Largest gain first</option>
                <option value="loss">Largest loss first</option>
                <option value="task">By task</option>
              </select>
            </label>
            <label className="stacked">
              <span>Outcome</span>
              <select
                value={outcome ?? ''}
                onChange={(event) => setOutcome((event.target.value || null) as Outcome | null)}
              >
                <option value="">All rows</option>
                {OUTCOMES.map(({ key, title }) => (
                  <option key={key} value={key}>
                    {title}
                  </option>
                ))}
              </select>
            </label>
            <label className="stacked">
              <span>Words</span>
              <input
                type="search"
                value={text}
                placeholder="prompt, answer"
                onChange={(event) => setText(event.target.value)}
              />
            </label>
            <label className="slider">
              A hit from IoU
              <input
                type="range"
                min={0.05}
                max={1}
                step={0.05}
                value={hitAt}
                aria-keyshortcuts="+ -"
                onChange={(event) => changeHitAt(Number(event.target.value))}
              />
              <span className="num">{ratio(hitAt)}</span>
            </label>
            <p className="gallery-score num" role="status">
              {(['base', 'tuned'] as const).map((policy) => (
                <span key={policy}>
                  {ROLES[policy].name}{' '}
                  {score[policy].answered > 0 ? (
                    <>
                      <b>{score[policy].hits}</b> of {score[policy].answered} hit
                    </>
                  ) : (
                    'not asked'
                  )}
                </span>
              ))}
            </p>
          </div>
          <SwapSummary dataset={dataset.id} rows={shown} />
          <VirtualList
            label="Rows"
            count={shown.length}
            rowHeight={52}
            selected={at}
            onSelect={select}
            render={(i) => <GalleryLine row={shown[i]!} pair={answers.get(shown[i]!.id)} hitAt={hitAt} />}
          />
        </div>
        {row ? (
          <SampleView
            dataset={dataset.id}
            row={row}
            at={at}
            count={shown.length}
            hitAt={hitAt}
            onMove={(by) => select(at + by)}
            onHitAt={changeHitAt}
          />
        ) : (
          <p className="room-wait">{rows.length === 0 ? 'Reading rows…' : 'No row passes these filters.'}</p>
        )}
      </div>
    </div>
  );
}

/** Rows read at once. */
const TOGETHER = 32;

/** The rows of a selection, wherever in the dataset they are. */
function useSelected(dataset: DatasetReport, selection: Selection | null, all: readonly Row[]): readonly Row[] {
  const { client, project } = useStudio();
  const [found, setFound] = useState<{ readonly of: Selection; readonly rows: readonly Row[] } | null>(null);
  useEffect(() => {
    if (!selection) return;
    let live = true;
    const read = async () => {
      const rows: Row[] = [];
      for (let at = 0; at < selection.rowIds.length && live; at += TOGETHER) {
        const ids = selection.rowIds.slice(at, at + TOGETHER);
        rows.push(
          ...(await Promise.all(ids.map((rowId) => client.request({ type: 'row', dataset: dataset.id, rowId })))),
        );
        if (live) setFound({ of: selection, rows: [...rows] });
      }
    };
    void project.getState().attempt('rows', read);
    return () => void (live = false);
  }, [client, project, dataset, selection]);
  if (!selection) return all;
  return found?.of === selection ? found.rows : NO_ROWS;
}

const NO_ROWS: readonly Row[] = [];

/** Whose answers lie over the pictures beside those of the loaded model. */
function LayerChoice() {
  const sets = useScores((scores) => scores.sets);
  const layer = useScores((scores) => scores.layer);
  const showLayer = useScores((scores) => scores.showLayer);
  if (sets.length === 0) return null;
  return (
    <label className="stacked">
      <span>Further layer</span>
      <select value={layer ?? ''} onChange={(event) => showLayer(event.target.value || null)}>
        <option value="">None</option>
        {sets.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

function AnswerProblem() {
  const problem = useAnswers((state) => state.problem);
  const dismiss = useAnswers((state) => state.dismiss);
  return problem && <ProblemNote problem={problem} onDismiss={dismiss} />;
}

function AskMany({ dataset, rows }: { readonly dataset: string; readonly rows: readonly Row[] }) {
  const batch = useAnswers((state) => state.batch);
  const ask = useAnswers((state) => state.ask);
  const cancel = useAnswers((state) => state.cancel);
  const asked = useAnswers((state) => state.asked);
  const askWith = useAnswers((state) => state.askWith);
  const model = useProject((project) => project.model);
  const known = useAnswers((state) => state.byRow);
  const open = rows.filter((row) => !known.get(row.id)?.base || !known.get(row.id)?.tuned);
  const n = open.length;
  if (batch && batch.total > 1) {
    return (
      <div className="ask-many">
        <Progress
          label="Answering"
          done={batch.done}
          total={batch.total}
          etaSeconds={etaOf(batch.done, batch.total, batch.startedAt, batch.at)}
        />
        <button type="button" className="button" onClick={cancel}>
          Cancel
        </button>
      </div>
    );
  }
  return (
    <div className="start">
      <label className="inline">
        <span className="muted">Asked with</span>{' '}
        <select value={asked} onChange={(event) => askWith(event.target.value as AskedWith)}>
          <option value="run">the run’s prompt</option>
          <option value="recipe">the recipe’s prompt</option>
          <option value="none">no prompt, as written</option>
        </select>
      </label>
      {!model && <span className="muted">Load a model to get answers.</span>}
      {model && n > 0 && (
        <span className="muted">By both policies, in the background. You can go on working meanwhile.</span>
      )}
      <button
        type="button"
        className="button"
        disabled={!model || n === 0}
        onClick={() =>
          void ask(
            dataset,
            open.map((row) => row.id),
          )
        }
      >
        <Icon name="play" /> {n === 0 && rows.length > 0 ? 'All are answered' : `Answer all ${count(n)}`}
      </button>
    </div>
  );
}
