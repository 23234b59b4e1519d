/** The map of the house is what `npm run house` writes, and every path that a document names is there. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { decisionsMarkdown, firstSentence, headComment, houseFiles, speechless } from '../../scripts/house-map.mjs';

describe('the map of the house', () => {
  test('has a first sentence for every file: begin the file with a comment that says what it is', () => {
    expect(speechless()).toEqual([]);
  });

  test.each(Object.entries(houseFiles()))('%s is up to date; `npm run house` writes it', (path, text) => {
    expect(existsSync(path) && readFileSync(path, 'utf8') === text, `${path} is stale: run npm run house`).toBe(true);
  });
});

describe('a house with a gap', () => {
  let house = '';
  const put = (file: string, text: string) => {
    mkdirSync(dirname(join(house, file)), { recursive: true });
    writeFileSync(join(house, file), text);
  };
  beforeEach(() => {
    house = mkdtempSync(join(tmpdir(), 'groundwork-house-'));
    for (const folder of ['shaders', 'scripts', 'bench', 'e2e', 'docs/decisions']) {
      mkdirSync(join(house, folder), { recursive: true });
    }
    put('src/base/pair.ts', '/** Two values. Nothing more. */\nexport const pair = 2;\n');
    put('docs/decisions/README.md', '# Decisions\n\nHow they are kept.\n\n## Index\n\nof yesterday\n');
    put('docs/decisions/0001-first.md', '# 0001 · Begin\n\n**Status** accepted (2026-01-01)\n');
  });
  afterEach(() => rmSync(house, { recursive: true, force: true }));

  test('names each file that does not say what it is', () => {
    put('src/base/mute.ts', 'export const mute = 1;\n');
    put('shaders/add/mute.wgsl', '#if A\nstruct Params { n: u32 }\n');
    expect(speechless(house)).toEqual(['src/base/mute.ts', 'shaders/add/mute.wgsl']);
  });

  test('lists a file once, with its first sentence, under its layer', () => {
    const tree = houseFiles(house)['docs/house.md']!;
    expect(tree).toContain('### src/base');
    expect(tree).toContain('- [pair.ts](../src/base/pair.ts): Two values.\n');
    put('src/base/late.ts', '/** Came later. */\n');
    expect(houseFiles(house)['docs/house.md']).not.toBe(tree);
  });

  test('writes the index of decisions from their heads, and keeps what stands above it', () => {
    const index = decisionsMarkdown(house);
    expect(index).toContain('How they are kept.');
    expect(index).toContain('| [0001](0001-first.md) | Begin | accepted (2026-01-01) |');
    expect(index).not.toContain('of yesterday');
  });

  test('refuses a decision without its number, title or status', () => {
    put('docs/decisions/0002-second.md', '# Second\n');
    expect(() => decisionsMarkdown(house)).toThrow('docs/decisions/0002-second.md needs "# 0002 · Title"');
  });
});

describe('a first sentence', () => {
  test.each([
    ['One thing. Another.', 'One thing.'],
    ['Names, e.g. these,\n   on two lines. More', 'Names, e.g. these, on two lines.'],
    ['Version 2.5 is read', 'Version 2.5 is read'],
  ])('of %j is %j', (text, sentence) => expect(firstSentence(text)).toBe(sentence));

  test('stands in the comment that begins a file, behind directives and a #! line', () => {
    expect(headComment('a.ts', '/**\n * Says\n * what.\n *\n * And why.\n */\n')).toBe('Says\nwhat.');
    expect(headComment('a.mjs', '#!/usr/bin/env node\n// One\n// line.\n\n// Not this.\n')).toBe('One  line.');
    expect(headComment('a.wgsl', '#if SUBGROUPS\nenable subgroups;\n#endif\n// y += x\n')).toBe('y += x');
    expect(headComment('a.ts', "import { a } from './a.ts';\n/** Of a. */\n")).toBeNull();
  });
});

describe('the documents', () => {
  const markdown = [
    'README.md',
    'CONTRIBUTING.md',
    ...readdirSync('docs', { recursive: true, encoding: 'utf8' }).map((name) => join('docs', name)),
  ].filter((name) => name.endsWith('.md'));
  const layer = new RegExp(`\`((?:${readdirSync('src').join('|')})/[\\w./-]+)\``, 'g');
  const folder = /`((?:src|tests|e2e|scripts|tools|shaders|bench|public)\/[\w./@-]+)`/g;

  test.each(markdown)('%s names only files that are there', (file) => {
    const text = readFileSync(file, 'utf8');
    const links = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map((match) => match[1]!);
    const missing = [
      ...links.filter((to) => !/^[a-z]+:/.test(to) && !existsSync(join(dirname(file), to))),
      ...[...text.matchAll(folder)].map((match) => match[1]!).filter((path) => !existsSync(path)),
      ...[...text.matchAll(layer)].map((match) => `src/${match[1]}`).filter((path) => !existsSync(path)),
    ];
    expect(missing).toEqual([]);
  });
});
