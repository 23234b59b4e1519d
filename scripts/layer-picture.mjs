/**
 * Draws who uses whom as an SVG: boxes in rows, each above the highest box that it uses, with arrows that go round the
 * boxes between them. scripts/house-map.mjs uses it for the layers and for the rooms of the engine.
 */

/** name → names that it uses, less those that a longer way leads to as well. */
export function reduced(uses) {
  const reaches = (from, to, skip) =>
    [...(uses.get(from) ?? [])].some((next) => !(skip && next === to) && (next === to || reaches(next, to, false)));
  return new Map([...uses].map(([from, to]) => [from, [...to].filter((name) => !reaches(from, name, true))]));
}

/** Rows of layers, the lowest first: each layer stands one row above the highest that it uses. */
function rowsOf(edges) {
  const height = new Map();
  const heightOf = (name) => {
    if (!height.has(name)) height.set(name, Math.max(-1, ...(edges.get(name) ?? []).map(heightOf)) + 1);
    return height.get(name);
  };
  const rows = [];
  for (const name of edges.keys()) (rows[heightOf(name)] ??= []).push(name);
  return rows;
}

/**
 * Long arrows get a place in each row that they pass, so that they go round the boxes. Then rows are sorted by the mean
 * place of their neighbours, up and down a few times, which takes out most crossings.
 */
function laidOut(edges) {
  const rows = rowsOf(edges).map((row) => [...row]);
  const rowOf = new Map(rows.flatMap((row, at) => row.map((name) => [name, at])));
  const links = [];
  const paths = [];
  for (const [from, targets] of edges) {
    for (const to of targets) {
      const path = [from];
      for (let at = rowOf.get(from) - 1; at > rowOf.get(to); at--) {
        const knot = `${from}>${to}@${at}`;
        rows[at].push(knot);
        path.push(knot);
      }
      path.push(to);
      paths.push(path);
      for (let i = 1; i < path.length; i++) links.push([path[i - 1], path[i]]);
    }
  }
  const place = new Map();
  const number = (row) => row.forEach((name, i) => place.set(name, i - (row.length - 1) / 2));
  rows.forEach(number);
  const mean = (name, side) => {
    const found = links.filter((link) => link[side] === name).map((link) => place.get(link[1 - side]));
    return found.length === 0 ? place.get(name) : found.reduce((a, b) => a + b, 0) / found.length;
  };
  for (let sweep = 0; sweep < 12; sweep++) {
    const up = sweep % 2 === 0;
    for (const row of up ? rows : rows.toReversed()) {
      const key = new Map(row.map((name) => [name, mean(name, up ? 0 : 1)]));
      row.sort((a, b) => key.get(a) - key.get(b) || (a < b ? -1 : 1));
      number(row);
    }
  }
  return { rows, paths };
}

const BOX = { width: 176, height: 62, gapX: 22, gapY: 40, knot: 26 };

const xml = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

/** Words on lines of at most `width` letters. */
function wrapped(text, width) {
  const lines = [''];
  for (const word of text.split(' ')) {
    if (lines.at(-1) !== '' && lines.at(-1).length + 1 + word.length > width) lines.push('');
    lines[lines.length - 1] += (lines.at(-1) === '' ? '' : ' ') + word;
  }
  return lines;
}

/**
 * One graph from `top` on. `floor` is the box that all may use: it lies below the rows, without arrows.
 * @param {{ edges: Map<string, string[]>, floor: string, about: Record<string, string>, height: number }} graph
 * @returns {{ lines: string[], width: number, height: number }} for drawing within `width`
 */
function graphOf({ edges, floor, about, height: tall }) {
  const { rows, paths } = laidOut(edges);
  const widthOf = (name) => (name.includes('@') ? BOX.knot : BOX.width);
  const rowWidth = (row) => row.reduce((sum, name) => sum + widthOf(name) + BOX.gapX, -BOX.gapX);
  const own = Math.max(...rows.map(rowWidth));
  const pitch = tall + BOX.gapY;
  const draw = (width, top) => {
    const at = new Map();
    rows.forEach((row, level) => {
      let x = (width - rowWidth(row)) / 2;
      for (const name of row) {
        at.set(name, { x: x + widthOf(name) / 2, y: top + (rows.length - 1 - level) * pitch });
        x += widthOf(name) + BOX.gapX;
      }
    });
    const point = (x, y) => `${Math.round(x)} ${Math.round(y)}`;
    const line = (path) => {
      const [first, ...rest] = path.map((name) => at.get(name));
      let from = { x: first.x, y: first.y + tall };
      let d = `M${point(from.x, from.y)}`;
      rest.forEach((next, i) => {
        const last = i === rest.length - 1;
        const to = { x: next.x, y: next.y - (last ? 5 : 0) };
        const bend = (to.y - from.y) / 2;
        d += `C${point(from.x, from.y + bend)} ${point(to.x, to.y - bend)} ${point(to.x, to.y)}`;
        from = last ? to : { x: to.x, y: to.y + tall };
        if (!last) d += `L${point(from.x, from.y)}`;
      });
      return `  <path d="${d}" marker-end="url(#tip)"/>`;
    };
    const box = (name, x, y, wide) => {
      const words = wrapped((about[name] ?? '').replace(/\.$/, ''), Math.floor(wide / 5.6));
      const [left, middle, upper] = [x - wide / 2, x, y].map(Math.round);
      return [
        `  <rect x="${left}" y="${upper}" width="${Math.round(wide)}" height="${tall}" rx="8"/>`,
        `  <text x="${middle}" y="${upper + 18}" class="name">${xml(name)}</text>`,
        ...words.map((line, i) => `  <text x="${middle}" y="${upper + 33 + i * 12}">${xml(line)}</text>`),
      ];
    };
    const boxes = [...at].filter(([name]) => !name.includes('@'));
    return [
      ...paths.map(line),
      ...boxes.flatMap(([name, { x, y }]) => box(name, x, y, BOX.width)),
      ...box(floor, width / 2, top + rows.length * pitch, own),
    ];
  };
  return { draw, width: own, height: (rows.length + 1) * pitch - BOX.gapY };
}

const MARGIN = 20;
const HEADING = 44;

/** Graphs below each other, each under its heading, as one SVG. */
export function pictureOf(title, graphs) {
  const drawn = graphs.map((graph) => ({ heading: graph.heading, ...graphOf(graph) }));
  const width = Math.max(...drawn.map((graph) => graph.width)) + 2 * MARGIN;
  let top = 0;
  const lines = drawn.flatMap(({ heading, draw, height }) => {
    const from = top;
    top += HEADING + height + MARGIN;
    return [
      `  <text x="${MARGIN}" y="${from + 28}" class="heading">${xml(heading)}</text>`,
      ...draw(width, from + HEADING),
    ];
  });
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${Math.round(width)} ${top}" role="img" aria-labelledby="t">`,
    `  <title id="t">${xml(title)}</title>`,
    '  <!-- Written by `npm run house` from scripts/layers.mjs. -->',
    '  <style>',
    '    svg { background: #fff }',
    '    rect { fill: #f4f6f8; stroke: #7d8896 }',
    '    path { fill: none; stroke: #7d8896; stroke-width: 1.3 }',
    '    marker path { fill: #7d8896; stroke: none }',
    '    text { font: 10px system-ui, sans-serif; fill: #46505c; text-anchor: middle }',
    '    .name { font: 600 13px system-ui, sans-serif; fill: #12181f }',
    '    .heading { font: 600 15px system-ui, sans-serif; fill: #12181f; text-anchor: start }',
    '  </style>',
    '  <defs><marker id="tip" viewBox="0 0 8 8" refX="4" refY="4" markerWidth="7" markerHeight="7" orient="auto">' +
      '<path d="M0 0L8 4L0 8z"/></marker></defs>',
    ...lines,
    '</svg>',
  ].join('\n')}\n`;
}
