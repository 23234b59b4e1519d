/** Every reader of outside bytes meets mutated files, and none is forgotten. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { inputOf, tryInput, type Finding, type Readers } from '../../tools/fuzz/fuzz.ts';
import { goOn, readCampaign, sumOf } from '../../tools/fuzz/campaign.ts';
import { fuzz } from '../../tools/fuzz/processes.ts';
import { READERS } from '../../tools/fuzz/readers.ts';
import { READERS as PLANTED } from './planted-readers.ts';

const src = join(import.meta.dirname, '../../src');

/** What tells a reader: it takes text or bytes apart, or is called so. */
const READS =
  /JSON\.parse|parseShallow|parseJson\(|new DataView|TextDecoder|DecompressionStream|^export (?:async )?(?:function\*?|const) (?:parse|read|decode|gunzip|unpack)[A-Z]\w*/m;

/** Files that are told as readers and see nothing from outside, or only through one that is in the table. */
const NONE: Readonly<Record<string, string>> = {
  'cli/arguments': 'the command line that someone types',
  'cli/compose': 'rows that it has just written',
  'cli/file-blob': 'bytes handed on as they are',
  'cli/folder-lock': 'a lock of our own; what cannot be read counts as none',
  'engine/answers/prediction-intake': 'answers, through evaluate/prediction and evaluate/prediction-files',
  'engine/full-size/measure': 'rows that it has just written',
  'engine/full-size/random-weights': 'published files that come with the repository',
  'engine/golden/case': 'cases for developers',
  'engine/merging/checkpoint-merge': 'a checkpoint that was loaded before',
  'engine/keep/identity': 'values of our own',
  'gpu/kernel': 'shaders of our own',
  'gpu/program': 'numbers for a kernel',
  'models/encode': 'a picture, through image/decode',
  'studio/charts/chart-options': 'settings of our own',
  'studio/rooms/recipe/number-input': 'a number that someone types',
  'studio/rooms/recipe/stage-editor': 'settings that someone types',
  'studio/state/dataset-actions': 'the engine, through data/dataset',
  'studio/state/resumable': 'the browser’s own settings',
  'studio/state/keep-settings': 'the browser’s own settings',
  'train/rewards/own-code': 'code, in an interpreter that bounds its steps and memory',
  'train/checkpoint-folder': 'a checkpoint that was loaded before',
  'train/read-answer': 'answers of a model, through grounding/parse',
  'formats/gguf': 'a file that an export has just written, read back to be checked',
  'cli/job': 'a config.json, through models',
  'studio/state/code-consent': 'the browser’s own settings',
  'studio/state/run-list': 'the browser’s own settings',
};

const modules = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.tsx?$/.test(path) && !path.endsWith('.d.ts'))
  .map((path) => ({ name: path.replace(/\.tsx?$/, ''), text: readFileSync(join(src, path), 'utf8') }));
const covered = new Set(Object.values(READERS).flatMap(({ files }) => files));

test('a file that reads outside bytes has a fuzzer', () => {
  const readers = modules.filter(({ text }) => READS.test(text)).map(({ name }) => name);
  expect(readers.length).toBeGreaterThan(30);
  expect(readers.filter((name) => !covered.has(name) && !Object.hasOwn(NONE, name))).toEqual([]);
});

test('the table names files that there are', () => {
  const names = new Set(modules.map(({ name }) => name));
  expect([...covered, ...Object.keys(NONE)].filter((name) => !names.has(name))).toEqual([]);
});

test('the same seed and number give the same input, another number another', () => {
  for (const name of Object.keys(READERS)) {
    expect(inputOf(name, 3, 7, READERS)).toEqual(inputOf(name, 3, 7, READERS));
    const some = Array.from({ length: 20 }, (_, i) => Buffer.from(inputOf(name, 3, i, READERS)).toString('base64'));
    expect(new Set(some).size).toBeGreaterThan(10);
  }
});

test.each(Object.keys(READERS))('%s: mutated inputs are read or refused', async (name) => {
  for (let input = 0; input < 40; input++) expect(await tryInput(name, 1, input, READERS)).toBeNull();
});

describe('what no reader may do is told with the input that did it', () => {
  const planted: Readers = PLANTED;
  const inputs = 30;
  const some = Array.from({ length: inputs }, (_, i) => i).filter(
    (i) => inputOf('throws', 5, i, planted).length % 7 === 3,
  );
  const findings = async (reader: string, to = inputs, hangsAfterMs = 60_000) => {
    const found: Finding[] = [];
    const table = new URL('planted-readers.ts', import.meta.url).href;
    await fuzz({ reader, seed: 5, from: 0, to, table }, hangsAfterMs, (finding) => found.push(finding));
    return found;
  };

  test('an error that is no refusal', async () => {
    expect(some.length).toBeGreaterThan(1);
    expect(await findings('refuses')).toEqual([]);
    expect((await findings('throws')).map(({ input, what }) => [input, what.slice(0, 19)])).toEqual(
      some.map((input) => [input, 'RangeError: planted']),
    );
  });

  test('in a campaign that was ended and goes on, each input is given once', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'fuzz-')), 'campaign.json');
    const options = {
      names: ['refuses', 'throws'],
      table: new URL('planted-readers.ts', import.meta.url).href,
      hangsAfterMs: 60_000,
    };
    const said: string[] = [];
    // No turn is so short that nothing is given: the sum is exact.
    for (const total of [20, inputs])
      await goOn(path, readCampaign(path, 5), total, options, (line) => said.push(line));
    const { given, findings: found } = readCampaign(path, 5);
    expect([sumOf(readCampaign(path, 5)), given]).toEqual([inputs, { refuses: 20, throws: 10 }]);
    expect(found.map(({ reader, input }) => [reader, input])).toEqual(
      some.filter((input) => input < 10).map((input) => ['throws', input]),
    );
    expect(said.at(-1)).toBe(`throws: 10 inputs, 10 in all; ${inputs} of ${inputs} of all readers`);
    expect(() => readCampaign(path, 6)).toThrow('of seed 5');
  });

  test('a turn ends in time and says where', async () => {
    const table = new URL('planted-readers.ts', import.meta.url).href;
    const next = await fuzz(
      { reader: 'refuses', seed: 5, from: 0, to: 1e9, table, milliseconds: 200 },
      60_000,
      () => undefined,
    );
    expect(next).toBeGreaterThan(0);
    expect(next).toBeLessThan(1e9);
  });

  test('a process that dies', async () => {
    const [first] = some as [number];
    expect((await findings('exits', first + 1)).map(({ input, what }) => [input, what])).toEqual([
      [first, 'the process died (code 134)'],
    ]);
  });

  test('a process that hangs', async () => {
    const [first] = some as [number];
    expect((await findings('loops', first + 1, 5_000)).map(({ input, what }) => [input, what])).toEqual([
      [first, 'the process hung and was stopped'],
    ]);
  });

  test('a process that hangs ends with the one that began it', async () => {
    const pidFile = join(mkdtempSync(join(tmpdir(), 'fuzz-')), 'pid');
    const module = new URL('../../tools/fuzz/processes.ts', import.meta.url).href;
    const table = new URL('planted-readers.ts', import.meta.url).href;
    const span = JSON.stringify({ reader: 'loops and tells', seed: 5, from: 0, to: 1, table });
    const register = new URL('../../scripts/register.mjs', import.meta.url).href;
    const parent = spawn(
      process.execPath,
      [
        '--import',
        register,
        '--input-type=module',
        '--eval',
        `(await import('${module}')).fuzz(${span}, 600000, () => {})`,
      ],
      { env: { ...process.env, PLANTED_PID: pidFile }, stdio: 'ignore' },
    );
    const until = async (happened: () => boolean) => {
      while (!happened()) await new Promise((resolve) => void setTimeout(resolve, 100));
    };
    await until(() => existsSync(pidFile) && readFileSync(pidFile, 'utf8') !== '');
    const child = Number(readFileSync(pidFile, 'utf8'));
    const lives = () => {
      try {
        process.kill(child, 0);
      } catch {
        return false;
      }
      // A dead one that nobody has waited for keeps its number.
      return process.platform !== 'linux' || !/^State:\s+Z/m.test(readFileSync(`/proc/${child}/status`, 'utf8'));
    };
    expect(lives()).toBe(true);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    await until(() => !lives());
  }, 120_000);

  test('memory beyond what a reader may hold', async () => {
    const [first] = some as [number];
    const [found, ...more] = await findings('swells', first + 1);
    expect(found).toMatchObject({ input: first });
    expect(found!.what).toMatch(/^\d+ MB for \d+ bytes$/);
    expect(more).toEqual([]);
  });
});
