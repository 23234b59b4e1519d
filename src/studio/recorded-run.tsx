/** A real run, recorded with the starter on the sample: what there is to see where nothing can be trained. */
import { useEffect, useState } from 'react';
import { ofThisBuild } from '../base/own-files.ts';
import { RunViews } from './rooms/run/run-room.tsx';
import { problemOf, type Problem } from './problem.ts';
import { starterUrl } from './state/project.ts';
import { readRunFile } from './state/run-file.ts';
import { useProject, useStudio } from './state/studio.ts';
import { LoadingBar } from './loading-bar.tsx';
import { Mark } from './ui/mark.tsx';
import { ProblemNote } from './ui/problem-note.tsx';

const FILE = 'recorded-run.groundwork.json';

async function read(): Promise<ReturnType<typeof readRunFile>> {
  const response = await fetch(ofThisBuild(starterUrl() + FILE));
  if (!response.ok)
    return {
      code: 'recording-missing',
      what: 'The recorded run is not among the files of this page.',
      hint: 'The app’s own files are incomplete. Install it again.',
    };
  return readRunFile(await response.text(), FILE);
}

export function RecordedRun({ onBack }: { readonly onBack: () => void }) {
  const { run } = useStudio();
  const openSample = useProject((project) => project.openSample);
  const problem = useProject((project) => project.problem);
  const [state, setState] = useState<'loading' | 'open' | Problem>('loading');
  useEffect(() => {
    let live = true;
    read().then(
      (file) => {
        if (!live) return;
        if ('code' in file) return setState(file);
        run.getState().open({ fileName: FILE, file });
        setState('open');
        // Its pictures. The dataset needs no graphics card to be read.
        void openSample();
      },
      (error: unknown) => live && setState(problemOf(error)),
    );
    return () => void (live = false);
  }, [run, openSample]);
  return (
    <main className="recorded" id="main">
      <p className="explain-brand">
        <Mark /> Groundwork
      </p>
      <p className="button-row">
        <button type="button" className="button" onClick={onBack}>
          Back to the explanation
        </button>
        <span className="muted">Nothing is trained here. This is the record of an earlier run.</span>
      </p>
      <LoadingBar />
      {problem && <ProblemNote problem={problem} />}
      {state === 'loading' ? (
        <p className="room-wait">Opening the recorded run…</p>
      ) : state === 'open' ? (
        <RunViews recorded />
      ) : (
        <ProblemNote problem={state} />
      )}
    </main>
  );
}
