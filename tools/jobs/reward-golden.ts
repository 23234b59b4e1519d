/**
 * Writes tests/golden/job-rewards.json: what rewards.py, run by Python, gives for completions in every convention. The
 * tests hold our scores to it where there is no Python.
 *
 *   node --import ./scripts/register.mjs tools/jobs/reward-golden.ts
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CONVENTIONS } from '../../src/grounding/convention.ts';
import { rewardsModule } from '../../src/jobs/rewards/module.ts';
import { CHOICE, FAMILIES, GOLDEN_CASES, GOLDEN_SEED, LIMIT, rewardCases } from '../../tests/jobs/cases.ts';
import { runPython, SCORE_CASES } from '../../tests/jobs/python.ts';

const golden = FAMILIES.map((family) => {
  const folder = mkdtempSync(join(tmpdir(), 'groundwork-rewards-'));
  const cases = rewardCases(family, GOLDEN_CASES, GOLDEN_SEED).map(({ text, ids, truth }) => ({ text, ids, truth }));
  writeFileSync(
    join(folder, 'rewards.py'),
    rewardsModule(CONVENTIONS[family], [{ stage: 'stage', choice: CHOICE, limit: LIMIT }]),
  );
  writeFileSync(join(folder, 'cases.json'), JSON.stringify(cases));
  const scored = runPython(SCORE_CASES, folder);
  rmSync(folder, { recursive: true });
  return [family, scored] as const;
});
writeFileSync('tests/golden/job-rewards.json', `${JSON.stringify(Object.fromEntries(golden))}\n`);
