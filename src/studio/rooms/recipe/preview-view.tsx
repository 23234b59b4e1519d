/** One row as the model will see it: resized pictures with the target's boxes, the rendered prompt, tokens by loss mask. */
import { useEffect, useMemo, useState } from 'react';
import { VARIATIONS } from '../../../engine/presets.ts';
import type { DatasetReport, EncodedPreview } from '../../../engine/protocol/index.ts';
import type { Layer } from '../../boxes/roles.ts';
import { Legend, Strip } from '../../boxes/strip.tsx';
import { problemOf, type Problem } from '../../problem.ts';
import { useProject, useRecipe, useStudio } from '../../state/studio.ts';
import { useRows } from '../../state/use-rows.ts';
import { count } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { TableHead } from '../../ui/table-head.tsx';

export function PreviewView() {
  const dataset = useProject((project) => project.dataset);
  const model = useProject((project) => project.model);
  if (!dataset || !model)
    return (
      <p className="muted">
        Open a dataset and load a model. Then this view shows what reaches the model: resized pictures, tokens, and
        which tokens are learned.
      </p>
    );
  return <Preview dataset={dataset} />;
}

function Preview({ dataset }: { readonly dataset: DatasetReport }) {
  const { client } = useStudio();
  const [at, setAt] = useState(0);
  const rows = useRows(dataset.id, 'train');
  const row = rows.at(at);
  const prompt = useRecipe((editor) => editor.recipe.prompt);
  const draw = useRecipe((editor) => editor.recipe.draw);
  const budget = useRecipe((editor) => editor.recipe.pictures);
  const seed = useRecipe((editor) => editor.recipe.seed);
  const varies = draw !== undefined && VARIATIONS.some((what) => draw[what] > 0);
  const [number, setNumber] = useState<number | null>(null);
  const [taught, setTaught] = useState(true);
  const [preview, setPreview] = useState<EncodedPreview | Problem | null>(null);
  const { want } = rows;
  useEffect(() => want(at, at + 1), [want, at]);
  const rowId = row?.id;
  useEffect(() => {
    if (rowId === undefined) return;
    let live = true;
    const recipe = { seed, ...(prompt && { prompt }), ...(draw && { draw }), ...(budget && { pictures: budget }) };
    const drawn = varies && number !== null ? { draw: number } : {};
    client.request({ type: 'preview', dataset: dataset.id, rowId, recipe, taught, ...drawn }).then(
      (value) => live && setPreview(value),
      (error) => live && setPreview(problemOf(error)),
    );
    return () => void (live = false);
  }, [client, dataset.id, rowId, prompt, draw, budget, varies, number, seed, taught]);
  const drawn = preview && 'drawn' in preview ? preview.drawn : null;
  const solution = drawn?.solution ?? row?.solution;
  const layers = useMemo<Layer[]>(() => (solution ? [{ role: 'truth', boxes: solution }] : []), [solution]);
  const pictures = useDrawn(drawn);
  const seenAs = useMemo(
    () => (preview && 'sizes' in preview ? preview.sizes.map(({ model }) => model) : undefined),
    [preview],
  );
  return (
    <div className="preview">
      <div className="button-row">
        <button
          type="button"
          className="button icon-only"
          aria-label="Previous row"
          disabled={at === 0}
          onClick={() => setAt(at - 1)}
        >
          <Icon name="left" />
        </button>
        <span className="num">
          Row {at + 1} of {count(dataset.train)}
        </span>
        <button
          type="button"
          className="button icon-only"
          aria-label="Next row"
          disabled={at >= dataset.train - 1}
          onClick={() => setAt(at + 1)}
        >
          <Icon name="right" />
        </button>
        {prompt && (
          <label className="prompt-task">
            <span>Asked</span>
            <select
              value={taught ? 'taught' : 'asked'}
              onChange={(event) => setTaught(event.target.value === 'taught')}
            >
              <option value="taught">where it is learned</option>
              <option value="asked">where answers are sampled</option>
            </select>
          </label>
        )}
        {varies && (
          <label className="prompt-task">
            <span>Shown</span>
            <select
              value={number ?? ''}
              onChange={(event) => setNumber(event.target.value === '' ? null : Number(event.target.value))}
            >
              <option value="">as the row is</option>
              {Array.from({ length: DRAWS_SHOWN }, (_, i) => (
                <option key={i} value={i}>
                  as draw {i + 1} of it
                </option>
              ))}
            </select>
          </label>
        )}
        {preview && 'form' in preview && prompt && <span className="tag">{FORM_TAGS[preview.form]}</span>}
      </div>
      {row && (
        <Strip
          dataset={pictures ? DRAWN : dataset.id}
          images={pictures ?? row.images}
          layers={layers}
          seenAs={seenAs}
          height={200}
          label={`Pictures of row ${row.id}`}
        />
      )}
      {preview === null ? (
        <p className="room-wait">Encoding…</p>
      ) : 'code' in preview ? (
        <ProblemNote problem={preview} />
      ) : (
        <Encoded preview={preview} />
      )}
    </div>
  );
}

const DRAWS_SHOWN = 8;
/** The place of changed pictures among those of datasets. */
const DRAWN = 'drawn';
let shown = 0;

/** Paths by which the pictures of a draw are shown, as long as they are; null: those of the row are. */
function useDrawn(drawn: EncodedPreview['drawn']): readonly string[] | null {
  const { pictures } = useStudio();
  const [paths, setPaths] = useState<readonly string[] | null>(null);
  useEffect(() => {
    if (!drawn) return setPaths(null);
    const here = drawn.pictures.map((picture) => {
      const path = `draw ${shown++}`;
      pictures.put(DRAWN, path, picture);
      return path;
    });
    setPaths(here);
    return () => here.forEach((path) => pictures.drop(DRAWN, path));
  }, [drawn, pictures]);
  return drawn ? paths : null;
}

const FORM_TAGS: Readonly<Record<EncodedPreview['form'], string>> = {
  'as-written': 'as written',
  think: 'think, then answer',
  answer: 'answer only',
};

function Encoded({ preview }: { readonly preview: EncodedPreview }) {
  const learned = preview.tokens.filter((token) => token.inLoss).length;
  const imageTokens = preview.sizes.reduce((sum, { tokens }) => sum + tokens, 0);
  return (
    <>
      <Legend roles={['truth']} />
      <div className="scroll-table" tabIndex={0} role="region" aria-label="Pictures after resizing">
        <table>
          <TableHead columns={['Picture', 'File', 'As the model sees it', 'Tokens']} />
          <tbody>
            {preview.sizes.map(({ natural, model, tokens }, i) => (
              <tr key={i}>
                <th scope="row">Image {i + 1}</th>
                <td className="num">
                  {natural.width} × {natural.height}
                </td>
                <td className="num">
                  {model.width} × {model.height}
                </td>
                <td className="num">{count(tokens)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <h2 className="minor">Tokens by loss mask</h2>
      <p className="muted">
        {count(preview.tokens.length)} tokens: {count(imageTokens)} of pictures, {count(learned)} learned in supervised
        stages, {count(preview.tokens.length - learned - imageTokens)} of text that is only read. In reinforcement
        learning the model writes its own answer and never sees the target.
      </p>
      <ul className="legend" aria-label="Kinds of tokens">
        <li>
          <mark className="token-learned">learned</mark> in the loss: tinted and underlined
        </li>
        <li>
          <span className="token-run">image × 99</span> the tokens of one picture
        </li>
        <li>
          <span>read</span> not in the loss
        </li>
      </ul>
      <p className="tokens" tabIndex={0} role="region" aria-label="Tokens by loss mask">
        {runs(preview.tokens).map(({ text, inLoss, repeated }, i) =>
          repeated > 1 ? (
            <span key={i} className="token-run" title={`${count(repeated)} times ${text}`}>
              {text} × {count(repeated)}
            </span>
          ) : inLoss ? (
            <mark key={i} className="token-learned">
              {text}
            </mark>
          ) : (
            <span key={i}>{text}</span>
          ),
        )}
      </p>
      <div className="preview-texts">
        <section aria-label="The rendered prompt">
          <h2 className="minor">The rendered prompt</h2>
          <p className="tokens">{preview.promptText}</p>
        </section>
        <section aria-label="The target">
          <h2 className="minor">The target</h2>
          <p className="tokens">{preview.targetText || <span className="muted">This row has none.</span>}</p>
        </section>
      </div>
    </>
  );
}

export interface TokenRun {
  readonly text: string;
  readonly inLoss: boolean;
  /** How often the token stands here in a row; above 1 it is told once. */
  readonly repeated: number;
}

/** As many equal tokens in a row as this are one run. */
const RUN = 4;

/** Neighbours with the same mask as one piece: a page of 4,000 spans would be slow. Long repeats of one token are counted. */
export function runs(tokens: EncodedPreview['tokens']): TokenRun[] {
  const pieces: { text: string; inLoss: boolean; repeated: number }[] = [];
  for (let i = 0; i < tokens.length;) {
    const { text, inLoss } = tokens[i]!;
    let end = i + 1;
    while (end < tokens.length && tokens[end]!.text === text && tokens[end]!.inLoss === inLoss) end++;
    const repeated = end - i;
    const last = pieces.at(-1);
    if (repeated >= RUN) pieces.push({ text, inLoss, repeated });
    else if (last && last.inLoss === inLoss && last.repeated === 1) last.text += text.repeat(repeated);
    else pieces.push({ text: text.repeat(repeated), inLoss, repeated: 1 });
    i = end;
  }
  return pieces;
}
