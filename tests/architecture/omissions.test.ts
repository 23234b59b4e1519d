/**
 * Planted omissions: what is forgotten when a kind of stage, a reward, a loss, a request, a format, a family or an op is
 * added is refused by name. Each variant is a copy of the smallest example with one part left out, beside it in a copy of the sources; one
 * run of the compiler judges them all.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { REWARDS } from '../../src/train/rewards/index.ts';
import { plantStage, SETTING } from './planted-stage.ts';
import { Planted } from './planted.ts';

const read = (path: string) => readFileSync(path, 'utf8');

const property = (name: string) => new RegExp(`\\n {2}${name}:.*,`);
const REWARD = 'src/train/rewards/strict-format.ts';
const PROJECTS = 'src/engine/keep/project-desk.ts';
const MESSAGES = 'src/engine/protocol/messages.ts';
const SESSION = 'src/engine/session.ts';
const LOSSES = 'src/train/losses/table.ts';
const dapo = (name: string) => new RegExp(`(dapo: \\{[^}]*?)${name}: '[^']*',?`);

const FORMAT = 'src/data/formats/swift-query.ts';
const FORMAT_TABLE = 'src/data/formats/table.ts';
const FAMILY = 'src/models/qwen2_vl/architecture.ts';
const FAMILIES = 'src/models/load.ts';
const CONVENTIONS = 'src/grounding/convention.ts';
const FAMILY_CASES = 'tests/models/golden.gpu.test.ts';
const OP = 'src/ops/swiglu.ts';
const OP_CHECKS = 'tests/ops/checks.test.ts';

type Omission = readonly [path: string, part: string | RegExp, instead?: string];

/** What is left out → where, and how. */
const OMISSIONS: Readonly<Record<string, Omission>> = {
  ...Object.fromEntries(
    ['name', 'label', 'subject', 'range', 'weight', 'score'].map((part) => [
      `a reward without its ${part}`,
      [REWARD, property(part)] as const,
    ]),
  ),
  'a reward without its summary': [REWARD, /\n {2}summary:[^']*'[^']*',/],
  'a reward under another name in the registry': [
    'src/train/rewards/index.ts',
    "from './registry.ts'",
    "from './misnamed.ts'",
  ],
  ...Object.fromEntries(
    ['summary', 'objective', 'average'].map((part) => [
      `a loss without its ${part}`,
      [LOSSES, dapo(part), '$1'] as const,
    ]),
  ),
  'a loss with an average that does not exist': [LOSSES, "average: 'token-mean'", "average: 'mean'"],
  'a loss with an objective that has no kernel': [LOSSES, "objective: 'cispo'", "objective: 'cisp'"],
  'an objective without its definition in f64': ['src/ops/policy-reference.ts', /\n {2}cispo: \([\s\S]*?\n {2}\},/],
  'a request without its handler': [PROJECTS, /\n {4}storage: .*,/],
  'a request whose handler gives another reply': [PROJECTS, '{ used: null, quota: null }', 'null'],
  'a handler for a request that nobody makes': [PROJECTS, '    storage:', '    store:'],
  'requests without their replies': [MESSAGES, /\n {4}KeepReplies,/],
  'requests that nobody may make': [MESSAGES, /\n {2}readonly keep: KeepRequest;/],
  'a request in two parts of the protocol': [MESSAGES, 'chat: ChatRequest;', 'chat: ChatRequest | KeepRequest;'],
  'a desk that is not put together with the others': [SESSION, /\n {6}\.\.\.runs\.handlers,/],
  'an objective of which nothing is said about its curves': ['src/train/grpo-metrics.ts', /\n {2}sapo: null,/],
  ...Object.fromEntries(
    (
      [
        ['a way to know its rows', /\n {2}matches: .*,/],
        ['a way to read its rows', 'read: (value, source)', 'reads: (value, source)'],
      ] as const
    ).map(([part, ...how]) => [`a format without ${part}`, [FORMAT, ...how] as const]),
  ),
  'a row of a format that says nothing of its boxes': [FORMAT, 'boxes: objects?.boxes.flat() ?? [],'],
  'a format in the table that is no format': [FORMAT_TABLE, ': swiftQuery,', ': { read: swiftQuery.read },'],
  ...Object.fromEntries(
    ['notes', 'modelType', 'decoder', 'vision', 'positions', 'suppressedTokens', 'canonicalName'].map((part) => [
      `a family without its ${part}`,
      [FAMILY, new RegExp(`\\n {4}${part}(:.*)?,`)] as const,
    ]),
  ),
  'a family without its pictures': [FAMILY, /\n {4}\.\.\.qwenPictures\([\s\S]*?\n {4}\}\),/],
  ...Object.fromEntries(
    ['imageTokenId', 'convention', 'normalisation', 'limits'].map((part) => [
      `a family’s pictures without ${part}`,
      [FAMILY, new RegExp(`\\n {6}${part}:.*,`)] as const,
    ]),
  ),
  'a family that is not in the table': [FAMILIES, '\n  qwen2_vl: qwen2VL,'],
  'a family without a way to write boxes': [CONVENTIONS, /\n {2}qwen2_vl: convention\([\s\S]*?\n {2}\),/],
  'a family of which no box is known': [CONVENTIONS, " | 'qwen2_vl'"],
  'a family without golden cases': [FAMILY_CASES, ' qwen2_vl: 5,'],
  'an op without its backward pass': [OP, /, \(\) => \{[\s\S]*?\n {2}\}\);/, ');'],
  ...Object.fromEntries(
    ['golden', 'differences', 'proof'].map((part) => [
      `an op without its check: ${part}`,
      [OP_CHECKS, new RegExp(`(\\n {2}swiglu: \\{[\\s\\S]*?)\\n {4}${part}: .*,`), '$1'] as const,
    ]),
  ),
};

const house = new Planted();
afterAll(() => house.remove());

/** Variants by what they lack. */
const lacking = new Map<string, string>();
/** Of the new kind of stage. */
let lackingOfStage: ReadonlyMap<string, string> = new Map();
let said: ReadonlyMap<string, string> = new Map();

beforeAll(() => {
  house.write(
    'src/train/rewards/misnamed.ts',
    `${read('src/train/rewards/registry.ts')}export { strictFormat as strict } from './strict-format.ts';\n`,
  );
  for (const [path] of Object.values(OMISSIONS)) house.look(path);
  for (const [what, omission] of Object.entries(OMISSIONS)) lacking.set(what, house.without(...omission));
  lackingOfStage = plantStage(house);
  said = house.compile();
}, 300_000);

describe('the compiler refuses', () => {
  test.each(Object.keys(OMISSIONS))('%s', (what) => expect([...said.keys()]).toContain(lacking.get(what)));
  test('nothing that is whole', () => {
    const variants = new Set([...lacking.values(), ...lackingOfStage.values()]);
    expect([...said].filter(([file]) => !variants.has(file))).toEqual([]);
  });
});

describe('a new kind of stage', () => {
  test('compiles when all of it is there', () => {
    const variants = new Set([...lacking.values(), ...lackingOfStage.values()]);
    expect([...said].filter(([file]) => !variants.has(file))).toEqual([]);
  });

  test('is refused by the compiler without any one of its parts', () => {
    const silent = [...lackingOfStage].filter(([, file]) => !said.has(file)).map(([part]) => part);
    expect(silent).toEqual([]);
    expect(lackingOfStage.size).toBeGreaterThan(20);
  });

  const of = (part: string) => said.get(lackingOfStage.get(part)!);

  test('says what is missing', () => {
    expect(of('plan: (_, planner) => planner.generate(1, 1, 64),')).toContain("Property 'plan' is missing");
    expect(of('the setting’s schema')).toContain("Property 'limit' is missing");
    expect(of(SETTING)).toContain("'limit'");
    expect(of('the handler’s line')).toContain("Property 'ponder' is missing");
    expect(of('the line of its words')).toContain("Property 'ponder' is missing");
  });

  test('with handler and words is refused where its line in the table of kinds is missing', () => {
    expect(of('its line, for its handler')).toContain("'ponder' does not exist");
    expect(of('its line, for its words')).toContain("'ponder' does not exist");
  });
});

/** Files that define a reward, and are no line of the registry. */
const unregistered = (files: Readonly<Record<string, string>>, registry: string): string[] =>
  Object.entries(files).flatMap(([file, source]) =>
    source.includes('= defineReward({') && !registry.includes(`'./${file}'`) ? [file] : [],
  );

describe('every reward that has a file', () => {
  const names = readdirSync('src/train/rewards');
  const files = Object.fromEntries(names.map((file) => [file, read(`src/train/rewards/${file}`)]));
  const registry = files['registry.ts']!;
  test('has a line in the registry', () => {
    expect(unregistered(files, registry)).toEqual([]);
    expect(Object.values(files).filter((source) => source.includes('= defineReward({'))).toHaveLength(
      Object.keys(REWARDS).length,
    );
  });
  test('is missed by that test without its line', () => {
    const line = "export { centre } from './centre.ts';\n";
    expect(registry).toContain(line);
    expect(unregistered(files, registry.replace(line, ''))).toEqual(['centre.ts']);
  });
});
