/** rewards.py of a job gives our scores: 10,000 answers in every convention, and golden values that Python computed. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CONVENTIONS, type BoxFamily } from '../../src/grounding/convention.ts';
import { rewardsModule } from '../../src/jobs/rewards/module.ts';
import { pythonPattern } from '../../src/jobs/rewards/python-source.ts';
import { CHOICE, FAMILIES, GOLDEN_CASES, GOLDEN_SEED, LIMIT, rewardCases, type RewardCase } from './cases.ts';
import { python, runPython, SCORE_CASES } from './python.ts';

type Scored = [rewards: Record<string, number | null>, total: number | null];

const module = (family: BoxFamily) =>
  rewardsModule(CONVENTIONS[family], [{ stage: 'stage', choice: CHOICE, limit: LIMIT }]);

/** Rules on which the two disagree, by case. */
function differences(cases: readonly RewardCase[], theirs: readonly Scored[]): string[] {
  const near = (a: number | null, b: number | null) => (a === null || b === null ? a === b : Math.abs(a - b) <= 1e-6);
  return cases.flatMap(({ text, rewards, total, truth }, i) => {
    const [scored, sum] = theirs[i]!;
    const wrong = Object.keys(rewards).filter((name) => !near(rewards[name]!, name === 'own' ? null : scored[name]!));
    if (!near(total, sum)) wrong.push('total');
    return wrong.length
      ? [`${wrong.map((n) => `${n} ${rewards[n] ?? total} ${scored[n] ?? sum}`).join('; ')}: ${text} | ${truth}`]
      : [];
  });
}

describe.skipIf(python === null)(`rewards.py scores as we do${python === null ? ' (skipped: no Python)' : ''}`, () => {
  test.each(FAMILIES)('2,500 completions of %s', (family) => {
    const folder = mkdtempSync(join(tmpdir(), 'groundwork-rewards-'));
    try {
      const cases = rewardCases(family, 2500, 17);
      writeFileSync(join(folder, 'rewards.py'), module(family));
      writeFileSync(
        join(folder, 'cases.json'),
        JSON.stringify(cases.map(({ text, ids, truth }) => ({ text, ids, truth }))),
      );
      expect(differences(cases, runPython(SCORE_CASES, folder) as Scored[])).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('our scores', () => {
  const golden = JSON.parse(readFileSync('tests/golden/job-rewards.json', 'utf8')) as Record<BoxFamily, Scored[]>;
  const cases = (family: BoxFamily) => rewardCases(family, GOLDEN_CASES, GOLDEN_SEED);

  test.each(FAMILIES)('of %s are those that Python gave', (family) => {
    expect(golden[family]).toHaveLength(GOLDEN_CASES);
    expect(differences(cases(family), golden[family])).toEqual([]);
  });

  test('take every value that tells rules apart, or the cases would prove little', () => {
    for (const name of [
      'iou',
      'format',
      'strictFormat',
      'imageIndex',
      'refusal',
      'choice',
      'agreement',
      'instruction',
    ]) {
      const values = new Set(FAMILIES.flatMap((family) => golden[family].map(([scored]) => scored[name] ?? null)));
      expect([name, values.size > 2 || values.has(1)]).toEqual([name, true]);
      expect(values).toContain(0);
    }
  });

  test('that differ in one rule are seen', () => {
    const [first, ...rest] = golden.smolvlm;
    const changed: Scored = [{ ...first![0], format: 1 - first![0].format! }, first![1]];
    expect(differences(cases('smolvlm'), [changed, ...rest])).toHaveLength(1);
  });
});

describe('a reward of your own', () => {
  const own = {
    ...CHOICE,
    rewardWeights: { ...CHOICE.rewardWeights, own: 1 },
    rewardCode: 'function reward() { return 1 }',
  };
  const written = (choice: typeof own) =>
    rewardsModule(CONVENTIONS.smolvlm, [{ stage: 'reinforcement', choice, limit: LIMIT }]);

  test('is refused by name', () => expect(() => written(own)).toThrow('reinforcement weighs a reward of your own'));
  test('of weight 0 is left out', () =>
    expect(written({ ...own, rewardWeights: { ...own.rewardWeights, own: 0 } })).not.toContain('"own"'));
});

describe('expressions in Python', () => {
  test.each([
    [
      /^\d{2}\b/i,
      String.raw`re.compile("^[0-9]{2}${String.raw`(?:(?<![A-Za-z0-9_])(?=[A-Za-z0-9_])|(?<=[A-Za-z0-9_])(?![A-Za-z0-9_]))`}", re.IGNORECASE | re.ASCII)`,
    ],
    [/[[\w-].$/, String.raw`re.compile("[\\[A-Za-z0-9_-][^\\n\\r\\u2028\\u2029]\\Z")`],
    [/図(?!\p{L})/u, String.raw`re.compile("\u56f3(?![^\\W\\d_])")`],
  ])('%s', (pattern, source) => expect(pythonPattern(pattern)).toBe(source));

  test.each([/^a$/m, /a.b/s, /\p{N}/u])('%s has no counterpart, and is refused', (pattern) =>
    expect(() => pythonPattern(pattern)).toThrow(pattern.source),
  );
});
