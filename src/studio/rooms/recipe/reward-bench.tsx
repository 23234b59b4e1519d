/** A reward of one's own: written, tried on the groups that a run has recorded, and used in the stage. */
import { useRef, useState } from 'react';
import { CODE_EXAMPLE, setAt, weightOf, type GrpoStage } from '../../../engine/presets.ts';
import { problemOf, type Problem } from '../../problem.ts';
import { MOST_TRIED, tryReward, type RewardTrial } from '../../state/reward-trial.ts';
import { useCodeConsent, useRecipe, useRun, useStudio } from '../../state/studio.ts';
import { percent, plural, ratio } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { TableHead } from '../../ui/table-head.tsx';
import { NumberInput } from './number-input.tsx';

export function RewardBench({ stage, index }: { readonly stage: GrpoStage; readonly index: number }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [open, setOpen] = useState(false);
  return (
    <>
      <div className="button-row">
        <button
          type="button"
          className="button"
          onClick={() => {
            setOpen(true);
            dialog.current?.showModal();
          }}
        >
          <Icon name="plus" /> {stage.rewardCode?.trim() ? 'Your own reward' : 'Write your own reward'}
        </button>
      </div>
      <dialog ref={dialog} className="dialog reward-bench" aria-labelledby="bench-title" onClose={() => setOpen(false)}>
        {open && <Bench stage={stage} index={index} onClose={() => dialog.current?.close()} />}
      </dialog>
    </>
  );
}

type Tried = { readonly trial: RewardTrial; readonly code: string } | { readonly problem: Problem } | 'running' | null;

function Bench({
  stage,
  index,
  onClose,
}: {
  readonly stage: GrpoStage;
  readonly index: number;
  readonly onClose: () => void;
}) {
  const { rows } = useStudio();
  const change = useRecipe((editor) => editor.change);
  const allow = useCodeConsent((consent) => consent.allow);
  const groups = useRun((run) => run.groups);
  const dataset = useRun((run) => run.dataset);
  const [code, setCode] = useState(stage.rewardCode?.trim() ? stage.rewardCode : CODE_EXAMPLE);
  const [weight, setWeight] = useState(weightOf(stage.rewardWeights, 'own') || 1);
  const [tried, setTried] = useState<Tried>(null);
  const rowOf = async (id: string) => (dataset === null ? null : rows.row(dataset, id).catch(() => null));
  const attempt = async () => {
    // It stands before the person, who asks for it to be run.
    allow(code);
    setTried('running');
    try {
      setTried({ trial: await tryReward(code, groups, rowOf, { ...stage.rewardWeights, own: weight }), code });
    } catch (error) {
      setTried({ problem: problemOf(error) });
    }
  };
  const use = () => {
    allow(code);
    change(index, setAt(setAt(stage, 'rewardCode', code), 'rewardWeights.own', weight));
    onClose();
  };
  return (
    <>
      <header>
        <h2 id="bench-title">Your own reward</h2>
      </header>
      <p className="muted">
        A function of an answer and its row gives a number, or null where it does not apply. It has no network, storage,
        clock or random numbers. In a run its values stand in the curves, the groups and the ledger as those of the
        other rewards.
      </p>
      <textarea
        className="num wide"
        rows={14}
        spellCheck={false}
        maxLength={20_000}
        aria-label="Code of your own reward"
        value={code}
        onChange={(event) => setCode(event.target.value)}
      />
      <div className="button-row">
        <span className="field-input">
          <span aria-hidden="true">Weight</span>
          <NumberInput
            value={weight}
            min={0}
            max={10}
            integer={false}
            label="Weight of your own reward"
            onChange={setWeight}
          />
        </span>
        <button type="button" className="button" disabled={tried === 'running'} onClick={() => void attempt()}>
          <Icon name="play" /> Try it on recorded groups
        </button>
        <button type="button" className="button primary" onClick={use}>
          Use it in this stage
        </button>
        <button type="button" className="button" onClick={onClose}>
          Close
        </button>
      </div>
      <div role="status" aria-live="polite">
        {tried === 'running' && (
          <p className="muted">Scoring the answers of {plural(Math.min(MOST_TRIED, groups.length), 'group')}…</p>
        )}
        {tried !== null && tried !== 'running' && 'trial' in tried && (
          <Outcome trial={tried.trial} outdated={tried.code !== code} />
        )}
      </div>
      {tried !== null && tried !== 'running' && 'problem' in tried && <ProblemNote problem={tried.problem} />}
    </>
  );
}

const words = (value: number | null): string => (value === null ? '–' : ratio(value));

function Outcome({ trial, outdated }: { readonly trial: RewardTrial; readonly outdated: boolean }) {
  const { groups, ledger, without } = trial;
  const telling = groups.filter(({ tells }) => tells).length;
  return (
    <>
      {outdated && (
        <p className="advice" data-severity="warning">
          The code has changed since. Try it again.
        </p>
      )}
      <p>
        It tells the answers apart in <b className="num">{telling}</b> of {plural(groups.length, 'group')}. Beside the
        other rewards, at this weight, <b className="num">{ledger.signalAfter}</b> groups would have a signal instead of{' '}
        <b className="num">{ledger.signalBefore}</b>, and <b className="num">{percent(ledger.reordered)}</b> of pairs
        would change places.
        {without > 0 &&
          ` ${plural(without, 'group')} could not be tried: their rows are not in the dataset that is open.`}
      </p>
      <div className="scroll-table" tabIndex={0} role="region" aria-label="What it gives to recorded answers">
        <table>
          <TableHead columns={['Step', 'Row', 'What it gives to each answer']} />
          <tbody>
            {groups.map(({ key, step, rowId, values }) => (
              <tr key={key}>
                <th scope="row" className="num">
                  {step}
                </th>
                <td className="num">{rowId}</td>
                <td className="num">{values.map(words).join(' · ')}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
