/** Every module, and everything that a module exports, is reached from the page, a worker or a command. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { describe, expect, test } from 'vitest';

const read = (file: string) => readFileSync(file, 'utf8');
const inHouse = (path: string) => relative('.', path).split(sep).join('/');
const filesOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => inHouse(join(folder, name)))
    .filter((name) => /\.(ts|tsx|css)$/.test(name) && !name.endsWith('.d.ts'));

interface Import {
  readonly from: string;
  /** null: all of it. */
  readonly names: readonly string[] | null;
}

/** What a source imports from other sources, by static imports, `import()`, re-exports and workers' addresses. */
export function importsOf(file: string, source: string): Import[] {
  const at = (path: string) => inHouse(resolve(dirname(file), path.split('?')[0]!));
  const found: Import[] = [];
  for (const [, names, from] of source.matchAll(/^(?:import|export)\s(?:type\s)?([^;'"]*?)from\s+'(\.[^']+)'/gm)) {
    const listed = /\{([^}]*)\}/.exec(names!)?.[1];
    const plain = listed?.replaceAll(/\/\*[^]*?\*\/|\/\/.*$/gm, '').split(',');
    const each = plain?.flatMap(
      (name) =>
        name
          .trim()
          .replace(/^type\s+/, '')
          .split(/\s+as\s+/)[0] || [],
    );
    found.push({ from: at(from!), names: each ?? null });
  }
  for (const [, from] of source.matchAll(/(?:\bimport\(|new URL\(|^import)\s*'(\.[^']+)'/gm))
    found.push({ from: at(from!), names: null });
  return found;
}

/** Values that a source exports and does not use itself. */
export function unusedExports(source: string): string[] {
  const exported = source.matchAll(/^export (?:async )?(?:function\*?|class|const|let|enum) (\w+)/gm);
  return [...exported].map(([, name]) => name!).filter((name) => source.split(new RegExp(`\\b${name}\\b`)).length < 3);
}

const commands = [...read('scripts/cli.mjs').matchAll(/'((?:src|bench|e2e)\/[^']+\.ts)'/g)].map(([, file]) => file!);
const page = /src="\/?(src\/[^"]+)"/.exec(read('index.html'))?.[1];
const imports = new Map<string, Import[]>();
const queue = [page!, ...commands];
for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
  if (imports.has(file) || !existsSync(file)) continue;
  const found = /\.tsx?$/.test(file) ? importsOf(file, read(file)) : [];
  imports.set(file, found);
  queue.push(...found.map(({ from }) => from));
}

describe('what is reached', () => {
  test('there is a page, there are commands, and both lead somewhere', () => {
    expect(page).toBeDefined();
    expect(commands.length).toBeGreaterThan(5);
    for (const file of ['src/engine/worker.ts', 'src/engine/hub/hub-worker.ts', 'src/ops/matmul.ts'])
      expect([...imports.keys()]).toContain(file);
  });

  test('imports of every form are seen', () => {
    const source = `import { a, type B, c as d } from './x.ts';
export { e } from '../y.ts';
import './z.css';
export * from './all.ts';
const late = () => import('./late.ts');
const worker = new URL('./w.ts?worker', import.meta.url);`;
    expect(importsOf('src/room/here.ts', source)).toEqual([
      { from: 'src/room/x.ts', names: ['a', 'B', 'c'] },
      { from: 'src/y.ts', names: ['e'] },
      { from: 'src/room/all.ts', names: null },
      { from: 'src/room/z.css', names: null },
      { from: 'src/room/late.ts', names: null },
      { from: 'src/room/w.ts', names: null },
    ]);
    expect(unusedExports('export const a = 1;\nexport const b = a;\nexport function c() {}')).toEqual(['b', 'c']);
  });

  test('every file of src is', () => {
    expect(
      filesOf('src')
        .filter((file) => !imports.has(file))
        .toSorted(),
    ).toEqual([]);
  });

  test('so is everything that a file exports: tests have no exports of their own', () => {
    const used = new Map<string, Set<string> | null>();
    for (const found of imports.values())
      for (const { from, names } of found) {
        const known = used.get(from);
        if (names === null) used.set(from, null);
        else if (known !== null) used.set(from, new Set([...(known ?? []), ...names]));
      }
    const unused = [...imports.keys()]
      .filter((file) => /^src\/.*\.tsx?$/.test(file) && used.get(file) !== null)
      .flatMap((file) =>
        unusedExports(read(file))
          .filter((name) => !used.get(file)?.has(name))
          .map((name) => `${file} ${name}`),
      );
    expect(unused.toSorted()).toEqual([]);
  });
});
