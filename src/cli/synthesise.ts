/**
 * Writes a checkpoint of a published model's exact shape with random weights.
 *
 *   npm run synthesise -- MODEL --out DIR [--text-from DIR] [--seed N] [--shard-bytes N]
 *
 * MODEL is an id as on the Hub, or the end of one (`SmolVLM2-256M-Video-Instruct`). Tokenizer, template and
 * preprocessor come from --text-from, by default a small checkpoint of the same family.
 */
import { parseArgs } from 'node:util';
import { findPublished, publishedIds } from '../engine/model/published.ts';
import { runCommand } from './run-command.ts';
import { writeSynthetic } from './synthetic-folder.ts';

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
  const model = findPublished(wanted);
  if (!model || values.out === undefined) {
    console.error(`usage: npm run synthesise -- MODEL --out DIR\nmodels:\n  ${publishedIds().join('\n  ')}`);
    process.exitCode = 2;
    return;
  }
  const { out } = values;
  const bytes = values['shard-bytes'];
  await writeSynthetic(model, out, {
    seed: Number(values.seed),
    ...(values['text-from'] !== undefined && { textFrom: values['text-from'] }),
    ...(bytes !== undefined && { maxShardBytes: Number(bytes) }),
    onFile: (path) => console.log(path),
  });
}

runCommand(main);
