/** The studio's style sheets: every rule in the layer of its place, and a room's rules within the room. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';

const STUDIO = 'src/studio';
const ORDER = 'styles/order.css';

/** Sheets of the studio itself and the layer each fills; a sheet below rooms/ fills `rooms`. */
const LAYERS: Readonly<Record<string, string>> = {
  'styles/tokens.css': 'tokens',
  'styles/base.css': 'base',
  'styles/controls.css': 'parts',
  'styles/pictures.css': 'parts',
  'styles/drop.css': 'parts',
  'styles/shell.css': 'shell',
  'styles/utilities.css': 'utilities',
  'styles/forced-colors.css': 'system',
};

/** Panels that belong to no room: they are laid over any, and each is a scope of its own. */
const PANELS: Readonly<Record<string, string>> = {
  'edit/edit.css': '.editor',
  'palette/palette.css': '.palette, .keys',
};

interface Rule {
  /** Everything before the brace or the semicolon. */
  readonly head: string;
  /** Null: a statement, such as @import. */
  readonly body: string | null;
}

/** The rules of one level of a sheet, in their order. */
function rulesOf(css: string): Rule[] {
  const text = css.replace(/\/\*[\s\S]*?\*\//g, '');
  const rules: Rule[] = [];
  let [from, depth, open] = [0, 0, 0];
  let quote = '';
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (quote) {
      if (c === quote) quote = '';
    } else if (c === '"' || c === "'") quote = c;
    else if (c === '{' && depth++ === 0) open = i;
    else if (c === ';' && depth === 0) {
      rules.push({ head: text.slice(from, i).trim(), body: null });
      from = i + 1;
    } else if (c === '}' && --depth === 0) {
      rules.push({ head: text.slice(from, open).trim(), body: text.slice(open + 1, i) });
      from = i + 1;
    }
  }
  if (depth !== 0 || text.slice(from).trim()) throw new Error(`not a whole sheet: ${text.slice(from, from + 80)}`);
  return rules;
}

/** What is wrong with a sheet. @param path below src/studio */
function faults(path: string, css: string): string[] {
  const found: string[] = [];
  const room = /^rooms\/([\w-]+)\//.exec(path)?.[1];
  const panel = PANELS[path];
  const layer = room || panel ? 'rooms' : LAYERS[path];
  if (path === ORDER) return found;
  if (!layer) return [`${path} has no layer in this test's table`];
  for (const { head, body } of rulesOf(css)) {
    if (body === null) {
      // A sheet that is not ours: only in the layer that all of ours win over.
      if (!/^@import .+ layer\(vendor\)$/.test(head)) found.push(`${path}: ${head}`);
      continue;
    }
    if (head !== `@layer ${layer}`) {
      found.push(`${path}: ${head} is not in the layer ${layer}`);
      continue;
    }
    if (!room && !panel) continue;
    // A panel that two rooms show has a sheet of its name, and is its own scope.
    const scopes = panel ? [`@scope (${panel})`] : [`@scope (.room-${room})`, `@scope (.${basename(path, '.css')})`];
    for (const inner of rulesOf(body))
      if (!scopes.includes(inner.head) && !inner.head.startsWith('@keyframes'))
        found.push(`${path}: ${inner.head} is outside ${scopes.join(' and ')}`);
  }
  // Importance turns the order of the layers round. Only what a person asked the system for may.
  const important = css.match(/!important/g)?.length ?? 0;
  if (important > (path === 'styles/base.css' ? 3 : 0)) found.push(`${path}: !important`);
  return found;
}

const sheets = readdirSync(STUDIO, { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.css'))
  .map((path) => ({ path, css: readFileSync(join(STUDIO, path), 'utf8') }));

test('every rule is in its layer, and a room’s are within the room', () => {
  expect(sheets.length).toBeGreaterThan(15);
  expect(sheets.flatMap(({ path, css }) => faults(path, css))).toEqual([]);
});

test('one statement orders all layers, and it is read first', () => {
  const order = rulesOf(sheets.find(({ path }) => path === ORDER)!.css);
  expect(order).toHaveLength(1);
  const names = order[0]!.head.replace('@layer ', '').split(/,\s*/);
  expect(new Set(names)).toEqual(new Set(['vendor', 'rooms', ...Object.values(LAYERS)]));
  expect(
    sheets.filter(({ css }) => rulesOf(css).some(({ head, body }) => body === null && head.startsWith('@layer'))),
  ).toEqual([expect.objectContaining({ path: ORDER })]);
  const imports = [...readFileSync(join(STUDIO, 'mount.tsx'), 'utf8').matchAll(/^import '.\/(styles\/.+\.css)';$/gm)];
  expect(imports[0]![1]).toBe(ORDER);
  expect(new Set(imports.map(([, path]) => path))).toEqual(new Set([ORDER, ...Object.keys(LAYERS)]));
});

test('sheets of others come through ours, where they get a layer', () => {
  const scripts = readdirSync(STUDIO, { recursive: true, encoding: 'utf8' }).filter((path) => /\.tsx?$/.test(path));
  const strangers = scripts.flatMap((path) =>
    [...readFileSync(join(STUDIO, path), 'utf8').matchAll(/import '([^.'][^']*\.css)'/g)].map(([, from]) => from),
  );
  expect(strangers).toEqual([]);
});

test('every room has the class that its sheets are scoped to', () => {
  const rooms = new Set(sheets.flatMap(({ path }) => /^rooms\/([\w-]+)\//.exec(path)?.[1] ?? []));
  for (const room of rooms)
    expect(readFileSync(join(STUDIO, `rooms/${room}/${room}-room.tsx`), 'utf8'), room).toContain(
      `className="room room-${room}"`,
    );
});

describe('refused is', () => {
  test.each([
    ['a rule in no layer', 'styles/shell.css', '@layer shell {}\n.rail { color: red; }', '.rail'],
    ['a rule in the layer of another sheet', 'styles/shell.css', '@layer rooms { .rail { color: red; } }', 'rooms'],
    ['a room’s rule in no layer', 'rooms/run/run.css', '@scope (.room-run) { .a { color: red; } }', '@scope'],
    ['a room’s rule outside its scope', 'rooms/run/run.css', '@layer rooms { .a { color: red; } }', '.a'],
    ['a scope of another room', 'rooms/run/run.css', '@layer rooms { @scope (.room-data) { .a { top: 0; } } }', 'data'],
    ['a query with a rule outside', 'rooms/run/run.css', '@layer rooms { @media print { .a { top: 0; } } }', '@media'],
    ['an unlayered import', 'rooms/run/run.css', "@import 'other.css';", '@import'],
    [
      'importance',
      'rooms/run/run.css',
      '@layer rooms { @scope (.room-run) { .a { top: 0 !important; } } }',
      'important',
    ],
    ['a sheet that nobody placed', 'styles/new.css', '@layer parts { .a { top: 0; } }', 'no layer'],
  ])('%s', (_, path, css, word) => expect(faults(path, css).join('\n')).toContain(word));

  test('and what is in its place is not', () => {
    const css = `/* A brace in words: { */
      @import 'x.css' layer(vendor);
      @layer rooms { @scope (.room-run) { .a::before { content: '}'; } @media print { .a { top: 0; } } }
      @keyframes pass { from { top: 0; } } }`;
    expect(faults('rooms/run/run.css', css)).toEqual([]);
    expect(faults('rooms/run/panel.css', '@layer rooms { @scope (.panel) { .a { top: 0; } } }')).toEqual([]);
  });
});
