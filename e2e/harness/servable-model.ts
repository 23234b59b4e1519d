/** Writes the files of a tiny checkpoint that llama.cpp serves into a folder: `… servable-model.ts DIR`. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { servable } from '../../tests/train/gguf/servable.ts';

const [, , folder] = process.argv;
await mkdir(folder!, { recursive: true });
for (const [path, source] of await servable('qwen2_5_vl'))
  await writeFile(join(folder!, path), await source.read(0, source.size));
