/** Some runs beside each other: their curves, the settings that differ, and of two runs the answers. */
import { useEffect, useMemo, useState } from 'react';
import { runName, type RunView } from '../../../engine/protocol/index.ts';
import { Chart } from '../../charts/chart.tsx';
import { colorOf } from '../../charts/colors.ts';
import { Crosshair } from '../../charts/crosshair.ts';
import { curvesCsv } from '../../charts/curves-csv.ts';
import { panelsFor } from '../../../engine/protocol/panels.ts';
import { SeriesBook } from '../../charts/series-book.ts';
import { addPoint } from '../../state/run.ts';
import { useStudio } from '../../state/studio.ts';
import { useTheme } from '../../theme.ts';
import { asFileName, saveBlob } from '../../ui/save.ts';
import { Tabs } from '../../ui/tabs.tsx';
import { SettingsCompared } from '../run/settings-compared.tsx';
import { AnswersCompared } from './answers-compared.tsx';
import { when } from './when.ts';
import '../run/curves.css';

/** As many as there are colours that can be told apart. */
export const MOST_COMPARED = 6;

/** As the Run room begins. */
const SMOOTHING = 0.8;
const ALL: readonly [number, number] = [-Infinity, Infinity];

/** A run's name, and when it began where another has the same name. */
const namesOf = (runs: readonly RunView[]): readonly string[] =>
  runs.map((run) =>
    runs.some((other) => other !== run && runName(other) === runName(run))
      ? `${runName(run)}, ${when(run.startedAt)}`
      : runName(run),
  );

export function CompareRuns({ runs }: { readonly runs: readonly RunView[] }) {
  const [tab, setTab] = useState('curves');
  const names = namesOf(runs);
  const [first, second] = runs;
  const [own, ...others] = runs.map((run, i) => ({ key: run.id, name: names[i]!, recipe: run.recipe }));
  return (
    <section className="compare curves" aria-label={`${runs.length} runs compared`}>
      <ul className="legend" aria-label="Colours of the runs">
        {runs.map((run, i) => (
          <li key={run.id}>
            <i className="run-color" style={{ background: colorOf(i) }} /> {names[i]}
          </li>
        ))}
      </ul>
      <Tabs
        label="Runs compared"
        selected={tab}
        onSelect={setTab}
        tabs={[
          { key: 'curves', title: 'Curves', body: () => <Curves runs={runs} names={names} /> },
          {
            key: 'answers',
            title: 'Answers',
            body: () =>
              runs.length === 2 ? (
                <AnswersCompared before={first!} after={second!} names={[names[0]!, names[1]!]} />
              ) : (
                <p className="room-wait">Answers are compared between two runs. Tick only two.</p>
              ),
          },
          {
            key: 'settings',
            title: 'Settings',
            body: () => <SettingsCompared own={own!.recipe} ownName={own!.name} others={others} open />,
          },
        ]}
      />
    </section>
  );
}

/** The curves of each, once they are here. */
function useBooks(runs: readonly RunView[]): ReadonlyMap<string, SeriesBook> {
  const { client, project } = useStudio();
  const [books, setBooks] = useState<ReadonlyMap<string, SeriesBook>>(new Map());
  const missing = runs.map(({ id }) => id).find((id) => !books.has(id));
  useEffect(() => {
    if (missing === undefined) return;
    let live = true;
    const book = new SeriesBook();
    const read = async () => {
      for (const { step, values } of await client.request({ type: 'run-curves', runId: missing }))
        addPoint(book, step, values);
    };
    void project
      .getState()
      .attempt('stored run', read)
      .finally(() => live && setBooks((now) => new Map(now).set(missing, book)));
    return () => void (live = false);
  }, [client, project, missing]);
  return books;
}

function Curves({ runs, names }: { readonly runs: readonly RunView[]; readonly names: readonly string[] }) {
  const books = useBooks(runs);
  const theme = useTheme();
  const crosshair = useMemo(() => new Crosshair(), []);
  const [range, setRange] = useState(ALL);
  const ids = runs.map(({ id }) => id).join();
  const titles = names.join('\n');
  const drawn = useMemo(() => {
    const each = titles.split('\n');
    return ids.split(',').flatMap((id, i) => {
      const book = books.get(id);
      return book ? [{ name: each[i]!, book }] : [];
    });
  }, [ids, titles, books]);
  const past = useMemo(() => drawn.slice(1), [drawn]);
  const own = drawn[0]?.book;
  if (!own || drawn.length < runs.length) return <p className="room-wait">Curves are being read.</p>;
  const panels = panelsFor([...new Set(drawn.flatMap(({ book }) => book.names()))]);
  if (panels.length === 0) return <p className="room-wait">These runs have no curves.</p>;
  return (
    <>
      {range !== ALL && (
        <button type="button" className="button small" onClick={() => setRange(ALL)}>
          Show all steps
        </button>
      )}
      <div className="charts">
        {panels.map((panel) => (
          <Chart
            key={panel.key}
            panel={panel}
            book={own}
            past={past}
            crosshair={crosshair}
            weight={SMOOTHING}
            log={false}
            horizontal="step"
            range={range}
            stages={[]}
            alarms={[]}
            theme={theme}
            onZoom={(from, to) => setRange(Number.isFinite(from) ? [from, to] : ALL)}
            onSave={(curves, title) => saveBlob(curvesCsv(drawn, curves), `${asFileName(`runs-${title}`)}.csv`)}
          />
        ))}
      </div>
    </>
  );
}
