/** How kernels are tuned to the device: what is in use and why, and the choice of another profile. */
import { useState } from 'react';
import type { DeviceReport, ProfileChoice, TuningReport } from '../engine/protocol/index.ts';
import { problemOf, type Problem } from './problem.ts';
import { useProject } from './state/studio.ts';
import { Choice } from './ui/choice.tsx';
import { ProblemNote } from './ui/problem-note.tsx';

const CHOICES: readonly { readonly key: ProfileChoice; readonly title: string; readonly words: string }[] = [
  { key: 'auto', title: 'Automatic', words: 'The profile that was fastest in a short trial on this device.' },
  {
    key: 'shared',
    title: 'Shared',
    words: 'Keeps blocks of numbers in the fast memory of the graphics chip. Best for most cards.',
  },
  {
    key: 'registers',
    title: 'Registers',
    words: 'Every thread fetches its own numbers. It can be faster where caches are large and shared memory is slow.',
  },
  {
    key: 'matrix',
    title: 'Matrix',
    words:
      'Computes large products on the chip’s matrix units. Chromium calls this experimental, so the trial checks the results first.',
  },
  { key: 'software', title: 'Software', words: 'For software devices, where the processor does the work.' },
];

const titleOf = (profile: ProfileChoice): string => CHOICES.find(({ key }) => key === profile)!.title;

export function TuningPanel({ device: { tuning, software } }: { readonly device: DeviceReport }) {
  const keepChoice = useProject((project) => project.chooseProfile);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [changed, setChanged] = useState(false);
  const choices = CHOICES.filter(({ key }) => key === 'auto' || tuning.supported.includes(key));
  const choose = (choice: ProfileChoice) => {
    keepChoice(choice).then(
      () => {
        setChanged(true);
        setProblem(null);
      },
      (error: unknown) => setProblem(problemOf(error)),
    );
  };
  return (
    <>
      <h3>How its work is cut</h3>
      <p>
        Kernels can divide their work in several ways. Which is fastest depends on the device. Results agree up to
        rounding. In use: <b>{titleOf(tuning.profile)}</b>.
      </p>
      <Choice label="How its work is cut" choices={choices} selected={tuning.choice} onSelect={choose} />
      <p className="muted">{CHOICES.find(({ key }) => key === tuning.choice)!.words}</p>
      <TrialResult trial={tuning.trial} software={software} />
      <div role="status" aria-live="polite">
        {changed && (
          <p>
            This applies when the page is loaded again.{' '}
            <button type="button" className="button" onClick={() => location.reload()}>
              Reload now
            </button>
          </p>
        )}
        {problem && <ProblemNote problem={problem} />}
      </div>
    </>
  );
}

function TrialResult({ trial, software }: { readonly trial: TuningReport['trial']; readonly software: boolean }) {
  if (!trial)
    return (
      <p className="muted">
        {software
          ? 'No trial is needed here: on a processor only “Software” can win.'
          : 'No trial of this device was completed.'}
      </p>
    );
  return (
    <div className="scroll-table" tabIndex={0} role="region" aria-label="The trial on this device">
      <table>
        <thead>
          <tr>
            <th scope="col">Tried</th>
            <th scope="col">Time for the same work</th>
          </tr>
        </thead>
        <tbody>
          {trial.map(({ profile, ms, reason }) => (
            <tr key={profile}>
              <th scope="row">{titleOf(profile)}</th>
              <td className="num">{ms === null ? `ruled out: ${reason}` : `${ms.toFixed(1)} ms`}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
