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
import { pictureOf, reduced } from './layer-picture.mjs';
import { layers, purposes, rooms } from './layers.mjs';

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
    '![The layers of src and the rooms of the engine, and which uses which](house.svg)',
    '',
    'An arrow points from a layer to a layer that it uses, or from a room of the engine to a room. The box at the bottom',
    'is open to all, so arrows to it are left out. So is an arrow where a longer way by other arrows leads to the same box.',
    '',
  ];
  return `${[...head, ...parts.flat()].join('\n').trimEnd()}\n`;
}

// ---------------------------------------------------------------------------------------------------------------------
// The picture.

/** Of a table name → names it may use: each name's own, without `floor` and what is not in the table. */
function usesOf(table, floor) {
  const top = (name) => name.split('/')[0];
  return new Map(
    Object.entries(table)
      .filter(([name]) => name !== floor)
      .map(([name, list]) => [name, new Set(list.map(top).filter((to) => to !== floor && to !== name && to in table))]),
  );
}

/** docs/house.svg */
export function houseSvg() {
  const graph = (heading, table, floor, about, height) => ({
    heading,
    edges: reduced(usesOf(table, floor)),
    floor,
    about,
    height,
  });
  return pictureOf('The layers of src and the rooms of the engine, and which uses which', [
    graph('The layers of src', layers, 'base', purposes, 62),
    graph('The rooms of src/engine', rooms.engine, 'protocol', {}, 28),
  ]);
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
