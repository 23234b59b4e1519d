/** Every reader of outside bytes meets mutated files, and none is forgotten. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { inputOf, tryInput } from '../../tools/fuzz/fuzz.ts';
import { READERS } from '../../tools/fuzz/readers.ts';

const src = join(import.meta.dirname, '../../src');

/** What tells a reader: it takes text or bytes apart, or is called so. */
const READS =
  /JSON\.parse|parseShallow|parseJson\(|new DataView|TextDecoder|DecompressionStream|^export (?:async )?(?:function\*?|const) (?:parse|read|decode|gunzip|unpack)[A-Z]\w*/m;

/** Files that are told as readers and see nothing from outside, or only through one that is in the table. */
const NONE: Readonly<Record<string, string>> = {
  'cli/arguments': 'the command line that someone types',
  'cli/compose': 'rows that it has just written',
  'cli/file-blob': 'bytes handed on as they are',
  'cli/folder-lock': 'a lock of our own; what cannot be read counts as none',
  'engine/full-size/measure': 'rows that it has just written',
  'engine/full-size/random-weights': 'published files that come with the repository',
  'engine/golden/case': 'cases for developers',
  'engine/merging/checkpoint-merge': 'a checkpoint that was loaded before',
  'engine/keep/identity': 'values of our own',
  'gpu/kernel': 'shaders of our own',
  'gpu/program': 'numbers for a kernel',
  'models/encode': 'a picture, through image/decode',
  'studio/charts/chart-options': 'settings of our own',
  'studio/rooms/recipe/number-input': 'a number that someone types',
  'studio/rooms/recipe/stage-editor': 'settings that someone types',
  'studio/state/dataset-actions': 'the engine, through data/dataset',
  'studio/state/resumable': 'the browser’s own settings',
  'studio/state/keep-settings': 'the browser’s own settings',
  'train/checkpoint-folder': 'a checkpoint that was loaded before',
};

const modules = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.tsx?$/.test(path) && !path.endsWith('.d.ts'))
  .map((path) => ({ name: path.replace(/\.tsx?$/, ''), text: readFileSync(join(src, path), 'utf8') }));
const covered = new Set(Object.values(READERS).flatMap(({ files }) => files));

test('a file that reads outside bytes has a fuzzer', () => {
  const readers = modules.filter(({ text }) => READS.test(text)).map(({ name }) => name);
  expect(readers.length).toBeGreaterThan(30);
  expect(readers.filter((name) => !covered.has(name) && !Object.hasOwn(NONE, name))).toEqual([]);
});

test('the table names files that there are', () => {
  const names = new Set(modules.map(({ name }) => name));
  expect([...covered, ...Object.keys(NONE)].filter((name) => !names.has(name))).toEqual([]);
});

test('the same seed and number give the same input, another number another', () => {
  for (const name of Object.keys(READERS)) {
    expect(inputOf(name, 3, 7)).toEqual(inputOf(name, 3, 7));
    const some = Array.from({ length: 20 }, (_, i) => Buffer.from(inputOf(name, 3, i)).toString('base64'));
    expect(new Set(some).size).toBeGreaterThan(10);
  }
});

test.each(Object.keys(READERS))('%s: mutated inputs are read or refused', async (name) => {
  for (let input = 0; input < 40; input++) expect(await tryInput(name, 1, input)).toBeNull();
});
