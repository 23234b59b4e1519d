/** A report of one HTML file that opens anywhere and fetches nothing: tables, intervals, failures, pictures with boxes. */
import type { Box01 } from '../grounding/box.ts';
import { failuresByTask, outcomeOf } from './failures.ts';
import { OUTCOMES } from './outcome-kinds.ts';
import type { ScoredRow } from './benchmark-scores.ts';
import { tableOf, tableGrid, type TableEntry } from './benchmark-table.ts';

/** A picture of the gallery: its address inside the file, and its size. */
export interface ReportPicture {
  readonly data: string;
  readonly width: number;
  readonly height: number;
}

const escape = (text: string): string => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

function htmlTable(rows: readonly (readonly string[])[]): string {
  const cells = (row: readonly string[], tag: string) => row.map((cell) => `<${tag}>${escape(cell)}</${tag}>`).join('');
  const [head, ...body] = rows as [readonly string[], ...(readonly string[])[]];
  return `<table><thead><tr>${cells(head, 'th')}</tr></thead><tbody>${body.map((row) => `<tr>${cells(row, 'td')}</tr>`).join('')}</tbody></table>`;
}

const rectangle = ([x1, y1, x2, y2]: Box01, { width, height }: ReportPicture, name: string): string =>
  `<rect class="${name}" x="${x1 * width}" y="${y1 * height}" width="${Math.max(0, x2 - x1) * width}" height="${Math.max(0, y2 - y1) * height}"/>`;

/** Right boxes are drawn whole, the answer's dashed. */
function card(scored: ScoredRow, pictures: readonly ReportPicture[]): string {
  const { row, prediction } = scored;
  const kind = outcomeOf(scored);
  const drawn = pictures.map((picture, image) => {
    const truth = row.solution.filter((box) => box.image === image);
    const given = (prediction.boxes ?? []).filter((box) => box.image === image);
    const boxes = [
      ...truth.map(({ box }) => rectangle(box, picture, 'truth')),
      ...given.map(({ box }) => rectangle(box, picture, 'answer')),
    ];
    const label = `Image ${image + 1}: ${truth.length} right, ${given.length} given`;
    return `<svg role="img" aria-label="${label}" viewBox="0 0 ${picture.width} ${picture.height}"><image href="${picture.data}" width="${picture.width}" height="${picture.height}"/>${boxes.join('')}</svg>`;
  });
  const title = `${row.id}${kind ? `: ${OUTCOMES[kind]}` : ''}`;
  return `<figure><figcaption>${escape(title)}</figcaption><div>${drawn.join('')}</div><pre>${escape(prediction.text)}</pre></figure>`;
}

const STYLE = `:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;display:block;overflow-x:auto}th,td{border:1px solid #8888;padding:.25rem .5rem;text-align:left}
figure{border:1px solid #8888;margin:1rem 0;padding:1rem}figure div{display:flex;gap:.5rem;flex-wrap:wrap}svg{max-width:20rem;max-height:16rem}
rect{fill:none;stroke-width:2;vector-effect:non-scaling-stroke}.truth{stroke:#0a0}.answer{stroke:#d22;stroke-dasharray:6 3}pre{white-space:pre-wrap}`;

/** @param gallery rows with their pictures, in the order in which they are shown */
export function htmlReport(
  entries: readonly (readonly TableEntry[])[],
  gallery: readonly { readonly scored: ScoredRow; readonly pictures: readonly ReportPicture[] }[],
): string {
  const parts = entries.map((each) => {
    const table = tableOf(each);
    const { kinds, tasks } = failuresByTask(each[0]!.scores.rows);
    const failures = [
      ['task', 'n', ...kinds.map((kind) => OUTCOMES[kind])],
      ...tasks.map(({ task, n, rows }) => [task, `${n}`, ...kinds.map((kind) => `${rows[kind]?.length ?? 0}`)]),
    ];
    const why = table.objections.length
      ? `<p>Not comparable with published rows: ${escape(table.objections.join('; '))}.</p>`
      : '';
    return `<h2>${escape(table.title)}</h2><p>${escape(table.figure)}, per cent.</p>${htmlTable(tableGrid(table))}${why}<h3>Answers by what went wrong</h3>${htmlTable(failures)}`;
  });
  const cards = gallery.map(({ scored, pictures }) => card(scored, pictures));
  const shown = cards.length
    ? `<h2>Failures</h2><p>Right boxes are green, given ones red and dashed.</p>${cards.join('')}`
    : '';
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'"><meta name="viewport" content="width=device-width"><title>Evaluation</title><style>${STYLE}</style></head><body><main><h1>Evaluation</h1>${parts.join('')}${shown}</main></body></html>\n`;
}
