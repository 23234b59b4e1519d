import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GroundworkError } from '../../src/base/error.ts';
import {
  existing,
  flag,
  outFile,
  outFolder,
  pattern,
  plan,
  readArguments,
  rewardWeights,
  someOf,
  text,
  whole,
  withWeights,
} from '../../src/cli/arguments.ts';
import { failureOf } from '../../src/cli/run-command.ts';
import { dtype, storage } from '../../src/cli/storage-option.ts';
import { commandOf } from './command.ts';
import { PRESET_NAMES, PRESETS } from '../../src/train/presets.ts';
import { evaluateStage, grpoStage, mergeStage, sftStage } from '../../src/train/stages/index.ts';

const house = mkdtempSync(join(tmpdir(), 'groundwork-arguments-'));
const at = (name: string) => join(house, name);
const write = (name: string, value: unknown) => {
  writeFileSync(at(name), typeof value === 'string' ? value : JSON.stringify(value));
  return at(name);
};
beforeAll(() => write('file', ''));
afterAll(() => rmSync(house, { recursive: true, force: true }));

const recipe = (...stages: unknown[]) => ({ name: 'p', seed: 1, stages });

/** What a command with options of every sort says to these words. */
async function said(...words: string[]): Promise<{ status: number; message: string }> {
  const before = process.argv;
  process.argv = [process.execPath, 'command', ...words];
  try {
    await readArguments('usage: command', {
      recipe: plan,
      seed: whole(0),
      name: text('none'),
      quick: flag,
      data: existing(),
      stages: someOf(['a', 'b'], 'a'),
      only: pattern,
      storage,
      dtype,
      json: outFile,
      out: outFolder(),
    });
    return { status: 0, message: '' };
  } catch (error) {
    return failureOf(error);
  } finally {
    process.argv = before;
  }
}

describe('what a command cannot do it says in a sentence, and its status is 2', () => {
  test.each([
    ['a plan of nothing', () => ['--recipe', write('a.json', {})], 'stages is nothing; allowed is a list of stages'],
    [
      'a plan without stages',
      () => ['--recipe', write('b.json', recipe())],
      'b.json cannot be run. The recipe is empty.',
    ],
    [
      'half a stage',
      () => ['--recipe', write('c.json', recipe({ kind: 'sft', maxSteps: 3 }))],
      'stages[0].lora is nothing; allowed is an object with its settings',
    ],
    [
      'an unknown loss',
      () => ['--recipe', write('d.json', recipe(sftStage(), mergeStage(), { ...grpoStage(), lossType: 'foo' }))],
      'stages[2].lossType is the text “foo”; allowed is',
    ],
    ['half a file', () => ['--recipe', write('e.json', '{"stages": [')], 'e.json is not JSON'],
    [
      'stages that cannot follow each other',
      () => ['--recipe', write('f.json', recipe(sftStage(), sftStage()))],
      'Stage 2, “Cold start”: The adapter of an earlier stage is not merged.',
    ],
    ['a plan that is not there', () => ['--recipe', at('missing.json')], 'missing.json cannot be read (ENOENT)'],
    [
      'a preset that there is not',
      () => ['--recipe', 'fast'],
      'Presets are demo, demo-quick, sft-only, rl-only, star, paper, careful, quick',
    ],
    ['a plan that is a folder', () => ['--recipe', house], 'cannot be read (EISDIR)'],
    ['a seed that is no number', () => ['--seed', 'abc'], '--seed is “abc”.'],
    ['a seed that is no whole number', () => ['--seed', '1.5'], '--seed is “1.5”.'],
    ['a seed that is missing', () => ['--seed'], "'--seed <value>' argument missing"],
    ['an option that there is not', () => ['--sede', '3'], "Unknown option '--sede'"],
    ['a word that is not expected', () => ['quick'], '“quick” is not expected.'],
    ['weights held in a way that there is not', () => ['--storage', 'int3'], '“int3” is not a storage for weights.'],
    ['weights to be held anyhow', () => ['--dtype', 'auto'], '--dtype is “auto”.'],
    ['data that is not there', () => ['--data', at('nowhere')], '--data: there is nothing at'],
    ['one thing that there is not, of several', () => ['--stages', 'a,c'], '--stages has “c”.'],
    ['a pattern that is none', () => ['--only', '('], '--only is “(”.'],
    ['a folder below a file', () => ['--out', at('file/out')], '--out: '],
    ['a file in a folder that is not there', () => ['--json', at('no/a.json')], '--json: '],
    ['a file that is a folder', () => ['--json', house], '(EISDIR)'],
  ])('%s', async (_, words, sentence) => {
    const { status, message } = await said(...words());
    expect(message).toContain(sentence);
    expect(message).toMatch(/\.$/);
    expect(status).toBe(2);
  });

  test('what it can do it reads', async () => {
    const good = write('good.json', recipe(evaluateStage()));
    expect(
      await said(
        '--recipe',
        good,
        '--seed',
        '3',
        '--quick',
        '--data',
        house,
        '--out',
        at('new/out'),
        '--json',
        at('a'),
      ),
    ).toEqual({ status: 0, message: '' });
    expect([existsSync(at('new/out')), existsSync(at('a'))]).toEqual([true, false]);
  });
});

describe('every command ends with 2 and without a word of defects when it is told', () => {
  test.each([
    ['demo', ['--seed', 'abc'], '--seed is “abc”.'],
    ['demo', ['--recipe', 'fast'], 'there is no preset “fast”'],
    ['demo', ['--reward', 'kindness=1'], 'there is no reward “kindness”. Rewards are format,'],
    ['demo', ['--reward', 'iou'], 'the weight of iou is “”'],
    ['profile', ['sft', '--recipe', 'good'], 'has no stage of kind sft'],
    ['verify', ['nowhere'], 'nowhere is not there.'],
    ['memory', ['--out', 'nowhere/a/b.md'], 'cannot be written'],
    ['random-weights', ['no-such-model', '--out', 'x'], 'is not a model that Groundwork knows'],
    ['throughput', ['--rounds', '0'], '--rounds is “0”.'],
    ['full-size', ['--stages', 'sft,dance'], '--stages has “dance”.'],
    ['bench', ['--only', '('], '--only is “(”.'],
  ])('%s %j', async (name, words, sentence) => {
    const paths: Readonly<Record<string, string>> = { good: write('good.json', recipe(evaluateStage())), x: at('x') };
    const entry = name === 'bench' ? 'bench/main.ts' : `src/cli/${name}.ts`;
    const { code, out, error } = await commandOf(entry)(...words.map((word) => paths[word] ?? word));
    expect(out + error).toContain(sentence);
    expect([code, (out + error).includes('defect')]).toEqual([2, false]);
  });

  test('and so does its process', { timeout: 60_000 }, () => {
    const args = ['--import', './scripts/register.mjs', 'src/cli/random-weights.ts', 'no-such-model', '--out', at('y')];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect([status, stdout + stderr]).toEqual([2, expect.stringContaining('is not a model that Groundwork knows')]);
  });
});

test('a reward may have another weight in all stages that go by rewards, and in no other', async () => {
  const given = await rewardWeights.read(undefined, '--reward', ['instruction=0.5', 'format=0']);
  expect(given).toEqual({ instruction: 0.5, format: 0 });
  const { stages } = withWeights(PRESETS.demo.recipe, given);
  for (const [i, stage] of stages.entries()) {
    const before = PRESETS.demo.recipe.stages[i]!;
    if (stage.kind !== 'grpo' || before.kind !== 'grpo') expect(stage).toBe(before);
    else expect(stage).toEqual({ ...before, rewardWeights: { ...before.rewardWeights, ...given } });
  }
  expect(withWeights(PRESETS.demo.recipe, {})).toEqual(PRESETS.demo.recipe);
});

test.each(PRESET_NAMES)('a recipe may be the preset %s, as the studio has it', async (name) => {
  expect(await plan.read(name, '--recipe', [name])).toEqual(PRESETS[name].recipe);
});

test('what fails on the way ends with 1, and a defect is called one', () => {
  expect(failureOf(new GroundworkError('device-lost', 'Gone.', 'It is safe. Again.'))).toEqual({
    message: 'Gone.',
    hint: 'It is safe. Again.',
    status: 1,
  });
  expect(failureOf(new TypeError('x is undefined'))).toMatchObject({ message: 'x is undefined', status: 1 });
  const full = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', syscall: 'write', path: '/out/a' });
  expect(failureOf(full)).toMatchObject({ message: '/out/a could not be written: the disk is full.', status: 1 });
});
