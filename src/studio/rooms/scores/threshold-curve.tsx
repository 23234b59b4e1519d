/** Accuracy over the overlap from which an answer is a hit, one line a model, with its interval. */
import type { SetScores } from '../../../engine/protocol/index.ts';
import { colorOf } from '../../charts/colors.ts';
import { range, share } from './figures.ts';

const [WIDTH, HEIGHT, LEFT, BOTTOM] = [360, 180, 34, 22];

export function ThresholdCurve({ sets }: { readonly sets: readonly SetScores[] }) {
  const drawn = sets.filter(({ traits }) => traits.n > 0);
  const [from, to] = [0.3, 0.9];
  const x = (threshold: number) => LEFT + ((threshold - from) / (to - from)) * (WIDTH - LEFT - 6);
  const y = (value: number) => 6 + (1 - value) * (HEIGHT - BOTTOM - 6);
  const line = (points: readonly (readonly [number, number])[]) => points.map(([a, b]) => `${a},${b}`).join(' ');
  return (
    <figure className="trait">
      <figcaption>Accuracy over the overlap that counts as a hit</figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        className="curve"
        role="img"
        aria-label="Curves; the table below has the numbers"
      >
        {[0, 0.5, 1].map((value) => (
          <g key={value}>
            <line x1={LEFT} x2={WIDTH - 6} y1={y(value)} y2={y(value)} className="curve-rule" />
            <text x={LEFT - 4} y={y(value) + 4} textAnchor="end">
              {100 * value}
            </text>
          </g>
        ))}
        {[0.3, 0.5, 0.7, 0.9].map((value) => (
          <text key={value} x={x(value)} y={HEIGHT - 4} textAnchor={value === to ? 'end' : 'middle'}>
            {value}
          </text>
        ))}
        {drawn.map(({ id, traits: { n, curve } }, i) => {
          const colour = colorOf(i);
          const low = curve.map(({ threshold, interval }) => [x(threshold), y(interval[0])] as const);
          const high = curve.map(({ threshold, interval }) => [x(threshold), y(interval[1])] as const);
          return (
            <g key={id} style={{ color: colour }}>
              <polygon points={line([...high, ...low.reverse()])} className="curve-band" />
              <polyline
                points={line(curve.map(({ threshold, hits }) => [x(threshold), y(hits / n)] as const))}
                className="curve-line"
                strokeDasharray={i === 0 ? undefined : `${8 - i} ${1 + i}`}
              />
            </g>
          );
        })}
      </svg>
      <ul className="curve-legend">
        {drawn.map(({ id, name }, i) => (
          <li key={id}>
            <i style={{ background: colorOf(i) }} /> {name}
          </li>
        ))}
      </ul>
      <details>
        <summary>As a table</summary>
        <div className="scroll-table" tabIndex={0} role="region" aria-label="Accuracy by threshold">
          <table>
            <thead>
              <tr>
                <th scope="col">IoU from</th>
                {drawn.map(({ id, name }) => (
                  <th key={id} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {drawn[0]!.traits.curve.map(({ threshold }, i) => (
                <tr key={threshold}>
                  <th scope="row" className="num">
                    {threshold.toFixed(2)}
                  </th>
                  {drawn.map(({ id, traits: { n, curve } }) => (
                    <td key={id} className="num">
                      {share(curve[i]!.hits / n)} <span className="muted">[{range(curve[i]!.interval)}]</span>
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}
