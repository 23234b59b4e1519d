/** Scores: what models are worth on the held-out rows, under two readings, beside each other and published figures. */
import { useEffect, useState } from 'react';
import { Link } from 'wouter';
import type { DatasetReport } from '../../../engine/protocol/index.ts';
import { useKeeping, useProject, useScores } from '../../state/studio.ts';
import { isForeign } from '../../state/scores.ts';
import { ReportButton } from '../../report-button.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { RoomHead } from '../../ui/room-head.tsx';
import { Tabs } from '../../ui/tabs.tsx';
import { BenchmarkCard } from './benchmark-card.tsx';
import { EvaluateBar } from './evaluate-bar.tsx';
import { FailuresView } from './failures-view.tsx';
import { PredictionSets } from './prediction-sets.tsx';
import { ResultView } from './result-view.tsx';
import './scores.css';

const LEDE =
  'How well a model answers rows that it was not trained on, compared with its base and with published results.';

export function ScoresRoom() {
  const dataset = useProject((project) => project.dataset);
  if (dataset) return <Scored dataset={dataset} />;
  return (
    <div className="room room-scores">
      <RoomHead title="Scores" lede={LEDE} />
      <p>
        <Link href="/data">Open a dataset</Link> first, or drop the published files of a benchmark there.
      </p>
    </div>
  );
}

function Scored({ dataset }: { readonly dataset: DatasetReport }) {
  const show = useScores((scores) => scores.show);
  const abouts = useScores((scores) => scores.abouts);
  const results = useScores((scores) => scores.results);
  const problem = useScores((scores) => scores.problem);
  const dismiss = useScores((scores) => scores.dismiss);
  const told = useScores((scores) => scores.told);
  const project = useKeeping((keeping) => keeping.current);
  const model = useProject(({ model: loaded }) => loaded?.digest);
  const [tab, setTab] = useState('scores');
  const sets = [...new Set(results.flatMap((result) => result.sets.map((set) => set.id)))];
  const { id, edits } = dataset;
  useEffect(() => void show(id), [show, id, edits?.digest, project, model]);
  return (
    <div className="room room-scores">
      <RoomHead title="Scores" lede={LEDE}>
        {sets.length > 0 && <ReportButton sets={sets} />}
        <EvaluateBar />
      </RoomHead>
      {problem && <ProblemNote problem={problem} onDismiss={dismiss} />}
      {told && (
        <p className="note" role="status">
          {told}
        </p>
      )}
      {dataset.train > 0 && dataset.benchmarks.rows > 0 && (
        <p className="muted">
          This dataset also has rows to train on. <Link href="/data">Health in the Data room</Link> tells whether they
          have pictures of the benchmark, also such as were scaled or packed again.
        </p>
      )}
      {abouts?.length === 0 && (
        <p className="note">
          This dataset has no held-out row with an answer. Hold rows out under “Format and split” in the Data room, or
          drop the published files of a benchmark.
        </p>
      )}
      <Tabs
        label="Views of the scores"
        selected={tab}
        onSelect={setTab}
        tabs={[
          {
            key: 'scores',
            title: 'Scores',
            body: () => (
              <div className="score-sections">
                {abouts?.map((about) => {
                  const result = results.find((each) => each.about.title === about.title);
                  return (
                    <section key={about.title} className="score-section" aria-label={about.title}>
                      <BenchmarkCard about={about} />
                      {result && <ResultView result={result} />}
                    </section>
                  );
                })}
              </div>
            ),
          },
          { key: 'failures', title: 'Failures', body: () => <FailuresView results={results} /> },
          { key: 'answers', title: <AnswersTitle />, body: () => <PredictionSets /> },
        ]}
      />
    </div>
  );
}

function AnswersTitle() {
  const sets = useScores((scores) => scores.sets);
  const others = sets.filter(isForeign).length;
  return <>Answers{others > 0 && ` (${others} of other models)`}</>;
}
