/** Once its sizes were seen, a step makes no buffer and no bind group: everything was made when it was recorded. */
import { describe, expect, test } from 'vitest';
import type { Session } from '../../src/gpu/recorder.ts';
import { Optimizer } from '../../src/train/optimizer.ts';
import { pack } from '../../src/train/pack.ts';
import { optimizer as optimizerSettings } from '../../src/train/stages/index.ts';
import { Scorer, type ScoreMode } from '../../src/train/scorer.ts';
import { useSession } from '../ops/harness.ts';
import { withTiny, type Tiny } from './tiny-model.ts';

const session = useSession();

const MAKERS = ['createBuffer', 'createBindGroup', 'createComputePipeline', 'createShaderModule'] as const;

/** What a device was asked to make while `work` ran. */
async function made({ gpu: { device } }: Session, work: () => Promise<unknown>): Promise<string[]> {
  const calls: string[] = [];
  const originals = MAKERS.map((name) => [name, device[name]] as const);
  for (const [name, original] of originals)
    Object.assign(device, {
      [name]: (descriptor: GPUObjectDescriptorBase) => {
        calls.push(`${name} ${descriptor.label ?? ''}`);
        return (original as (d: unknown) => unknown).call(device, descriptor);
      },
    });
  try {
    await work();
  } finally {
    for (const [name, original] of originals) Object.assign(device, { [name]: original });
  }
  return calls;
}

/** A step's work, some rounds of it for warming up, then watched ones. */
async function expectNothingMade(s: Session, step: (round: number) => Promise<unknown>): Promise<void> {
  expect(await made(s, () => step(0))).not.toEqual([]);
  await step(1);
  expect(
    await made(s, async () => {
      for (let round = 2; round < 5; round++) await step(round);
    }),
  ).toEqual([]);
}

async function trainingStep(tiny: Tiny, mode: ScoreMode) {
  const adapter = tiny.attach(1);
  const scorer = new Scorer(tiny.model, adapter, tiny.policy.weights);
  const optimizer = new Optimizer(tiny.session, adapter, optimizerSettings(1e-4), 10);
  const sample = await tiny.sample('Box the disc.');
  const completions = ['[[1, 2, 30, 31]]', 'here'].map((text) => tiny.encode(text));
  const packed = pack([{ prompt: sample.prompt, completions }]);
  const filled = (value: number) => new Float32Array(packed.entries.length).fill(value);
  const settings = { temperature: 1, checkpoint: true };
  const step = async () => {
    optimizer.zeroGrad();
    const score = (on: boolean) =>
      scorer.run(packed, sample.features, { ...settings, mode: { kind: 'score' }, adapter: on });
    const inputs =
      mode.kind === 'policy'
        ? {
            advantage: filled(1),
            old: (await score(true)).logps.slice(),
            reference: (await score(false)).logps.slice(),
          }
        : {};
    await scorer.run(packed, sample.features, { ...settings, mode, adapter: true }, { weight: filled(0.1), ...inputs });
    await optimizer.step();
  };
  const destroy = () => {
    optimizer.destroy();
    scorer.destroy();
  };
  return { step, destroy };
}

describe('a step that was seen before makes nothing', () => {
  test.each<ScoreMode>([
    { kind: 'nll' },
    {
      kind: 'policy',
      settings: { epsilon: 0.2, epsilonHigh: 0.2, beta: 0.04, klRatio: false },
      onPolicy: false,
    },
  ])('training with loss $kind, and the optimizer', async (mode) => {
    await withTiny(session(), async (tiny) => {
      const { step, destroy } = await trainingStep(tiny, mode);
      await expectNothingMade(session(), step);
      destroy();
    });
  });

  test('generation', async () => {
    await withTiny(session(), async (tiny) => {
      const samples = [await tiny.sample('Box the disc.'), await tiny.sample('And?', [])];
      const generator = tiny.generator();
      const sampling = { temperature: 1, topK: 0, topP: 1, maxCompletionLength: 30 };
      await expectNothingMade(session(), (seed) => generator.generate(samples, { numGenerations: 4, seed, sampling }));
    });
  });

  test('rollouts and training by turns, as in GRPO', async () => {
    await withTiny(session(), async (tiny) => {
      const { step, destroy } = await trainingStep(tiny, { kind: 'nll' });
      const sample = await tiny.sample('Box the disc.');
      const generator = tiny.generator();
      const sampling = { temperature: 1, topK: 0, topP: 1, maxCompletionLength: 20 };
      await expectNothingMade(session(), async (seed) => {
        await generator.generate([sample], { numGenerations: 4, seed, sampling });
        await step();
      });
      destroy();
    });
  });
});
