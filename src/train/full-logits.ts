/** Logits of a whole sequence, for checks against other implementations. Training and generation never hold them all. */
import { Recorder } from '../gpu/recorder.ts';
import type { LoraLookup, PolicyWeights, VisionLanguageModel } from '../models/model.ts';
import { logits as headLogits } from '../ops/log-probs.ts';
import { Tape } from '../ops/tape.ts';
import { pack, type EncodedPrompt } from './pack.ts';

/** @param features f32 [featureRows, hidden]. Returns [T, V]. */
export async function fullLogits(
  model: VisionLanguageModel,
  prompt: EncodedPrompt,
  features: Float32Array<ArrayBuffer>,
  { lora, policy }: { lora?: LoraLookup | undefined; policy?: PolicyWeights } = {},
): Promise<Float32Array<ArrayBuffer>> {
  const packed = pack([{ prompt, completions: [] }], { step: 8 });
  const { T, F } = packed.sizes;
  const rec = new Recorder(model.session, 'full logits');
  const inputs = {
    tokens: rec.input('tokens', [T], 'u32'),
    table: rec.input('rotary', [T, model.headDim / 2, 2]),
    positions: rec.input('positions', [T], 'u32'),
    ranges: rec.input('ranges', [T, 4], 'u32'),
  };
  const images = F
    ? { features: rec.input('features', [F, model.featureColumns]), index: rec.input('index', [T], 'i32') }
    : undefined;
  const hidden = model.recordDecoder(
    new Tape(rec, { recording: false }),
    inputs.tokens,
    images,
    { rotary: inputs, ranges: inputs.ranges, lora },
    policy,
  );
  const logits = rec.output(headLogits(rec, hidden, model.headLayer(policy, lora)));
  const program = rec.finish();
  program.write(inputs.tokens, packed.tokens);
  program.write(inputs.table, model.rotaryTable(packed.axes));
  program.write(
    inputs.positions,
    Uint32Array.from({ length: T }, (_, i) => i),
  );
  program.write(inputs.ranges, packed.ranges);
  if (images) {
    program.write(images.features, features);
    program.write(images.index, packed.featureIndex);
  }
  program.run();
  const [all] = await program.read(logits);
  program.destroy();
  return all!.slice(0, prompt.tokens.length * model.vocabSize) as Float32Array<ArrayBuffer>;
}
