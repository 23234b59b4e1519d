import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const filesOf = (folder: string, pattern: RegExp): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((name) => pattern.test(name));

const sources = filesOf('src', /\.(ts|tsx|css)$/);
const shaders = filesOf('shaders', /\.wgsl$/);
const lines = (file: string) => readFileSync(file, 'utf8').trimEnd().split('\n').length;

/** Every file that a source imports with a relative path. */
const imported = new Set(
  sources.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((m) =>
      resolve(dirname(file), m[1]!.split('?')[0]!),
    ),
  ),
);

describe('the sources', () => {
  test('there are some to look at', () => {
    expect(sources.length).toBeGreaterThan(0);
    expect(shaders.length).toBeGreaterThan(0);
  });

  test('no file holds a second idea: 500 lines at most', () => {
    expect([...sources, ...shaders].filter((file) => lines(file) > 500)).toEqual([]);
  });

  test('every shader is used', () => {
    expect(shaders.filter((file) => !imported.has(resolve(file)))).toEqual([]);
  });
});
