/**
 * Planted omissions: what is forgotten when a reward, a loss or a request is added is refused by name. Each variant is a copy of the
 * smallest example with one part left out, beside it in a copy of the sources; one run of the compiler judges them all.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { REWARDS } from '../../src/train/rewards/index.ts';

const root = new URL('../..', import.meta.url).pathname;
const read = (path: string) => readFileSync(join(root, path), 'utf8');

/** A source with a part taken out; it must have been there. */
function without(path: string, part: string | RegExp, instead = ''): string {
  const source = read(path);
  const left = source.replace(part, instead);
  if (left === source) throw new Error(`${path} has no ${part}`);
  return left;
}

const property = (name: string) => new RegExp(`\\n {2}${name}:.*,`);
const REWARD = 'src/train/rewards/strict-format.ts';
const PROJECTS = 'src/engine/keep/project-desk.ts';
const MESSAGES = 'src/engine/protocol/messages.ts';
const SESSION = 'src/engine/session.ts';
const LOSSES = 'src/train/losses/table.ts';
const dapo = (name: string) => new RegExp(`(dapo: \\{[^}]*?)${name}: '[^']*',?`);

/** Compiled beside the variants, which are copies of them. */
const WHOLE = [REWARD, LOSSES, PROJECTS, MESSAGES, SESSION];

/** What was left out → [beside which file, the source without it]. */
const VARIANTS: Readonly<Record<string, readonly [beside: string, source: string]>> = {
  ...Object.fromEntries(
    ['name', 'label', 'subject', 'range', 'weight', 'score'].map((part) => [
      `a reward without its ${part}`,
      [REWARD, without(REWARD, property(part))] as const,
    ]),
  ),
  'a reward without its summary': [REWARD, without(REWARD, /\n {2}summary:[^']*'[^']*',/)],
  'a reward under another name in the registry': [
    'src/train/rewards/index.ts',
    without('src/train/rewards/index.ts', "from './registry.ts'", "from './misnamed.ts'"),
  ],
  ...Object.fromEntries(
    ['summary', 'objective', 'average'].map((part) => [
      `a loss without its ${part}`,
      [LOSSES, without(LOSSES, dapo(part), '$1')] as const,
    ]),
  ),
  'a loss with an average that does not exist': [LOSSES, without(LOSSES, "average: 'token-mean'", "average: 'mean'")],
  'a loss with an objective that has no kernel': [LOSSES, without(LOSSES, "objective: 'cispo'", "objective: 'cisp'")],
  'an objective without its definition in f64': [
    'src/ops/policy-reference.ts',
    without('src/ops/policy-reference.ts', /\n {2}cispo: \([\s\S]*?\n {2}\},/),
  ],
  'a request without its handler': [PROJECTS, without(PROJECTS, /\n {4}storage: .*,/)],
  'a request whose handler gives another reply': [PROJECTS, without(PROJECTS, '{ used: null, quota: null }', 'null')],
  'a handler for a request that nobody makes': [PROJECTS, without(PROJECTS, '    storage:', '    store:')],
  'requests without their replies': [MESSAGES, without(MESSAGES, /\n {4}KeepReplies,/)],
  'requests that nobody may make': [MESSAGES, without(MESSAGES, /\n {2}readonly keep: KeepRequest;/)],
  'a request in two parts of the protocol': [
    MESSAGES,
    without(MESSAGES, 'chat: ChatRequest;', 'chat: ChatRequest | KeepRequest;'),
  ],
  'a desk that is not put together with the others': [SESSION, without(SESSION, /\n {6}\.\.\.runs\.handlers,/)],
  'an objective of which nothing is said about its curves': [
    'src/train/grpo-metrics.ts',
    without('src/train/grpo-metrics.ts', /\n {2}sapo: null,/),
  ],
};

const folder = (() => {
  mkdirSync(join(root, '.cache'), { recursive: true });
  return mkdtempSync(join(root, '.cache', 'omissions-'));
})();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const fileOf = (at: number, beside: string) => beside.replace(/[^/]*$/, `omitted-${at}.ts`);
let complaints = '';

beforeAll(() => {
  for (const part of ['src', 'shaders']) cpSync(join(root, part), join(folder, part), { recursive: true });
  writeFileSync(
    join(folder, 'src/train/rewards/misnamed.ts'),
    `${read('src/train/rewards/registry.ts')}export { strictFormat as strict } from './strict-format.ts';\n`,
  );
  Object.values(VARIANTS).forEach(([beside, source], at) => writeFileSync(join(folder, fileOf(at, beside)), source));
  const files = Object.values(VARIANTS).map(([beside], at) => fileOf(at, beside));
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: '../../tsconfig.json', include: ['src/wgsl.d.ts', ...files, ...WHOLE] }),
  );
  try {
    execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '--noEmit', '-p', folder], {
      encoding: 'utf8',
    });
  } catch (error) {
    complaints = (error as { stdout: string }).stdout;
  }
}, 300_000);

describe('the compiler refuses', () => {
  test.each(Object.entries(VARIANTS).map(([what, [beside]], at) => [what, fileOf(at, beside)] as const))(
    '%s',
    (_, file) => expect(complaints).toContain(file),
  );
  test('nothing that is whole', () => {
    for (const file of WHOLE) expect(complaints).not.toContain(`${file}(`);
  });
});

/** Files that define a reward, and are no line of the registry. */
const unregistered = (files: Readonly<Record<string, string>>, registry: string): string[] =>
  Object.entries(files).flatMap(([file, source]) =>
    source.includes('= defineReward({') && !registry.includes(`'./${file}'`) ? [file] : [],
  );

describe('every reward that has a file', () => {
  const names = readdirSync(join(root, 'src/train/rewards'));
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
