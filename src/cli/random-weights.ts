/**
 * Writes a checkpoint of a published model's exact shape with random weights.
 *
 *   npm run random-weights -- MODEL --out DIR [--text-from DIR] [--seed N] [--shard-bytes N]
 *
 * MODEL is an id as on the Hub, or the end of one (`SmolVLM2-256M-Video-Instruct`). Tokenizer, template and
 * preprocessor come from --text-from, by default a small checkpoint of the same family.
 */
import { existing, outFolder, readArguments, UsageError, whole } from './arguments.ts';
import { publishedModel } from './published-model.ts';
import { runCommand } from './run-command.ts';
import { writeSynthetic } from './synthetic-folder.ts';

const USAGE = 'usage: npm run random-weights -- MODEL --out DIR [--text-from DIR] [--seed N] [--shard-bytes N]';

async function main(): Promise<void> {
  const { values, positionals } = await readArguments(
    USAGE,
    { 'text-from': existing(), seed: whole(0, 1), 'shard-bytes': whole(1), out: outFolder() },
    1,
  );
  const { out, 'shard-bytes': bytes } = values;
  const model = publishedModel(positionals[0], USAGE);
  if (out === undefined) throw new UsageError('--out is missing.', USAGE);
  await writeSynthetic(model, out, {
    seed: values.seed,
    ...(values['text-from'] !== undefined && { textFrom: values['text-from'] }),
    ...(bytes !== undefined && { maxShardBytes: bytes }),
    onFile: (path) => console.log(path),
  });
}

runCommand(main);
