/**
 * Where a step's time goes, on this machine's GPU.
 *
 *   npm run profile -- sft|grpo|decode [--json FILE] [--trace FILE] [--model DIR] [--data PATH] [--recipe NAME|FILE]
 *   npm run profile -- cold [sft|grpo|decode]
 *   npm run profile -- trial
 *
 * Runs the stage of that kind (of the quick demo, or of another recipe) on the starter model for some steps, the last two of
 * them watched. The trace loads in chrome://tracing and in Perfetto. `cold` runs a first step (of SFT, if not told
 * otherwise) where the driver has compiled nothing, and then its kernels one by one. `trial` times every tuning profile
 * that this adapter can run.
 */
import { writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { EngineEvent, Recipe, Stage, StepProfile } from '../engine/protocol/index.ts';
import { EngineSession } from '../engine/session.ts';
import { trySupported } from '../engine/device/tuned-gpu.ts';
import { registerDecoder } from '../image/decode.ts';
import { nodeDecode } from '../image/node-decode.ts';
import { presetRecipe } from '../train/presets.ts';
import { descriptorOf, KINDS, STAGES, type StageKind } from '../train/stages/index.ts';
import { existing, outFile, plan, readArguments, UsageError } from './arguments.ts';
import { compileEach, stopwatch, withEmptyShaderCache, type Cost } from './cold.ts';
import { filesUnder } from './node-files.ts';
import { openNodeGpu } from './node-gpu.ts';
import { runCommand } from './run-command.ts';
import { openTunedGpu } from './tuned-gpu.ts';

const home = fileURLToPath(new URL('../../', import.meta.url));

/** What is profiled, by the kind of stage that does it. */
const PROFILED: Readonly<Record<string, StageKind>> = {
  ...Object.fromEntries(
    KINDS.filter((kind) => STAGES[kind].trains && !STAGES[kind].answers?.needs).map((kind) => [kind, kind]),
  ),
  decode: 'evaluate',
};

/** Rows of a batch that is decoded. */
const MOST_ROWS = 4;

const USAGE = `usage: npm run profile -- trial | [cold] ${Object.keys(PROFILED).join('|')} [--json FILE] [--trace FILE] [--model DIR] [--data PATH] [--recipe NAME|FILE]`;

/** Steps before those that are watched: kernels are compiled and submissions sized. */
const WARM = 4;

async function main(): Promise<void> {
  const { values, positionals } = await readArguments(
    USAGE,
    {
      json: outFile,
      trace: outFile,
      recipe: plan,
      model: existing(join(home, 'public/starter/model')),
      data: existing(join(home, 'public/starter/sample.zip')),
    },
    2,
  );
  if (positionals[0] === 'trial') return printTrial();
  const cold = positionals[0] === 'cold';
  const what = (cold ? (positionals[1] ?? 'sft') : positionals[0]) ?? '';
  if (!Object.hasOwn(PROFILED, what) || (!cold && positionals.length > 1))
    throw new UsageError('Say what to profile, and nothing else.', USAGE);
  registerDecoder(nodeDecode);
  const source = values.recipe ?? presetRecipe('demo-quick');
  const stage = source.stages.find(({ kind }) => kind === PROFILED[what]);
  if (!stage) throw new UsageError(`The plan has no stage of kind ${PROFILED[what]}.`, 'Give a plan that has one.');

  const brief = (steps: number): Recipe => ({ ...source, stages: [short(stage, steps) ?? stage] });
  if (cold) return withEmptyShaderCache(() => coldStart(values, brief(1)));

  let steps = 0;
  let asked: Promise<StepProfile> | null = null;
  const { session, start } = await prepare(values, (event) => {
    if (event.type === 'progress' && !event.preparing && ++steps === WARM) asked = session.handle({ type: 'profile' });
  });
  await start(brief(WARM + 4));
  if (!asked) throw new Error(`The stage ended before its step ${WARM}.`);
  const profile = await (asked as Promise<StepProfile>);
  console.log(table(what, profile));
  const { trace, ...numbers } = profile;
  if (values.json) await writeFile(values.json, JSON.stringify(numbers, null, 2));
  if (values.trace) await writeFile(values.trace, JSON.stringify({ traceEvents: trace, displayTimeUnit: 'ms' }));
  await session.destroy();
}

async function printTrial(): Promise<void> {
  const gpu = await openNodeGpu({ onError: (message) => console.error(`GPU error: ${message}`) });
  const { winner, contenders } = await trySupported(gpu);
  console.log(`${gpu.name}: ${winner}`);
  for (const { profile, ms, reason } of contenders)
    console.log(`  ${profile.padEnd(10)} ${ms === null ? reason : `${ms.toFixed(1)} ms`}`);
}

/** Model and dataset opened; `start` runs a recipe to its end. */
async function prepare({ model, data }: { model: string; data: string }, emit: (event: EngineEvent) => void) {
  const session = new EngineSession({
    openGpu: () => openTunedGpu({ onError: (message) => console.error(`GPU error: ${message}`) }),
    fetchFile: () => Promise.reject(new Error('the command line reads files from disk')),
    emit: (event) => {
      if (event.type === 'failure') console.error(`${event.message}\n${event.hint}`);
      emit(event);
    },
  });
  const files = (await filesUnder(model)).map(({ path, file }) => ({
    path: `${basename(resolve(model))}/${path}`,
    file,
  }));
  await session.handle({ type: 'load-model', files });
  const dataset = await session.handle({ type: 'open-dataset', name: 'data', files: await filesUnder(data) });
  const start = async (recipe: Recipe) => {
    await session.handle({ type: 'start', dataset: dataset.id, recipe });
    await session.running;
  };
  return { session, start };
}

async function coldStart(paths: { model: string; data: string }, recipe: Recipe): Promise<void> {
  const reached = new Map<string, Cost>();
  let stop = stopwatch();
  const { session, start } = await prepare(paths, (event) => {
    if (event.type !== 'progress') return;
    if (!event.preparing) reached.set('first step', reached.get('first step') ?? stop());
    else if (event.done === event.total) reached.set(`${event.total} ${event.unit}`, stop());
  });
  stop = stopwatch();
  await start(recipe);
  const { gpu, kernels } = session.bench!.loaded.model.session;
  console.log(`${gpu.name}: milliseconds since the start, and processor time until then`);
  console.log(['wall', 'driver', 'JS'].map((head) => head.padStart(8)).join(''));
  for (const [what, { wallMs, cpuMs, ownMs }] of reached)
    console.log([wallMs, cpuMs, ownMs].map((n) => n.toFixed(0).padStart(8)).join(''), ` ${what}`);
  const sources = [...kernels.sources];
  await session.destroy();
  const alone = await withEmptyShaderCache(async () => compileEach(await openNodeGpu({ anew: true }), sources));
  const sum = alone.reduce((all, { cpuMs: ms }) => all + ms, 0);
  console.log(`\n${alone.length} kernels one by one, ${sum.toFixed(0)} ms of the driver's threads:`);
  console.log(
    ['wall ms', 'CPU ms', 'lines'].map((head) => head.padStart(8)).join('') + '  kernel',
    ...alone.map(({ kernel, lines, wallMs, cpuMs: ms }) =>
      ['\n', ...[wallMs, ms, lines].map((n) => n.toFixed(0).padStart(8)), `  ${kernel}`].join(''),
    ),
  );
}

/** The stage, no longer than it must be, in batches small enough for the sample to give some; null: it has no steps. */
const short = <S extends Stage>(stage: S, steps: number): S | null =>
  descriptorOf(stage).brief(stage, steps, MOST_ROWS);

function table(what: string, p: StepProfile): string {
  const cells = [
    ['operation', 'dispatches', 'ms', 'share', 'GFLOP/s', 'GB/s', 'of the peak'],
    ...p.ops.map((o) => [
      o.op,
      String(o.dispatches),
      o.ms.toFixed(2),
      percent(o.share),
      o.flopsPerSecond ? (o.flopsPerSecond / 1e9).toFixed(2) : '–',
      (o.bytesPerSecond / 1e9).toFixed(2),
      percent(o.roofline),
    ]),
  ];
  const widths = cells[0]!.map((_, c) => Math.max(...cells.map((row) => row[c]!.length)));
  const lines = cells.map((row) =>
    row.map((cell, c) => (c === 0 ? cell.padEnd(widths[c]!) : cell.padStart(widths[c]!))).join('  '),
  );
  return [
    `${what} on ${p.adapter}`,
    `peak: ${(p.roofline.flops / 1e9).toFixed(1)} GFLOP/s, ${(p.roofline.bytes / 1e9).toFixed(1)} GB/s`,
    `a step took ${p.wallMs.toFixed(0)} ms, of which the GPU was idle ${percent(p.idleShare)}; ${p.submissions} submissions, the longest ${p.longestSubmissionMs.toFixed(0)} ms; ${p.dispatches} dispatches`,
    '',
    ...lines,
  ].join('\n');
}

const percent = (x: number): string => `${(100 * x).toFixed(1)} %`;

runCommand(main);
