/** A new kind of stage, planted with all that it needs, and a variant without each of its parts. */
import type { Planted } from './planted.ts';

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
export const SETTING = "limit: { label: 'Rows', help: 'How many.' }";

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
  house.insert(KINDS, "import { merge } from './merge.ts';", "\nimport { ponder } from './ponder.ts';");
  house.insert(KINDS, 'const ALL = [sft, merge', ', ponder');
}

/** Plants the stage. @returns its variants by what they lack */
export function plantStage(house: Planted): ReadonlyMap<string, string> {
  plant(house);
  const lacking = new Map<string, string>();
  for (const part of PARTS) lacking.set(part, house.without(DESCRIPTOR, part));
  for (const part of [RUN, REHEARSE]) lacking.set(part, house.without(HANDLER, part));
  for (const part of ["name: 'Thoughts',", "sentence: () => 'Writes thoughts.',", SETTING, 'views: [],'])
    lacking.set(part, house.without(WORDS, part));
  lacking.set('the setting’s schema', house.without(DESCRIPTOR, 'limit: whole(0, 1e7, own)'));
  lacking.set('the handler’s line', house.without(HANDLERS, ', ponder'));
  lacking.set('the line of its words', house.without(KIND_WORDS, ', ponder'));
  // Without its line in the table of kinds, its handler and its words are those of a kind that there is not.
  const kinds = house.without(KINDS, 'const ALL = [sft, merge, ponder', 'const ALL = [sft, merge');
  const of = (path: string, table: string, from: string) =>
    house.without(path, table, from + kinds.slice(kinds.lastIndexOf('/')));
  lacking.set('its line, for its handler', of(HANDLERS, '../../../train/stages/index.ts', '../../../train/stages'));
  lacking.set('its line, for its words', of(KIND_WORDS, '../../../engine/presets.ts', '../../../train/stages'));
  return lacking;
}
