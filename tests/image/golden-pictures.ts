/** Picture files with the pixels that Pillow gives for them (tests/golden/pictures). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openSafetensors } from '../../src/formats/safetensors.ts';
import { bytesSource } from '../formats/bytes-source.ts';

const root = join(import.meta.dirname, '../golden/pictures');

export interface GoldenPicture {
  /** Its folder names the format. */
  readonly file: string;
  readonly bytes: Uint8Array;
  /** As shown. */
  readonly width: number;
  readonly height: number;
  /** RGB, [height, width, 3]. */
  readonly pixels: Uint8Array;
  /** Levels that a decoder may be off. */
  readonly tolerance: number;
}

export async function goldenPictures(): Promise<GoldenPicture[]> {
  const { cases } = JSON.parse(readFileSync(join(root, 'cases.json'), 'utf8')) as {
    readonly cases: readonly { readonly file: string; readonly tolerance: number }[];
  };
  const expected = await openSafetensors(bytesSource(readFileSync(join(root, 'expected.safetensors'))));
  return Promise.all(
    cases.map(async ({ file, tolerance }) => {
      const [height, width] = expected.tensors.get(file)!.shape as [number, number, number];
      return {
        file,
        bytes: readFileSync(join(root, file)),
        width,
        height,
        pixels: await expected.read(file),
        tolerance,
      };
    }),
  );
}

/** @param counts which values count */
export function largestDifference(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  counts: (i: number) => boolean = () => true,
): number {
  let most = a.length === b.length ? 0 : Infinity;
  for (let i = 0; i < b.length; i++) if (counts(i)) most = Math.max(most, Math.abs(a[i]! - b[i]!));
  return most;
}
