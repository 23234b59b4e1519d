import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { layers, rooms } from '../../scripts/layers.mjs';

/** Files that break, or keep, the plan of the house. The gate is the real configuration, in a house of its own. */
const planted = {
  'src/ops/trains.ts': "export { loss } from '../train/loss.ts';",
  'src/studio/rooms/run/touches-gpu.tsx':
    "import { openGpu } from '../../../gpu/device.ts';\nexport const open = openGpu;",
  'src/studio/rooms/run/types-from-train.ts':
    "import type { Recipe } from '../../../train/recipe.ts';\nexport type R = Recipe;",
  'src/studio/rooms/run/starts-worker.ts':
    "export const engine = new Worker(new URL('../../../engine/worker.ts', import.meta.url));",
  'src/models/family/lazily.ts': "export const sft = () => import('../../train/sft.ts');",
  'src/gpu/learns.ts': "import { matmul } from '../ops/matmul.ts';\nexport const product = matmul;",
  'src/formats/types-from-data.ts': "import type { Row } from '../data/row.ts';\nexport type R = Row;",
  'src/gpu/renders.ts': "import { memo } from 'react';\nexport const skip = memo;",
  'src/data/reads-disk.ts': "import { readFileSync } from 'node:fs';\nexport const read = readFileSync;",
  'src/engine/answers/looks-up.ts': "import type { Runs } from '../run/runs.ts';\nexport type R = Runs;",
  'src/engine/keep/starts-runs.ts': "import { Runs } from '../run/runs.ts';\nexport const runs = Runs;",
  'src/engine/model/asks-session.ts':
    "import { EngineSession } from '../session.ts';\nexport const session = EngineSession;",
  'src/engine/attic/no-room.ts': "import type { Answer } from '../protocol/words.ts';\nexport type A = Answer;",
  'src/studio/ui/reads-store.tsx': "import { useRun } from '../state/studio.ts';\nexport const use = useRun;",
  'src/studio/ui/enters-room.tsx': "import type { Rows } from '../rooms/data/rows.ts';\nexport type R = Rows;",
  'src/elsewhere/stray.ts': "import { box01 } from '../grounding/box.ts';\nexport const box = box01;",
  'src/train/dice.ts': 'export const roll = () => Math.random();',
  'src/base/a.ts': "import { b } from './b.ts';\nexport const a = () => b;",
  'src/base/b.ts': "import { a } from './a.ts';\nexport const b = () => a;",
} as const;

const allowed = {
  'src/studio/rooms/run/neighbour.ts':
    "import { rows } from '../data/rows.ts';\nexport const count = () => rows.length;",
  'src/studio/rooms/data/rows.ts': 'export const rows: number[] = [];',
  'src/studio/rooms/run/speaks-protocol.ts':
    "import type { Recipe } from '../../../engine/protocol/index.ts';\nexport type R = Recipe;",
  'src/engine/run/answers.ts':
    "import { answer } from '../answers/answer.ts';\nimport type { Answer } from '../protocol/words.ts';\nexport const given: Answer = answer;",
  'src/engine/opens.ts': "import { runs } from './run/runs.ts';\nexport const all = runs;",
  'src/studio/ui/neighbour.tsx':
    "import type { Problem } from '../problem.ts';\nimport { name } from './name.ts';\nexport const tell = (problem: Problem) => `${name}: ${problem.what}`;",
  'src/evaluate/type-from-below.ts': "import type { Tensor } from '../gpu/tensor.ts';\nexport type T = Tensor;",
  'src/ops/reads-shader.ts': "import source from '../../shaders/add/forward.wgsl';\nexport const text = source;",
  'src/cli/reads-disk.ts': "import { readFileSync } from 'node:fs';\nexport const read = readFileSync;",
} as const;

interface Diagnostic {
  readonly code: string;
  readonly filename: string;
  readonly message: string;
}

describe('the gate that keeps the layers apart', () => {
  const house = realpathSync(mkdtempSync(join(tmpdir(), 'groundwork-layers-')));
  let found: Diagnostic[] = [];
  let exitCode: number | null = null;
  const inFile = (file: string) => found.filter((d) => d.filename.replaceAll('\\', '/').endsWith(file));

  beforeAll(() => {
    for (const file of ['.oxlintrc.json', 'scripts/layers.mjs']) cpSync(file, join(house, file), { recursive: true });
    for (const [file, source] of Object.entries({ ...planted, ...allowed })) {
      mkdirSync(dirname(join(house, file)), { recursive: true });
      writeFileSync(join(house, file), `${source}\n`);
    }
    const oxlint = join(process.cwd(), 'node_modules/oxlint/bin/oxlint');
    const run = spawnSync(process.execPath, [oxlint, '--format', 'json', 'src'], { cwd: house, encoding: 'utf8' });
    exitCode = run.status;
    found = (JSON.parse(run.stdout) as { diagnostics: Diagnostic[] }).diagnostics;
  });
  afterAll(() => rmSync(house, { recursive: true, force: true }));

  test('the lint run fails', () => expect(exitCode).toBe(1));

  test.each([
    ['src/ops/trains.ts', 'src/ops must not import from train/loss.ts'],
    ['src/studio/rooms/run/touches-gpu.tsx', 'src/studio must not import from gpu/device.ts'],
    ['src/studio/rooms/run/types-from-train.ts', 'src/studio must not import types from train/recipe.ts'],
    ['src/studio/rooms/run/starts-worker.ts', 'src/studio must not import from engine/worker.ts'],
    ['src/models/family/lazily.ts', 'src/models must not import from train/sft.ts'],
    ['src/gpu/learns.ts', 'src/gpu must not import from ops/matmul.ts'],
    ['src/formats/types-from-data.ts', 'src/formats must not import types from data/row.ts'],
    ['src/gpu/renders.ts', 'src/gpu must not import react: only src/studio may'],
    ['src/data/reads-disk.ts', 'src/data must not import node:fs: only src/cli, src/image/node-decode may'],
    ['src/engine/answers/looks-up.ts', 'src/engine/answers must not import from run/runs.ts'],
    ['src/engine/keep/starts-runs.ts', 'src/engine/keep must not import from run/runs.ts'],
    ['src/engine/model/asks-session.ts', 'src/engine/model must not import from session.ts'],
    ['src/engine/attic/no-room.ts', 'src/engine/attic is not a room'],
    ['src/studio/ui/reads-store.tsx', 'src/studio/ui must not import from state/studio.ts'],
    ['src/studio/ui/enters-room.tsx', 'src/studio/ui must not import from rooms/data/rows.ts'],
    ['src/elsewhere/stray.ts', 'src/elsewhere is not a layer'],
  ])('%s is reported by the layer rule', (file, message) => {
    expect(
      inFile(file)
        .map((d) => d.message)
        .join('\n'),
    ).toContain(message);
    expect(inFile(file).map((d) => d.code)).toEqual(['groundwork(layers)']);
  });

  test.each([
    ['src/train/dice.ts', 'no-restricted-properties'],
    ['src/base/a.ts', 'no-cycle'],
  ])('%s is reported by %s', (file, rule) => {
    expect(
      inFile(file)
        .map((d) => d.code)
        .join(' '),
    ).toContain(rule);
  });

  test.each(Object.keys(allowed))('%s passes', (file) => expect(inFile(file)).toEqual([]));
});

/** A table of who may import whom. */
type Arrows = Readonly<Record<string, readonly string[]>>;

/** Names from which some way along the arrows leads back to themselves. */
function circles(arrows: Arrows): string[] {
  const leadsTo = (from: string, seen: Set<string>): Set<string> => {
    for (const next of arrows[from] ?? [])
      if (!seen.has(next)) {
        seen.add(next);
        leadsTo(next, seen);
      }
    return seen;
  };
  return Object.keys(arrows).filter((name) => leadsTo(name, new Set()).has(name));
}

describe('the plan of the house', () => {
  test('a circle would be found', () =>
    expect(circles({ a: ['b'], b: ['c'], c: ['a'], d: ['a'] })).toEqual(['a', 'b', 'c']));

  test.each([['layers', layers] as const, ...Object.entries(rooms)])('has no circle among %s', (_, arrows) =>
    expect(circles(arrows)).toEqual([]),
  );

  test('names the folders that there are, and no other', () => {
    const folders = (path: string) =>
      readdirSync(path, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? entry.name : []));
    expect(folders('src').toSorted()).toEqual(Object.keys(layers).toSorted());
    expect(folders('src/engine').toSorted()).toEqual(Object.keys(rooms.engine).toSorted());
  });
});
