/**
 * `npm run house`: writes the map of the house. docs/house.svg is the picture of the layers, docs/house.md the tree with
 * one line a file, and docs/decisions/README.md ends with the index of the decisions. They are made from the layer
 * table (scripts/layers.mjs), the first sentence of each file and the heads of the decisions, so nobody keeps them by
 * hand. tests/architecture/house-map.test.ts fails when one of them is stale, or a file has no first sentence.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './house.mjs';
import { layers, purposes } from './layers.mjs';

/** Folders that the tree shows, with what each is for. `tests` mirrors `src` and is not listed file by file. */
const folders = {
  src: 'The product.',
  shaders: 'Kernels in WGSL, one folder per op.',
  scripts: 'What the commands of package.json run.',
  bench: 'Benchmarks: ours against peers, and against an earlier revision.',
  e2e: 'Stories that a user lives through, in a browser.',
};

/** Files that get a line in the tree. */
const listed = /\.(?:ts|tsx|mjs|js|css|wgsl)$/;

/** The sentence ends at a full stop before a space, but not after these. */
const abbreviation = /(?:^|[\s(])(?:e\.g|i\.e|cf|ch|vs|etc|no)\.$/;

/** First sentence of a text, on one line. */
export function firstSentence(text) {
  const line = text.replace(/\s+/g, ' ').trim();
  for (const { index } of line.matchAll(/[.!?](?=\s|$)/g)) {
    const sentence = line.slice(0, index + 1);
    if (!abbreviation.test(sentence)) return sentence;
  }
  return line;
}

/** A sentence as one short line: what follows its first colon or semicolon is left out where it is long. */
export function shortLine(sentence, most = 120) {
  if (sentence.length <= most) return sentence;
  let [clause] = sentence.split(/[:;] /);
  // A bracket or a quotation that the cut would leave open goes, too.
  for (const [open, close] of ['()', '“”', '``']) {
    const odd =
      open === close ? clause.split(open).length % 2 === 0 : clause.split(open).length > clause.split(close).length;
    if (odd) clause = clause.slice(0, clause.lastIndexOf(open)).trimEnd();
  }
  if (clause.length >= 15 && clause.length <= most) return `${clause}.`;
  const comma = sentence.lastIndexOf(', ', most);
  return `${sentence.slice(0, comma > most / 3 ? comma : sentence.lastIndexOf(' ', most))} …`;
}

/**
 * The comment that a source begins with, as plain text; directives of a shader and a `#!` line may stand before it.
 * @returns {string | null} null where the file begins with something else
 */
export function headComment(file, source) {
  let text = source.replace(/^#!.*\n/, '').trimStart();
  if (file.endsWith('.wgsl')) text = text.replace(/^(?:\s*(?:#|enable |diagnostic|requires ).*\n)+/, '').trimStart();
  const block = /^\/\*+([\s\S]*?)\*\//.exec(text);
  if (block !== null) {
    const [paragraph] = block[1]
      .replace(/^\s*\* ?/gm, '')
      .trim()
      .split(/\n\s*\n/);
    return paragraph || null;
  }
  const lines = [];
  for (const line of text.split('\n')) {
    const match = /^\s*\/\/(.*)$/.exec(line);
    if (match === null || (match[1].trim() === '' && lines.length > 0)) break;
    lines.push(match[1]);
  }
  return lines.join(' ').trim() || null;
}

const names = (folder, type) =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => (type === 'folder' ? entry.isDirectory() : entry.isFile() && listed.test(entry.name)))
    .map((entry) => entry.name)
    .toSorted();

/** Every listed file below a folder with its first sentence, or null where it has none. Files first, then folders. */
function walk(base, folder) {
  const files = names(join(base, folder), 'file').map((name) => {
    const head = headComment(name, readFileSync(join(base, folder, name), 'utf8'));
    return { name, path: `${folder}/${name}`, line: head === null ? null : shortLine(firstSentence(head)) };
  });
  const below = names(join(base, folder), 'folder').map((name) => ({ name, ...walk(base, `${folder}/${name}`) }));
  return { folder, files, below };
}

const flat = (node) => [...node.files, ...node.below.flatMap(flat)];

/** Paths of the files that begin with no comment. */
export const speechless = (base = root) =>
  Object.keys(folders).flatMap((folder) =>
    flat(walk(base, folder))
      .filter((f) => f.line === null)
      .map((f) => f.path),
  );

/** Markdown would take these as its own, except inside `code`. */
const escape = (text) => text.replace(/`[^`]*`|[<>*|]/g, (mark) => (mark.length > 1 ? mark : `\\${mark}`));

function tree(node, depth) {
  const indent = '  '.repeat(depth);
  const file = ({ name, path, line }) => `${indent}- [${name}](../${path}): ${escape(line ?? 'no first sentence')}`;
  return [
    ...node.files.map(file),
    ...node.below.flatMap((next) => [`${indent}- **${next.name}/**`, ...tree(next, depth + 1)]),
  ];
}

/** docs/house.md */
export function houseMarkdown(base = root) {
  const parts = Object.entries(folders).map(([folder, about]) => {
    const node = walk(base, folder);
    if (folder !== 'src') return [`## ${folder}/`, '', about, '', ...tree(node, 0), ''];
    const loose = { ...node, below: [] };
    const layerParts = Object.keys(purposes).flatMap((name) => {
      const layer = node.below.find((next) => next.name === name);
      if (layer === undefined) return [];
      const uses = layers[name].join(', ') || 'nothing';
      return [`### src/${name}`, '', `${purposes[name]} It may use: ${uses}.`, '', ...tree(layer, 0), ''];
    });
    return [`## ${folder}/`, '', about, '', ...tree(loose, 0), '', ...layerParts];
  });
  const head = [
    '# The house, file by file',
    '',
    'Written by `npm run house`. Do not edit it: edit the first comment of the file, or the table in',
    '[scripts/layers.mjs](../scripts/layers.mjs), and run the command again.',
    '',
    '![The layers of src, and which uses which](house.svg)',
    '',
    'An arrow points from a layer to a layer that it uses. Arrows to `base` are left out, since every layer may use it,',
    'and so is an arrow where a longer way by other arrows leads to the same layer.',
    '',
  ];
  return `${[...head, ...parts.flat()].join('\n').trimEnd()}\n`;
}

// ---------------------------------------------------------------------------------------------------------------------
// The picture.

/** Layer → layers that it uses, without rooms (`engine/client` is `engine`), `base` and what follows from the rest. */
function arrows() {
  const uses = new Map(
    Object.entries(layers)
      .filter(([name]) => name !== 'base' && name in purposes)
      .map(([name, list]) => [
        name,
        new Set(list.map((to) => to.split('/')[0]).filter((to) => to !== 'base' && to in purposes && to !== name)),
      ]),
  );
  const reaches = (from, to, skip) =>
    [...(uses.get(from) ?? [])].some((next) => !(skip && next === to) && (next === to || reaches(next, to, false)));
  return new Map([...uses].map(([from, to]) => [from, [...to].filter((layer) => !reaches(from, layer, true))]));
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

/** docs/house.svg */
export function houseSvg() {
  const { rows, paths } = laidOut(arrows());
  const widthOf = (name) => (name.includes('@') ? BOX.knot : BOX.width);
  const rowWidth = (row) => row.reduce((sum, name) => sum + widthOf(name) + BOX.gapX, -BOX.gapX);
  const width = Math.max(...rows.map(rowWidth)) + 40;
  const pitch = BOX.height + BOX.gapY;
  const height = (rows.length + 1) * pitch - BOX.gapY + 40;
  const at = new Map();
  rows.forEach((row, level) => {
    let x = (width - rowWidth(row)) / 2;
    for (const name of row) {
      at.set(name, { x: x + widthOf(name) / 2, y: 20 + (rows.length - 1 - level) * pitch });
      x += widthOf(name) + BOX.gapX;
    }
  });
  const point = (x, y) => `${Math.round(x)} ${Math.round(y)}`;
  const line = (path) => {
    const [first, ...rest] = path.map((name) => at.get(name));
    let from = { x: first.x, y: first.y + BOX.height };
    let d = `M${point(from.x, from.y)}`;
    rest.forEach((next, i) => {
      const last = i === rest.length - 1;
      const to = { x: next.x, y: next.y - (last ? 5 : 0) };
      const bend = (to.y - from.y) / 2;
      d += `C${point(from.x, from.y + bend)} ${point(to.x, to.y - bend)} ${point(to.x, to.y)}`;
      from = last ? to : { x: to.x, y: to.y + BOX.height };
      if (!last) d += `L${point(from.x, from.y)}`;
    });
    return `  <path d="${d}" marker-end="url(#tip)"/>`;
  };
  const box = (name, x, y, wide) => {
    const text = wrapped(purposes[name].replace(/\.$/, ''), Math.floor(wide / 5.6));
    return [
      `  <rect x="${Math.round(x - wide / 2)}" y="${Math.round(y)}" width="${Math.round(wide)}" height="${BOX.height}" rx="8"/>`,
      `  <text x="${Math.round(x)}" y="${Math.round(y) + 18}" class="name">${xml(name)}</text>`,
      ...text.map((words, i) => `  <text x="${Math.round(x)}" y="${Math.round(y) + 33 + i * 12}">${xml(words)}</text>`),
    ];
  };
  const boxes = [...at]
    .filter(([name]) => !name.includes('@'))
    .flatMap(([name, { x, y }]) => box(name, x, y, BOX.width));
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${Math.round(width)} ${height}" role="img" aria-labelledby="t">`,
    '  <title id="t">The layers of src, and which uses which</title>',
    '  <!-- Written by `npm run house` from scripts/layers.mjs. -->',
    '  <style>',
    '    svg { background: #fff }',
    '    rect { fill: #f4f6f8; stroke: #7d8896 }',
    '    path { fill: none; stroke: #7d8896; stroke-width: 1.3 }',
    '    marker path { fill: #7d8896; stroke: none }',
    '    text { font: 10px system-ui, sans-serif; fill: #46505c; text-anchor: middle }',
    '    .name { font: 600 13px system-ui, sans-serif; fill: #12181f }',
    '  </style>',
    '  <defs><marker id="tip" viewBox="0 0 8 8" refX="4" refY="4" markerWidth="7" markerHeight="7" orient="auto">' +
      '<path d="M0 0L8 4L0 8z"/></marker></defs>',
    ...paths.map(line),
    ...boxes,
    ...box('base', width / 2, 20 + rows.length * pitch, width - 40),
    '</svg>',
  ].join('\n')}\n`;
}

// ---------------------------------------------------------------------------------------------------------------------
// The decisions.

const INDEX = '## Index';

/** docs/decisions/README.md: what stands above the index stays, the index is made from the heads of the records. */
export function decisionsMarkdown(base = root) {
  const folder = join(base, 'docs', 'decisions');
  const records = readdirSync(folder)
    .filter((name) => /^\d{4}-.*\.md$/.test(name))
    .toSorted()
    .map((name) => {
      const text = readFileSync(join(folder, name), 'utf8');
      const [, number, title] = /^# (\d{4}) · (.+)$/m.exec(text) ?? [];
      const [, status] = /^\*\*Status\*\* (.+)$/m.exec(text) ?? [];
      if (number === undefined || status === undefined || !name.startsWith(number))
        throw new Error(`docs/decisions/${name} needs "# ${name.slice(0, 4)} · Title" and a line "**Status** …".`);
      return `| [${number}](${name}) | ${title} | ${status} |`;
    });
  const [head] = readFileSync(join(folder, 'README.md'), 'utf8').split(INDEX);
  const note = 'Written by `npm run house` from the heads of the records.';
  return [head.trimEnd(), '', INDEX, '', note, '', '| | decision | status |', '|---|---|---|', ...records, ''].join(
    '\n',
  );
}

/** What the command writes: path in the repository → text. */
export const houseFiles = (base = root) => ({
  'docs/house.md': houseMarkdown(base),
  'docs/house.svg': houseSvg(),
  'docs/decisions/README.md': decisionsMarkdown(base),
});

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, text] of Object.entries(houseFiles())) {
    const file = join(root, path);
    const stale = !existsSync(file) || readFileSync(file, 'utf8') !== text;
    if (stale) writeFileSync(file, text);
    console.log(`${path}: ${stale ? 'written' : 'up to date'}`);
  }
  const missing = speechless();
  if (missing.length > 0) {
    console.error(`${missing.length} files do not begin with a comment that says what they are:`);
    for (const path of missing) console.error(`  ${path}`);
    process.exitCode = 1;
  }
}
