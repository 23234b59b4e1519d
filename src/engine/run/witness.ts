/**
 * What Python needs to check an export: one prompt's ids and pixels, and the logits the trained policy gives it
 * (tools/reference/check_export.py compares them with PEFT's and with the merged checkpoint's).
 */
import { GroundworkError } from '../../base/error.ts';
import { span } from '../../data/row-list.ts';
import { writeSafetensors, type TensorToWrite } from '../../formats/safetensors-writer.ts';
import { readPixels } from '../../models/encode.ts';
import type { PixelInput } from '../../models/model.ts';
import { fullLogits } from '../../train/full-logits.ts';
import type { Workbench } from '../model/workbench.ts';

/** The bytes of a safetensors file with input_ids, logits, pixel_values and image_grid_thw. */
export async function exportWitness(bench: Workbench): Promise<AsyncIterable<Uint8Array>> {
  const part = bench.dataset.rows(bench.dataset.report.heldout > 0 ? 'heldout' : 'train');
  const [row] = await part.read(span(part, 0, 1));
  if (!row) throw new GroundworkError('no-rows', 'The dataset has no rows.', 'Open a dataset first.');
  const [sample] = await bench.samples.prepare([row]);
  const { policy, loaded } = bench;
  const adapter = policy.adapter;
  const { prompt } = sample!;
  const logits = await fullLogits(loaded.model, prompt, bench.samples.features([sample!]), {
    lora: adapter ? (module) => adapter.lora(module) : undefined,
    policy: policy.weights,
  });
  const pictures: PixelInput[] = [];
  for (const path of row.images) pictures.push(await readPixels(bench.processor, await bench.dataset.image(path)));
  const width = pictures.length ? pictures[0]!.pixels.length / (pictures[0]!.grid.height * pictures[0]!.grid.width) : 0;
  const patches = pictures.reduce((sum, { grid }) => sum + grid.height * grid.width, 0);
  const bytes = (values: ArrayBufferView) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const tensors: TensorToWrite[] = [
    {
      name: 'input_ids',
      dtype: 'I32',
      shape: [prompt.tokens.length],
      bytes: () => bytes(Int32Array.from(prompt.tokens)),
    },
    { name: 'logits', dtype: 'F32', shape: [prompt.tokens.length, loaded.model.vocabSize], bytes: () => bytes(logits) },
  ];
  if (pictures.length)
    tensors.push(
      {
        name: 'pixel_values',
        dtype: 'F32',
        shape: [patches, width],
        bytes: async function* () {
          for (const { pixels } of pictures) yield bytes(pixels);
        },
      },
      {
        name: 'image_grid_thw',
        dtype: 'I32',
        shape: [pictures.length, 3],
        bytes: () => bytes(Int32Array.from(pictures.flatMap(({ grid }) => [1, grid.height, grid.width]))),
      },
    );
  return writeSafetensors(tensors);
}
