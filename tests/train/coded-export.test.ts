/** Merged weights of a base whose files hold codes of bitsandbytes or FP8: floats, which load without the codes. */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { filesUnder } from '../../src/cli/node-files.ts';
import { openGolden } from '../../src/engine/golden/case.ts';
import { openSafetensors, toFloat32 } from '../../src/formats/safetensors.ts';
import type { ByteSource } from '../../src/formats/byte-source.ts';
import { loadModel, weightKey } from '../../src/models/load.ts';
import { mergedFiles } from '../../src/train/export.ts';
import { readAdapter } from '../../src/train/import.ts';
import { mergedRows } from '../../src/train/merged-rows.ts';
import { bytesSource } from '../formats/bytes-source.ts';
import { collectBytes } from '../formats/collect.ts';
import { drySession } from '../gpu/dry-session.ts';

const load = (folder: ReadonlyMap<string, ByteSource>) =>
  loadModel(drySession({ profile: 'software', subgroupSize: 0 }), folder, { dtype: 'f32' });

test.each([
  ['bnb-nf4', 'bitsandbytes, 4 bits', 'F16'],
  ['fp8', 'FP8', 'BF16'],
])('%s', async (name, kind, dtype) => {
  const path = fileURLToPath(new URL(`../golden/qwen2_5_vl/${name}`, import.meta.url));
  const golden = await openGolden(name, await filesUnder(path));
  const loaded = await load(golden.checkpoint);
  const { model, checkpoint, architecture, folder } = loaded;
  expect(loaded.notes.join('\n')).toContain(kind);
  const adapter = await readAdapter(model.linears, golden.adapter!.config, golden.adapter!.tensors);
  const files = mergedFiles(folder, checkpoint, new Map(), [adapter], architecture);
  const merged = new Map<string, ByteSource>();
  for (const { path: at, data } of files)
    merged.set(at, bytesSource(typeof data === 'string' ? new TextEncoder().encode(data) : await collectBytes(data)));
  const config = merged.get('config.json')!;
  expect(JSON.parse(new TextDecoder().decode(await config.read(0, config.size)))).not.toHaveProperty(
    'quantization_config',
  );
  const again = await load(merged);
  expect(again.notes).toEqual([]);
  const weights = await openSafetensors(merged.get('model.safetensors')!);
  expect([...weights.tensors.keys()].filter((key) => /absmax|quant|scale/.test(key))).toEqual([]);
  for (const { module } of adapter.targets) {
    const key = weightKey(loaded, module)!;
    expect(weights.tensors.get(key)!.dtype).toBe(dtype);
    const written = toFloat32(await weights.read(key), weights.tensors.get(key)!.dtype);
    for await (const { values } of mergedRows(checkpoint, key, module, [adapter]))
      values.forEach((value, i) => expect(Math.abs(written[i]! - value)).toBeLessThanOrEqual(Math.abs(value) / 128));
  }
});
