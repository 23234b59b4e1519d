import { expect, test } from 'vitest';
import { EntropyControl } from '../../src/train/entropy-control.ts';
import { GOLDEN_ADAPTIVE } from '../ops/policy-cases.ts';

const ours = (settings: Readonly<Record<string, number>>) => ({
  useAdaptiveEntropy: true,
  entropyCoef: settings['entropy_coef'] ?? 0,
  ...('entropy_target' in settings && { entropyTarget: settings['entropy_target']! }),
  ...('entropy_coef_delta' in settings && { entropyCoefDelta: settings['entropy_coef_delta']! }),
  ...('entropy_coef_max' in settings && { entropyCoefMax: settings['entropy_coef_max']! }),
  ...('entropy_coef_min' in settings && { entropyCoefMin: settings['entropy_coef_min']! }),
});

test.each(GOLDEN_ADAPTIVE)('the adapted coefficient is TRL’s, step by step: $name', (golden) => {
  const control = new EntropyControl(ours(golden.settings));
  golden.entropies.forEach((entropy, i) => {
    expect(control.applied).toBeCloseTo(golden.applied[i]!, 9);
    control.observe(entropy);
    expect(control.state.coefficient).toBeCloseTo(golden.coefficients[i]!, 9);
  });
});

test('a run that goes on from a checkpoint applies what it would have applied', () => {
  const { settings, entropies } = GOLDEN_ADAPTIVE[0]!;
  const whole = new EntropyControl(ours(settings));
  let parts = new EntropyControl(ours(settings));
  for (const entropy of entropies) {
    parts = new EntropyControl(ours(settings), JSON.parse(JSON.stringify(parts.state)) as typeof parts.state);
    expect(parts.applied).toBe(whole.applied);
    whole.observe(entropy);
    parts.observe(entropy);
  }
});

test('without adapting, the coefficient is as set, whatever the entropy', () => {
  const control = new EntropyControl({ entropyCoef: 0.02 });
  control.observe(0.001);
  expect([control.applied, control.state.coefficient]).toEqual([0.02, 0.02]);
});
