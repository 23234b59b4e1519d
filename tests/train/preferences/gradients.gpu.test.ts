/** What a preference stage leaves in the adapter's gradients is the derivative of its loss: by finite differences. */
import { describe, expect, test } from 'vitest';
import { Random } from '../../../src/base/random.ts';
import { DPO_LOSS_NAMES, type DpoLossName } from '../../../src/train/preferences/dpo-losses.ts';
import type { PreferenceItem, SingleItem } from '../../../src/train/preferences/judged-answers.ts';
import { dpoMethod, ktoMethod, learn, type Method } from '../../../src/train/preferences/train.ts';
import type { Sample } from '../../../src/train/samples.ts';
import { Scorer } from '../../../src/train/scorer.ts';
import type { DpoStage } from '../../../src/train/stages/dpo.ts';
import { useSession } from '../../ops/harness.ts';
import { joined, withTiny, type Tiny, type TinySample } from '../tiny-model.ts';

const session = useSession();
const QUESTIONS = ['where is it', 'which one', 'what is here'];

async function world(tiny: Tiny) {
  const samples = await Promise.all(QUESTIONS.map((text) => tiny.sample(text)));
  const adapter = tiny.attach(5);
  const scorer = () => new Scorer(tiny.model, adapter, tiny.policy.weights);
  const one = scorer();
  const context = {
    samples: { features: (some: readonly unknown[]) => joined((some as TinySample[]).map(({ features }) => features)) },
    scorer: () => one,
  } as unknown as Parameters<typeof learn>[1];
  return { samples, adapter, context, done: () => one.destroy() };
}

/** d loss / d ε along a direction: by the gradients, and by the loss a little before and behind. */
async function derivatives<I extends PreferenceItem>(tiny: Tiny, method: Method<I>, batch: readonly I[]) {
  const { samples, adapter, context, done } = await world(tiny);
  const stage = { gradientCheckpointing: false };
  const loss = async () => (await learn(stage, context, method, batch, samples as unknown as Sample[])).objective.loss;
  tiny.session.write(adapter.gradients, new Float32Array(adapter.gradients.size));
  await loss();
  const gradients = await adapter.read('gradients');
  const start = await adapter.read('parameters');
  const random = new Random(3);
  const direction = new Map(
    [...start].map(([module, { a, b }]) => [
      module,
      { a: a.map(() => random.normal() * 0.1), b: b.map(() => random.normal() * 0.1) },
    ]),
  );
  let along = 0;
  for (const [module, g] of gradients)
    for (const part of ['a', 'b'] as const) g[part].forEach((v, i) => (along += v * direction.get(module)![part][i]!));
  const at = async (step: number) => {
    for (const [module, { a, b }] of start) {
      const d = direction.get(module)!;
      adapter.write(module, { a: a.map((v, i) => v + step * d.a[i]!), b: b.map((v, i) => v + step * d.b[i]!) });
    }
    return loss();
  };
  const step = 4e-3;
  const numeric = (await at(step)) - (await at(-step));
  done();
  return { along, numeric: numeric / (2 * step) };
}

describe('the gradients of', () => {
  const answers = (tiny: Tiny) =>
    ['[[1, 2, 30, 31]]', 'no', 'the box', '?', 'it is in the image', 'yes'].map((t) => tiny.encode(t));
  const cases: readonly (readonly [string, Partial<Record<DpoLossName, number>>])[] = [
    ...DPO_LOSS_NAMES.map((name) => [name, { [name]: 1 }] as const),
    ['sigmoid, BCO and SFT together', { sigmoid: 0.8, bco_pair: 0.2, sft: 1 }],
  ];

  test.each(cases)('DPO: %s', async (_, lossWeights) => {
    await withTiny(session(), async (tiny) => {
      const all = answers(tiny);
      const batch = QUESTIONS.map((rowId, i) => ({ rowId, answers: [all[2 * i]!, all[2 * i + 1]!] }));
      const none = Object.fromEntries(DPO_LOSS_NAMES.map((name) => [name, 0]));
      const weights = { ...none, ...lossWeights } as DpoStage['lossWeights'];
      const method = dpoMethod({ perDeviceTrainBatchSize: 3, beta: 0.3, lossWeights: weights });
      const { along, numeric } = await derivatives(tiny, method, batch);
      expect(Math.abs(numeric)).toBeGreaterThan(1e-4);
      expect(Math.abs(along - numeric)).toBeLessThan(0.03 * Math.abs(numeric) + 1e-4);
    });
  });

  test.each(['kto', 'apo_zero_unpaired'] as const)('KTO: %s', async (lossType) => {
    await withTiny(session(), async (tiny) => {
      const batch: SingleItem[] = QUESTIONS.map((rowId, i) => ({
        rowId,
        answers: [answers(tiny)[i]!],
        desirable: i !== 1,
      }));
      const settings = {
        lossType,
        beta: 0.3,
        desirableWeight: 1.2,
        undesirableWeight: 0.7,
        perDeviceTrainBatchSize: 3,
      };
      const method = ktoMethod(settings);
      // The point that gains are measured from has no gradient: it is held where it is at the start.
      let held: readonly number[] | null = null;
      const fixed: Method<SingleItem> = {
        ...method,
        objective: (items, scores) => {
          held ??= scores.map((of) => (of[1] ? of[1].logp - of[1].reference : 0));
          return method.objective(
            items,
            scores.map((of, i) => (of[1] ? [of[0]!, { ...of[1], logp: of[1].reference + held![i]! }] : of)),
          );
        },
      };
      const { along, numeric } = await derivatives(tiny, fixed, batch);
      expect(Math.abs(numeric)).toBeGreaterThan(1e-4);
      expect(Math.abs(along - numeric)).toBeLessThan(0.03 * Math.abs(numeric) + 1e-4);
    });
  });
});
