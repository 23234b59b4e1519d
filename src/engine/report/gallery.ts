/** Rows with their pictures, the right boxes, and the boxes that were given. */
import { plural } from '../../base/counts.ts';
import type { Box01, GroundedBox } from '../../grounding/box.ts';
import { html, type Markup } from './markup.ts';

/** A picture inside the file: its address as data (empty: it could not be read), and its proportions. */
export interface ReportPicture {
  readonly data: string;
  readonly width: number;
  readonly height: number;
}

/** An answer and its boxes, under a name. */
export interface ReportAnswer {
  readonly name: string;
  readonly text: string;
  readonly boxes: readonly GroundedBox[];
}

export interface Card {
  readonly title: string;
  readonly question: string;
  readonly pictures: readonly ReportPicture[];
  readonly truth: readonly GroundedBox[];
  /** One, or the one before and the one after. */
  readonly answers: readonly ReportAnswer[];
}

export interface Gallery {
  readonly title: string;
  readonly cards: readonly Card[];
  /** Rows that are like these. */
  readonly of: number;
}

const STYLES = ['before', 'answer'] as const;

/** The later of two answers is drawn as the only one is. */
const styleOf = (i: number, answers: readonly ReportAnswer[]) => STYLES[answers.length === 1 ? 1 : i]!;

function rectangle([x1, y1, x2, y2]: Box01, { width, height }: ReportPicture, style: string): Markup {
  const [x, y, w, h] = [x1 * width, y1 * height, Math.max(0, x2 - x1) * width, Math.max(0, y2 - y1) * height].map(
    (pixels) => Number(pixels.toFixed(2)),
  ) as [number, number, number, number];
  return html`<rect class="box casing" x="${x}" y="${y}" width="${w}" height="${h}" /><rect
      class="box ${style}"
      x="${x}"
      y="${y}"
      width="${w}"
      height="${h}"
    />`;
}

function picture(shown: ReportPicture, index: number, { truth, answers }: Card): Markup {
  const here = (boxes: readonly GroundedBox[]) => boxes.filter(({ image }) => image === index);
  const drawn = [
    ...here(truth).map(({ box }) => rectangle(box, shown, 'truth')),
    ...answers.flatMap(({ boxes }, i) => here(boxes).map(({ box }) => rectangle(box, shown, styleOf(i, answers)))),
  ];
  const given = answers.map(({ name, boxes }) => `${here(boxes).length} of ${name}`).join(', ');
  const label = `Image ${index + 1}: ${plural(here(truth).length, 'right box')}, ${given}`;
  const image = shown.data
    ? html`<image href="${shown.data}" width="${shown.width}" height="${shown.height}" />`
    : null;
  return html`<svg
    role="img"
    aria-label="${label}"
    width="${shown.width}"
    height="${shown.height}"
    viewBox="0 0 ${shown.width} ${shown.height}"
  >
    ${image}${drawn}
  </svg>`;
}

function card(shown: Card): Markup {
  const { title, question, pictures, answers } = shown;
  const texts = answers.map(
    ({ name, text }, i) =>
      html`<p><span class="swatch ${styleOf(i, answers)}"></span> ${name}</p>
        <pre>${text}</pre>`,
  );
  return html`<figure>
    <figcaption>${title}</figcaption>
    <p class="words">${question}</p>
    <div class="pictures">${pictures.map((each, i) => picture(each, i, shown))}</div>
    ${texts}
  </figure>`;
}

export function galleryPart({ cards, of }: Gallery): Markup {
  if (cards.length === 0) return html`<p class="muted">No row is like this.</p>`;
  const more = cards.length < of ? `${cards.length} of ${of} rows. ` : '';
  return html`<p class="muted">${more}Right boxes: <span class="swatch truth"></span></p>
    <div class="gallery">${cards.map(card)}</div>`;
}
