/**
 * Compiles every kernel of a training step and of decoding on the device that is open, one at a time, between marks on
 * standard error, where the driver prints what it made of each. Written to the file named: what each program dispatches.
 * Runs under tools/gpu-model/main.ts, which sets the driver up; nothing here waits for a result of the device.
 *
 *     compile.ts OUT.json MODEL PROFILE FORMAT TOKENS
 */
import { writeFileSync, writeSync } from 'node:fs';
import { openNodeGpu } from '../../src/cli/node-gpu.ts';
import { findPublished } from '../../src/engine/model/published.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { KernelCache } from '../../src/gpu/kernel.ts';
import type { Dispatch, Program } from '../../src/gpu/program.ts';
import { isProfile } from '../../src/gpu/tuning.ts';
import { parseArchitecture } from '../../src/models/load.ts';
import type { WeightDType } from '../../src/models/weights.ts';
import { askForKernels } from '../../src/train/memory-plan.ts';
import type { Stage } from '../../src/train/recipe.ts';
import { grpoStage, lora, sampling, sftStage } from '../../src/train/stages/index.ts';

/** One kind of dispatch of a program: a kernel at one size. */
export interface Counted {
  /** As the pipeline is labelled. */
  readonly kernel: string;
  readonly count: number;
  readonly groups: readonly [number, number, number];
  /** Of a workgroup. */
  readonly invocations: number;
  readonly multiplyAdds: number;
  /** Bytes of all that is bound, each tensor once. */
  readonly bytes: number;
}

export interface Compiled {
  readonly device: string;
  readonly profile: string;
  readonly matrix: Gpu['matrix'];
  readonly subgroupSize: number;
  readonly programs: readonly { readonly label: string; readonly dispatches: readonly Counted[] }[];
}

const [out, model, profile, format, tokens] = process.argv.slice(2) as [string, string, string, WeightDType, string];

/** Every pipeline in turn, so that what the driver prints between two marks is of one kernel. */
function marked(device: GPUDevice): void {
  const create = device.createComputePipelineAsync.bind(device);
  let turn: Promise<unknown> = Promise.resolve();
  device.createComputePipelineAsync = (descriptor) => {
    const made = turn.then(async () => {
      writeSync(2, `\n@@BEGIN ${descriptor.label}\n`);
      try {
        return await create(descriptor);
      } finally {
        writeSync(2, '\n@@END\n');
      }
    });
    turn = made.catch(() => {});
    return made;
  };
}

const invocationsOf = (code: string): number =>
  /@workgroup_size\(([^)]*)\)/
    .exec(code)![1]!
    .split(',')
    .reduce((product, size) => product * Number(size.trim().replace(/u$/, '')), 1);

/** A gather reads of its matrix only the rows that it writes. */
function bytesOf({ kernel, tensors }: Dispatch): number {
  const each = [...new Set(tensors)].map(({ bytes }) => bytes);
  if (kernel.name.startsWith('gather/')) return 2 * (each.toSorted((a, b) => a - b).at(-2) ?? each[0] ?? 0);
  return each.reduce((sum, bytes) => sum + bytes, 0);
}

function counted(program: Program): Compiled['programs'][number] {
  const kinds = new Map<string, { -readonly [K in keyof Counted]: Counted[K] }>();
  for (const command of program.commands) {
    if (command.type !== 'dispatch') continue;
    const { kernel, groups, multiplyAdds } = command;
    const bytes = bytesOf(command);
    const key = [kernel.pipeline.label, groups, multiplyAdds, bytes].join(' ');
    const known = kinds.get(key);
    if (known) known.count++;
    else
      kinds.set(key, {
        kernel: kernel.pipeline.label,
        count: 1,
        groups,
        invocations: invocationsOf(kernel.code),
        multiplyAdds,
        bytes,
      });
  }
  return { label: program.label, dispatches: [...kinds.values()] };
}

/** Rows of T tokens and no picture: what costs is the decoder. */
const stages: readonly Stage[] = [
  sftStage({ lora: lora(16), maxSteps: 1, perDeviceTrainBatchSize: 1, gradientAccumulationSteps: 1, maxLength: 0 }),
  grpoStage({ lora: lora(16), maxSteps: 1, promptsPerStep: 1, numGenerations: 8, sampling: sampling(256) }),
];

async function main(): Promise<void> {
  const opened = await openNodeGpu({
    toggles: ['disable_workgroup_init', 'allow_unsafe_apis'],
    onError: (message) => console.error(message),
  });
  opened.lost.then(({ message }) => console.error(`@@LOST ${message}`)).catch(() => {});
  if (!isProfile(profile)) throw new Error(`no profile is called ${profile}`);
  const gpu: Gpu = { ...opened, profile };
  marked(gpu.device);
  const kernels = new KernelCache(gpu);
  const architecture = parseArchitecture(findPublished(model)!.config);
  const programs: Program[] = [];
  const none = { height: 0, width: 0 };
  const longest = {
    promptTokens: Number(tokens) - 256,
    featureRows: 0,
    targetTokens: 256,
    patches: none,
    leastPatches: none,
    picturesInRow: 0,
    picturesInAll: 0,
  };
  askForKernels(kernels, { architecture, recipe: { stages }, longest, gpu, dtype: format }, (p) => programs.push(p));
  await kernels.ready();
  const { name, matrix, subgroupSize } = gpu;
  const compiled: Compiled = { device: name, profile, matrix, subgroupSize, programs: programs.map(counted) };
  writeFileSync(out, JSON.stringify(compiled));
}

await main();
// The device never finishes anything, so nothing is waited for.
process.exit(0);
