/** The last layer is run for the scored rows alone: as if it had been run for all, in log-probs and gradients. */
import { expect, test } from 'vitest';
import { Recorder } from '../../src/gpu/recorder.ts';
import type { Tensor } from '../../src/gpu/tensor.ts';
import { logProbs } from '../../src/ops/log-probs.ts';
import { nllLoss } from '../../src/ops/policy-loss.ts';
import { Tape } from '../../src/ops/tape.ts';
import { pack, type Packed } from '../../src/train/pack.ts';
import { Scorer } from '../../src/train/scorer.ts';
import { expectClose, useSession } from '../ops/harness.ts';
import { joined, withTiny, type Floats, type Tiny } from './tiny-model.ts';

const session = useSession();

const WEIGHT = 0.1;

/** Every layer for every row, and the scored rows picked at the end. */
async function wholeLayers({ model, policy }: Tiny, packed: Packed, features: Floats): Promise<Float32Array> {
  const { T, F, U, S } = packed.sizes;
  const rec = new Recorder(model.session, 'whole layers');
  const tape = new Tape(rec);
  const data = new Map<Tensor, ArrayBufferView>([
    [rec.input('tokens', [T], 'u32'), packed.tokens],
    [rec.input('rotary table', [T, model.headDim / 2, 2]), model.rotaryTable(packed.axes)],
    [rec.input('table rows', [T], 'u32'), Uint32Array.from({ length: T }, (_, i) => i)],
    [rec.input('ranges', [T, 4], 'u32'), packed.ranges],
    [rec.input('key ranges', [T, 2], 'u32'), packed.keyRanges],
    [rec.input('features', [F, model.featureColumns]), features],
    [rec.input('feature index', [T], 'i32'), packed.featureIndex],
    [rec.input('scored rows', [U], 'i32'), packed.rows],
    [rec.input('starts', [U + 1], 'u32'), packed.start],
    [rec.input('targets', [S], 'u32'), packed.targets],
    [rec.input('weights', [S]), Float32Array.from({ length: S }, (_, i) => (packed.entries[i] ? WEIGHT : 0))],
  ]);
  const [tokens, table, positions, ranges, keyRanges, pictures, index, rows, start, targets, weight] = [...data.keys()];
  const hidden = model.recordDecoder(
    tape,
    tokens!,
    { features: pictures!, index: index! },
    {
      rotary: { table: table!, positions: positions! },
      ranges: ranges!,
      keyRanges: keyRanges!,
      lora: (module) => policy.adapter!.lora(module),
    },
    policy.weights,
  );
  const { logps } = logProbs(tape, hidden, model.head, { rows: rows!, start: start!, targets: targets! });
  nllLoss(tape, logps, weight!);
  tape.backward();
  rec.output(logps);
  const program = rec.finish();
  for (const [tensor, values] of data) program.write(tensor, values);
  program.run();
  const [values] = await program.read(logps);
  program.destroy();
  return values!.slice(0, packed.entries.length);
}

const gradientsOf = async ({ policy }: Tiny): Promise<Float32Array> =>
  joined([...(await policy.adapter!.read('gradients')).values()].flatMap(({ a, b }) => [a, b]));

test.each([
  ['qwen2_5_vl/policy-grpo', false, 0],
  ['qwen2_5_vl/policy-grpo', true, 0],
  ['qwen3_vl/policy-dapo', false, 0],
  ['qwen2_5_vl/policy-grpo', true, 6],
] as const)('%s, layers recomputed: %s, tokens of the prompt scored as well: %s', async (name, checkpoint, earlier) => {
  await withTiny(
    session(),
    async (tiny) => {
      const adapter = tiny.attach(3);
      const { prompt, features } = await tiny.sample('Box the disc.');
      const packed = pack(
        [
          {
            prompt,
            completions: ['the box is here', 'no', 'a disc'].map((text) => tiny.encode(text)),
            learnt: Uint8Array.from(prompt.tokens, (_, t) => Number(t >= prompt.tokens.length - earlier)),
          },
        ],
        { step: 8 },
      );
      const padded = new Float32Array(packed.sizes.F * tiny.model.featureColumns);
      padded.set(features);
      const expected = { logps: await wholeLayers(tiny, packed, padded), gradients: await gradientsOf(tiny) };
      tiny.session.write(adapter.gradients, new Float32Array(adapter.gradients.size));
      const scorer = new Scorer(tiny.model, adapter);
      const { logps } = await scorer.run(
        packed,
        padded,
        { mode: { kind: 'nll' }, temperature: 1, adapter: true, checkpoint },
        { weight: new Float32Array(packed.entries.length).fill(WEIGHT) },
      );
      scorer.destroy();
      expectClose(logps, expected.logps);
      expect(Math.max(...expected.gradients.map(Math.abs))).toBeGreaterThan(1e-3);
      expectClose(await gradientsOf(tiny), expected.gradients);
    },
    name,
  );
});
