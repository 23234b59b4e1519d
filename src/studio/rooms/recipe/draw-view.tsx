/** How training rows are drawn: shares of files or tasks, and changes to pictures that their boxes follow. */
import { useEffect, useState } from 'react';
import {
  DRAW,
  DRAW_SCHEMA,
  MIX_BY,
  VARIATIONS,
  type DrawSettings,
  type MixBy,
  type Variation,
} from '../../../engine/presets.ts';
import type { DrawReport } from '../../../engine/protocol/index.ts';
import { problemOf, type Problem } from '../../problem.ts';
import { useProject, useRecipe, useStudio } from '../../state/studio.ts';
import { count } from '../../ui/format.ts';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { TableHead } from '../../ui/table-head.tsx';
import { NumberInput } from './number-input.tsx';
import { SettingLine } from './setting-line.tsx';

const MIX_WORDS: Readonly<Record<MixBy, string>> = {
  none: 'Every row once a pass',
  file: 'By file',
  task: 'By task',
};

type Bound = 'cropLeast' | 'scaleLeast' | 'colourMost';

/** Of each change: what it is, and what it can be held to. */
const CHANGES: Readonly<
  Record<
    Variation,
    { readonly title: string; readonly help: string; readonly bound?: readonly [Bound, string, string] }
  >
> = {
  order: {
    title: 'Pictures in another order',
    help: 'Boxes and words such as “Image-2” follow. Rows that speak of an order, as of before and after, keep it.',
  },
  flip: {
    title: 'Mirrored',
    help: 'Left to right, all pictures of a row together. Rows that speak of sides or of writing are not mirrored.',
  },
  crop: {
    title: 'Cropped',
    help: 'Pictures with boxes are cut, and no box is. Rows that speak of places or of differences are not cropped.',
    bound: ['cropLeast', 'Least part of a side', 'What stays of width and height at least, from 0.1 to 1.'],
  },
  scale: {
    title: 'Made smaller',
    help: 'Fewer tokens a picture. Rows that compare sizes or places are not made smaller.',
    bound: ['scaleLeast', 'Least size', 'Of width and height, from 0.1 to 1.'],
  },
  colour: {
    title: 'Recoloured',
    help: 'Brightness, contrast and saturation. Rows that speak of colours or of light keep theirs.',
    bound: ['colourMost', 'Most change', 'Of each of the three, from 0 to 0.9: 0.2 is from 80 % to 120 %.'],
  },
};

const isDefault = (draw: DrawSettings) => JSON.stringify(draw) === JSON.stringify(DRAW);

export function DrawView() {
  const draw = useRecipe((editor) => editor.recipe.draw) ?? DRAW;
  const put = useRecipe((editor) => editor.draw);
  const change = (part: Partial<DrawSettings>) => {
    const next = { ...draw, ...part };
    put(isDefault(next) ? null : next);
  };
  const report = useReport();
  return (
    <div className="prompt-view">
      <p className="muted">
        This is about training rows alone. Held-out rows, and rows that answers are sampled for, stay as they are.
        Everything is drawn by the seed, so a resumed run draws the same.
      </p>
      <section className="prompt-part" aria-label="Mixture">
        <h2 className="minor">Mixture</h2>
        <div className="fields">
          <SettingLine
            title="Shares"
            name="mixBy"
            help="A pass has as many draws as there are rows. To practise what was learned earlier, add its dataset to the new one and give its file a small share. Supervised stages and GRPO draw so."
          >
            {(helpId) => (
              <select
                value={draw.mixBy}
                aria-label="Shares"
                aria-describedby={helpId}
                onChange={(event) => change({ mixBy: event.target.value as MixBy, shares: {} })}
              >
                {MIX_BY.map((by) => (
                  <option key={by} value={by}>
                    {MIX_WORDS[by]}
                  </option>
                ))}
              </select>
            )}
          </SettingLine>
        </div>
        {draw.mixBy !== 'none' && report && 'groups' in report && (
          <Shares draw={draw} groups={report.groups} onChange={(shares) => change({ shares })} />
        )}
        {draw.mixBy !== 'none' && report === null && <p className="muted">Open a dataset to give shares.</p>}
      </section>
      <section className="prompt-part" aria-label="Changed pictures">
        <h2 className="minor">Changed pictures</h2>
        <p className="muted">
          Each is the share of draws that are changed so, from 0 to 1, in supervised stages. A changed picture passes
          the vision tower again at every draw, which takes time. “As the model sees it” shows draws.
        </p>
        <div className="fields">
          {VARIATIONS.map((what) => (
            <ChangeFields key={what} what={what} draw={draw} onChange={change} />
          ))}
        </div>
        {report && 'unvaried' in report && report.unvaried.length > 0 && (
          <ul aria-label="Rows that are not changed">
            {report.unvaried.map((words) => (
              <li key={words}>{words}</li>
            ))}
          </ul>
        )}
      </section>
      {report && 'code' in report && <ProblemNote problem={report} />}
    </div>
  );
}

/** What the settings make of the open dataset; null without one. */
function useReport(): DrawReport | Problem | null {
  const { client } = useStudio();
  const dataset = useProject((project) => project.dataset?.id);
  const draw = useRecipe((editor) => editor.recipe.draw);
  const seed = useRecipe((editor) => editor.recipe.seed);
  const [report, setReport] = useState<DrawReport | Problem | null>(null);
  useEffect(() => {
    if (dataset === undefined) return setReport(null);
    let live = true;
    client.request({ type: 'draw-report', dataset, recipe: { seed, ...(draw && { draw }) } }).then(
      (value) => live && setReport(value),
      (error) => live && setReport(problemOf(error)),
    );
    return () => void (live = false);
  }, [client, dataset, draw, seed]);
  return report;
}

function Shares({
  draw,
  groups,
  onChange,
}: {
  readonly draw: DrawSettings;
  readonly groups: DrawReport['groups'];
  readonly onChange: (shares: NonNullable<DrawSettings['shares']>) => void;
}) {
  const { shares = {} } = draw;
  const total = groups.reduce((sum, { draws }) => sum + draws, 0);
  const absent = Object.keys(shares).filter((name) => groups.every((group) => group.name !== name));
  const without = (name: string) => Object.fromEntries(Object.entries(shares).filter(([other]) => other !== name));
  return (
    <div className="scroll-table" tabIndex={0} role="region" aria-label="Shares of the mixture">
      <table>
        <TableHead
          columns={[draw.mixBy === 'file' ? 'File' : 'Task', 'Rows', 'Draws a pass', 'Share']}
          actions="Give or take back a share"
        />
        <tbody>
          {[...groups, ...absent.map((name) => ({ name, rows: 0, draws: 0 }))].map(({ name, rows, draws }) => {
            const words = name || 'rows without a task';
            const given = Object.hasOwn(shares, name);
            return (
              <tr key={name}>
                <th scope="row">{words}</th>
                <td className="num">{count(rows)}</td>
                <td className="num">{count(draws)}</td>
                <td className="num">
                  {given ? (
                    <NumberInput
                      value={shares[name]!}
                      min={0}
                      max={1}
                      integer={false}
                      label={`Share of ${words}`}
                      onChange={(share) => onChange({ ...shares, [name]: share })}
                    />
                  ) : (
                    'by its rows'
                  )}
                </td>
                <td>
                  <button
                    type="button"
                    className="button small"
                    aria-label={`${given ? 'By its rows' : 'Give a share'}: ${words}`}
                    onClick={() =>
                      onChange(given ? without(name) : { ...shares, [name]: Math.round((1000 * draws) / total) / 1000 })
                    }
                  >
                    {given ? 'By its rows' : 'Give a share'}
                  </button>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function ChangeFields({
  what,
  draw,
  onChange,
}: {
  readonly what: Variation;
  readonly draw: DrawSettings;
  readonly onChange: (part: Partial<DrawSettings>) => void;
}) {
  const { title, help, bound } = CHANGES[what];
  return (
    <>
      <SettingLine title={title} name={what} help={help}>
        {(helpId) => (
          <NumberInput
            value={draw[what]}
            min={DRAW_SCHEMA[what].min}
            max={DRAW_SCHEMA[what].max}
            integer={false}
            label={title}
            describedBy={helpId}
            onChange={(share) => onChange({ [what]: share })}
          />
        )}
      </SettingLine>
      {bound && draw[what] > 0 && (
        <SettingLine title={bound[1]} name={bound[0]} help={bound[2]}>
          {(helpId) => (
            <NumberInput
              value={draw[bound[0]]}
              min={DRAW_SCHEMA[bound[0]].min}
              max={DRAW_SCHEMA[bound[0]].max}
              integer={false}
              label={`${bound[1]}, ${title}`}
              describedBy={helpId}
              onChange={(value) => onChange({ [bound[0]]: value })}
            />
          )}
        </SettingLine>
      )}
    </>
  );
}
