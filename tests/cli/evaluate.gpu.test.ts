/** `npm run evaluate` with a model: an interrupted file of answers is gone on with, to the same answers. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const home = mkdtempSync(join(tmpdir(), 'groundwork-evaluate-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const DATA = ['--data', 'public/starter/sample.zip', '--model', 'public/starter/model'];
function evaluate(...args: string[]) {
  const run = spawnSync(process.execPath, ['scripts/cli.mjs', 'evaluate', ...DATA, '--tokens', '40', ...args], {
    encoding: 'utf8',
  });
  return { code: run.status, out: run.stdout, error: run.stderr };
}

test(
  'samples of a row are drawn together, scored as pass@k, and drawn again the same where they were cut off',
  {
    timeout: 600_000,
  },
  () => {
    const file = join(home, 'samples.jsonl');
    const args = ['--limit', '2', '--batch', '2', '--samples', '3', '--temperature', '0.8', '--predictions', file];
    const whole = evaluate(...args);
    expect(whole.code, whole.error).toBe(0);
    expect(whole.out).toMatch(/held-out rows, 3 answers a row at temperature 0\.8/);
    expect(whole.out).toMatch(/strict +n +mean of 3 +pass@2 +pass@3\n/);
    const answers = readFileSync(file, 'utf8');
    const [head, ...lines] = answers
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(head).toMatchObject({ samples: 3, temperature: 0.8 });
    expect(lines.map(({ sample }) => sample)).toEqual([0, 1, 2, 0, 1, 2]);
    // Not one answer three times.
    expect(new Set(lines.map(({ text }) => text)).size).toBeGreaterThan(2);
    // In the middle of the last sample: only the second part of the second row is asked again.
    truncateSync(file, Buffer.byteLength(answers) - 30);
    expect(evaluate(...args).out).toContain('1 of 2 rows are answered already');
    expect(readFileSync(file, 'utf8')).toBe(answers);
  },
);

test(
  'what was cut off is answered again, what is there is kept, and other options are refused',
  { timeout: 600_000 },
  () => {
    const file = join(home, 'answers.jsonl');
    const args = ['--limit', '3', '--batch', '1', '--predictions', file];
    const whole = evaluate(...args);
    expect(whole.code, whole.error).toBe(0);
    expect(whole.out).toMatch(/3 of 3 rows, [\d.]+ a (?:second|minute), 0 s left/);
    const answers = readFileSync(file, 'utf8');
    expect(answers.trimEnd().split('\n')).toHaveLength(4);
    truncateSync(file, Buffer.byteLength(answers) - 30);
    const rest = evaluate(...args);
    expect(rest.out).toContain('2 of 3 rows are answered already');
    expect(readFileSync(file, 'utf8')).toBe(answers);
    const other = evaluate('--limit', '4', '--predictions', file);
    expect([other.code, other.error]).toEqual([
      2,
      expect.stringContaining('limit: 3 there, 4 now; rows: 3 there, 4 now'),
    ]);
    expect(readFileSync(file, 'utf8')).toBe(answers);
  },
);
