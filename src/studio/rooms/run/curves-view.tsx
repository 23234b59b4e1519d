/** All curves of the run, with one smoothing, one scale and one window of steps for all. */
import { useCallback, useEffect, useMemo, useState } from 'react';
import 'uplot/dist/uPlot.min.css';
import { Chart } from '../../charts/chart.tsx';
import { panelsFor } from '../../charts/panels.ts';
import { useRun, useStudio } from '../../state/studio.ts';
import { useTheme } from '../../theme.ts';
import { Choice } from '../../ui/choice.tsx';

const ALL: readonly [number, number] = [-Infinity, Infinity];

export function CurvesView() {
  const { book } = useStudio();
  const theme = useTheme();
  const stages = useRun((run) => run.stages);
  const [names, setNames] = useState(() => book.names());
  const [weight, setWeight] = useState(0.8);
  const [scale, setScale] = useState<'linear' | 'log'>('linear');
  const [range, setRange] = useState(ALL);
  useEffect(() => {
    let version = -1;
    const look = () => {
      if (version === book.namesVersion) return;
      version = book.namesVersion;
      setNames(book.names());
    };
    look();
    return book.subscribe(look);
  }, [book]);
  const marks = useMemo(
    () => stages.flatMap(({ firstStep, stage }) => (firstStep === null ? [] : [{ step: firstStep, name: stage.name }])),
    [stages],
  );
  const zoom = useCallback((from: number, to: number) => setRange([from, to]), []);
  const panels = panelsFor(names);
  if (panels.length === 0) return <p className="room-wait">The first point comes with the first training step.</p>;
  const zoomed = range !== ALL && Number.isFinite(range[0]);
  return (
    <div className="curves">
      <div className="curves-tools" role="group" aria-label="Curves">
        <label className="slider">
          Smoothing
          <input
            type="range"
            min={0}
            max={0.98}
            step={0.02}
            value={weight}
            aria-valuetext={weight === 0 ? 'off' : weight.toFixed(2)}
            onChange={(event) => setWeight(Number(event.target.value))}
          />
          <span className="num">{weight === 0 ? 'off' : weight.toFixed(2)}</span>
        </label>
        <Choice
          label="Scale"
          choices={[
            { key: 'linear', title: 'Linear' },
            { key: 'log', title: 'Log' },
          ]}
          selected={scale}
          onSelect={setScale}
        />
        {zoomed ? (
          <button type="button" className="button small" onClick={() => setRange(ALL)}>
            Show all steps
          </button>
        ) : (
          <span className="muted hint">Drag across a chart to look closer</span>
        )}
      </div>
      <div className="charts">
        {panels.map((panel) => (
          <Chart
            key={panel.key}
            panel={panel}
            book={book}
            weight={weight}
            log={scale === 'log'}
            range={range}
            marks={marks}
            theme={theme}
            onZoom={zoom}
          />
        ))}
      </div>
    </div>
  );
}
