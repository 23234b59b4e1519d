/** Where a step's time goes: operations by time, against what the adapter can do, and how long the GPU waited. */
import type { OpProfile, StepProfile } from '../../../engine/protocol/index.ts';
import { isActive } from '../../state/run.ts';
import { useProfile, useRun } from '../../state/studio.ts';
import { count, percent, value } from '../../ui/format.ts';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { saveBlob } from '../../ui/save.ts';
import './profile.css';

export function ProfileView() {
  const active = useRun((run) => isActive(run.state));
  const { profile, pending, problem, ask, dismiss } = useProfile((all) => all);
  return (
    <div className="profile">
      <div className="profile-actions">
        <button type="button" className="button" disabled={!active || pending} onClick={() => void ask()}>
          {pending ? 'Measuring two steps…' : profile ? 'Profile again' : 'Profile the next two steps'}
        </button>
        {profile && (
          <button type="button" className="button" onClick={() => saveTrace(profile)}>
            Download trace
          </button>
        )}
        <span className="muted" role="status">
          {!active && 'You can profile steps while a run is active.'}
        </span>
      </div>
      {problem && <ProblemNote problem={problem} onDismiss={dismiss} />}
      {profile ? (
        <Result profile={profile} />
      ) : (
        <p className="room-wait">
          The first step is measured as it is, to find how long the GPU was idle. In the second step every dispatch is
          timed.
        </p>
      )}
    </div>
  );
}

function Result({ profile }: { readonly profile: StepProfile }) {
  const { roofline, ops } = profile;
  const longest = ops[0]?.ms ?? 1;
  return (
    <>
      <dl className="profile-facts">
        <Fact name="Step" text={`${value(profile.wallMs)} ms`} />
        <Fact name="GPU idle" text={percent(profile.idleShare)} />
        <Fact
          name="Submissions"
          text={`${count(profile.submissions)}, the longest ${value(profile.longestSubmissionMs)} ms`}
        />
        <Fact name="Dispatches" text={count(profile.dispatches)} />
        <Fact
          name="Measured peak"
          text={`${value(roofline.flops / 1e9)} GFLOP/s, ${value(roofline.bytes / 1e9)} GB/s`}
        />
      </dl>
      <div className="scroll-table" tabIndex={0} role="region" aria-label="Operations of the step">
        <table>
          <caption>
            Operations by time, on {profile.adapter}. Of the peak: the time that the work would take at the measured
            peak, divided by the time it took.
          </caption>
          <thead>
            <tr>
              <th scope="col">Operation</th>
              <th scope="col" className="profile-wide">
                Time, ms
              </th>
              <th scope="col">Share</th>
              <th scope="col">Dispatches</th>
              <th scope="col">GFLOP/s</th>
              <th scope="col">GB/s</th>
              <th scope="col">Of the peak</th>
            </tr>
          </thead>
          <tbody>
            {ops.map((op) => (
              <Line key={op.op} op={op} longest={longest} />
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function Fact({ name, text }: { readonly name: string; readonly text: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className="num">{text}</dd>
    </div>
  );
}

function Line({ op, longest }: { readonly op: OpProfile; readonly longest: number }) {
  return (
    <tr>
      <th scope="row">{op.op}</th>
      <td className="num profile-wide">
        <span className="profile-bar">
          <span className="meter" aria-hidden="true">
            <i style={{ width: `${(100 * op.ms) / longest}%` }} />
          </span>
          {value(op.ms)}
        </span>
      </td>
      <td className="num">{percent(op.share)}</td>
      <td className="num">{count(op.dispatches)}</td>
      <td className="num">{op.flopsPerSecond > 0 ? value(op.flopsPerSecond / 1e9) : '–'}</td>
      <td className="num">{value(op.bytesPerSecond / 1e9)}</td>
      <td className="num">{percent(op.roofline)}</td>
    </tr>
  );
}

function saveTrace({ trace }: StepProfile): void {
  const text = JSON.stringify({ traceEvents: trace, displayTimeUnit: 'ms' });
  saveBlob(new Blob([text], { type: 'application/json' }), 'groundwork-trace.json');
}
