/**
 * What a step dispatches, kernel by kernel. Bias, residual, the adapter's term and the clip factor ride along in kernels
 * that are needed anyway; whatever adds a dispatch shows here.
 */
import { expect, test } from 'vitest';
import type { Program } from '../../src/gpu/program.ts';
import { pack } from '../../src/train/pack.ts';
import { Scorer } from '../../src/train/scorer.ts';
import { useSession } from '../ops/harness.ts';
import { withTiny, type Tiny } from './tiny-model.ts';

const session = useSession();

/** Linear layers of a decoder layer, each with an adapter: q, k, v, o, gate, up, down. */
const LINEARS = 7;

function counts({ commands }: Program): Record<string, number> {
  const found: Record<string, number> = {};
  for (const command of commands) {
    const name = command.type === 'dispatch' ? command.kernel.name : command.type;
    found[name] = (found[name] ?? 0) + 1;
  }
  return found;
}

/** The program that draws a token. */
async function decodeProgram(tiny: Tiny): Promise<Program> {
  const sampling = { temperature: 1, topK: 0, topP: 1, maxCompletionLength: 5 };
  const sample = await tiny.sample('Box the disc.');
  const drawn = await tiny.programs('decode', () =>
    tiny.generator().generate([sample], { numGenerations: 2, seed: 1, sampling }),
  );
  return drawn[0]!;
}

test('a token takes fourteen dispatches a layer and five around them; an adapter one more a linear', async () => {
  await withTiny(session(), async (tiny) => {
    const { layers } = tiny.model.decoderShape;
    const expected = {
      'gather/embed': 1,
      'rms-norm/forward': 2 * layers + 1,
      'matmul/nt': LINEARS * layers + 1,
      // q; and k on its way into the cache, where v is copied.
      rotary: 2 * layers,
      'gather/rows': layers,
      'attention/forward': layers,
      'swiglu/forward': layers,
      sample: 1,
      'sample/tick': 1,
    };
    expect(counts(await decodeProgram(tiny))).toEqual(expected);
    tiny.attach(3);
    expect(counts(await decodeProgram(tiny))).toEqual({ ...expected, 'matmul/nt': 2 * LINEARS * layers + 1 });
  });
});

test('a training step takes what its forward and its gradients need', async () => {
  await withTiny(session(), async (tiny) => {
    const { layers } = tiny.model.decoderShape;
    const { prompt } = await tiny.sample('Box the disc.');
    const { sizes } = pack([{ prompt, completions: [tiny.encode('a disc')] }]);
    const scorer = new Scorer(tiny.model, tiny.attach(3));
    const settings = { mode: { kind: 'nll' }, temperature: 1, adapter: true, checkpoint: false } as const;
    expect(counts(scorer.compile(sizes, settings).program)).toEqual({
      'gather/embed': 1,
      'rms-norm/forward': 2 * layers + 1,
      'rms-norm/backward': 2 * layers,
      // x·Aᵀ, and x·Wᵀ with all that is added to it; the head.
      'matmul/nt': 2 * LINEARS * layers + 1,
      // dy·B, and dy·W with the adapter's share; the head. Nothing flows on below q, k and v of the first layer.
      'matmul/nn': 2 * LINEARS * layers + 1 - 3,
      // dA and dB.
      'matmul/tn': 2 * LINEARS * layers,
      rotary: 4 * layers,
      'attention/forward': layers,
      'attention/rows': layers,
      'attention/query-gradient': layers,
      'attention/key-gradient': layers,
      'swiglu/forward': layers,
      'swiglu/backward': layers,
      'head/stats': 1,
      'head/gradient': 1,
      'loss/policy': 1,
      // Rows that are scored, picked for the last layer and the head, and back.
      'gather/rows': 4,
      clear: 1,
    });
    scorer.destroy();
  });
});

test('pictures that pass the vision tower together take the dispatches of one', async () => {
  await withTiny(session(), async (tiny) => {
    const look = (count: number) =>
      tiny.programs('vision', () => tiny.sample('Box the disc.', new Array<string>(count).fill('images/a.png')));
    const [one, sixteen] = [await look(1), await look(16)];
    expect([one, sixteen].map((passes) => passes.length)).toEqual([1, 1]);
    expect(counts(one[0]!)['matmul/nt']).toBeGreaterThan(10);
    expect(counts(sixteen[0]!)).toEqual(counts(one[0]!));
  });
});
