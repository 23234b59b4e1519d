/**
 * Do jobs for TRL run, and do they compute what the studio does? `npm run job -- --check` writes two jobs of the starter
 * model and twelve rows of the sample, SFT and GRPO, and runs each by Accelerate on one and on two processes (CPU,
 * gloo). SFT is then run here from the adapter that TRL began with, over the same rows: losses, gradient norms and
 * learning rates must agree step by step. Of GRPO, every completion that TRL sampled is scored here: rewards and their
 * means must be those that TRL had. Python with the job's requirements is taken from PYTHON, or from PATH.
 *
 * Exit code 0: all agree; 1: something does not; 0 with a sentence where Python or its packages are missing.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unzipSync } from 'fflate';
import { filesUnder, writeFiles } from '../../src/cli/node-files.ts';
import { openTunedGpu } from '../../src/cli/tuned-gpu.ts';
import { runCommand } from '../../src/cli/run-command.ts';
import { EngineSession } from '../../src/engine/session.ts';
import type { DatasetReport } from '../../src/engine/protocol/index.ts';
import { CONVENTIONS } from '../../src/grounding/convention.ts';
import { registerDecoder } from '../../src/image/decode.ts';
import { nodeDecode } from '../../src/image/node-decode.ts';
import { presetRecipe } from '../../src/train/presets.ts';
import { readAnswer } from '../../src/train/read-answer.ts';
import type { GrpoStage, Recipe, SftStage } from '../../src/train/recipe.ts';
import { scoreCompletion, weightedRewards } from '../../src/train/rewards/index.ts';

const home = fileURLToPath(new URL('../../', import.meta.url));
const STARTER = join(home, 'public/starter/model');
const ROWS = 12;
/** Both compute in float32, in other orders: of a loss, of a gradient norm, and of a reward. */
const NEAR = { loss: 2e-3, grad_norm: 2e-2, learning_rate: 1e-9, reward: 1e-6 } as const;

const python =
  [process.env['PYTHON'], 'python3', 'python'].find(
    (name) =>
      name && spawnSync(name, ['-c', 'import trl, peft, accelerate, datasets'], { stdio: 'ignore' }).status === 0,
  ) ?? null;

type Logged = Readonly<Record<string, number>> & { readonly step: number };

interface Completion {
  readonly step: number;
  readonly row: string;
  readonly prediction: string;
  readonly ids: readonly number[];
  readonly rewards: Readonly<Record<string, number | null>>;
  readonly reward: number | null;
}

const faults: string[] = [];
const say = (line: string): void => console.log(line);
function agree(what: string, ours: number, theirs: number, near: number): void {
  if (!(Math.abs(ours - theirs) <= near * Math.max(1, Math.abs(theirs))))
    faults.push(`${what}: ${ours} here, ${theirs} there`);
}

function planOf(kind: 'sft' | 'grpo'): Recipe {
  const { stages } = presetRecipe('demo');
  const sft = stages.find((stage) => stage.kind === 'sft') as SftStage;
  const grpo = stages.find((stage) => stage.kind === 'grpo') as GrpoStage;
  const one =
    kind === 'sft'
      ? { ...sft, name: 'SFT', maxSteps: 3, perDeviceTrainBatchSize: 4 }
      : {
          ...grpo,
          name: 'RL',
          maxSteps: 2,
          promptsPerStep: 2,
          numGenerations: 4,
          sampling: { ...grpo.sampling, maxCompletionLength: 80 },
        };
  return { name: kind, seed: 5, stages: [one] };
}

/** A few rows of the sample with their pictures. */
function fewRows(): { path: string; file: Blob }[] {
  const zip = unzipSync(new Uint8Array(readFileSync(join(home, 'public/starter/sample.zip'))));
  const all = new TextDecoder().decode(zip['train.jsonl']).trim().split('\n');
  const lines = all.filter((_, i) => i % Math.floor(all.length / ROWS) === 0).slice(0, ROWS);
  const images = new Set(lines.flatMap((line) => (JSON.parse(line) as { images: string[] }).images));
  return [
    { path: 'train.jsonl', file: new Blob([lines.join('\n')]) },
    ...[...images].map((path) => ({ path, file: new Blob([zip[path] as Uint8Array<ArrayBuffer>]) })),
  ];
}

/** Runs the one script of a job. Throws with what it said. */
function runJob(folder: string, script: string, processes: number): void {
  const [stage] = readdirSync(join(folder, 'stages'));
  const launch =
    processes === 1
      ? [script]
      : [
          '-m',
          'accelerate.commands.launch',
          '--config_file',
          'accelerate/two-cpus.yaml',
          '--num_processes',
          String(processes),
          script,
        ];
  const { status, stderr, stdout } = spawnSync(python!, [...launch, `stages/${stage}`], {
    cwd: folder,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: {
      ...process.env,
      PYTHONDONTWRITEBYTECODE: '1',
      TOKENIZERS_PARALLELISM: 'false',
      OMP_NUM_THREADS: '1',
      CUDA_VISIBLE_DEVICES: '',
    },
  });
  if (status !== 0)
    throw new Error(`${script} on ${processes} failed:\n${stdout.slice(-1500)}\n${stderr.slice(-4000)}`);
}

function workOf(folder: string): string {
  const work = readdirSync(join(folder, 'work'), { withFileTypes: true }).find((entry) => entry.isDirectory())!;
  return join(folder, 'work', work.name);
}

function logOf(folder: string): Logged[] {
  const state = JSON.parse(readFileSync(join(workOf(folder), 'trainer_state.json'), 'utf8')) as {
    log_history: Logged[];
  };
  return state.log_history.filter((line) => line['loss'] !== undefined);
}

const linesOf = <T>(file: string): T[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as T);

/** The same stage here, from the adapter that TRL began with. */
async function runHere(folder: string, recipe: Recipe, data: { path: string; file: Blob }[]): Promise<Logged[]> {
  const logged: Logged[] = [];
  let failure: unknown = null;
  const session = new EngineSession({
    openGpu: () => openTunedGpu({ onError: say }),
    fetchFile: () => Promise.reject(new Error('files are read from disk')),
    emit: (event) => {
      if (event.type === 'metrics') logged.push({ ...event.values, step: event.step } as Logged);
      if (event.type === 'failure') failure = event;
    },
  });
  try {
    await session.handle({ type: 'device' });
    await session.handle({ type: 'load-model', files: await filesUnder(STARTER), name: 'starter', storage: 'f32' });
    const { adapters } = await session.handle({
      type: 'adapter-import',
      name: 'start',
      files: await filesUnder(join(workOf(folder), 'start')),
    });
    await session.handle({ type: 'adapter-stack', stack: [adapters.at(-1)!.id], continueTop: true });
    const dataset = await session.handle({
      type: 'open-dataset',
      name: 'rows',
      files: data,
      options: { split: 'files' },
    });
    await session.handle({ type: 'start', dataset: dataset.id, recipe });
    await session.running;
    if (failure !== null) throw new Error(JSON.stringify(failure));
    return logged.filter(({ loss }) => loss !== undefined);
  } finally {
    await session.destroy();
  }
}

function compareSteps(
  what: string,
  ours: readonly Logged[],
  theirs: readonly Logged[],
  keys: readonly (keyof typeof NEAR)[],
): void {
  if (ours.length !== theirs.length) faults.push(`${what}: ${ours.length} steps here, ${theirs.length} there`);
  for (const [i, own] of ours.entries())
    for (const key of keys)
      if (theirs[i]) agree(`${what}, step ${i + 1}, ${key}`, own[key]!, theirs[i][key]!, NEAR[key]);
  say(
    `${what}: ${ours.map((own, i) => `loss ${own['loss']!.toFixed(5)} and ${theirs[i]?.['loss']?.toFixed(5)}`).join('; ')}`,
  );
}

/** Every completion that TRL sampled, scored here. */
async function compareRewards(
  what: string,
  folder: string,
  session: EngineSession,
  dataset: DatasetReport,
  recipe: Recipe,
): Promise<void> {
  const stage = recipe.stages[0] as GrpoStage;
  const results = join(folder, 'results');
  const found = readdirSync(results)
    .filter((name) => name.includes('-completions-'))
    .flatMap((name) => linesOf<Completion>(join(results, name)));
  const truths = new Map(
    linesOf<{ id: string; truth: string }>(join(folder, 'data/train.jsonl')).map(({ id, truth }) => [
      id,
      JSON.parse(truth) as { sizes: [number, number][] },
    ]),
  );
  const rewards = weightedRewards(stage, { maxCompletionLength: stage.sampling.maxCompletionLength });
  for (const { row: id, prediction, ids, rewards: theirs, reward, step } of found) {
    const row = await session.handle({ type: 'row', dataset: dataset.id, rowId: id });
    const sizes = truths.get(id)!.sizes.map(([width, height]) => ({ width, height }));
    const answer = readAnswer(prediction, CONVENTIONS.qwen2_5_vl, sizes);
    const scored = scoreCompletion({ answer, tokens: ids.length, tokenIds: Uint32Array.from(ids) }, row, rewards);
    for (const [name, value] of Object.entries(theirs)) {
      const ours = scored.rewards[name] ?? null;
      // Neither has a value where the rule does not apply to the row.
      if (ours === null && value === null) continue;
      agree(`${what}, step ${step}, ${id}, ${name}`, ours ?? NaN, value ?? NaN, NEAR.reward);
    }
    agree(`${what}, step ${step}, ${id}, reward`, scored.reward ?? 0, reward ?? 0, NEAR.reward);
  }
  if (new Set(found.map(({ reward }) => reward)).size < 2)
    faults.push(`${what}: all completions have one reward, which shows nothing`);
  const log = logOf(folder);
  for (const { step, reward } of log) {
    const mine = found.filter((each) => each.step === step);
    agree(
      `${what}, step ${step}, mean reward`,
      mine.reduce((sum, each) => sum + (each.reward ?? 0), 0) / mine.length,
      reward!,
      1e-5,
    );
  }
  const wanted = stage.maxSteps * stage.promptsPerStep * stage.numGenerations;
  if (found.length !== wanted || log.length !== stage.maxSteps)
    faults.push(
      `${what}: ${found.length} completions in ${log.length} steps, ${wanted} in ${stage.maxSteps} were asked for`,
    );
  say(
    `${what}: ${found.length} completions scored as there; mean rewards ${log.map(({ reward }) => reward!.toFixed(4)).join(', ')}`,
  );
}

async function main(): Promise<number> {
  if (python === null) {
    say('Skipped: there is no Python with trl, peft, accelerate and datasets. Set PYTHON to one that has them.');
    return 0;
  }
  registerDecoder(nodeDecode);
  const root = mkdtempSync(join(tmpdir(), 'groundwork-jobs-'));
  const data = fewRows();
  const session = new EngineSession({
    openGpu: () => Promise.reject(new Error('writing a job needs no GPU')),
    fetchFile: () => Promise.reject(new Error('files are read from disk')),
    emit: () => undefined,
  });
  const read = (name: string) => JSON.parse(readFileSync(join(STARTER, name), 'utf8')) as Record<string, unknown>;
  const model = {
    id: STARTER,
    config: read('config.json'),
    preprocessor: read('preprocessor_config.json'),
    processor: null,
  };
  try {
    const dataset = await session.handle({
      type: 'open-dataset',
      name: 'rows',
      files: data,
      options: { split: 'files' },
    });
    const logs = new Map<string, Logged[]>();
    for (const kind of ['sft', 'grpo'] as const)
      for (const processes of [1, 2]) {
        const folder = join(root, `${kind}-${processes}`);
        const recipe = planOf(kind);
        await writeFiles(folder, await session.jobFiles({ engine: 'trl', dataset: dataset.id, recipe, model }));
        runJob(folder, `${kind}.py`, processes);
        const what = `${kind} on ${processes} ${processes === 1 ? 'process' : 'processes'}`;
        logs.set(what, logOf(folder));
        if (kind === 'sft')
          compareSteps(what, await runHere(folder, recipe, data), logOf(folder), [
            'loss',
            'grad_norm',
            'learning_rate',
          ]);
        else await compareRewards(what, folder, session, dataset, recipe);
      }
    compareSteps('sft, one process and two', logs.get('sft on 1 process')!, logs.get('sft on 2 processes')!, [
      'loss',
      'grad_norm',
    ]);
  } finally {
    await session.destroy();
    rmSync(root, { recursive: true, force: true });
  }
  for (const fault of faults.slice(0, 20)) say(`  ${fault}`);
  say(faults.length ? `${faults.length} values do not agree.` : 'All agree.');
  return faults.length ? 1 : 0;
}

runCommand(main);
