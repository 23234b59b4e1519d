/**
 * Pictures pass the vision tower together, and none of them shows it: features are those of the picture alone, to the
 * bit, in every family and tuning profile. On SwiftShader all profiles; lavapipe takes seconds for each kernel with barriers.
 */
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/base/random.ts';
import { PROFILES } from '../../src/gpu/tuning.ts';
import { matrixShape } from '../../src/models/manifest.ts';
import type { PixelInput } from '../../src/models/model.ts';
import { VisionRunner } from '../../src/train/vision-runner.ts';
import { normals, useSession } from '../ops/harness.ts';
import { withTiny, type Tiny } from './tiny-model.ts';

const swift = process.env.GROUNDWORK_ADAPTER === 'swiftshader';

/** Grids of patches: less than a tile of attention, exactly one, and more; of three lots of them a pass cannot hold all. */
const GRIDS = [
  { height: 8, width: 8 },
  { height: 2, width: 4 },
  { height: 14, width: 18 },
  { height: 4, width: 10 },
];

/** Tiles of SmolVLM, one above the other. */
const TILES = [1, 3, 2, 5];

const FAMILIES = [
  'qwen2_vl/one-image',
  'qwen2_5_vl/policy-grpo',
  'qwen3_vl/one-image',
  'smolvlm/split',
  'smolvlm/nine',
];

function picture({ loaded }: Tiny, grid: PixelInput['grid'], seed: number): PixelInput {
  const kernel = loaded.architecture.vision.entries.find(({ role }) => role === 'kernel')!;
  const [, width] = matrixShape(kernel);
  const pixels = Float32Array.from(normals(new Random(seed), grid.height * grid.width * width));
  return { pixels, grid };
}

const pictures = (tiny: Tiny): PixelInput[] => {
  const { tileSide: side } = tiny.loaded.architecture.vision;
  const grids = side ? TILES.map((tiles) => ({ height: side * tiles, width: side })) : GRIDS;
  return grids.map((grid, i) => picture(tiny, grid, i + 1));
};

const passes = async (tiny: Tiny, work: () => Promise<unknown>): Promise<string[]> =>
  (await tiny.programs('vision', work)).map(({ label }) => label);

describe.each(swift ? PROFILES : (['software', 'registers'] as const))('profile %s', (profile) => {
  const session = useSession({ profile });

  test.each(FAMILIES)('%s: the features of a picture are its own, whatever comes with it', async (family) => {
    await withTiny(
      session(),
      async (tiny) => {
        const all = pictures(tiny);
        const alone: Float32Array[] = [];
        for (const image of all) {
          const runner = new VisionRunner(tiny.model);
          alone.push((await runner.run([image]))[0]!);
          runner.destroy();
        }
        for (const features of alone) expect(features.every(Number.isFinite)).toBe(true);
        const runner = new VisionRunner(tiny.model);
        const orders = [all, all.toReversed(), [...all, ...all.toReversed(), ...all]];
        for (const images of orders) {
          const together = await runner.run(images);
          expect(together).toEqual(images.map((image) => alone[all.indexOf(image)]!));
        }
        runner.destroy();
      },
      family,
    );
  });
});

describe('passes', () => {
  const session = useSession();
  const small = { height: 8, width: 8 };
  const large = { height: 40, width: 32 };

  test('hold sixteen pictures of 64 patches, and what is left over', async () => {
    await withTiny(session(), async (tiny) => {
      const images = Array.from({ length: 21 }, (_, i) => picture(tiny, small, i));
      const runner = new VisionRunner(tiny.model);
      expect(await passes(tiny, () => runner.run(images))).toEqual(['vision patches 1024', 'vision patches 320']);
      runner.destroy();
    });
  });

  test('keep the order of pictures; one that is larger than a shared pass has its own', async () => {
    await withTiny(session(), async (tiny) => {
      const images = [small, small, large, small].map((grid, i) => picture(tiny, grid, i));
      const runner = new VisionRunner(tiny.model);
      expect(await passes(tiny, () => runner.run(images))).toEqual([
        'vision patches 128',
        'vision patches 1280',
        'vision patches 64',
      ]);
      runner.destroy();
    });
  });

  test('begin while later pictures are still being read', async () => {
    await withTiny(session(), async (tiny) => {
      const runner = new VisionRunner(tiny.model);
      const image = picture(tiny, { height: 26, width: 22 }, 1);
      const begunBefore: number[] = [];
      await tiny.programs('vision', (seen) => {
        async function* read() {
          for (let i = 0; i < 3; i++) {
            begunBefore.push(seen.length);
            yield image;
          }
        }
        return runner.run(read());
      });
      expect(begunBefore).toEqual([0, 1, 2]);
      runner.destroy();
    });
  });
});
