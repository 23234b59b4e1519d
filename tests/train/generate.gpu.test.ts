/** Generation for several prompts and groups, greedy and drawn, against passes over whole sequences. */
import { describe, expect, test, vi } from 'vitest';
import type { Program } from '../../src/gpu/program.ts';
import type { GenerateOptions, Rollout } from '../../src/train/generate.ts';
import { pack } from '../../src/train/pack.ts';
import { RolloutTokens } from '../../src/train/rollout-tokens.ts';
import { Scorer } from '../../src/train/scorer.ts';
import { expectClose, useSession } from '../ops/harness.ts';
import { withTiny, type Tiny, type TinySample } from './tiny-model.ts';

const session = useSession();

const options = (
  o: Partial<GenerateOptions['sampling']> & Omit<Partial<GenerateOptions>, 'sampling'> = {},
): GenerateOptions => {
  const { temperature = 0, topK = 0, topP = 1, maxCompletionLength = 10, ...rest } = o;
  return { numGenerations: 1, seed: 1, ...rest, sampling: { temperature, topK, topP, maxCompletionLength } };
};

const ids = (rollouts: readonly (readonly Rollout[])[]) =>
  rollouts.map((group) => group.map(({ tokens }) => [...tokens]));

/** What greedy decoding must give: at every place the likeliest token of a pass that was handed all tokens before it. */
async function expectGreedy(tiny: Tiny, sample: TinySample, { tokens }: Rollout): Promise<void> {
  const suppressed = new Set(tiny.model.suppressedTokens);
  const rows = await tiny.logits(sample, tokens);
  const likeliest = Array.from(tokens, (_, i) => {
    const logits = rows[sample.prompt.tokens.length - 1 + i]!.map((l, id) => (suppressed.has(id) ? -Infinity : l));
    return logits.indexOf(Math.max(...logits));
  });
  expect([...tokens]).toEqual(likeliest);
}

describe('greedy generation', () => {
  test.each([
    { name: 'the base model', adapters: 0, merged: false },
    { name: 'a policy with an adapter', adapters: 1, merged: false },
    { name: 'a merged policy', adapters: 1, merged: true },
    { name: 'a merged policy with an adapter', adapters: 2, merged: false },
  ])('of $name takes the likeliest token of teacher-forced logits', async ({ adapters, merged }) => {
    await withTiny(session(), async (tiny) => {
      for (let i = 0; i < adapters; i++) {
        if (i > 0) await tiny.policy.merge();
        tiny.attach(i);
      }
      if (merged) await tiny.policy.merge();
      const samples = [await tiny.sample('Box the disc.'), await tiny.sample('And?', [])];
      const rollouts = await tiny.generator().generate(samples, options());
      for (const [i, sample] of samples.entries()) await expectGreedy(tiny, sample, rollouts[i]![0]!);
    });
  });

  test('tells what each token was drawn from, as a pass over the whole completion does', async () => {
    await withTiny(session(), async (tiny) => {
      tiny.attach(3);
      const sample = await tiny.sample('Box the disc.');
      const temperature = 0.8;
      const [rollouts] = await tiny
        .generator()
        .generate([sample], options({ temperature, numGenerations: 3, scores: true }));
      const packed = pack([{ prompt: sample.prompt, completions: rollouts!.map(({ tokens }) => tokens) }]);
      const scorer = new Scorer(tiny.model, tiny.policy.adapter);
      const { logps, entropy } = await scorer.run(packed, sample.features, {
        mode: { kind: 'score' },
        temperature,
        adapter: true,
        checkpoint: false,
      });
      const of = (name: 'logProbs' | 'entropies') =>
        packed.entries.map(({ completion, index }) => rollouts![completion]![name][index]!);
      expectClose(of('logProbs'), logps, 1e-4, 'log-probs');
      expectClose(of('entropies'), entropy, 1e-4, 'entropies');
      scorer.destroy();
      const [silent] = await tiny.generator().generate([sample], options({ temperature, numGenerations: 3 }));
      expect(silent!.map(({ logProbs }) => logProbs.length)).toEqual([0, 0, 0]);
      expect(ids([silent!])).toEqual(ids([rollouts!]));
    });
  });

  test('keeps the adapter out of the reference, and merges out of the base', async () => {
    await withTiny(session(), async (tiny) => {
      const sample = await tiny.sample('Box the disc.');
      const generator = tiny.generator();
      const say = async (which: 'policy' | 'reference' | 'base') =>
        ids(await generator.generate([sample], options({ which })))[0]![0]!;
      const base = await say('policy');
      tiny.attach(1);
      await tiny.policy.merge();
      const merged = await say('policy');
      tiny.attach(2);
      const now = await say('policy');
      expect(new Set([base, merged, now].map(String)).size).toBe(3);
      expect(await say('reference')).toEqual(merged);
      expect(await say('base')).toEqual(base);
      expect(await say('policy')).toEqual(now);
    });
  });

  test('of several prompts of different lengths gives what each gives alone, in any order', async () => {
    await withTiny(session(), async (tiny) => {
      tiny.attach(3);
      const samples = [
        await tiny.sample('Box the disc.'),
        await tiny.sample('And?', []),
        await tiny.sample('Where is the disc, and is it larger than the other one?', ['images/a.png', 'images/a.png']),
      ];
      const alone: number[][] = [];
      for (const sample of samples) {
        const generator = tiny.generator();
        alone.push(ids(await generator.generate([sample], options()))[0]![0]!);
      }
      expect(new Set(alone.map(String)).size).toBe(3);
      const generator = tiny.generator();
      for (const order of [
        [0, 1, 2],
        [2, 0, 1],
      ]) {
        const together = await generator.generate(
          order.map((i) => samples[i]!),
          options(),
        );
        expect(ids(together).map(([only]) => only)).toEqual(order.map((i) => alone[i]));
      }
    });
  });

  test('goes on as it was when one generator serves longer prompts, longer answers and more rows by turns', async () => {
    await withTiny(session(), async (tiny) => {
      tiny.attach(4);
      const short = await tiny.sample('And?', []);
      const long = await tiny.sample(`Where is the disc${', and where else'.repeat(30)}?`);
      const generator = tiny.generator();
      const first = ids(await generator.generate([short], options()));
      expect(ids(await generator.generate([long], options({ maxCompletionLength: 20 })))[0]![0]!).toHaveLength(20);
      expect(ids(await generator.generate([short], options({ numGenerations: 9 })))).toEqual([
        Array(9).fill(first[0]![0]),
      ]);
      expect(ids(await generator.generate([short], options()))).toEqual(first);
      // A shorter limit cuts the same answer earlier, also below the number of steps looked at together.
      for (const maxCompletionLength of [1, 3, 9])
        expect(ids(await generator.generate([short], options({ maxCompletionLength })))[0]![0]).toEqual(
          first[0]![0]!.slice(0, maxCompletionLength),
        );
    });
  });
});

describe('a group', () => {
  test('draws the same for a seed, and otherwise for another', async () => {
    await withTiny(session(), async (tiny) => {
      const sample = await tiny.sample('Box the disc.');
      const generator = tiny.generator();
      const draw = (seed: number) => generator.generate([sample], options({ temperature: 1, numGenerations: 3, seed }));
      const [one, two, again] = [await draw(5), await draw(6), await draw(5)];
      expect(ids(again)).toEqual(ids(one));
      expect(ids(two)).not.toEqual(ids(one));
      // The completions of a group differ from each other.
      expect(new Set(ids(one)[0]!.map(String)).size).toBe(3);
    });
  });

  test('shares its prompt: with greedy tokens every completion is the one that a group of one gives', async () => {
    await withTiny(session(), async (tiny) => {
      tiny.attach(6);
      const samples = [await tiny.sample('Box the disc.'), await tiny.sample('And?', [])];
      const generator = tiny.generator();
      const single = ids(await generator.generate(samples, options()));
      expect(ids(await generator.generate(samples, options({ numGenerations: 4 })))).toEqual(
        single.map(([only]) => Array(4).fill(only)),
      );
    });
  });

  test('holds one copy of its prompt: more completions take room for completions only', async () => {
    await withTiny(session(), async (tiny) => {
      const sample = await tiny.sample('Box the disc.');
      const generator = tiny.generator();
      const before = tiny.session.residentBytes;
      const held = async (numGenerations: number) => {
        await generator.generate([sample], options({ numGenerations }));
        return tiny.session.residentBytes - before;
      };
      // 16 rows beyond the first 8 come in, each with its keys and values of 16 tokens in every layer, and its bookkeeping.
      const { layers, kvHeads, headDim } = tiny.model.decoderShape;
      const grown = (await held(24)) - (await held(8));
      const keysAndValues = 16 * 16 * layers * 2 * kvHeads * headDim * 4;
      expect(grown).toBeGreaterThanOrEqual(keysAndValues);
      expect(grown).toBeLessThan(keysAndValues + sample.prompt.tokens.length * layers * 2 * kvHeads * headDim * 4);
    });
  });

  test('says which completions were cut off, and leaves the end token out of the text', async () => {
    await withTiny(session(), async (tiny) => {
      const { eosTokenIds, tokenizer } = tiny.loaded.processor;
      const sample = await tiny.sample('Box the disc.');
      const [group] = await tiny
        .generator()
        .generate([sample], options({ temperature: 2, numGenerations: 64, maxCompletionLength: 48, seed: 3 }));
      for (const { tokens, truncated, text } of group!) {
        const end = tokens.findIndex((id) => eosTokenIds.includes(id));
        expect(truncated).toBe(end < 0);
        expect(tokens).toHaveLength(truncated ? 48 : end + 1);
        expect(text).toBe(tokenizer.decode(truncated ? tokens : tokens.subarray(0, end)));
        expect([...tokens].some((id) => tiny.model.suppressedTokens.includes(id))).toBe(false);
      }
      // Of 64 long random answers some end and some do not.
      expect(new Set(group!.map(({ truncated }) => truncated))).toEqual(new Set([true, false]));
    });
  });
});

describe('tokens as they arrive', () => {
  test('are the rollouts piece by piece, each row in order and its end token last', async () => {
    await withTiny(session(), async (tiny) => {
      const samples = [await tiny.sample('Box the disc.'), await tiny.sample('And?', [])];
      const pieces = Array.from({ length: 6 }, () => [] as number[][]);
      const rollouts = await tiny.generator().generate(samples, {
        ...options({ temperature: 2, numGenerations: 3, maxCompletionLength: 40, seed: 3 }),
        onTokens: (row, tokens) => pieces[row]!.push([...tokens]),
      });
      expect(pieces.map((p) => p.flat())).toEqual(ids(rollouts).flat());
      expect(pieces.flat().every((p) => p.length > 0)).toBe(true);
      // 40 steps come in several groups, the prefill's token first.
      expect(Math.max(...pieces.map((p) => p.length))).toBeGreaterThan(2);
      expect(pieces.map((p) => p[0]!.length)).toEqual(Array(6).fill(1));
    });
  });

  test('come from one recorded step in groups, of which the GPU has the next before one is looked at', async () => {
    await withTiny(session(), async (tiny) => {
      const sample = await tiny.sample('Box the disc.');
      const { queue } = session();
      const [run, take] = [queue.run.bind(queue), RolloutTokens.prototype.take];
      const decode: { readonly program: Program; readonly steps: number }[] = [];
      const handedOver: number[] = [];
      vi.spyOn(queue, 'run').mockImplementation((program, steps = 1) => {
        if (program.label === 'decode') decode.push({ program, steps });
        run(program, steps);
      });
      vi.spyOn(RolloutTokens.prototype, 'take').mockImplementation(function (this: RolloutTokens, ...group) {
        handedOver.push(decode.length);
        take.apply(this, group);
      });
      // By this clock steps take no time, and groups are as long as they may be, however often a busy machine looks at it.
      let now = 1;
      vi.spyOn(performance, 'now').mockImplementation(() => (now += 1e-6));
      const limit = 40;
      await tiny
        .generator()
        .generate([sample], options({ temperature: 1, numGenerations: 8, maxCompletionLength: limit, seed: 9 }));
      vi.restoreAllMocks();
      expect(new Set(decode.map(({ program }) => program)).size).toBe(1);
      expect(decode.reduce((sum, { steps }) => sum + steps, 0)).toBe(limit - 1);
      expect(decode.length).toBeLessThan(limit / 4);
      // The first group is the prefill's token; at the last one there is nothing left to hand over.
      expect(handedOver).toEqual(decode.map((_, i) => i + 1).concat(decode.length));
    });
  });

  test('are the same however many come at a time', async () => {
    await withTiny(session(), async (tiny) => {
      const sample = await tiny.sample('Box the disc.');
      const generator = tiny.generator();
      const draw = () =>
        generator.generate([sample], options({ temperature: 1, numGenerations: 4, maxCompletionLength: 30, seed: 9 }));
      const clock = vi.spyOn(performance, 'now');
      const drawn: number[][][][] = [];
      for (const pace of [1, 1e6]) {
        let now = 1;
        clock.mockImplementation(() => (now += pace));
        drawn.push(ids(await draw()));
      }
      clock.mockRestore();
      expect(drawn[1]).toEqual(drawn[0]);
    });
  });

  test('stop soon after the signal, and what was drawn stays', async () => {
    await withTiny(session(), async (tiny) => {
      const sample = await tiny.sample('Box the disc.');
      const generator = tiny.generator();
      const all = options({ temperature: 1, maxCompletionLength: 200, seed: 4 });
      const [[whole]] = (await generator.generate([sample], all)) as [[Rollout]];
      const control = new AbortController();
      const [[cut]] = (await generator.generate([sample], {
        ...all,
        signal: control.signal,
        onTokens: () => control.abort(),
      })) as [[Rollout]];
      expect(whole.tokens.length).toBeGreaterThan(cut.tokens.length);
      expect([...cut.tokens]).toEqual([...whole.tokens.subarray(0, cut.tokens.length)]);
      expect(cut.truncated).toBe(true);
    });
  });
});
