/**
 * What our exports of a golden case are: its adapter read as any import is and written again, the weights with it
 * folded in, and the logits it gives here. tools/reference/check_export.py holds them against PEFT and transformers.
 */
import { writeSafetensors } from '../../formats/safetensors-writer.ts';
import type { Session } from '../../gpu/recorder.ts';
import { encodeConversation, readPixels } from '../../models/encode.ts';
import { decodeImage } from '../../image/decode.ts';
import { shardNames, type OutputFile } from '../../train/checkpoint-folder.ts';
import { adapterFiles, mergedFiles } from '../../train/export.ts';
import { fullLogits } from '../../train/full-logits.ts';
import { Policy } from '../../train/policy.ts';
import { VisionRunner } from '../../train/vision-runner.ts';
import { numberedMessages, type GoldenCase } from './case.ts';
import { loadCase } from './towers.ts';

/** Every file by path: adapter/…, merged/…, ours.safetensors; null for a case without an adapter. */
export async function exportGolden(session: Session, golden: GoldenCase): Promise<OutputFile[] | null> {
  const { spec, adapter: given, checkpoint: folder } = golden;
  if (!given) return null;
  const { min_pixels: minPixels, max_pixels: maxPixels, do_image_splitting: imageSplitting } = spec.processor ?? {};
  const opened = await loadCase(session, golden, {
    dtype: 'f32',
    limits: {
      ...(minPixels && { minPixels }),
      ...(maxPixels && { maxPixels }),
      ...(imageSplitting !== undefined && { imageSplitting }),
    },
  });
  const { loaded, checkpoint, adapter: read } = opened;
  const { model, processor, architecture } = loaded;
  const policy = new Policy(model);
  const vision = new VisionRunner(model);
  try {
    const { whole, text } = read!;
    const adapter = policy.resume(text);
    const paths = spec.messages.flatMap(({ content }) =>
      typeof content === 'string' ? [] : content.flatMap((part) => (part.type === 'image' ? [part.image] : [])),
    );
    const files = await Promise.all(paths.map((path) => golden.image(path)));
    const sizes = await Promise.all(files.map(async (file) => processor.modelSize(await decodeImage(file))));
    const features = await vision.run(await Promise.all(files.map((file) => readPixels(processor, file))));
    const { tokens, completion, grids, featureIndex, featureRows } = encodeConversation(
      processor,
      golden.path,
      numberedMessages(spec),
      spec.completion ?? null,
      sizes,
    );
    const ids = Uint32Array.of(...tokens, ...completion);
    const { axes, next } = model.positions(ids, grids);
    const index = new Int32Array(ids.length).fill(-1);
    index.set(featureIndex);
    const logits = await fullLogits(
      model,
      { id: golden.path, tokens: ids, axes, next, featureIndex: index, featureRows },
      Float32Array.from(features.flatMap((values) => [...values])),
      { lora: (module) => adapter.lora(module), policy: policy.weights },
    );
    const bytes = (values: ArrayBufferView) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    const under = (name: string, inside: readonly OutputFile[]) =>
      inside.map((file) => ({ ...file, path: `${name}/${file.path}` }));
    return [
      ...under('adapter', adapterFiles(whole, model.linears, golden.path)),
      ...under('merged', mergedFiles(folder, checkpoint, await shardNames(folder), [whole], architecture)),
      {
        path: 'ours.safetensors',
        data: writeSafetensors([
          { name: 'input_ids', dtype: 'I32', shape: [ids.length], bytes: () => bytes(Int32Array.from(ids)) },
          { name: 'logits', dtype: 'F32', shape: [ids.length, model.vocabSize], bytes: () => bytes(logits) },
        ]),
      },
    ];
  } finally {
    vision.destroy();
    policy.destroy();
    model.destroy();
  }
}
