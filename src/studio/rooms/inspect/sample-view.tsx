/** One sample: all images with three layers of boxes, and both answers side by side. */
import { useMemo, useState } from 'react';
import type { Answer, PolicyName, Row } from '../../../engine/protocol/index.ts';
import { ROLES, type Layer, type Role } from '../../boxes/roles.ts';
import { Strip, Swatch } from '../../boxes/strip.tsx';
import { useAnswers, useEditing, useProject, useWatchlist } from '../../state/studio.ts';
import { count, ratio, signed } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import { useKeyDown } from '../../ui/key-down.ts';
import { BoxChips, Messages } from '../../ui/segments.tsx';
import { answerPart } from '../run/completion-card.tsx';
import { hits } from './gallery.ts';
import { EditButton } from '../../edit/edit-button.tsx';
import { useLayerAnswer } from './layer-answer.ts';
import { LayerCard } from './layer-card.tsx';
import { HeatView, heatLayer, useHeat } from './heat-view.tsx';
import { SwapTest } from './swap-test.tsx';

interface SampleViewProps {
  readonly dataset: string;
  readonly row: Row;
  readonly at: number;
  readonly count: number;
  readonly hitAt: number;
  readonly onMove: (by: number) => void;
  readonly onHitAt: (hitAt: number) => void;
}

/** What + and − change the threshold by. */
const STEP = 0.05;

const SHOWN: readonly { role: Role; key: string }[] = [
  { role: 'truth', key: '1' },
  { role: 'base', key: '2' },
  { role: 'tuned', key: '3' },
  { role: 'other', key: '4' },
];

export function SampleView({ dataset, row, at, count: total, hitAt, onMove, onHitAt }: SampleViewProps) {
  const pair = useAnswers((state) => state.byRow.get(row.id));
  const pending = useAnswers((state) => state.pending);
  const ask = useAnswers((state) => state.ask);
  const model = useProject((project) => project.model);
  const [hidden, setHidden] = useState<ReadonlySet<Role>>(new Set());
  const toggle = (role: Role) =>
    setHidden((old) => (old.has(role) ? new Set([...old].filter((r) => r !== role)) : new Set([...old, role])));
  const edit = useEditing((editing) => editing.open);
  const pin = useWatchlist((list) => list.pin);
  const pinned = useWatchlist((list) => list.dataset === dataset && list.rowIds.includes(row.id));
  const answered = pair?.base !== undefined && pair.tuned !== undefined;
  const heat = useHeat(dataset, row, pair?.tuned);
  const other = useLayerAnswer(dataset, row.id);
  const heatable = model !== null && row.solution.length > 0;
  const askNow = () => void ask(dataset, [row.id]);

  useKeyDown((event) => {
    const target = event.target as HTMLElement;
    if (
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      target.closest('input, select, textarea, dialog, [role=listbox], [role=tablist]')
    )
      return;
    if (event.key === 'ArrowLeft' || event.key === 'k') onMove(-1);
    else if (event.key === 'ArrowRight' || event.key === 'j') onMove(1);
    else if (event.key === '+' || event.key === '=') onHitAt(hitAt + STEP);
    else if (event.key === '-') onHitAt(hitAt - STEP);
    else if (event.key === 'e') edit(row.id);
    else if (event.key === 'p') pin(dataset, row.id, !pinned);
    else if (event.key === 'a' && model && !answered && pending.length === 0) askNow();
    else if (event.key === 'h' && heatable && !heat.asking) heat.toggle();
    else {
      const shown = SHOWN.find(({ key }) => key === event.key);
      if (!shown || (shown.role === 'other' && other.name === null)) return;
      toggle(shown.role);
    }
    event.preventDefault();
  });

  const layers = useMemo<Layer[]>(() => {
    const all: Layer[] = [heat.shown ? heatLayer(heat.shown) : { role: 'truth', boxes: row.solution }];
    for (const policy of ['base', 'tuned'] as const) {
      const answer = pair?.[policy];
      if (answer)
        all.push({
          role: policy,
          boxes: answer.boxes.map(({ image, box }) => ({ image, box })),
          label:
            answer.iou === null
              ? ROLES[policy].name
              : `${ROLES[policy].name} ${ratio(answer.iou)} ${hits(answer, hitAt) ? '✓' : '✗'}`,
          missed: hits(answer, hitAt) === false,
        });
    }
    if (other.answer)
      all.push({
        role: 'other',
        boxes: other.answer.boxes,
        label: `${other.name} ${other.answer.value === null ? '' : ratio(other.answer.value)}`,
        missed: other.answer.value !== null && other.answer.value < hitAt,
      });
    return all.filter((layer) => !hidden.has(layer.role));
  }, [row, pair, hidden, hitAt, heat.shown, other.name, other.answer]);

  return (
    <article className="detail" aria-label={`Row ${row.id}`}>
      <div className="detail-line">
        <div className="layer-toggles" role="group" aria-label="Layers">
          {SHOWN.filter(({ role }) => role !== 'other' || other.name !== null).map(({ role, key }) => (
            <button
              key={role}
              type="button"
              className="button small"
              aria-pressed={!hidden.has(role)}
              aria-keyshortcuts={key}
              onClick={() => toggle(role)}
            >
              <Swatch role={role} /> {role === 'other' ? other.name : ROLES[role].name} <kbd>{key}</kbd>
            </button>
          ))}
        </div>
        <div className="button-row">
          <EditButton rowId={row.id} />
          {row.split === 'heldout' && (
            <button
              type="button"
              className="button small"
              aria-pressed={pinned}
              aria-keyshortcuts="p"
              title="Answer this row every few steps of the next run, so that you can see its boxes at any step"
              onClick={() => pin(dataset, row.id, !pinned)}
            >
              {pinned ? 'Pinned' : 'Pin for runs'} <kbd>P</kbd>
            </button>
          )}
          <button
            type="button"
            className="button icon-only"
            aria-label="Previous row"
            aria-keyshortcuts="ArrowLeft"
            disabled={at === 0}
            onClick={() => onMove(-1)}
          >
            <Icon name="left" />
          </button>
          <span className="num">
            {count(at + 1)} of {count(total)}
          </span>
          <button
            type="button"
            className="button icon-only"
            aria-label="Next row"
            aria-keyshortcuts="ArrowRight"
            disabled={at >= total - 1}
            onClick={() => onMove(1)}
          >
            <Icon name="right" />
          </button>
        </div>
      </div>
      <Strip dataset={dataset} images={row.images} layers={layers} height={0.46} label={`Pictures of row ${row.id}`} />
      <div className="inspect-prompt">
        <Messages messages={row.prompt} />
        {!answered && (
          <button
            type="button"
            className="button primary"
            disabled={!model || pending.length > 0}
            aria-keyshortcuts="a"
            onClick={askNow}
          >
            <Icon name="play" /> {pending.includes(row.id) ? 'Answering…' : 'Answer with both'} <kbd>A</kbd>
          </button>
        )}
      </div>
      <div className="answers">
        {(['base', 'tuned'] as const).map((policy) => (
          <AnswerCard
            key={policy}
            policy={policy}
            answer={pair?.[policy]}
            hitAt={hitAt}
            gain={
              policy === 'tuned' && pair?.base && pair.tuned && pair.base.iou !== null && pair.tuned.iou !== null
                ? pair.tuned.iou - pair.base.iou
                : null
            }
          />
        ))}
      </div>
      {other.name !== null && <LayerCard {...other} hitAt={hitAt} />}
      <SwapTest dataset={dataset} row={row} tuned={pair?.tuned} />
      {row.solution.length > 0 && <HeatView heat={heat} can={heatable} />}
    </article>
  );
}

function AnswerCard({
  policy,
  answer,
  hitAt,
  gain,
}: {
  readonly policy: PolicyName;
  readonly answer: Answer | undefined;
  readonly hitAt: number;
  readonly gain: number | null;
}) {
  return (
    <section className="card answer" aria-label={`${ROLES[policy].name} answer`}>
      <header>
        <h2 className="minor">
          <Swatch role={policy} /> {ROLES[policy].name}
        </h2>
        {answer?.iou !== null && answer !== undefined && (
          <p className="num answer-iou" data-hit={answer.iou >= hitAt}>
            {answer.iou >= hitAt ? '✓ hit' : '✗ miss'}, IoU <b>{ratio(answer.iou)}</b>
            {gain !== null && <span data-sign={Math.sign(gain)}> {signed(gain)}</span>}
          </p>
        )}
      </header>
      {!answer ? (
        <p className="muted">Not asked yet.</p>
      ) : (
        <>
          <p className="verdict-line">
            {answer.rightImage !== null && (
              <span className="severity" data-severity={answer.rightImage ? 'good' : 'error'}>
                {answer.rightImage ? 'Right picture' : 'Wrong picture'}
              </span>
            )}
            {!answer.parsed && (
              <span className="severity" data-severity="warning">
                No box could be read
              </span>
            )}
          </p>
          {answer.form && answer.form !== 'as-written' && (
            <p className="muted">
              {answer.form === 'think' ? 'Asked to think, then answer' : 'Asked for the answer only'}
            </p>
          )}
          {answer.think !== null && <p className="words thought">{answer.think}</p>}
          <p className="words">{answerPart(answer.text)}</p>
          <BoxChips boxes={answer.boxes} />
        </>
      )}
    </section>
  );
}
