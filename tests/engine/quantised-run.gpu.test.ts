/** The method on a quantised base: SFT, merge, rejection, GRPO on the merged policy, evaluation, export. */
import { openAsBlob } from 'node:fs';
import { expect, test } from 'vitest';
import { filesUnder } from '../../src/cli/node-files.ts';
import { openNodeGpu } from '../../src/cli/node-gpu.ts';
import type { EngineEvent, Recipe } from '../../src/engine/protocol/index.ts';
import { EngineSession } from '../../src/engine/session.ts';
import { storageChoice } from '../../src/engine/model/weight-storage.ts';
import { blobSource } from '../../src/formats/byte-source.ts';
import { openSafetensors, toFloat32 } from '../../src/formats/safetensors.ts';
import { openZip } from '../../src/formats/zip.ts';
import { registerDecoder } from '../../src/image/decode.ts';
import { nodeDecode } from '../../src/image/node-decode.ts';
import {
  evaluateStage,
  grpoStage,
  lora,
  mergeStage,
  optimizer,
  rejectionStage,
  sampling,
  sftStage,
} from '../../src/train/stages/index.ts';
import { fewRows, starter } from './few-rows.ts';

registerDecoder(nodeDecode);

const trained = { lora: lora(4, 8), optimizer: optimizer(1e-3, 0, 'constant'), maxSteps: 2 };
const recipe: Recipe = {
  name: 'quantised',
  seed: 1,
  stages: [
    sftStage({ ...trained, perDeviceTrainBatchSize: 2, gradientAccumulationSteps: 1, maxLength: 0 }),
    mergeStage(),
    rejectionStage({ limit: 12, numGenerations: 6, batchSize: 4, sampling: sampling(16), iouThreshold: 0.01 }),
    grpoStage({ ...trained, maxSteps: 1, promptsPerStep: 1, numGenerations: 2, sampling: sampling(8) }),
    evaluateStage({ limit: 1, maxCompletionLength: 8 }),
  ],
};

const key = /layers\.0\.self_attn\.q_proj\.weight$/;

async function exported(session: EngineSession, what: 'adapter' | 'merged'): Promise<ReadonlyMap<string, Blob>> {
  const { stream } = await session.handle({ type: 'export', what });
  const archive = await openZip(await new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>).blob());
  return new Map(
    await Promise.all(archive.entries.map(async (e) => [e.path.split('/').at(-1)!, await e.blob()] as const)),
  );
}

async function weightsOf(file: Blob): Promise<Float32Array> {
  const weights = await openSafetensors(blobSource(file));
  const name = [...weights.tensors.keys()].find((k) => key.test(k))!;
  return toFloat32(await weights.read(name), weights.tensors.get(name)!.dtype);
}

test.each(['int4', 'nf4'] as const)(
  'a whole recipe runs on a base in %s, and exports start from the file',
  async (storage) => {
    const events: EngineEvent[] = [];
    const errors: string[] = [];
    const session = new EngineSession({
      openGpu: () => openNodeGpu({ onError: (message) => errors.push(message) }),
      fetchFile: (url) => openAsBlob(url),
      emit: (event) => events.push(event),
    });
    const model = await session.handle({ type: 'load-starter', baseUrl: starter, storage });
    expect(model.storage).toBe(storage);
    expect(model.quantised!.relativeRms).toBeGreaterThan(0.02);
    expect(model.quantised!.relativeRms).toBeLessThan(0.15);
    expect(model.weightBytes).toBeLessThan(model.parameters * 2);

    const { id } = await session.handle({ type: 'open-dataset', name: 'few', files: await fewRows() });
    // Which rows are sometimes right differs by base; without a rejection stage GRPO takes them all.
    const stages = recipe.stages.filter(({ kind }) => storage === 'int4' || kind !== 'rejection');
    await session.handle({ type: 'start', dataset: id, recipe: { ...recipe, stages } });
    await session.running;
    expect(events.filter((e) => e.type === 'failure')).toEqual([]);
    expect(events.filter((e) => e.type === 'evaluation')).toHaveLength(1);
    expect(errors).toEqual([]);

    // The delta on the original weights, not on the quantised ones: a step of 1e-3 moves them little.
    const files = await exported(session, 'merged');
    const [before] = (await filesUnder(`${starter}model`)).filter(({ path }) => path === 'model.safetensors');
    const [was, is] = [await weightsOf(before!.file), await weightsOf(files.get('model.safetensors')!)];
    let [moved, size] = [0, 0];
    was.forEach((v, i) => {
      moved += (is[i]! - v) ** 2;
      size += v * v;
    });
    expect(moved).toBeGreaterThan(0);
    expect(Math.sqrt(moved / size)).toBeLessThan(0.02);
    expect([...(await exported(session, 'adapter')).keys()]).toContain('adapter_model.safetensors');
    await session.destroy();
  },
);

test('a way to hold weights that is not known is refused by name', () => {
  expect(storageChoice('int4')).toBe('int4');
  expect(() => storageChoice('int3')).toThrow(expect.objectContaining({ code: 'storage-unknown' }));
});
