/** The numbers of a chart, for who does not see it or wants them exactly. Every spike of the thinned curve is a row. */
import { useEffect, useState } from 'react';
import { value } from '../ui/format.ts';
import { shortName, type Panel } from '../../engine/protocol/panels.ts';
import { chartData, valueAt, type DrawnCurve } from './chart-data.ts';

const BUCKETS = 25;

export function CurveTable({ panel, sources }: { readonly panel: Panel; readonly sources: readonly DrawnCurve[] }) {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), 2000);
    return () => clearInterval(timer);
  }, []);
  const data = chartData(sources, {
    axis: 'step',
    from: -Infinity,
    to: Infinity,
    buckets: BUCKETS,
    weight: 0,
    log: false,
  });
  const steps = data.columns[0];
  return (
    <div className="scroll-table" tabIndex={0} role="region" aria-label={`${panel.title}, numbers`}>
      <table>
        <caption className="visually-hidden">
          {panel.title}: {steps.length} of {data.points} points, with every extreme
        </caption>
        <thead>
          <tr>
            <th scope="col">Step</th>
            {sources.map(({ name, run }, c) => (
              <th scope="col" key={c}>
                {shortName(name)}
                {run && `, ${run}`}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {steps.map((step) => (
            <tr key={step}>
              <th scope="row" className="num">
                {step}
              </th>
              {sources.map((source, c) => {
                const v = valueAt(source, step);
                return (
                  <td key={c} className="num">
                    {v !== undefined && value(v)}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
