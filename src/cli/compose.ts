/**
 * Questions about several pictures made of detection annotations, on the command line.
 *
 *   --compose find,common,count   which kinds: find a thing in one of the pictures; the kind common to all; how many
 *   --pictures K  --rows N  --seed N   Defaults: 3 pictures a row, 200 rows, seed 0
 */
import { COMPOSED_KINDS, MAX_COMPOSED_PICTURES } from '../engine/presets.ts';
import type { Compose, DatasetReport } from '../engine/protocol/index.ts';
import type { EngineSession } from '../engine/session.ts';
import { text, UsageError, whole } from './arguments.ts';
import { writeFiles } from './node-files.ts';

export const COMPOSE_FLAGS = {
  compose: text(),
  pictures: whole(2, 3),
  rows: whole(1, 200),
  seed: whole(0, 0),
} as const;

/** Throws `usage`. */
export function composeFrom(values: {
  readonly compose: string | undefined;
  readonly pictures: number;
  readonly rows: number;
  readonly seed: number;
}): Compose | null {
  if (values.compose === undefined) return null;
  const kinds = values.compose.split(',').map((kind) => {
    const known = COMPOSED_KINDS.find((each) => each === kind.trim());
    if (!known) throw new UsageError(`--compose has “${kind}”.`, `Choose from ${COMPOSED_KINDS.join(', ')}.`);
    return known;
  });
  const { pictures, rows, seed } = values;
  if (pictures > MAX_COMPOSED_PICTURES)
    throw new UsageError(`--pictures is ${pictures}.`, `A row has from 2 to ${MAX_COMPOSED_PICTURES} pictures.`);
  return { kinds, pictures, rows, seed };
}

/** Writes train.jsonl, heldout.jsonl and the pictures that their rows name; says what was written. */
export async function writeComposed(session: EngineSession, { id, train, heldout }: DatasetReport, folder: string) {
  const pictures = new Set<string>();
  for (const split of ['train', 'heldout'] as const) {
    const { fileName, stream } = await session.handle({ type: 'composed-file', dataset: id, split });
    const lines = await new Response(stream).text();
    if (lines === '') continue;
    for (const line of lines.trim().split('\n'))
      for (const path of (JSON.parse(line) as { images: string[] }).images) pictures.add(path);
    await writeFiles(folder, [{ path: fileName, data: lines }]);
  }
  for (const path of pictures) {
    const blob = await session.handle({ type: 'image', dataset: id, path });
    await writeFiles(folder, [{ path, data: [new Uint8Array(await blob.arrayBuffer())] }]);
  }
  return `\nWritten to ${folder}: ${train + heldout} rows and ${pictures.size} pictures`;
}
