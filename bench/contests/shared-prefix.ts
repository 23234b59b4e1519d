/**
 * A GRPO step's forward and backward pass over one group: the prompt once for all completions, against the prompt
 * repeated for each. Same layers, same loss, same gradients. No other library can run the first.
 */
import { Recorder, type Session } from '../../src/gpu/recorder.ts';
import { decoder, type DecoderShape } from '../../src/nn/decoder.ts';
import { embed } from '../../src/ops/gather.ts';
import { logProbs } from '../../src/ops/log-probs.ts';
import { policyLoss } from '../../src/ops/policy-loss.ts';
import { Tape } from '../../src/ops/tape.ts';
import { pack, type EncodedPrompt, type Packed } from '../../src/train/pack.ts';
import type { Bench } from '../bench.ts';
import type { Contest } from '../contest.ts';
import { numbers } from '../numbers.ts';
import { recorded, type Resident } from '../ours.ts';
import { layerFlops, layerNumbers, layerTensors, rotaryTable } from './decoder-layer.ts';

const SHAPE: DecoderShape = {
  hiddenSize: 192,
  layers: 2,
  heads: 6,
  kvHeads: 2,
  headDim: 32,
  intermediateSize: 512,
  normEps: 1e-6,
};
const VOCABULARY = 2016;
const RANK = 8;

export function sharedPrefix(
  { session }: Bench,
  { G, prompt, completion }: { readonly G: number; readonly prompt: number; readonly completion: number },
): Contest {
  const encoded = {
    id: 'prompt',
    tokens: Uint32Array.from({ length: prompt }, (_, i) => (i * 37) % VOCABULARY),
    axes: Int32Array.from({ length: prompt }, (_, i) => i),
    next: prompt,
    featureIndex: new Int32Array(prompt).fill(-1),
    featureRows: 0,
  } satisfies EncodedPrompt;
  const completions = Array.from({ length: G }, (_, g) =>
    Uint32Array.from({ length: completion }, (__, i) => (g * 131 + i * 17 + 5) % VOCABULARY),
  );
  const apart = pack(completions.map((c) => ({ prompt: encoded, completions: [c] })));
  const together = pack([{ prompt: encoded, completions }]);
  return {
    name: `GRPO pass, G ${G}, prompt ${prompt}, completions ${completion}: prompt shared`,
    // Both are credited with what the repeated prompts cost: the ratio is one of times.
    work: (SHAPE.layers * G * layerFlops(SHAPE, prompt + completion, RANK)) / 1e9,
    unit: 'GFLOP/s',
    ours: () => recorded(session, (resident) => recordPass(session, resident, together)),
    rivals: { 'prompt repeated': () => recorded(session, (resident) => recordPass(session, resident, apart)) },
  };
}

function recordPass(session: Session, resident: Resident, packed: Packed) {
  const { T, U, S } = packed.sizes;
  const rec = new Recorder(session, 'policy gradient');
  const tape = new Tape(rec);
  const layers = Array.from({ length: SHAPE.layers }, (_, i) =>
    layerTensors(resident, SHAPE, RANK, layerNumbers(SHAPE, RANK, 100 * (i + 1)), `layer ${i} `),
  );
  const gradients = layers.flatMap((layer) => layer.gradients);
  for (const gradient of gradients) rec.clear(gradient);
  const table = resident('embedding', [VOCABULARY, SHAPE.hiddenSize], numbers(7, VOCABULARY * SHAPE.hiddenSize, 2));
  const longest = packed.axes.reduce((a, b) => Math.max(a, b), 0) + 1;
  const hidden = decoder(
    tape,
    embed(tape, resident('tokens', [T], packed.tokens, 'u32'), table),
    SHAPE,
    layers.map(({ weights }) => weights),
    {
      rotary: {
        table: resident('rotary', [longest, SHAPE.headDim / 2, 2], rotaryTable(longest, SHAPE.headDim)),
        positions: resident('positions', [T], Uint32Array.from(packed.axes), 'u32'),
      },
      ranges: resident('ranges', [T, 4], packed.ranges, 'u32'),
      keyRanges: resident('key ranges', [T, 2], packed.keyRanges, 'u32'),
      lora: (module) => layers.flatMap(({ loras }) => loras.get(module) ?? [])[0],
    },
  );
  const { logps } = logProbs(tape, hidden, table, {
    rows: resident('rows', [U], packed.rows, 'i32'),
    start: resident('start', [U + 1], packed.start, 'u32'),
    targets: resident('targets', [S], packed.targets, 'u32'),
  });
  // The same number for the same token of the same completion, however they are laid out.
  const perToken = (salt: number, scale: number) => {
    const values = new Float32Array(S);
    packed.entries.forEach(({ group, completion, index }, i) => {
      values[i] = scale * Math.sin(1 + 7 * (group + completion) + (salt ? 0 : 3 * index) + salt) ** (salt ? 1 : 2);
    });
    return values;
  };
  policyLoss(
    tape,
    logps,
    {
      weight: resident('weight', [S], perToken(0, 1 / packed.entries.length)),
      advantage: resident('advantage', [S], perToken(1, 2)),
      old: undefined,
      reference: undefined,
    },
    { epsilon: 0.2, epsilonHigh: 0.28, beta: 0, klRatio: false },
  );
  tape.backward();
  return { program: rec.finish(), results: gradients };
}
