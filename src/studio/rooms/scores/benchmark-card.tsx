/** What the rows are: the benchmark with its prompt, its limits and its rule, and that nothing of it is trained on. */
import type { BenchmarkAbout } from '../../../engine/protocol/index.ts';
import { count, plural } from '../../ui/format.ts';

export function BenchmarkCard({ about }: { readonly about: BenchmarkAbout }) {
  const { name, title, files, rows, tasks, complete } = about;
  const several = Object.keys(tasks).length > 1;
  return (
    <header className="benchmark">
      <h2>
        {name === null ? 'Held-out rows' : title} {name !== null && <span className="tag">never trained on</span>}
      </h2>
      <p>
        {plural(rows, 'row')}
        {several && `, ${plural(Object.keys(tasks).length, 'task')}`}
        {name !== null && `. ${completeness(complete)}`}
        {name === null && '. They are of no published benchmark: there is nothing published to compare with.'}
      </p>
      {name !== null && (
        <details>
          <summary>How the published script asks and scores</summary>
          <dl className="benchmark-facts">
            <div>
              <dt>Files</dt>
              <dd>{files}</dd>
            </div>
            <div>
              <dt>Prompt of the first row</dt>
              <dd className="words">{about.prompt}</dd>
            </div>
            <div>
              <dt>Pictures</dt>
              <dd>{pictureWords(about)}</dd>
            </div>
            <div>
              <dt>Longest answer</dt>
              <dd>{plural(about.answerTokens, 'token')}</dd>
            </div>
            <div>
              <dt>Rule</dt>
              <dd>{about.source}</dd>
            </div>
            {several && (
              <div>
                <dt>Tasks</dt>
                <dd>
                  {Object.entries(tasks)
                    .map(([task, n]) => `${task || 'no task'} ${count(n)}`)
                    .join(', ')}
                </dd>
              </div>
            )}
          </dl>
        </details>
      )}
    </header>
  );
}

function completeness(complete: boolean | null): string {
  if (complete === null) return 'How many the published file has is not known here.';
  return complete ? 'The published file is whole.' : 'The published file has more rows.';
}

function pictureWords({ pictures: { minPixels, maxPixels, longestSide } }: BenchmarkAbout): string {
  const parts = [
    ...(minPixels === undefined ? [] : [`at least ${count(minPixels)} pixels`]),
    ...(maxPixels === undefined ? [] : [`at most ${count(maxPixels)} pixels`]),
    ...(longestSide === undefined ? [] : [`longest side ${count(longestSide)} pixels`]),
  ];
  return parts.length ? parts.join(', ') : 'as the model’s own processor limits them';
}
