import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DPO_LOSS_NAMES, type DpoLossName } from '../../../src/train/preferences/dpo-losses.ts';
import {
  dpoObjective,
  KTO_LOSSES,
  ktoObjective,
  type AnswerScore,
  type KtoSettings,
  type Objective,
} from '../../../src/train/preferences/objectives.ts';

type Answer = AnswerScore & { readonly slope: number };
interface Expected {
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
}
interface Golden {
  readonly dpo: readonly (Expected & {
    readonly types: readonly DpoLossName[];
    readonly weights: readonly number[];
    readonly beta: number;
    readonly pairs: readonly (readonly [Answer, Answer])[];
  })[];
  readonly kto: readonly (Expected & {
    readonly type: KtoSettings['lossType'];
    readonly beta: number;
    readonly desirable: number;
    readonly undesirable: number;
    readonly labels: readonly boolean[];
    readonly mismatched: readonly number[];
    readonly answers: readonly Answer[];
  })[];
}
const golden = JSON.parse(readFileSync(new URL('../../golden/preferences.json', import.meta.url), 'utf8')) as Golden;

function expectTrl({ loss, slopes, metrics }: Objective, answers: readonly Answer[], expected: Expected): void {
  expect(loss).toBeCloseTo(expected.loss, 9);
  expect(slopes).toHaveLength(answers.length);
  for (const [i, { slope }] of answers.entries()) expect(slopes[i]).toBeCloseTo(slope, 9);
  expect(Object.keys(metrics).sort()).toEqual(Object.keys(expected.metrics).sort());
  for (const [name, value] of Object.entries(expected.metrics))
    expect([name, metrics[name]]).toEqual([name, expect.closeTo(value, 6)]);
}

describe('preferences are learned from as in TRL', () => {
  it('has a case for every loss', () => {
    expect(new Set(golden.dpo.flatMap(({ types }) => types))).toEqual(new Set(DPO_LOSS_NAMES));
    expect(new Set(golden.kto.map(({ type }) => type))).toEqual(new Set(KTO_LOSSES));
  });

  it.each(golden.dpo.map((c) => [`${c.types.join(' + ')} at β ${c.beta}`, c] as const))(
    'DPO’s loss, slopes and metrics: %s',
    (_, c) => {
      const pairs = c.pairs.map(([chosen, rejected]) => ({ chosen, rejected }));
      const weights = Object.fromEntries(c.types.map((type, i) => [type, c.weights[i]!]));
      expectTrl(dpoObjective(pairs, weights, c.beta), c.pairs.flat(), c);
    },
  );

  it.each(golden.kto.map((c) => [`${c.type} at β ${c.beta} of ${c.labels.join(', ')}`, c] as const))(
    'KTO’s loss, slopes and metrics: %s',
    (_, c) => {
      const answers = c.answers.map((answer, i) => ({ ...answer, desirable: c.labels[i]! }));
      const settings = {
        lossType: c.type,
        beta: c.beta,
        desirableWeight: c.desirable,
        undesirableWeight: c.undesirable,
      };
      expectTrl(ktoObjective(answers, c.type === 'kto' ? c.mismatched : [], settings), c.answers, c);
    },
  );

  it('stays finite at log-ratios that no sigmoid tells apart', () => {
    const far = { chosen: { logp: -900, reference: 0, tokens: 3 }, rejected: { logp: 900, reference: 0, tokens: 2 } };
    for (const name of DPO_LOSS_NAMES) {
      const { loss, slopes } = dpoObjective([far], { [name]: 1 }, 1);
      expect([name, loss, ...slopes].slice(1).every((v) => Number.isFinite(v))).toBe(true);
    }
  });
});
