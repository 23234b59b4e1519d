/** HTML whose interpolated values are texts: what comes of data never becomes a tag or an attribute. */

/** A piece of HTML that was written by `html`. */
export class Markup {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}

type Value = string | number | Markup | null | readonly (string | number | Markup | null)[];

const escaped = (text: string): string => text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);

const written = (value: Value): string =>
  value === null
    ? ''
    : value instanceof Markup
      ? value.toString()
      : typeof value === 'object'
        ? value.map(written).join('')
        : escaped(String(value));

/** Attributes stand in double quotes. null is nothing. */
export const html = (parts: TemplateStringsArray, ...values: readonly Value[]): Markup =>
  new Markup(parts.reduce((all, part, i) => all + written(values[i - 1]!) + part));

/** @param rows the first one is the head; the first cell of each is its name */
export function htmlTable(caption: string, rows: readonly (readonly (string | Markup)[])[]): Markup {
  const [head = [], ...body] = rows;
  const lines = body.map(
    ([name, ...cells]) =>
      html`<tr>
        <th scope="row">${name ?? ''}</th>
        ${cells.map((cell) => html`<td>${cell}</td>`)}
      </tr>`,
  );
  return html`<div class="wide" tabindex="0" role="region" aria-label="${caption}">
    <table>
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          ${head.map((cell) => html`<th scope="col">${cell}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${lines}
      </tbody>
    </table>
  </div>`;
}
