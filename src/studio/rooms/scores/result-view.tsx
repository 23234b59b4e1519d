/** Results of one benchmark: models beside each other and published rows; both readings of one; differences. */
import type { BenchmarkResult, BenchmarkTable, Figure, SetScores } from '../../../engine/protocol/index.ts';
import { wilsonInterval } from '../../../base/wilson.ts';
import { count } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import { useChosenSet } from './chosen-set.tsx';
import { figure, range, share } from './figures.ts';
import { useScoresFile } from './use-files.ts';

export function ResultView({ result }: { readonly result: BenchmarkResult }) {
  const [set, choice] = useChosenSet(result);
  return (
    <>
      <Comparison table={result.table} />
      <Pairs result={result} />
      <div className="reading-head">
        <h3>By task, both readings</h3>
        {choice}
      </div>
      <Readings set={set} title={result.about.title} />
    </>
  );
}

function Comparison({ table }: { readonly table: BenchmarkTable }) {
  const save = useScoresFile();
  const marked = table.rows.some(({ comparable }) => comparable);
  return (
    <>
      <div className="reading-head">
        <h3>{table.figure}, per cent</h3>
        <div className="button-row">
          {(['csv', 'markdown', 'latex'] as const).map((as) => (
            <button key={as} type="button" className="button small" onClick={() => void save(as)}>
              <Icon name="export" /> {{ csv: 'CSV', markdown: 'Markdown', latex: 'LaTeX' }[as]}
            </button>
          ))}
        </div>
      </div>
      <div className="scroll-table" tabIndex={0} role="region" aria-label={`${table.title}: models`}>
        <table className="models">
          <thead>
            <tr>
              <th scope="col">Model</th>
              <th scope="col">Reading</th>
              {table.columns.map((column) => (
                <th key={column} scope="col">
                  {column}
                </th>
              ))}
              <th scope="col">95 % of all rows</th>
              <th scope="col">n</th>
              <th scope="col">Source</th>
            </tr>
          </thead>
          <tbody>
            {table.rows.map((row, i) => (
              <tr key={i} data-elsewhere={row.reading === 'published' || undefined}>
                <th scope="row">
                  {row.model}
                  {row.comparable && (
                    <span className="tag" title="Made with the same files, prompt and rule">
                      = comparable
                    </span>
                  )}
                </th>
                <td>{row.reading}</td>
                {row.cells.map((cell, c) => (
                  <td key={c} className="num">
                    {c === row.cells.length - 1 ? <b>{figure(cell)}</b> : figure(cell)}
                  </td>
                ))}
                <td className="num">{row.interval ? range(row.interval) : ''}</td>
                <td className="num">{row.n === null ? '' : count(row.n)}</td>
                <td className="source">{row.source}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p className="muted table-note">
        {marked
          ? '“= comparable” marks published rows that were made with the same files, prompt and rule.'
          : table.objections.length > 0
            ? `Not comparable with published rows: ${table.objections.join('; ')}.`
            : 'No published row was made with the same prompt and rule.'}
      </p>
    </>
  );
}

/** Every model against the first, on the rows that both answered. */
function Pairs({ result: { pairs } }: { readonly result: BenchmarkResult }) {
  if (pairs.length === 0) return null;
  return (
    <ul className="pairs" aria-label="Differences">
      {pairs.map((pair) => (
        <li key={pair.set}>
          <b>{pair.after}</b> against {pair.before}:{' '}
          <b className="num" data-sign={Math.sign(pair.difference)}>
            {pair.difference >= 0 ? '+' : '−'}
            {share(Math.abs(pair.difference))} points
          </b>{' '}
          <span className="num muted">
            [{share(pair.interval[0])} to {share(pair.interval[1])}], {pair.reading}, on the same {count(pair.n)} rows:{' '}
            {count(pair.gained.length)} gained, {count(pair.lost.length)} lost, p{' '}
            {pair.p < 0.001 ? 'below 0.001' : `= ${pair.p.toFixed(3)}`} (McNemar)
            {pair.agreement &&
              `. Both give the same box on ${share(pair.agreement.same / pair.agreement.n)} % [${range(pair.agreement.interval)}] of ${count(pair.agreement.n)} rows.`}
          </span>
        </li>
      ))}
    </ul>
  );
}

function Cell({ of }: { readonly of: Figure | undefined }) {
  if (!of) return <td>–</td>;
  return (
    <td className="num">
      {share(of.value)}
      {of.hits !== undefined && <span className="muted"> {wilson(of)}</span>}
    </td>
  );
}

const wilson = ({ hits, n }: Figure): string => `[${range(wilsonInterval(hits!, n))}]`;

function Readings({ set, title }: { readonly set: SetScores; readonly title: string }) {
  const readings = (['strict', 'published'] as const).flatMap((key) => {
    const figures = set[key];
    return figures ? [{ key, figures, name: key === 'strict' ? 'Strict' : 'As published' }] : [];
  });
  const tasks = Object.keys(readings[0]!.figures.tasks);
  const others = readings.flatMap(({ name, figures }) =>
    figures.others.map((other) => `${other.words}, ${name.toLowerCase()}: ${share(other.value)}`),
  );
  return (
    <>
      <div className="scroll-table" tabIndex={0} role="region" aria-label={`${title}: both readings of ${set.name}`}>
        <table>
          <thead>
            <tr>
              <th scope="col" rowSpan={2}>
                Task
              </th>
              <th scope="col" rowSpan={2}>
                n
              </th>
              {readings.map(({ key, name, figures }) => (
                <th key={key} scope="colgroup" colSpan={figures.micro.length + 1} className="reading">
                  {name}
                </th>
              ))}
            </tr>
            <tr>
              {readings.flatMap(({ key, figures }) => [
                ...figures.micro.map(({ words }) => (
                  <th key={`${key} ${words}`} scope="col">
                    {words}
                  </th>
                )),
                <th key={`${key} unread`} scope="col">
                  Unread
                </th>,
              ])}
            </tr>
          </thead>
          <tbody>
            {tasks.map((task) => (
              <tr key={task}>
                <th scope="row">{task || 'no task'}</th>
                <td className="num">{count(readings[0]!.figures.tasks[task]!.n)}</td>
                {readings.flatMap(({ key, figures }) => {
                  const of = figures.tasks[task];
                  return [
                    ...figures.micro.map(({ key: name }) => (
                      <Cell key={`${key} ${name}`} of={of?.figures.find((each) => each.key === name)} />
                    )),
                    <td key={`${key} unread`} className="num">
                      {of?.unread ?? '–'}
                    </td>,
                  ];
                })}
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row">Mean of tasks (macro)</th>
              <td className="num">{tasks.length}</td>
              {readings.flatMap(({ key, figures }) => [
                ...figures.macro.map(({ key: name, value }) => (
                  <td key={`${key} ${name}`} className="num">
                    {share(value)}
                  </td>
                )),
                <td key={`${key} unread`}>–</td>,
              ])}
            </tr>
            <tr>
              <th scope="row">All rows alike (micro)</th>
              <td className="num">{count(readings[0]!.figures.n)}</td>
              {readings.flatMap(({ key, figures }) => [
                ...figures.micro.map((each) => <Cell key={`${key} ${each.key}`} of={each} />),
                <td key={`${key} unread`} className="num">
                  {count(figures.unread)}
                </td>,
              ])}
            </tr>
          </tfoot>
        </table>
      </div>
      <p className="muted table-note">
        Brackets: 95 %, Wilson. Strict: in the model’s own coordinates, in its answer part, in the right picture.
        {others.length > 0 && ` ${others.join('; ')}.`}
        {(set.published?.judge ?? 0) > 0 &&
          ` ${count(set.published!.judge)} answers would be read by a language model in the published script. They count as wrong here.`}
        {!set.strict &&
          ' A strict reading needs to know what the numbers of a box are: import the file again and say it.'}
      </p>
    </>
  );
}
