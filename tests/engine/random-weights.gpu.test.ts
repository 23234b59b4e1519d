/** Synthetic checkpoints open like downloaded ones, whatever the family; small shapes stand in for published ones. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { filesUnder } from '../../src/cli/node-files.ts';
import { syntheticFiles } from '../../src/engine/full-size/random-weights.ts';
import type { ByteSource } from '../../src/formats/byte-source.ts';
import { loadModel } from '../../src/models/load.ts';
import type { OutputFile } from '../../src/train/checkpoint-folder.ts';
import { useSession } from '../ops/harness.ts';
import { bytesSource } from '../formats/bytes-source.ts';

const session = useSession();
const golden = (path: string) => fileURLToPath(new URL(`../golden/${path}/checkpoint`, import.meta.url));

async function folderOf(files: readonly OutputFile[]): Promise<Map<string, ByteSource>> {
  const folder = new Map<string, ByteSource>();
  for (const { path, data } of files) {
    const parts: Uint8Array[] = [];
    if (typeof data === 'string') parts.push(new TextEncoder().encode(data));
    else for await (const part of data) parts.push(part.slice());
    folder.set(path, bytesSource(Buffer.concat(parts)));
  }
  return folder;
}

test.each([
  { of: 'qwen2_vl/one-image', key: 'visual.blocks.0.attn.qkv.weight' },
  { of: 'qwen2_5_vl/one-image', key: 'model.layers.0.self_attn.q_proj.weight' },
  { of: 'qwen3_vl/two-images', key: 'model.language_model.layers.0.self_attn.q_norm.weight' },
  { of: 'smolvlm/split', key: 'model.text_model.layers.0.self_attn.q_proj.weight' },
])('$of: names as on the Hub, in shards, and loads', async ({ of, key }) => {
  const config = JSON.parse(readFileSync(`${golden(of)}/config.json`, 'utf8')) as Record<string, unknown>;
  const textFiles = await filesUnder(golden(of));
  const options = { textFiles, seed: 3, maxShardBytes: 60_000 };
  const model = { id: of, parameters: 0, config };
  const folder = await folderOf(await syntheticFiles(model, options));
  expect([...folder.keys()].filter((name) => name.endsWith('.safetensors')).length).toBeGreaterThan(1);

  const loaded = await loadModel(session(), folder, { dtype: 'f32' });
  expect([...loaded.checkpoint.tensors.keys()]).toContain(key);
  expect(new Set([...loaded.checkpoint.tensors.values()].map((t) => t.dtype))).toEqual(new Set(['BF16']));
  loaded.model.destroy();

  const again = await folderOf(await syntheticFiles(model, options));
  for (const [path, source] of folder)
    expect(Buffer.compare(await source.read(0, source.size), await again.get(path)!.read(0, source.size)), path).toBe(
      0,
    );
  const other = await folderOf(await syntheticFiles(model, { ...options, seed: 4 }));
  const [shard] = [...folder.keys()].filter((name) => name.endsWith('.safetensors'));
  const [a, b] = [folder.get(shard!)!, other.get(shard!)!];
  expect(Buffer.compare(await a.read(0, a.size), await b.read(0, b.size))).not.toBe(0);
});
