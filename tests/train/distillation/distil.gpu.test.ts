/** Self-distillation on the GPU: TRL's golden cases through the output head, and the gradients of a model with pictures. */
import { describe, expect, test } from 'vitest';
import { Random } from '../../../src/base/random.ts';
import { logProbs } from '../../../src/ops/log-probs.ts';
import { nllLoss } from '../../../src/ops/policy-loss.ts';
import { Tape } from '../../../src/ops/tape.ts';
import { DISTILLATION_MODES, type DistillationMode } from '../../../src/train/distillation/divergence.ts';
import { distil, type DistilledGroup, type Teacher } from '../../../src/train/distillation/learn.ts';
import { scoredRows, withSupport } from '../../../src/train/pack.ts';
import { Scorer } from '../../../src/train/scorer.ts';
import { distillStage } from '../../../src/train/stages/index.ts';
import { constant, run, useSession } from '../../ops/harness.ts';
import { joined, withTiny, type Tiny, type TinySample } from '../tiny-model.ts';
import { CASES, distilled, VOCABULARY, type Head } from './golden-cases.ts';

const session = useSession();

/** A head whose weights are the identity: hidden states are the logits, and their gradient is that of the logits. */
const WIDE = 8;
const head: Head = async (logits, packed, { mode, temperature }, { weight }) => {
  const [U, S] = [scoredRows(packed), packed.entries.length];
  const k = mode.kind === 'score' ? (mode.top ?? 0) : 0;
  const identity = Float64Array.from({ length: VOCABULARY * WIDE }, (_, i) =>
    Number(Math.floor(i / WIDE) === i % WIDE),
  );
  const hidden = Float64Array.from({ length: U * WIDE }, (_, i) => logits[Math.floor(i / WIDE)]![i % WIDE] ?? 0);
  const read = await run(session(), (rec) => {
    const tape = new Tape(rec, { recording: weight !== undefined });
    const h = tape.track(constant(rec, 'hidden', [U, WIDE], hidden));
    const scored = logProbs(
      tape,
      h,
      constant(rec, 'identity', [VOCABULARY, WIDE], identity),
      {
        rows: null,
        start: constant(rec, 'start', [U + 1], packed.start.slice(0, U + 1), 'u32'),
        targets: constant(rec, 'targets', [S], packed.targets.slice(0, S), 'u32'),
      },
      { temperature, top: k },
    );
    if (!weight) return [scored.logps, scored.entropy, ...(scored.top ? [scored.top.tokens, scored.top.logps] : [])];
    nllLoss(tape, scored.logps, constant(rec, 'weights', [S], weight));
    tape.backward();
    return [scored.logps, scored.entropy, tape.grad(h)!];
  });
  const [logps, entropy, ...more] = read.map((values) => Float32Array.from(values));
  const zeros = new Float32Array(S);
  const gradient =
    weight &&
    Array.from({ length: U * VOCABULARY }, (_, i) => more[0]![Math.floor(i / VOCABULARY) * WIDE + (i % VOCABULARY)]!);
  return {
    scores: {
      logps: logps!,
      entropy: entropy!,
      correct: zeros,
      terms: zeros,
      top: k ? { k, tokens: more[0]!, logps: more[1]! } : null,
    },
    gradient: gradient ?? null,
  };
};

describe('TRL’s golden cases through the GPU', () => {
  test.each(CASES)('%s', async (_, c) => {
    const { loss, gradient } = await distilled(c, head);
    expect(loss).toBeCloseTo(c.loss, 5);
    c.gradient.forEach((rows, g) =>
      rows.forEach((row, t) => row.forEach((v, at) => expect(gradient[g]![t]![at]).toBeCloseTo(v, 5))),
    );
  });
});

/** Rows with one and with two pictures, each told its box; sharing a prompt or not. */
async function world(tiny: Tiny, shared: boolean) {
  const pictures = ['images/a.png', 'images/a.png'];
  const [one, two] = [await tiny.sample('where is it'), await tiny.sample('which one', pictures, ' and ')];
  const told = [
    await tiny.sample('where is it\n\nThe right answer is [[1, 2, 30, 31]].'),
    await tiny.sample('which one\n\nThe right answer is Image-2: [[4, 4, 9, 9]].', pictures, ' and '),
  ];
  const answers = ['[[1, 2, 30, 31]]', 'no box', 'it is in the second image'].map((text) => tiny.encode(text));
  const groupsOf = (sample: TinySample, teacher: TinySample): DistilledGroup[] => {
    const group = (completions: readonly Uint32Array[], places: readonly number[][]) =>
      ({
        sample,
        completions,
        teachers: places.map((own) => ({ sample: teacher, completions: own })),
      }) as unknown as DistilledGroup;
    return shared ? [group(answers, [[0, 2], [1]])] : answers.map((answer) => group([answer], [[0]]));
  };
  const adapter = tiny.attach(5);
  const scorer = new Scorer(tiny.model, adapter, tiny.policy.weights);
  const context = {
    samples: { features: (some: readonly unknown[]) => joined((some as TinySample[]).map(({ features }) => features)) },
    scorer: () => scorer,
    policy: tiny.policy,
  } as unknown as Parameters<typeof distil>[1];
  const groups = [...groupsOf(one, told[0]!), ...groupsOf(two, told[1]!)];
  return { adapter, scorer, context, groups };
}

/** Which tokens are compared has no gradient: they stay what they are at first. */
function held(scorer: Scorer): Scorer {
  const kept = new Map<string, Float32Array>();
  const run: Scorer['run'] = async (packed, features, given, inputs) => {
    const { mode } = given;
    const key = packed.tokens.join();
    const tokens = kept.get(key);
    if (mode.kind !== 'score' || !mode.top || !tokens) {
      const scores = await scorer.run(packed, features, given, inputs);
      if (scores.top) kept.set(key, scores.top.tokens.slice());
      return scores;
    }
    const scores = await scorer.run(packed, features, { ...given, mode: { kind: 'score' } });
    const wide = withSupport(packed, tokens, mode.top);
    const { logps } = await scorer.run(wide, features, { ...given, mode: { kind: 'score' } });
    return { ...scores, top: { k: mode.top, tokens, logps } };
  };
  return { run } as Scorer;
}

const settings = (distillationMode: DistillationMode, distillationAlpha: number, distillationAddTail = false) =>
  distillStage({
    distillationMode,
    distillationAlpha,
    distillationAddTail,
    distillationTopk: 12,
    numLossTokensToSkip: 1,
  });

describe('the gradients of a model with several pictures', () => {
  test.each([
    ['topk_logits', 0, false],
    ['topk_logits', 0.5, false],
    ['topk_logits', 1, true],
    ['full_logits', 0.5, false],
  ] as const)('%s, alpha %s: finite differences', async (mode, alpha, tail) => {
    await withTiny(session(), async (tiny) => {
      const { adapter, scorer, context: free, groups } = await world(tiny, true);
      const fixed = held(scorer);
      const context = { ...free, scorer: () => fixed };
      const teacher: Teacher = { scorer: () => scorer, adapter: false };
      const stage = settings(mode, alpha, tail);
      const loss = async () => (await distil(stage, context, teacher, groups)).loss;
      tiny.session.write(adapter.gradients, new Float32Array(adapter.gradients.size));
      await loss();
      const [gradients, start] = [await adapter.read('gradients'), await adapter.read('parameters')];
      const random = new Random(3);
      const direction = new Map(
        [...start].map(([module, { a, b }]) => [
          module,
          { a: a.map(() => random.normal() * 0.1), b: b.map(() => random.normal() * 0.1) },
        ]),
      );
      let along = 0;
      for (const [module, g] of gradients)
        for (const part of ['a', 'b'] as const)
          g[part].forEach((v, i) => (along += v * direction.get(module)![part][i]!));
      const at = async (step: number) => {
        for (const [module, { a, b }] of start) {
          const d = direction.get(module)!;
          adapter.write(module, { a: a.map((v, i) => v + step * d.a[i]!), b: b.map((v, i) => v + step * d.b[i]!) });
        }
        return loss();
      };
      const step = 4e-3;
      const numeric = ((await at(step)) - (await at(-step))) / (2 * step);
      scorer.destroy();
      expect(Math.abs(numeric)).toBeGreaterThan(1e-4);
      expect(Math.abs(along - numeric)).toBeLessThan(0.03 * Math.abs(numeric) + 1e-4);
    });
  });

  test.each(DISTILLATION_MODES)('%s: completions that share their prompt are those that do not', async (mode) => {
    const found = [];
    for (const shared of [true, false])
      found.push(
        await withTiny(session(), async (tiny) => {
          const { adapter, scorer, context, groups } = await world(tiny, shared);
          tiny.session.write(adapter.gradients, new Float32Array(adapter.gradients.size));
          const stage = settings(mode, 1);
          const { loss, tokenLoss } = await distil(stage, context, { scorer: () => scorer, adapter: true }, groups);
          const gradients = joined([...(await adapter.read('gradients')).values()].flatMap(({ a, b }) => [a, b]));
          scorer.destroy();
          return { loss, tokenLoss, gradients };
        }),
      );
    const [together, apart] = found;
    expect(together!.loss).toBeCloseTo(apart!.loss, 5);
    expect(together!.tokenLoss).toBeCloseTo(apart!.tokenLoss, 5);
    const largest = apart!.gradients.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
    expect(largest).toBeGreaterThan(1e-5);
    together!.gradients.forEach((v, i) => expect(Math.abs(v - apart!.gradients[i]!)).toBeLessThan(1e-3 * largest));
  });
});
