/** The definitions in f64, to which the kernels are held on a visitor's GPU, are those of TRL's own code. */
import { describe, expect, test } from 'vitest';
import { OBJECTIVES } from '../../src/ops/objectives.ts';
import { policyGradient, policyTerms } from '../../src/ops/policy-reference.ts';
import { LOSS_TYPES, lossOf, RATIO_LEVELS } from '../../src/train/losses/index.ts';
import { GOLDEN_LOSSES, policyCase } from './policy-cases.ts';
import { relativeError } from './harness.ts';

describe('the f64 reference of a policy loss', () => {
  test.each(GOLDEN_LOSSES)('is TRL’s, and so is its gradient: $name', (golden) => {
    const c = policyCase(golden);
    const terms = policyTerms(c.logps, c.logps, c, c.settings);
    const bonus = c.share ? c.share.reduce((sum, v, i) => sum + v * c.entropy[i]!, 0) : 0;
    expect(Math.abs(terms.reduce((sum, { loss }) => sum + loss, 0) - bonus - golden.loss)).toBeLessThan(1e-6);
    const wanted = c.spread(golden.dlogps);
    expect(relativeError(policyGradient(c.logps, c, c.settings), wanted)).toBeLessThan(1e-6);
    if (golden.dentropies)
      expect(
        relativeError(
          c.share!.map((v) => -v),
          c.spread(golden.dentropies),
        ),
      ).toBeLessThan(1e-6);
  });

  test.each([
    { what: 'the upper clip', ratio: 1.28, advantage: 1, settings: {}, slope: -1.28 },
    { what: 'the lower clip', ratio: 0.8, advantage: -1, settings: {}, slope: 0.8 },
    { what: 'the cap of the ratio', ratio: 1.5, advantage: -1, settings: { delta: 1.5 }, slope: 1.5 },
  ])('does not clip what lies exactly on $what', ({ ratio, advantage, settings, slope }) => {
    const tokens = { completion: [0], weight: [1], advantage: [advantage], old: [-1 - Math.log(ratio)] };
    const all = { epsilon: 0.2, epsilonHigh: 0.28, beta: 0, klRatio: false, ...settings };
    expect(policyGradient([-1], tokens, all)[0]).toBeCloseTo(slope, 6);
  });

  test('has a case of TRL’s for every loss, every objective and every level of the ratio', () => {
    const types = new Set(GOLDEN_LOSSES.map(({ settings }) => settings.loss_type));
    expect([...types].sort()).toEqual([...LOSS_TYPES].sort());
    expect(new Set(LOSS_TYPES.map((type) => lossOf(type).objective))).toEqual(new Set(Object.keys(OBJECTIVES)));
    const levels = new Set(GOLDEN_LOSSES.map(({ settings }) => settings.importance_sampling_level ?? 'token'));
    expect([...levels].sort()).toEqual([...RATIO_LEVELS].sort());
    for (const setting of ['delta', 'top_entropy_quantile', 'off_policy_mask_threshold', 'entropy_coef'])
      expect(GOLDEN_LOSSES.filter(({ settings }) => setting in settings).length, setting).toBeGreaterThan(1);
  });
});
