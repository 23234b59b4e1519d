/** Coordinate heat of a row against the logits of its whole sequence, for the base and for a trained policy. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { filesUnder } from '../../src/cli/node-files.ts';
import { openNodeGpu } from '../../src/cli/node-gpu.ts';
import { openDataset } from '../../src/data/dataset.ts';
import { listed } from '../data/make-dataset.ts';
import { heatRow } from '../../src/engine/answers/heat.ts';
import { Workbench } from '../../src/engine/model/workbench.ts';
import { runRecipe } from '../../src/engine/run/run.ts';
import { blobSource } from '../../src/formats/byte-source.ts';
import { Session } from '../../src/gpu/recorder.ts';
import { registerDecoder } from '../../src/image/decode.ts';
import { nodeDecode } from '../../src/image/node-decode.ts';
import { loadModel } from '../../src/models/load.ts';
import { fullLogits } from '../../src/train/full-logits.ts';
import type { Sample } from '../../src/train/samples.ts';
import { Scorer } from '../../src/train/scorer.ts';
import { lora, optimizer, sftStage } from '../../src/train/stages/index.ts';
import { fewRows, starter } from './few-rows.ts';

registerDecoder(nodeDecode);

let bench: Workbench;
let close: () => void;

beforeAll(async () => {
  const session = new Session(await openNodeGpu());
  const folder = new Map((await filesUnder(`${starter}model`)).map(({ path, file }) => [path, blobSource(file)]));
  const loaded = await loadModel(session, folder, { dtype: 'f32' });
  bench = new Workbench(loaded, await openDataset('few', await fewRows()));
  close = () => {
    bench.destroy();
    loaded.model.destroy();
    session.destroy();
  };
});
afterAll(() => close());

/** Loss of every completion token: the sequence read as one prompt, and a log-softmax in double precision. */
async function losses(sample: Sample, tuned: boolean): Promise<Float64Array> {
  const { model } = bench.loaded;
  const { prompt, completion } = sample;
  const length = prompt.tokens.length;
  const total = length + completion.length;
  const axisCount = prompt.axes.length / length;
  const axes = new Int32Array(axisCount * total);
  for (let axis = 0; axis < axisCount; axis++)
    for (let t = 0; t < total; t++)
      axes[axis * total + t] = t < length ? prompt.axes[axis * length + t]! : prompt.next + t - length;
  const featureIndex = new Int32Array(total).fill(-1);
  featureIndex.set(prompt.featureIndex);
  const { adapter, weights } = bench.policy;
  const logits = await fullLogits(
    model,
    { ...prompt, tokens: Uint32Array.of(...prompt.tokens, ...completion), axes, featureIndex },
    bench.samples.features([sample]),
    tuned ? { lora: (module) => adapter?.lora(module), policy: weights } : {},
  );
  return Float64Array.from(completion, (id, i) => {
    const row = logits.subarray((length + i - 1) * model.vocabSize, (length + i) * model.vocabSize);
    const most = row.reduce((a, b) => Math.max(a, b));
    return most + Math.log(row.reduce((sum, v) => sum + Math.exp(v - most), 0)) - row[id]!;
  });
}

async function compare(policy: 'base' | 'tuned'): Promise<readonly number[]> {
  const [row] = await listed(bench.dataset.rows('train'));
  const [sample] = await bench.samples.prepare([row!]);
  const { adapter, weights } = bench.policy;
  const scorer =
    policy === 'tuned' ? new Scorer(bench.loaded.model, adapter, weights) : new Scorer(bench.loaded.model, null);
  const heat = await heatRow(bench, row!, policy, scorer);
  scorer.destroy();

  const { convention, tokenizer } = bench.loaded.processor;
  const { image, box } = row!.solution[0]!;
  const numbers = convention.write(box, sample!.sizes[image]!);
  const [found] = heat.boxes;
  expect(heat.boxes).toHaveLength(row!.solution.length);
  expect(found).toMatchObject({ image, box });
  expect(found!.edges.map((digits) => Number(digits.map(({ text }) => text).join('')))).toEqual(numbers);

  // The last digits of the answer are its coordinates: no other number follows them.
  const expected = await losses(sample!, policy === 'tuned');
  const digits = [...sample!.completion].flatMap((id, i) => (/\d/.test(tokenizer.decode([id])) ? [expected[i]!] : []));
  const measured = found!.edges.flatMap((edge) => edge.map(({ loss }) => loss));
  const tail = digits.slice(-measured.length);
  measured.forEach((loss, i) => expect(loss).toBeCloseTo(tail[i]!, 4));
  return measured;
}

test('every digit has the loss that the whole sequence’s logits give it, before and after training', async () => {
  const before = await compare('tuned');
  expect(await compare('base')).toEqual(before);
  const stage = sftStage({
    lora: lora(4, 8),
    optimizer: optimizer(1e-3, 0, 'constant'),
    maxSteps: 2,
    perDeviceTrainBatchSize: 4,
    gradientAccumulationSteps: 1,
    maxLength: 0,
  });
  await runRecipe(
    bench,
    { name: 'heat', seed: 1, stages: [stage] },
    { emit: () => {}, gate: () => Promise.resolve(true) },
  );
  expect(await compare('base')).toEqual(before);
  const after = await compare('tuned');
  expect(after.some((loss, i) => Math.abs(loss - before[i]!) > 1e-3)).toBe(true);
});

test('a row without a solution has no heat', async () => {
  const [row] = await listed(bench.dataset.rows('train'));
  const scorer = new Scorer(bench.loaded.model, null);
  expect(await heatRow(bench, { ...row!, solution: [] }, 'base', scorer)).toEqual({ policy: 'base', boxes: [] });
  scorer.destroy();
});
