/** Policy losses, KL and entropy against their definition in f64. */
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/base/random.ts';
import { entropyBonus, needsSpans, nllLoss, policyLoss, type PolicySettings } from '../../src/ops/policy-loss.ts';
import { Tape } from '../../src/ops/tape.ts';
import { GOLDEN_LOSSES, policyCase } from './policy-cases.ts';
import { constant, expectClose, finiteDifference, normals, run, useSession } from './harness.ts';

const session = useSession();

interface Tokens {
  readonly logps: ArrayLike<number>;
  readonly weight: ArrayLike<number>;
  readonly advantage: ArrayLike<number>;
  readonly old?: ArrayLike<number> | undefined;
  readonly reference?: ArrayLike<number> | undefined;
}

async function ours(t: Tokens, settings: PolicySettings) {
  const n = t.logps.length;
  const [terms, dlogps] = await run(session(), (rec) => {
    const tape = new Tape(rec);
    const of = (name: string, values: ArrayLike<number>) => constant(rec, name, [n], values);
    const logps = of('logps', t.logps);
    const terms = policyLoss(
      tape,
      logps,
      {
        weight: of('weight', t.weight),
        advantage: of('advantage', t.advantage),
        ...(t.old && { old: of('old', t.old) }),
        ...(t.reference && { reference: of('reference', t.reference) }),
      },
      settings,
    );
    return [terms, tape.grad(logps)!];
  });
  const column = (c: number) => terms!.filter((_, i) => i % 4 === c);
  return { losses: column(0), kl: column(1), ratio: column(2), clipped: column(3), dlogps: dlogps! };
}

/** TRL's objective of one token in f64; `old` is a constant, also on policy. */
function tokenLoss(
  logp: number,
  {
    weight,
    advantage,
    old,
    reference,
  }: { weight: number; advantage: number; old: number; reference: number | undefined },
  s: PolicySettings,
): number {
  const ratio = Math.exp(logp - old);
  const clamped = Math.min(Math.max(ratio, 1 - s.epsilon), 1 + s.epsilonHigh);
  const gap = reference === undefined ? 0 : reference - logp;
  const kl = (Math.exp(gap) - gap - 1) * (s.klRatio ? ratio : 1);
  return weight * (-Math.min(ratio * advantage, clamped * advantage) + s.beta * kl);
}

function reference(t: Tokens, s: PolicySettings) {
  const at = (i: number) => ({
    weight: t.weight[i]!,
    advantage: t.advantage[i]!,
    old: t.old?.[i] ?? t.logps[i]!,
    reference: t.reference?.[i],
  });
  const total = (logps: ArrayLike<number>) =>
    Array.from(logps).reduce((sum, logp, i) => sum + tokenLoss(logp, at(i), s), 0);
  return {
    losses: Array.from(t.logps, (logp, i) => tokenLoss(logp, at(i), s)),
    dlogps: finiteDifference(total, t.logps, { step: 1e-6 }),
  };
}

const N = 70;
const random = new Random(21);
const logps = normals(random, N).map((v) => Math.fround(-Math.abs(v) - 0.05));
const shifted = (by: number) => logps.map((l, i) => Math.fround(l + by * normals(new Random(i), 1)[0]!));
// Every seventh token is masked.
const weight = normals(random, N).map((v, i) => (i % 7 === 3 ? 0 : Math.fround(0.01 + 0.01 * v * v)));
const advantage = normals(random, N);
const settings: PolicySettings = { epsilon: 0.2, epsilonHigh: 0.28, beta: 0.04, klRatio: false };

describe('the clipped objective', () => {
  const variants = [
    { name: 'off policy, no KL', old: shifted(0.5), reference: undefined, settings: { ...settings, beta: 0 } },
    { name: 'off policy with KL', old: shifted(0.5), reference: shifted(0.7), settings },
    {
      name: 'off policy with KL times the ratio',
      old: shifted(0.5),
      reference: shifted(0.7),
      settings: { ...settings, klRatio: true },
    },
    { name: 'on policy, no KL', old: undefined, reference: undefined, settings: { ...settings, beta: 0 } },
    { name: 'on policy with KL', old: undefined, reference: shifted(0.7), settings },
    {
      name: 'on policy with KL times the ratio',
      old: undefined,
      reference: shifted(0.7),
      settings: { ...settings, klRatio: true, beta: 0.5 },
    },
  ];
  test.each(variants)(
    'and its gradient are those of the definition: $name',
    async ({ old, reference: ref, settings: s }) => {
      const tokens: Tokens = { logps, weight, advantage, old, reference: ref };
      const [got, wanted] = [await ours(tokens, s), reference(tokens, s)];
      expectClose(got.losses, wanted.losses, 1e-5, 'losses');
      expectClose(got.dlogps, wanted.dlogps, 1e-5, 'gradient');
    },
  );

  test('clips at both sides, each for its own sign of the advantage only', async () => {
    // Ratio, advantage → clipped, gradient of the loss.
    const cases = [
      { ratio: 0.5, advantage: -1, clipped: -1, gradient: 0 },
      { ratio: 0.5, advantage: 1, clipped: 0, gradient: -0.5 },
      { ratio: 1.5, advantage: 1, clipped: 1, gradient: 0 },
      { ratio: 1.5, advantage: -1, clipped: 0, gradient: 1.5 },
      { ratio: 0.81, advantage: -2, clipped: 0, gradient: 1.62 },
      { ratio: 1.27, advantage: 2, clipped: 0, gradient: -2.54 },
      { ratio: 1, advantage: 0, clipped: 0, gradient: 0 },
    ];
    const logps = new Float64Array(cases.length).fill(-1);
    const got = await ours(
      {
        logps,
        weight: logps.map(() => 1),
        advantage: cases.map((c) => c.advantage),
        old: cases.map((c) => -1 - Math.log(c.ratio)),
      },
      { ...settings, beta: 0 },
    );
    expect([...got.clipped]).toEqual(cases.map((c) => c.clipped));
    expectClose(
      got.ratio,
      cases.map((c) => c.ratio),
    );
    expectClose(
      got.dlogps,
      cases.map((c) => c.gradient),
    );
    // A clipped token still counts in the loss, at the edge of what is allowed.
    expectClose(got.losses, [0.8, -0.5, -1.28, 1.5, 1.62, -2.54, 0]);
  });

  test('gives masked tokens neither loss nor gradient, but still reports their ratio and KL', async () => {
    const got = await ours({ logps, weight, advantage, old: shifted(0.5), reference: shifted(0.7) }, settings);
    const masked = [...weight.keys()].filter((i) => weight[i] === 0);
    expect(masked).toHaveLength(10);
    for (const i of masked) expect([Math.abs(got.losses[i]!), Math.abs(got.dlogps[i]!)]).toEqual([0, 0]);
    expect(masked.every((i) => got.ratio[i]! > 0 && got.kl[i]! > 0)).toBe(true);
    expect([...weight.keys()].filter((i) => weight[i] !== 0 && got.dlogps[i] === 0 && got.clipped[i] === 0)).toEqual(
      [],
    );
  });

  test('on policy, ratio one and no clipping: the gradient is that of −advantage · log-prob', async () => {
    const got = await ours({ logps, weight, advantage }, { ...settings, beta: 0 });
    expect(new Set(got.ratio)).toEqual(new Set([1]));
    expect(new Set(got.clipped)).toEqual(new Set([0]));
    expectClose(
      got.dlogps,
      weight.map((w, i) => -w * advantage[i]!),
    );
  });
});

test('an entropy bonus is taken from the loss, each token by its own share', async () => {
  const share = normals(random, N).map((v) => 0.01 * Math.abs(v));
  const entropy = normals(random, N).map((v) => Math.abs(v));
  const [plain, terms, dentropy] = await run(session(), (rec) => {
    const tape = new Tape(rec);
    const [l, w, h] = [logps, weight, entropy].map((values, i) => constant(rec, `input ${i}`, [N], values));
    const targets = { weight: w!, advantage: constant(rec, 'advantage', [N], advantage) };
    const on = { ...settings, beta: 0 };
    const plain = policyLoss(new Tape(rec), l!, targets, on);
    const terms = policyLoss(tape, l!, targets, on);
    entropyBonus(tape, h!, { share: constant(rec, 'share', [N], share), terms });
    return [plain, terms, tape.grad(h!)!];
  });
  expectClose(
    terms,
    plain!.map((v, i) => (i % 4 === 0 ? v - share[i / 4]! * entropy[i / 4]! : v)),
  );
  expectClose(
    dentropy,
    share.map((v) => -v),
  );
});

describe('the likelihood', () => {
  test('is the weighted sum of −log-prob, and its gradient the weights', async () => {
    const [terms, dlogps] = await run(session(), (rec) => {
      const tape = new Tape(rec);
      const l = constant(rec, 'logps', [N], logps);
      return [nllLoss(tape, l, constant(rec, 'weight', [N], weight)), tape.grad(l)!];
    });
    expectClose(
      terms!.filter((_, i) => i % 4 === 0),
      logps.map((l, i) => -l * weight[i]!),
    );
    expectClose(
      dlogps,
      weight.map((w) => -w),
    );
  });
});

describe('TRL’s losses', () => {
  test.each(GOLDEN_LOSSES)(
    'aggregate over a step to the same number, with the same gradients: $name',
    async (golden) => {
      const c = policyCase(golden);
      const n = c.size;
      const [terms, dlogps, dentropy] = await run(session(), (rec) => {
        const tape = new Tape(rec);
        const of = (name: string, values: ArrayLike<number> | undefined) =>
          values && constant(rec, name, [n], Float32Array.from(values));
        const [logps, entropy] = [of('logps', c.logps)!, of('entropy', c.entropy)!];
        const terms = policyLoss(
          tape,
          logps,
          {
            weight: of('weight', c.weight)!,
            advantage: of('advantage', c.advantage)!,
            old: of('old', c.old),
            reference: of('reference', c.reference),
            kept: of('kept', c.kept),
            ...(needsSpans(c.settings) && { spans: constant(rec, 'spans', [n, 4], c.spans, 'u32') }),
          },
          c.settings,
        );
        if (c.share) entropyBonus(tape, entropy, { share: of('share', c.share)!, terms });
        return [terms, tape.grad(logps)!, ...(c.share ? [tape.grad(entropy)!] : [])];
      });
      const losses = terms!.filter((_, i) => i % 4 === 0);
      expectClose([losses.reduce((a, b) => a + b, 0)], [golden.loss], 1e-5, 'loss');
      expectClose(dlogps, c.spread(golden.dlogps), 1e-5, 'gradient');
      if (golden.dentropies) expectClose(dentropy, c.spread(golden.dentropies), 1e-5, 'gradient by the entropies');
    },
  );
});
