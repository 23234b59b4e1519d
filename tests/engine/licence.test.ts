import { expect, test } from 'vitest';
import { licenceOf } from '../../src/engine/export/licence.ts';
import { bytesSource } from '../formats/bytes-source.ts';

const said = async (files: Readonly<Record<string, string>>) => {
  const sources = Object.entries(files).map(
    ([path, text]) => [path, bytesSource(new TextEncoder().encode(text))] as const,
  );
  return licenceOf(new Map(sources));
};

test.each([
  ['---\nlicense: apache-2.0\n---\n# A model', 'apache-2.0'],
  ['---\r\ntags:\r\n- vision\r\nlicense: "cc-by-4.0"\r\n---\r\n', 'cc-by-4.0'],
  ['---\nlicense: other\nlicense_name: qwen-research\n---', 'other'],
])('the licence that a base’s card declares is that of the export: %j', async (card, id) => {
  const { id: found, words } = await said({ 'README.md': card });
  expect(found).toBe(id);
  expect(words).toContain(`Its licence: ${id}.`);
});

test.each([
  [{ 'README.md': '# license: mit\n' }, 'does not say its licence'],
  [{ 'README.md': '---\nlicense: [a, b]\n---' }, 'does not say its licence'],
  [{ 'README.md': 'nothing', LICENSE: 'words' }, 'Its licence is in LICENSE of its folder.'],
  [{}, 'does not say its licence'],
])('what no card declares is not made up: %j', async (files, words) => {
  expect(await said(files as Record<string, string>)).toEqual({ id: null, words: expect.stringContaining(words) });
});
