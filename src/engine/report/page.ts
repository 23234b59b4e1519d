/**
 * A report of one HTML file that opens anywhere: styles and pictures are inside, and its own policy forbids scripts and
 * everything from outside. It follows the reader's light or dark theme.
 */
import { html, Markup, type Markup as Piece } from './markup.ts';

const POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/** Curves' colours are those of the studio: each has a contrast of 3 with its ground. */
const STYLE = `:root{color-scheme:light dark;--ink:#1d1f1a;--muted:#565b50;--rule:#c9cdc2;--ground:#fcfcfa;--sunken:#f1f2ee;--c0:#a3431f;--c1:#1f6fa8;--c2:#2d7d46;--c3:#8a4a9e;--c4:#8a6a00;--c5:#4d5561;--good:#2d7d46;--bad:#b3261e}
@media(prefers-color-scheme:dark){:root{--ink:#ecede8;--muted:#a9aea3;--rule:#41453d;--ground:#171915;--sunken:#20231e;--c0:#ee9468;--c1:#76b7e8;--c2:#7dcb93;--c3:#cf9be0;--c4:#e0c061;--c5:#b3bac2;--good:#7dcb93;--bad:#ff8a80}}
*{box-sizing:border-box}body{margin:0 auto;padding:2rem 1rem;max-width:76rem;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
h1,h2,h3{line-height:1.25}h2{margin-top:2.5rem;border-top:1px solid var(--rule);padding-top:1rem}.muted,caption{color:var(--muted)}caption{text-align:left;padding-bottom:.25rem}
.wide{overflow-x:auto;margin:1rem 0}table{border-collapse:collapse}th,td{border:1px solid var(--rule);padding:.25rem .5rem;text-align:left;vertical-align:top;font-variant-numeric:tabular-nums}thead th{background:var(--sunken)}tbody th{font-weight:600}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem}dt{color:var(--muted)}dd{margin:0;overflow-wrap:anywhere}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(22rem,100%),1fr));gap:1rem}figure{margin:0;border:1px solid var(--rule);padding:.75rem;min-width:0}figcaption{font-weight:600}
.charts svg{width:100%;height:auto}.charts text{fill:var(--muted);font:11px system-ui,sans-serif}.axis{stroke:var(--rule)}.curve{fill:none;stroke-width:1.6;stroke-linecap:round;vector-effect:non-scaling-stroke}.dot{stroke-width:6}.key{display:flex;flex-wrap:wrap;gap:0 1rem;margin:0;padding:0;list-style:none;font-size:.85rem}.key i{display:inline-block;width:1.2em;height:3px;vertical-align:middle}
.gallery{display:grid;gap:1rem}.pictures{display:flex;flex-wrap:wrap;gap:.5rem;margin:.5rem 0}.pictures svg{width:auto;height:auto;max-width:min(20rem,100%);max-height:16rem;background:var(--sunken)}.box{fill:none;stroke-width:2;vector-effect:non-scaling-stroke}.casing{stroke:#0c0d0a;stroke-width:4;opacity:.7}.truth{stroke:#00a878}.before{stroke:#e69f00;stroke-dasharray:7 4}.answer{stroke:#56b4e9;stroke-dasharray:3 2}
pre,.words{white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:plaintext;margin:.25rem 0}pre{padding:.5rem;background:var(--sunken);font-size:.85rem}.swatch{display:inline-block;width:1.4em;height:.8em;border:2px solid;vertical-align:middle}.swatch.truth{border-color:#00a878}.swatch.before{border-color:#e69f00;border-style:dashed}.swatch.answer{border-color:#56b4e9;border-style:dotted}
@media print{body{max-width:none}figure{break-inside:avoid}}`;

export interface Section {
  readonly title: string;
  readonly body: Piece;
}

/** The whole file. */
export function page(
  title: string,
  facts: readonly (readonly [name: string, words: string])[],
  sections: readonly Section[],
): string {
  const style = new Markup(`<style>${STYLE}</style>`);
  const known = html`<dl>
    ${facts.map(
      ([name, words]) =>
        html`<dt>${name}</dt>
          <dd>${words}</dd>`,
    )}
  </dl>`;
  const parts = sections.map(
    ({ title: heading, body }) =>
      html`<section>
        <h2>${heading}</h2>
        ${body}
      </section>`,
  );
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${POLICY}" />
        <meta name="viewport" content="width=device-width" />
        <meta name="referrer" content="no-referrer" />
        <title>${title}</title>
        ${style}
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          ${known}${parts}
        </main>
      </body>
    </html> `.toString();
}
