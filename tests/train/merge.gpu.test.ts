/** Merging an adapter into the policy, in every weight format. */
import { describe, expect, test } from 'vitest';
import { Adapter } from '../../src/nn/adapter.ts';
import { combine } from '../../src/train/combine.ts';
import { Policy } from '../../src/train/policy.ts';
import { expectClose, relativeError, useSession } from '../ops/harness.ts';
import { withTiny, type Tiny } from './tiny-model.ts';

const session = useSession();

/** Log-probs of one prompt's completions under the tiny model's policy. */
async function asked(tiny: Tiny) {
  const sample = await tiny.sample('Box the disc.');
  const completions = ['[[1, 2, 30, 31]]', 'here'].map((text) => tiny.encode(text));
  return (options: Parameters<Tiny['logps']>[2] = {}) => tiny.logps(sample, completions, options);
}

const FEW = { targetModules: ['q_proj', 'v_proj', 'down_proj'] };

describe.each(['f32', 'f16', 'int4', 'nf4'] as const)('merging into %s', (dtype) => {
  const open = (use: (tiny: Tiny) => Promise<void>) => withTiny(session(), use, undefined, dtype);
  // Halves round what is folded in; a quantised base keeps it apart, exactly.
  const tolerance = dtype === 'f16' ? 2e-3 : 1e-5;

  test('gives the policy that the adapter gave', async () => {
    await open(async (tiny) => {
      const logps = await asked(tiny);
      const base = await logps();
      tiny.attach(1);
      const adapted = await logps();
      expect(relativeError(adapted, base)).toBeGreaterThan(1e-2);
      await tiny.policy.merge();
      expect(tiny.policy.adapter).toBeNull();
      expectClose(await logps(), adapted, tolerance);
    });
  });

  test('makes the merged policy the reference of what is trained next, and leaves the base as it was', async () => {
    await open(async (tiny) => {
      const logps = await asked(tiny);
      const base = await logps();
      tiny.attach(1, { useRslora: true });
      await tiny.policy.merge();
      const merged = await logps();
      tiny.attach(2, { r: 6, ...FEW });
      expect(relativeError(await logps(), merged)).toBeGreaterThan(1e-2);
      // The adapter switched off, and neither adapter nor merges: to the bit.
      expect(await logps({ adapter: false })).toEqual(merged);
      expect(await logps({ policy: new Policy(tiny.model) })).toEqual(base);
    });
  });

  test('can be done again and again', async () => {
    await open(async (tiny) => {
      const logps = await asked(tiny);
      for (const [seed, settings] of [{}, FEW, { r: 3 }].entries()) {
        tiny.attach(seed, settings);
        const adapted = await logps();
        await tiny.policy.merge();
        expectClose(await logps(), adapted, tolerance);
      }
      // Folded twice or three times, a weight is still held once: one matrix a layer, or A and B.
      const held = tiny.session.residentLabels.filter((label) => label.endsWith('q_proj merged'));
      expect(held).toHaveLength(dtype === 'f32' || dtype === 'f16' ? 2 : 4);
    });
  });

  test('refuses where there is nothing to merge, and a second adapter before the first is merged', async () => {
    await open(async (tiny) => {
      await expect(tiny.policy.merge()).rejects.toMatchObject({ code: 'adapter-missing' });
      await expect(tiny.policy.learnt()).rejects.toMatchObject({ code: 'adapter-missing' });
      tiny.attach(1);
      expect(() => tiny.attach(2)).toThrow(expect.objectContaining({ code: 'adapter-attached' }));
    });
  });

  test('a fresh adapter changes nothing', async () => {
    await open(async (tiny) => {
      const logps = await asked(tiny);
      const base = await logps();
      tiny.policy.attach({ r: 4, loraAlpha: 8, loraDropout: 0, useRslora: false, targetModules: 'all-linear' }, 7);
      expect(await logps()).toEqual(base);
    });
  });
});

describe.each(['f32', 'int4'] as const)('the combined adapter on %s', (dtype) => {
  test.each([
    { name: 'one merged', merges: 1, attached: false },
    { name: 'one merged and one in training', merges: 1, attached: true },
    { name: 'two merged and one in training', merges: 2, attached: true },
  ])('of $name says on the base model what the policy says', async ({ merges, attached }) => {
    await withTiny(
      session(),
      async (tiny) => {
        const logps = await asked(tiny);
        const base = await logps();
        // Other ranks, scalings and modules each time.
        const kinds = [
          {},
          { r: 6, loraAlpha: 3, ...FEW },
          { r: 2, useRslora: true, targetModules: ['k_proj', 'up_proj', 'v_proj'] },
        ];
        for (let i = 0; i < merges; i++) {
          tiny.attach(i, kinds[i]);
          await tiny.policy.merge();
        }
        if (attached) tiny.attach(9, kinds[merges]);
        const wanted = await logps();
        expect(relativeError(wanted, base)).toBeGreaterThan(1e-2);

        const { targets, matrices } = combine(await tiny.policy.learnt());
        const adapter = new Adapter(tiny.session, targets);
        for (const { module } of targets) adapter.write(module, matrices.get(module)!);
        const alone = new Policy(tiny.model);
        alone.adopt(adapter);
        expectClose(await logps({ policy: alone }), wanted);
        adapter.destroy();
      },
      undefined,
      dtype,
    );
  });
});
