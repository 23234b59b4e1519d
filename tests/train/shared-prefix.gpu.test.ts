/** Completions that share their prompt: the same loss and gradients as each with its own. */
import { describe, expect, test } from 'vitest';
import type { Adapter } from '../../src/nn/adapter.ts';
import { LOSS_TYPES, policyMode } from '../../src/train/losses/index.ts';
import { pack } from '../../src/train/pack.ts';
import { Scorer, type ScoreInputs, type ScoreMode } from '../../src/train/scorer.ts';
import { expectClose, relativeError, useSession } from '../ops/harness.ts';
import { joined, withTiny, type Tiny, type TinySample } from './tiny-model.ts';

const session = useSession();

const SETTINGS = { epsilon: 0.2, epsilonHigh: 0.3, beta: 0.05, klRatio: true };
const POLICY: ScoreMode = { kind: 'policy', settings: SETTINGS, onPolicy: false };
const TEXTS = ['[[1, 2, 30, 31]]', 'the box is in the image', '?', 'no'];

/** Per-token numbers of a completion, the same wherever the token is packed. */
const made = (completion: number, index: number, salt: number) => Math.sin(1 + 7 * completion + 3 * index + salt);

function lossInputs(
  entries: readonly { completion: number; index: number }[],
  logps: ReadonlyMap<string, number>,
): ScoreInputs {
  const of = (f: (completion: number, index: number) => number) =>
    Float32Array.from(entries, (e) => f(e.completion, e.index));
  const near = (salt: number) => of((c, i) => logps.get(`${c} ${i}`)! + 0.4 * made(c, i, salt));
  return {
    weight: of((c, i) => 0.02 + 0.01 * made(c, i, 0) ** 2),
    advantage: of((c) => 1.5 * made(c, 0, 1)),
    old: near(2),
    reference: near(3),
    kept: of((c, i) => Number(made(c, i, 4) > -0.5)),
    entropyShare: of((c, i) => 0.01 * made(c, i, 5) ** 2),
  };
}

interface Outcome {
  /** By completion and index. */
  readonly logps: Map<string, number>;
  readonly loss: number;
  readonly gradients: Float32Array;
}

async function gradients(adapter: Adapter): Promise<Float32Array> {
  return joined([...(await adapter.read('gradients')).values()].flatMap(({ a, b }) => [a, b]));
}

/** One step over the same completions, laid out in the given passes of groups (lists of completions that share a prompt). */
async function step(
  tiny: Tiny,
  sample: TinySample,
  passes: readonly (readonly (readonly number[])[])[],
  mode: ScoreMode,
  checkpoint: boolean,
  known?: ReadonlyMap<string, number>,
): Promise<Outcome> {
  const completions = TEXTS.map((text) => tiny.encode(text));
  const adapter = tiny.policy.adapter!;
  tiny.session.write(adapter.gradients, new Float32Array(adapter.gradients.size));
  const scorer = new Scorer(tiny.model, adapter);
  const logps = new Map<string, number>();
  let loss = 0;
  for (const groups of passes) {
    const packed = pack(
      groups.map((members) => ({ prompt: sample.prompt, completions: members.map((c) => completions[c]!) })),
      { step: 8 },
    );
    const entries = packed.entries.map((e) => ({ completion: groups[e.group]![e.completion]!, index: e.index }));
    const inputs = mode.kind === 'score' ? {} : lossInputs(entries, known!);
    const scores = await scorer.run(
      packed,
      joined(groups.map(() => sample.features)),
      { mode, temperature: 0.9, adapter: true, checkpoint },
      inputs,
    );
    entries.forEach((e, i) => logps.set(`${e.completion} ${e.index}`, scores.logps[i]!));
    for (let i = 0; i < scores.terms.length; i += 4) loss += scores.terms[i]!;
  }
  scorer.destroy();
  return { logps, loss, gradients: await gradients(adapter) };
}

const inOrder = (logps: ReadonlyMap<string, number>) =>
  [...logps].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value);

describe('a group that shares its prompt', () => {
  const shared = [[[0, 1, 2, 3]]];
  const layouts = {
    'a pass for each completion': [[[0]], [[1]], [[2]], [[3]]],
    'one pass with the prompt repeated': [[[0], [1], [2], [3]]],
    'two groups of two, in another order': [
      [
        [3, 0],
        [1, 2],
      ],
    ],
  };

  test('has the same loss and gradients with an entropy bonus, which changes both', async () => {
    await withTiny(session(), async (tiny) => {
      tiny.attach(3);
      const sample = await tiny.sample('Box the disc.');
      const { logps } = await step(tiny, sample, shared, { kind: 'score' }, false);
      const mode: ScoreMode = { ...POLICY, entropyBonus: true };
      const one = await step(tiny, sample, shared, mode, false, logps);
      const many = await step(tiny, sample, layouts['one pass with the prompt repeated'], mode, false, logps);
      expectClose([many.loss], [one.loss]);
      expectClose(many.gradients, one.gradients);
      const without = await step(tiny, sample, shared, POLICY, false, logps);
      expect(one.loss).toBeLessThan(without.loss - 1e-3);
      expect(relativeError(without.gradients, one.gradients)).toBeGreaterThan(1e-2);
    });
  });

  test.each(Object.entries(layouts))('has the log-probs, the loss and the gradients of %s', async (_, passes) => {
    await withTiny(session(), async (tiny) => {
      tiny.attach(3);
      const sample = await tiny.sample('Box the disc.');
      const { logps } = await step(tiny, sample, shared, { kind: 'score' }, false);
      const [one, many] = [
        await step(tiny, sample, shared, POLICY, false, logps),
        await step(tiny, sample, passes, POLICY, false, logps),
      ];
      expect([...many.logps.keys()].sort()).toEqual([...one.logps.keys()].sort());
      expectClose(inOrder(many.logps), inOrder(one.logps));
      expectClose([many.loss], [one.loss]);
      expect(Math.max(...one.gradients.map(Math.abs))).toBeGreaterThan(1e-3);
      expectClose(many.gradients, one.gradients);
    });
  });

  test.each(
    [
      ...LOSS_TYPES.map((lossType) => ({ lossType, importanceSamplingLevel: 'token' as const })),
      ...(['sequence', 'sequence_token'] as const).flatMap((importanceSamplingLevel) =>
        (['grpo', 'cispo', 'luspo'] as const).map((lossType) => ({ lossType, importanceSamplingLevel })),
      ),
    ].map((choice) => ({ ...choice, offPolicyMaskThreshold: 0.05, delta: 1.5 })),
  )(
    'has the same loss and gradients as repeated prompts: $lossType, ratio of a $importanceSamplingLevel',
    async (choice) => {
      await withTiny(session(), async (tiny) => {
        tiny.attach(3);
        const sample = await tiny.sample('Box the disc.');
        const { logps } = await step(tiny, sample, shared, { kind: 'score' }, false);
        const mode: ScoreMode = {
          ...policyMode({
            ...choice,
            epsilon: 0.2,
            epsilonHigh: 0.3,
            beta: 0.05,
            useBiasCorrectionKl: true,
            entropyCoef: 0,
            numIterations: 2,
            topEntropyQuantile: 0.5,
          }),
        };
        const one = await step(tiny, sample, shared, mode, false, logps);
        const many = await step(tiny, sample, layouts['one pass with the prompt repeated'], mode, false, logps);
        expectClose([many.loss], [one.loss]);
        expect(Math.max(...one.gradients.map(Math.abs))).toBeGreaterThan(1e-4);
        expectClose(many.gradients, one.gradients);
      });
    },
  );

  test('has the same gradients when layers are recomputed, to the bit', async () => {
    await withTiny(session(), async (tiny) => {
      tiny.attach(4);
      const sample = await tiny.sample('Box the disc.');
      const { logps } = await step(tiny, sample, shared, { kind: 'score' }, false);
      const [kept, recomputed] = [
        await step(tiny, sample, shared, POLICY, false, logps),
        await step(tiny, sample, shared, POLICY, true, logps),
      ];
      expect(recomputed.gradients).toEqual(kept.gradients);
      expect(recomputed.loss).toBe(kept.loss);
    });
  });

  test('keeps its completions apart: changing one leaves the others as they were, to the bit', async () => {
    await withTiny(session(), async (tiny) => {
      tiny.attach(5);
      const sample = await tiny.sample('Box the disc.');
      const completions = [tiny.encode('the box is here'), tiny.encode('a disc, I think')];
      const [F, S] = completions.map((c) => c.length) as [number, number];
      // Order: first tokens of both, then the rest of the first, then of the second.
      const places = [
        [0, ...Array.from({ length: F - 1 }, (_, i) => 2 + i)],
        [1, ...Array.from({ length: S - 1 }, (_, i) => F + 1 + i)],
      ] as const;
      const before = await tiny.logps(sample, completions);
      for (const changed of [0, 1]) {
        const after = await tiny.logps(
          sample,
          completions.map((c, i) => (i === changed ? c.map((id) => (id + 40) % 300) : c)),
        );
        const [own, other] = [places[1 - changed]!, places[changed]!];
        expect(own.map((i) => after[i])).toEqual(own.map((i) => before[i]));
        expect(
          relativeError(
            other.map((i) => after[i]!),
            other.map((i) => before[i]!),
          ),
        ).toBeGreaterThan(1e-2);
      }
    });
  });
});
