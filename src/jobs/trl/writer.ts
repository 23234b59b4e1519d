/** A plan as scripts for TRL: a script a kind of stage, a file of settings a stage, and what runs them in order. */
import { digestOf } from '../digest.ts';
import { descriptorOf } from '../../train/stages/index.ts';
import type { GrpoStage } from '../../train/recipe.ts';
import type { OutputFile } from '../../train/checkpoint-folder.ts';
import { requirePlain, type EngineWriter, type JobModel, type JobSource, type PlacedStage } from '../job.ts';
import { rewardsModule } from '../rewards/module.ts';
import back from './back.py';
import common from './common.py';
import dpo from './dpo.py';
import evaluate from './evaluate.py';
import grpo from './grpo.py';
import kto from './kto.py';
import merge from './merge.py';
import { readmeOf } from './readme.ts';
import reject from './reject.py';
import sampling from './sampling.py';
import {
  backSettings,
  dpoSettings,
  evaluateSettings,
  grpoSettings,
  ktoSettings,
  mergeSettings,
  rejectionSettings,
  sftSettings,
} from './settings.ts';
import sft from './sft.py';
import { VERSIONS } from './versions.ts';

const SCRIPTS: Readonly<Record<string, string>> = {
  'back.py': back,
  'dpo.py': dpo,
  'evaluate.py': evaluate,
  'grpo.py': grpo,
  'kto.py': kto,
  'merge.py': merge,
  'reject.py': reject,
  'sft.py': sft,
};

/** Scripts of which one process is enough. */
const ALONE = new Set(['merge.py', 'back.py']);

export const trl: EngineWriter = {
  name: 'TRL',
  stages: {
    sft: sftSettings,
    merge: mergeSettings,
    back: backSettings,
    synthesise: {
      refused: 'It writes thoughts with a teacher or the model itself, and TRL has no such trainer.',
    },
    distill: {
      refused: 'TRL’s SDFT and SDPO know no pictures: their teacher’s prompt is text alone.',
    },
    rejection: rejectionSettings,
    grpo: grpoSettings,
    dpo: dpoSettings,
    kto: ktoSettings,
    evaluate: evaluateSettings,
  },
  files(source, stages) {
    const used = new Set(stages.map(({ script }) => script));
    const requirements = Object.entries(VERSIONS).map(([name, version]) => `${name}==${version}\n`);
    const text = (path: string, data: string): OutputFile => ({ path, data });
    return [
      text('README.md', readmeOf(source, stages)),
      text(
        'requirements.txt',
        `${requirements.join('')}# Processors of transformers want torchvision for videos. No job has any, and the scripts do without.\n`,
      ),
      text('job.json', json(jobOf(source))),
      text('plan.json', json(source.recipe)),
      text('rewards.py', rewardsModule(source.model.convention, stages.flatMap(rewardsOf))),
      text('common.py', common),
      text('sampling.py', sampling),
      ...Object.entries(SCRIPTS).flatMap(([path, data]) => (used.has(path) ? [text(path, data)] : [])),
      ...stages.map((stage) => text(`stages/${stage.name}.json`, json(stageOf(stage)))),
      text('accelerate/one-gpu.yaml', accelerate({ distributed_type: 'NO', num_processes: 1 })),
      text('accelerate/several-gpus.yaml', accelerate({ distributed_type: 'MULTI_GPU', num_processes: 8 })),
      text(
        'accelerate/several-machines.yaml',
        accelerate({ distributed_type: 'MULTI_GPU', num_processes: 16, num_machines: 2 }),
      ),
      // MULTI_CPU would need MPI; this starts processes by torchrun, and common.py keeps them on the CPU (gloo).
      text('accelerate/two-cpus.yaml', accelerate({ distributed_type: 'MULTI_GPU', num_processes: 2 })),
      text('run.sh', runOf(stages)),
    ];
  },
};

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

const jobOf = ({ model, recipe, dataset }: JobSource) => ({
  engine: 'trl',
  versions: VERSIONS,
  model: requirePlain(model.id),
  seed: recipe.seed,
  ...picturesOf(model),
  end_of_turn: model.convention.family === 'smolvlm' ? '<end_of_utterance>' : '<|im_end|>',
  dataset,
  plan_digest: digestOf(recipe),
});

/** How the family sees pictures, as a processor of transformers is told. */
function picturesOf({ sizes }: JobModel) {
  const { longestEdge, imageSplitting } = sizes.limits;
  if (sizes.limitedBy.by === 'tiles') return { pixels: { edge: longestEdge, tiles: imageSplitting }, patch: null };
  const size = sizes.modelSize({ width: 448, height: 448 });
  return {
    pixels: { min: sizes.limits.minPixels, max: sizes.limits.maxPixels },
    patch: size.width / sizes.gridOf(size).width,
  };
}

const stageOf = ({ name, stage, script, settings, rows }: PlacedStage) => ({
  name,
  kind: stage.kind,
  script,
  reads: descriptorOf(stage).reads,
  settings,
  rows,
});

const rewardsOf = ({ name, stage }: PlacedStage) =>
  stage.kind === 'grpo'
    ? [{ stage: name, choice: stage as GrpoStage, limit: (stage as GrpoStage).sampling.maxCompletionLength }]
    : [];

const accelerate = (own: Readonly<Record<string, string | number | boolean>>): string =>
  `${Object.entries({
    compute_environment: 'LOCAL_MACHINE',
    num_machines: 1,
    machine_rank: 0,
    main_training_function: 'main',
    rdzv_backend: 'static',
    same_network: true,
    mixed_precision: 'no',
    ...own,
  })
    // YAML reads a bare NO as false.
    .map(([key, value]) => `${key}: ${typeof value === 'string' ? `'${value}'` : String(value)}`)
    .join('\n')}\n`;

/** Stages in order. A stage that is done is not done again; on several machines one merges and the others wait. */
const runOf = (stages: readonly PlacedStage[]): string =>
  `#!/bin/sh
# Runs the stages of this job in order. LAUNCH says how a script is started; MACHINE_RANK which of several machines this is.
set -eu
cd "$(dirname "$0")"
mkdir -p work results
launch=\${LAUNCH:-python}
rank=\${MACHINE_RANK:-0}
many() {
  if [ ! -e "work/$2.done" ]; then
    $launch "$1" "stages/$2.json"
    touch "work/$2.done"
  fi
}
alone() {
  if [ "$rank" = 0 ] && [ ! -e "work/$2.done" ]; then
    python "$1" "stages/$2.json"
    touch "work/$2.done"
  fi
  until [ -e "work/$2.done" ]; do sleep 5; done
}
${stages.map(({ script, name }) => `${ALONE.has(script) ? 'alone' : 'many'} ${script} ${name}`).join('\n')}
`;
