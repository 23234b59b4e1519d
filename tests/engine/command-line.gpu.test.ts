/** `npm run demo` as people run it, on models of their own: a folder, an id on a Hub, and a run that was killed. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { filesUnder } from '../../src/cli/node-files.ts';
import { nodeFileStore } from '../../src/cli/node-file-store.ts';
import { writeSynthetic } from '../../src/cli/synthetic-folder.ts';
import type { RunRecord } from '../../src/engine/protocol/records.ts';
import { storageInFiles } from '../../src/store/storage.ts';
import {
  evaluateStage,
  grpoStage,
  lora,
  mergeStage,
  optimizer,
  sampling,
  sftStage,
} from '../../src/train/stages/index.ts';
import { startHub } from '../store/hub-server.ts';
import { fewRows } from './few-rows.ts';

const house = mkdtempSync(join(tmpdir(), 'groundwork-demo-'));
const at = (path: string) => join(house, path);

/** A checkpoint of a small golden case's shape with other weights, as `npm run random-weights` writes published shapes. */
async function randomWeights(of: string, out: string): Promise<void> {
  const checkpoint = fileURLToPath(new URL(`../golden/${of}/checkpoint`, import.meta.url));
  const config = JSON.parse(readFileSync(`${checkpoint}/config.json`, 'utf8')) as Record<string, unknown>;
  await writeSynthetic({ id: of, parameters: 0, config }, out, {
    seed: 3,
    textFrom: checkpoint,
    maxShardBytes: 60_000,
  });
}

beforeAll(async () => {
  for (const { path, file } of await fewRows()) {
    mkdirSync(dirname(at(`data/${path}`)), { recursive: true });
    writeFileSync(at(`data/${path}`), new Uint8Array(await file.arrayBuffer()));
  }
  const trained = {
    lora: lora(4, 8),
    optimizer: optimizer(1e-2, 0, 'constant'),
    perDeviceTrainBatchSize: 1,
    maxLength: 0,
  };
  const short = { gradientAccumulationSteps: 1, gradientCheckpointing: false } as const;
  const stages = [
    sftStage({ ...trained, ...short, maxSteps: 1 }),
    mergeStage(),
    sftStage({ ...trained, ...short, maxSteps: 3 }),
    evaluateStage({ name: 'after', limit: 1, maxCompletionLength: 4 }),
  ];
  writeFileSync(at('recipe.json'), JSON.stringify({ name: 'short', seed: 5, stages }));
});
afterAll(() => rmSync(house, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly text: string;
}

/** @param watch gets all that was printed so far, and the way to end the process at once */
function demo(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  watch: (text: string, kill: () => void) => void = () => undefined,
): Promise<Ended> {
  const fixed = ['--data', at('data'), '--recipe', at('recipe.json')];
  const child = spawn(process.execPath, ['--import', './scripts/register.mjs', 'src/cli/demo.ts', ...fixed, ...args], {
    env: { ...process.env, ...environment },
  });
  let text = '';
  const take = (chunk: Buffer) => {
    text += chunk.toString();
    watch(text, () => child.kill('SIGKILL'));
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, text })));
}

const weightsIn = async (folder: string): Promise<Buffer> => {
  const files = (await filesUnder(folder)).filter(({ path }) => path.endsWith('.safetensors'));
  return Buffer.concat(await Promise.all(files.map(async ({ file }) => Buffer.from(await file.arrayBuffer()))));
};

test('a folder: trained, evaluated, and written as a checkpoint of the same files', async () => {
  await randomWeights('qwen3_vl/one-image', at('model'));
  const { code, text } = await demo(['--model', at('model'), '--out', at('folder')]);
  expect(code, text).toBe(0);
  expect(text).toMatch(/after +1 /);
  const paths = async (folder: string) => (await filesUnder(folder)).map(({ path }) => path);
  expect((await paths(at('model'))).filter((path) => path.endsWith('.safetensors')).length).toBeGreaterThan(1);
  // The same files, and a card that says what they are.
  expect((await paths(at('folder/merged'))).toSorted()).toEqual(
    ['README.md', ...(await paths(at('model')))].toSorted(),
  );
  expect((await weightsIn(at('folder/merged'))).equals(await weightsIn(at('model')))).toBe(false);
  const adapter = JSON.parse(readFileSync(at('folder/adapter/adapter_config.json'), 'utf8')) as object;
  expect(adapter).toMatchObject({ base_model_name_or_path: 'model' });
});

test('an id and a revision: fetched from the Hub, and named in the adapter', async () => {
  await randomWeights('qwen2_vl/one-image', at('published'));
  const hub = await startHub();
  try {
    const files = await filesUnder(at('published'));
    const contents = await Promise.all(
      files.map(async ({ path, file }) => [path, new Uint8Array(await file.arrayBuffer())] as const),
    );
    hub.add('org/tiny', Object.fromEntries(contents));
    const environment = { HF_ENDPOINT: hub.endpoint, HF_TOKEN: '', GROUNDWORK_CACHE: at('cache') };
    const { code, text } = await demo(['--model', 'org/tiny@v1.0', '--out', at('hub')], environment);
    expect(code, text).toBe(0);
    expect(hub.seen.some(({ path }) => path.includes('v1.0'))).toBe(true);
    const adapter = JSON.parse(readFileSync(at('hub/adapter/adapter_config.json'), 'utf8')) as object;
    expect(adapter).toMatchObject({ base_model_name_or_path: 'org/tiny' });
  } finally {
    await hub.close();
  }
});

test('a run on a 4-bit base that was killed is gone on with on the same base, to the same adapter', async () => {
  await randomWeights('qwen2_5_vl/one-image', at('base'));
  const start = ['--model', at('base'), '--storage', 'int4'];
  const whole = await demo([...start, '--out', at('whole')]);
  expect(whole.code, whole.text).toBe(0);

  const { records } = storageInFiles(nodeFileStore(at('killed/run')));
  let watching = false;
  const killed = await demo([...start, '--out', at('killed')], {}, (text, kill) => {
    if (watching || !text.includes('2/4 merge')) return;
    watching = true;
    // The merge is on disk when the record says so.
    const look = setInterval(() => {
      // A file may go while the list of them is read.
      const runs = records.all<RunRecord>('runs').catch((): RunRecord[] => []);
      void runs.then(([run]) => {
        if (!run || run.step < 1) return;
        clearInterval(look);
        kill();
      });
    }, 5);
  });
  expect(killed.code).not.toBe(0);
  const resumed = await demo(['--model', at('base'), '--out', at('killed'), '--resume']);
  expect(resumed.code, resumed.text).toBe(0);
  expect(resumed.text).toMatch(/Resuming the run of .*, after step [1-4]/);
  expect(resumed.text).toContain('held as int4');
  expect((await weightsIn(at('killed/adapter'))).equals(await weightsIn(at('whole/adapter')))).toBe(true);
});

test('a plan that carries code of its own is shown and refused; allowed, its reward is in what the run tells', async () => {
  await randomWeights('qwen3_vl/one-image', at('small'));
  const rewardCode = 'function reward(completion) { return completion.tokens % 3; }';
  const stage = grpoStage({
    lora: lora(4, 8),
    maxSteps: 1,
    promptsPerStep: 1,
    numGenerations: 3,
    sampling: sampling(6),
    rewardCode,
    rewardWeights: { ...grpoStage().rewardWeights, own: 1 },
  });
  writeFileSync(at('coded.json'), JSON.stringify({ name: 'coded', seed: 5, stages: [stage] }));
  const args = ['--model', at('small'), '--recipe', at('coded.json'), '--out', at('coded')];
  const refused = await demo(args);
  expect(refused.code).toBe(2);
  expect(refused.text).toContain(rewardCode);
  expect(refused.text).toContain('--allow-code');
  const allowed = await demo([...args, '--allow-code']);
  expect(allowed.code, allowed.text).toBe(0);
  const { records } = storageInFiles(nodeFileStore(at('coded/run')));
  const [run] = await records.all<RunRecord>('runs');
  const told = (await records.log(run!.id)).flatMap(({ entries }) => entries as readonly object[]);
  const group = told.find((event) => (event as { type?: string }).type === 'group') as {
    readonly completions: readonly { readonly tokens: number; readonly rewards: Readonly<Record<string, number>> }[];
  };
  expect(group.completions.map(({ rewards }) => rewards['own'])).toEqual(
    group.completions.map(({ tokens }) => tokens % 3),
  );
});
