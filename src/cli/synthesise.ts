/**
 * Writes a checkpoint of a published model's exact shape with random weights.
 *
 *   npm run synthesise -- MODEL --out DIR [--text-from DIR] [--seed N] [--shard-bytes N]
 *
 * MODEL is an id as on the Hub, or the end of one (`SmolVLM2-256M-Video-Instruct`). Tokenizer, template and
 * preprocessor come from --text-from, by default a small checkpoint of the same family.
 */
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { describeError } from '../base/error.ts';
import { PUBLISHED } from '../engine/full-size/published.ts';
import { syntheticFiles } from '../engine/full-size/synthesise.ts';
import { filesUnder } from './node-files.ts';

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      out: { type: 'string' },
      'text-from': { type: 'string' },
      seed: { type: 'string', default: '1' },
      'shard-bytes': { type: 'string' },
    },
  });
  const [wanted] = positionals;
  const model = PUBLISHED.find(({ id }) => id === wanted || id.endsWith(`/${wanted}`));
  if (!model || values.out === undefined) {
    console.error(
      `usage: npm run synthesise -- MODEL --out DIR\nmodels:\n  ${PUBLISHED.map((m) => m.id).join('\n  ')}`,
    );
    process.exitCode = 2;
    return;
  }
  const { out } = values;
  const from = values['text-from'] ?? TEXT_FROM[String(model.config['model_type'])]!;
  const textFiles = await filesUnder(from);
  const bytes = values['shard-bytes'];
  await mkdir(out, { recursive: true });
  for (const { path, data } of await syntheticFiles(model, {
    textFiles,
    seed: Number(values.seed),
    ...(bytes !== undefined && { maxShardBytes: Number(bytes) }),
  })) {
    await pipeline(
      typeof data === 'string' ? Readable.from([data]) : Readable.from(data),
      createWriteStream(join(out, path)),
    );
    console.log(join(out, path));
  }
}

const TEXT_FROM: Readonly<Record<string, string>> = {
  qwen2_vl: 'tests/golden/qwen2_vl/one-image/checkpoint',
  qwen2_5_vl: 'public/starter/model',
  qwen3_vl: 'tests/golden/qwen3_vl/one-image/checkpoint',
  smolvlm: 'tests/golden/smolvlm/split/checkpoint',
};

main().catch((error: unknown) => {
  const { message, hint } = describeError(error);
  console.error(`${message}\n${hint}`);
  process.exitCode = 1;
});
