/** `npm run dataset`: what a dataset is read as, told without a GPU; a question ends it with exit code 2. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { llava, pngHeader } from '../data/make-dataset.ts';

const home = mkdtempSync(join(tmpdir(), 'groundwork-dataset-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

function put(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(join(home, path)), { recursive: true });
  writeFileSync(join(home, path), content);
}

/** The command on a folder of the house. */
function dataset(folder: string, ...args: string[]) {
  const run = spawnSync(
    process.execPath,
    ['--import', './scripts/register.mjs', 'src/cli/dataset.ts', join(home, folder), ...args],
    { encoding: 'utf8' },
  );
  return { code: run.status, out: run.stdout, error: run.stderr };
}

for (const name of ['a', 'b', 'c']) put(`few/images/${name}.png`, pngHeader(200, 100));
put('few/rows.json', JSON.stringify([llava('<image>Find the cup.', 'Here: [20, 10, 90, 40]', 1)]));

test('a question ends it with 2, after rows, readings and what was done were shown', { timeout: 60_000 }, () => {
  const asked = dataset('few');
  expect(asked.code).toBe(2);
  expect(asked.out).toMatch(/1 training rows, 0 held out, 0 left out, 1 pictures/);
  expect(asked.out).toMatch(/only the boxes are learned\. \(rows\.json:1\)/);
  expect(asked.out).toContain('⟨picture 1⟩Find the cup.');
  expect(asked.out).toContain('⟨picture 1, 0.100 0.100 0.450 0.400⟩');
  expect(asked.error).toContain('--coordinates "rows.json=pixels,xyxy"');
});

test('the flag answers it, and the rows shown are those of the answer', { timeout: 60_000 }, () => {
  const answered = dataset('few', '--coordinates', 'rows.json=thousandths');
  expect(answered).toMatchObject({ code: 0, error: '' });
  expect(answered.out).toContain('⟨picture 1, 0.020 0.010 0.090 0.040⟩');
});

test('a place where nothing is, is refused in a sentence', { timeout: 60_000 }, () => {
  const nowhere = dataset('nowhere');
  expect(nowhere.code).toBe(2);
  expect(nowhere.error).toContain('There is nothing at');
});
