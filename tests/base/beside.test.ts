import { describe, expect, it } from 'vitest';
import { beside } from '../../src/base/beside.ts';

const at = (...paths: string[]) => paths.map((path) => ({ path }));
const paths = (files: readonly { path: string }[]) => files.map(({ path }) => path);

describe('what is added to files', () => {
  it.each([
    ['a folder comes under its name', 'b', at('rows.json', 'p/1.png'), true, ['b/rows.json', 'b/p/1.png']],
    ['a folder that is read in place is that name', 'b', at(''), true, ['b']],
    ['a file stays where it is', 'b.jsonl', at('b.jsonl'), false, ['b.jsonl']],
    ['a file whose name is taken gets a folder', 'a.zip', at('a.zip'), false, ['a/a.zip']],
    [
      'files one of whose names is taken stay together',
      '2 files',
      at('b.zip', 'rows.json'),
      false,
      ['2 files/b.zip', '2 files/rows.json'],
    ],
    ['a folder of a name that is taken gets a number', 'images', at('x.json'), true, ['images 2/x.json']],
  ] as const)('%s', (_, name, given, folder, wanted) => {
    expect(paths(beside(name, given, folder, ['a.zip', 'images/1.png', 'rows.json']))).toEqual(wanted);
  });
});
