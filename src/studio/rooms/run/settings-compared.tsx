/** What was set differently in the runs that are laid over each other. */
import type { Recipe } from '../../../engine/protocol/index.ts';
import { differences } from '../../recipe/compare.ts';
import { plural } from '../../ui/format.ts';

interface SettingsComparedProps {
  readonly own: Recipe;
  readonly others: readonly { readonly key: string; readonly name: string; readonly recipe: Recipe }[];
  /** What the first run is called. */
  readonly ownName?: string;
  readonly open?: boolean;
}

export function SettingsCompared({ own, others, ownName = 'Run in view', open = false }: SettingsComparedProps) {
  if (others.length === 0) return null;
  const found = differences([own, ...others.map(({ recipe }) => recipe)]);
  if (found.length === 0)
    return <p className="muted settings-compared">All settings of these runs are the same, including the seed.</p>;
  return (
    <details className="settings-compared" open={open}>
      <summary>
        {plural(found.length, 'setting')} differ{found.length === 1 && 's'} between these runs
      </summary>
      <div className="scroll-table" tabIndex={0} role="region" aria-label="Settings that differ">
        <table>
          <thead>
            <tr>
              <th scope="col">Stage</th>
              <th scope="col">Setting</th>
              <th scope="col">{ownName}</th>
              {others.map(({ key, name }) => (
                <th scope="col" key={key}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {found.map(({ stage, setting, name, values }) => (
              <tr key={`${stage}\n${setting}`}>
                <td>{stage}</td>
                <th scope="row">
                  {setting} {name && <code>{name}</code>}
                </th>
                {values.map((value, i) => (
                  <td key={i} className="num">
                    {value ?? <span className="muted">no such stage</span>}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
