/** Thoughts of a teacher: asked for, looked at by what is wrong with them, accepted, rejected, rewritten, saved. */
import { useEffect, useState } from 'react';
import type { DatasetReport, JudgedCandidate, Replies } from '../../../engine/protocol/index.ts';
import { problemOf } from '../../problem.ts';
import { useProject, useStudio, useThoughts } from '../../state/studio.ts';
import { Confirm } from '../../ui/confirm.tsx';
import { count, plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { Progress } from '../../ui/progress.tsx';
import { askForFile, asFileName, saveStream } from '../../ui/save.ts';
import { StopButton } from '../../ui/stop-button.tsx';
import { VirtualList } from '../../ui/virtual-list.tsx';
import { ThoughtDetail } from './thought-detail.tsx';
import { ThoughtsConsent } from './thoughts-consent.tsx';
import { ThoughtsForm } from './thoughts-form.tsx';
import './thoughts.css';

export function ThoughtsView({ dataset }: { readonly dataset: DatasetReport }) {
  const shown = useThoughts((thoughts) => thoughts.shown);
  const refresh = useThoughts((thoughts) => thoughts.refresh);
  const problem = useThoughts((thoughts) => thoughts.problem);
  const notice = useThoughts((thoughts) => thoughts.notice);
  const dismiss = useThoughts((thoughts) => thoughts.dismiss);
  useEffect(() => void refresh(), [refresh, dataset.id]);
  const any = (shown?.counts.at(-1)?.count ?? 0) > 0;
  return (
    <div className="thoughts">
      {!any && (
        <p className="note">
          <Icon name="info" /> A larger model can write thoughts for rows that have true boxes and none. Thoughts that
          lead to the boxes are kept, and learned in a cold start. The stage “Synthesis of thoughts” of a plan lets the
          model do it by itself.
        </p>
      )}
      <ThoughtsForm />
      <ThoughtsConsent />
      <Asking />
      {problem && <ProblemNote problem={problem} onDismiss={dismiss} />}
      <p role="status" className="muted thoughts-notice">
        {notice}
      </p>
      {shown && any && <Candidates dataset={dataset} shown={shown} />}
    </div>
  );
}

function Asking() {
  const state = useThoughts((thoughts) => thoughts.state);
  const progress = useThoughts((thoughts) => thoughts.progress);
  const stop = useThoughts((thoughts) => thoughts.stop);
  if (state === 'idle') return null;
  if (state !== 'asking' || !progress)
    return <Progress label={state === 'planning' ? 'Reading rows' : 'Contacting the server'} done={0} total={0} />;
  const { rows, total, taught, tokens, tokensPerSecond, etaSeconds, counts, trouble } = progress;
  const detail = [
    `${count(rows)} of ${plural(total, 'row')}`,
    `${count(taught)} with a thought`,
    plural(tokens, 'token'),
    ...(tokensPerSecond === null ? [] : [`${count(Math.round(tokensPerSecond))} tokens/s`]),
    ...(counts.fromCache > 0 ? [`${count(counts.fromCache)} answered before`] : []),
    `${counts.underWay} of ${counts.limit} at once`,
  ].join(' · ');
  return (
    <section className="thoughts-asking" aria-label="Asking the teacher">
      <Progress label="Asking the teacher" done={rows} total={total} etaSeconds={etaSeconds} detail={detail} />
      <StopButton onStop={stop} />
      {trouble && (
        <p role="status" className="note note-warning">
          <Icon name="alert" /> The server {trouble.what}. It is asked again in {Math.ceil(trouble.waitMs / 1000)} s.
        </p>
      )}
    </section>
  );
}

function Candidates({ dataset, shown }: { readonly dataset: DatasetReport; readonly shown: Replies['thoughts'] }) {
  const filter = useThoughts((thoughts) => thoughts.filter);
  const choose = useThoughts((thoughts) => thoughts.choose);
  const judge = useThoughts((thoughts) => thoughts.judge);
  const [selected, setSelected] = useState(0);
  useEffect(() => setSelected(0), [filter]);
  const { candidates, total, counts, unanswered } = shown;
  const at = Math.min(selected, candidates.length - 1);
  const candidate = candidates[at];
  return (
    <>
      <Results dataset={dataset} shown={shown} />
      {unanswered.map(({ why, count: n }) => (
        <p key={why} className="note note-warning">
          <Icon name="alert" /> {plural(n, 'question')} without an answer: {why}.
        </p>
      ))}
      <div
        className="browser thoughts-browser"
        onKeyDown={(event) => {
          // Letters are commands, except where they are written.
          if (!candidate || event.ctrlKey || event.metaKey || event.altKey || isText(event.target)) return;
          if (event.key === 'a') void judge(candidate, candidate.verdict === 'accepted' ? null : 'accepted');
          if (event.key === 'r') void judge(candidate, candidate.verdict === 'rejected' ? null : 'rejected');
        }}
      >
        <div className="browser-list">
          <select
            aria-label="Thoughts shown"
            value={filter}
            onChange={(event) => choose(event.target.value as typeof filter)}
          >
            {counts
              .filter(({ filter: name, count: n }) => n > 0 || name === filter || name === 'kept')
              .map(({ filter: name, label, count: n }) => (
                <option key={name} value={name}>
                  {`${label.charAt(0).toUpperCase()}${label.slice(1)} (${count(n)})`}
                </option>
              ))}
          </select>
          {candidates.length < total && (
            <p className="muted num">
              The first {count(candidates.length)} of {count(total)}.
            </p>
          )}
          <VirtualList
            key={filter}
            label="Thoughts"
            count={candidates.length}
            rowHeight={52}
            selected={at}
            onSelect={setSelected}
            render={(index) => <CandidateLine candidate={candidates[index]} />}
          />
        </div>
        {candidate ? (
          <ThoughtDetail key={candidate.id} dataset={dataset.id} candidate={candidate} labels={counts} />
        ) : (
          <p className="room-wait">No thought is of this kind.</p>
        )}
      </div>
    </>
  );
}

const isText = (target: EventTarget): boolean =>
  target instanceof HTMLTextAreaElement || target instanceof HTMLInputElement || target instanceof HTMLSelectElement;

function CandidateLine({ candidate }: { readonly candidate: JudgedCandidate | undefined }) {
  if (!candidate) return null;
  const { row, by, verdict, faults, thought } = candidate;
  return (
    <span className="row-line">
      <span className="row-line-top">
        <b className="num">{row}</b>
        <span className="tag">{verdict ?? (faults.length === 0 ? 'kept' : 'left out')}</span>
        {by.hinted && <span className="tag">with a hint</span>}
      </span>
      <span className="row-line-text">{thought === '' ? 'No thought.' : thought}</span>
    </span>
  );
}

/** What may be done with all of them. */
function Results({ dataset, shown }: { readonly dataset: DatasetReport; readonly shown: Replies['thoughts'] }) {
  const { client } = useStudio();
  const report = useProject((project) => project.report);
  const busy = useThoughts((thoughts) => thoughts.state !== 'idle');
  const take = useThoughts((thoughts) => thoughts.take);
  const forget = useThoughts((thoughts) => thoughts.forget);
  const kept = shown.counts.find(({ filter }) => filter === 'kept')?.count ?? 0;
  const save = async () => {
    try {
      const handle = await askForFile(`${asFileName(dataset.name)}-thoughts.jsonl`);
      if (handle === null) return;
      const { fileName, stream } = await client.request({ type: 'thoughts-file', dataset: dataset.id });
      await saveStream(stream, fileName, handle, () => undefined);
    } catch (error) {
      report(problemOf(error));
    }
  };
  return (
    <div className="button-row">
      <button type="button" className="button" disabled={busy || kept === 0} onClick={() => void take()}>
        <Icon name="check" /> Take the kept thoughts
      </button>
      <button type="button" className="button" disabled={kept === 0} onClick={() => void save()}>
        <Icon name="export" /> Save {plural(kept, 'row')} as a dataset
      </button>
      <Confirm
        name="Delete the teacher’s answers"
        word="Delete the answers"
        question="If you ask again, you pay again. Thoughts that rows have taken stay."
        disabled={busy}
        onConfirm={() => void forget()}
      />
    </div>
  );
}
