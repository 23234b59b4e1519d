/** A new kind of stage: all that it needs, and what is said where a part is left out. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Planted } from './planted.ts';

const DESCRIPTOR = 'src/train/stages/ponder.ts';
const KINDS = 'src/train/stages/index.ts';
const HANDLER = 'src/engine/run/stages/ponder.ts';
const HANDLERS = 'src/engine/run/stages/index.ts';
const WORDS = 'src/studio/recipe/kinds/ponder.ts';
const KIND_WORDS = 'src/studio/recipe/kinds/index.ts';

/** Of the descriptor, a part a line. */
const PARTS = [
  "kind: 'ponder',",
  "defaults: { kind: 'ponder', name: 'Thoughts', limit: 0 },",
  'schema: { limit: whole(0, 1e7, own) },',
  'trains: false,',
  "reads: 'train',",
  'rowsAtOnce: () => 1,',
  'rowsAPass: () => 1,',
  'rows: (_, { train }) => train,',
  "units: (_, { train }) => ({ count: train.length, unit: 'row' }),",
  'brief: (stage, units) => ({ ...stage, limit: units }),',
  'plan: (_, planner) => planner.generate(1, 1, 64),',
  'eased: {},',
  'objections: () => [],',
];
const RUN = 'async run(_, { rows }) { return { rows: await rows.read([0]) }; },';
const REHEARSE = 'rehearse: async () => ({ each: null, note: null }),';
const SETTING = "limit: { label: 'Rows', help: 'How many.' }";

const whole = new Planted();
const unlisted = new Planted();
let said: ReadonlyMap<string, string> = new Map();
/** Variants by what they lack. */
const lacking = new Map<string, string>();

function plant(house: Planted): void {
  house.write(
    DESCRIPTOR,
    `import type { StageBase, StageDescriptor } from './descriptor.ts';
import { own, whole } from './schema.ts';
export interface PonderStage extends StageBase {
  readonly kind: 'ponder';
  readonly limit: number;
}
export const ponder: StageDescriptor<PonderStage> = {
${PARTS.join('\n')}
};
`,
  );
  house.write(
    HANDLER,
    `import type { PonderStage } from '../../../train/stages/ponder.ts';
import type { StageHandler } from './handler.ts';
export const ponder: StageHandler<PonderStage> = {
${RUN}
${REHEARSE}
};
`,
  );
  house.write(
    WORDS,
    `import type { StageOf } from '../../../engine/presets.ts';
import { group, type KindWords } from './words.ts';
export const ponder: KindWords<StageOf<'ponder'>> = {
name: 'Thoughts',
sentence: () => 'Writes thoughts.',
settings: group('Thoughts', { ${SETTING} }),
views: [],
};
`,
  );
  house.insert(HANDLERS, "import { merge } from './merge.ts';", "\nimport { ponder } from './ponder.ts';");
  house.insert(HANDLERS, '  merge,', ' ponder,');
  house.insert(KIND_WORDS, "import { merge } from './merge.ts';", "\nimport { ponder } from './ponder.ts';");
  house.insert(KIND_WORDS, '  merge,', ' ponder,');
}

beforeAll(() => {
  plant(whole);
  whole.insert(KINDS, "import { merge } from './merge.ts';", "\nimport { ponder } from './ponder.ts';");
  whole.insert(KINDS, 'const ALL = [sft, merge', ', ponder');
  for (const part of PARTS) lacking.set(part, whole.without(DESCRIPTOR, part));
  for (const part of [RUN, REHEARSE]) lacking.set(part, whole.without(HANDLER, part));
  for (const part of ["name: 'Thoughts',", "sentence: () => 'Writes thoughts.',", SETTING, 'views: [],'])
    lacking.set(part, whole.without(WORDS, part));
  lacking.set('the setting’s schema', whole.without(DESCRIPTOR, 'limit: whole(0, 1e7, own)'));
  lacking.set('the handler’s line', whole.without(HANDLERS, ', ponder'));
  lacking.set('the line of its words', whole.without(KIND_WORDS, ', ponder'));
  said = whole.compile();
  plant(unlisted);
}, 240_000);
afterAll(() => {
  whole.remove();
  unlisted.remove();
});

describe('a new kind of stage', () => {
  test('compiles when all of it is there', () => {
    const variants = new Set(lacking.values());
    expect([...said].filter(([file]) => !variants.has(file))).toEqual([]);
  });

  test('is refused by the compiler without any one of its parts', () => {
    const silent = [...lacking].filter(([, file]) => !said.has(file)).map(([part]) => part);
    expect(silent).toEqual([]);
    expect(lacking.size).toBeGreaterThan(20);
  });

  test('says what is missing', () => {
    const of = (part: string) => said.get(lacking.get(part)!);
    expect(of('plan: (_, planner) => planner.generate(1, 1, 64),')).toContain("Property 'plan' is missing");
    expect(of('the setting’s schema')).toContain("Property 'limit' is missing");
    expect(of(SETTING)).toContain("'limit'");
    expect(of('the handler’s line')).toContain("Property 'ponder' is missing");
    expect(of('the line of its words')).toContain("Property 'ponder' is missing");
  });

  test(
    'with handler and words is refused where its line in the table of kinds is missing',
    { timeout: 240_000 },
    () => {
      const without = unlisted.compile();
      expect(without.get(HANDLERS)).toContain("'ponder' does not exist");
      expect(without.get(KIND_WORDS)).toContain("'ponder' does not exist");
    },
  );
});
