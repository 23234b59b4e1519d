/** README.md of a job: what runs in which order, what it needs, and where TRL means something else than the studio. */
import type { JobSource, PlacedStage } from '../job.ts';
import { VERSIONS } from './versions.ts';

const GENERAL = [
  'TRL computes in bfloat16 on a GPU that has it, else in float32. The studio computes in float32 over weights of 16 bits or fewer. Losses agree to about three digits, not to the last.',
  'A step is the same set of rows on any number of processes: the scripts divide it and refuse a number that does not divide it.',
  'Advantages, clips, KL and averages are TRL’s own, which the studio follows: standard deviation with n − 1, plus 1e-4; no second clip; KL as k3, times the ratio if the plan says so.',
  'Pictures are opened by Pillow, turned as their EXIF says and resized by transformers within the limits of job.json. Each script looks at one row first and stops if a size is another than the boxes were written for.',
];

export function readmeOf({ model, recipe, dataset }: JobSource, stages: readonly PlacedStage[]): string {
  const differing = stages.filter(({ differences }) => differences.length > 0);
  return `# A plan of Groundwork as a job for TRL

Plan: ${recipe.name}, seed ${recipe.seed}. Model: ${model.id}. Dataset: ${dataset}.

## What it needs

Python 3.10 or newer, and \`pip install -r requirements.txt\` (with the build of PyTorch that fits the GPU; pictures are resized by Pillow, as in the studio). The job was written for ${Object.entries(
    VERSIONS,
  )
    .map(([name, version]) => `${name} ${version}`)
    .join(
      ', ',
    )}. It carries no credentials: for a model behind a login, log in on the machine that runs it. vLLM is optional.

## How it runs

    sh run.sh                                                                    # one GPU, or none
    LAUNCH="accelerate launch --config_file accelerate/several-gpus.yaml --num_processes 8" sh run.sh
    LAUNCH="torchrun --nproc_per_node 8" sh run.sh                               # the same by torchrun

Several machines share this folder. On each of them, with its own rank:

    export MACHINE_RANK=0   # 1, 2, … on the others
    LAUNCH="accelerate launch --config_file accelerate/several-machines.yaml --num_machines 2 --num_processes 16 --machine_rank $MACHINE_RANK --main_process_ip FIRST_MACHINE --main_process_port 29500" sh run.sh

Models that do not fit on one GPU: add \`--use_deepspeed --zero_stage 3\` to \`accelerate launch\` (and install deepspeed).

A job that is interrupted goes on when the line is run again: training from its last checkpoint, sampling from the answers that were written. With vLLM, run the scripts of sampling and reinforcement with \`--vllm\`.

## What runs in which order

${stages
  .map(
    ({ name, script, stage }, i) => `${i + 1}. \`python ${script} stages/${name}.json\`: ${stage.name} (${stage.kind})`,
  )
  .join('\n')}

Results: \`results/\` has completions, kept rows, predictions and reports. \`work/NAME/\` has each stage's adapter, merged weights and \`trainer_state.json\`. Predictions open under Scores in the studio.

## Where TRL means something else

${GENERAL.map((line) => `- ${line}`).join('\n')}
${differing
  .map(({ name, differences }) => `\n### ${name}\n\n${differences.map((line) => `- ${line}`).join('\n')}`)
  .join('\n')}
`;
}
