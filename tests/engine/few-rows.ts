/** The sample dataset cut to a few rows, for runs of a few seconds. */
import { openAsBlob } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { NamedFile } from '../../src/engine/protocol/index.ts';
import { openZip } from '../../src/formats/zip.ts';

export const starter = fileURLToPath(new URL('../../public/starter/', import.meta.url));

/** What the starter can do already: of these some answers are right and some wrong, so that there is something to learn from. */
const EASY: readonly string[] = ['refer_grounding', 'group_grounding', 'diff', 'region'];

/** A run encodes all rows first, so there are few; but enough of each file that its coordinates are certain. */
export async function fewRows(): Promise<NamedFile[]> {
  const { entries } = await openZip(await openAsBlob(`${starter}sample.zip`));
  const file = async (path: string) => (await entries.find((e) => e.path === path)!.blob()) as Blob;
  const lines = async (path: string, count: number) =>
    (await (await file(path)).text())
      .split('\n')
      .filter((line) => line !== '' && EASY.includes((JSON.parse(line) as { task: string }).task))
      .slice(0, count);
  const [train, heldout] = [await lines('train.jsonl', 12), await lines('heldout.jsonl', 20)];
  const images = new Set([...train, ...heldout].flatMap((line) => (JSON.parse(line) as { images: string[] }).images));
  const text = (path: string, rows: readonly string[]) => ({ path, file: new Blob([rows.join('\n')]) });
  return [
    text('train.jsonl', train),
    text('heldout.jsonl', heldout),
    ...(await Promise.all(['dataset_info.json', ...images].map(async (path) => ({ path, file: await file(path) })))),
  ];
}
