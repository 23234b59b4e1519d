import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readAdapterConfig } from '../../src/formats/peft.ts';
import { type ModelModule, resolveLoraTargets } from '../../src/train/peft-targets.ts';

interface Fixture {
  readonly modules: Readonly<Record<string, readonly string[]>>;
  readonly cases: readonly {
    readonly naming: string;
    readonly config: Readonly<Record<string, unknown>>;
    readonly adapted?: readonly { readonly r: number; readonly scaling: number; readonly modules: readonly number[] }[];
    readonly refused?: string;
  }[];
}
const fixture = JSON.parse(readFileSync(new URL('../golden/peft-matching.json', import.meta.url), 'utf8')) as Fixture;

const CONVOLUTION = /patch_embed\.proj$/;
const modulesOf = (naming: string): ModelModule[] =>
  fixture.modules[naming]!.map((name) => ({
    name,
    linear: !CONVOLUTION.test(name) && !name.endsWith('embed_tokens'),
    outputHead: name === 'lm_head',
  }));
const resolve = (naming: string, config: object) =>
  resolveLoraTargets(modulesOf(naming), readAdapterConfig(JSON.stringify({ peft_type: 'LORA', ...config })).config);

const told = fixture.cases.map((c) => ({ ...c, title: `${c.naming} ${JSON.stringify(c.config)}` }));
const reachesConvolution = (c: (typeof told)[number]) =>
  (c.adapted ?? []).some((a) => a.modules.some((m) => CONVOLUTION.test(fixture.modules[c.naming]![m]!)));

test.each(told.filter((c) => c.adapted && !reachesConvolution(c)))(
  'PEFT and we adapt the same modules: $title',
  (c) => {
    const names = fixture.modules[c.naming]!;
    const wanted = c.adapted!.flatMap((a) =>
      a.modules.map((m) => [names[m]!, { r: a.r, scaling: a.scaling }] as const),
    );
    const found = resolve(c.naming, c.config).map((t) => [t.module, { r: t.r, scaling: t.scaling }] as const);
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(wanted));
  },
);

test.each(told.filter((c) => c.refused))('PEFT and we refuse: $title', (c) => {
  expect(() => resolve(c.naming, c.config)).toThrow(expect.objectContaining({ code: 'lora-no-target' }));
});

test.each(told.filter(reachesConvolution))(
  'PEFT adapts the patch embedding, a convolution; we say that we cannot: $title',
  (c) => {
    expect(() => resolve(c.naming, c.config)).toThrow(expect.objectContaining({ code: 'lora-target-unsupported' }));
  },
);
