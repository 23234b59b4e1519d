/** A stage in one plain sentence, and what speaks against a plan before it is run. */
import type { Recipe, Stage } from '../../engine/protocol/index.ts';
import { rewardFaults } from '../../engine/presets.ts';
import { plural } from '../ui/format.ts';

export function describeStage(stage: Stage): string {
  switch (stage.kind) {
    case 'evaluate':
      return `Answers ${stage.limit > 0 ? `up to ${plural(stage.limit, 'held-out row')}` : 'every held-out row'} and counts boxes that overlap enough.`;
    case 'sft': {
      const rows = stage.perDeviceTrainBatchSize * stage.gradientAccumulationSteps;
      const length = stage.maxSteps > 0 ? plural(stage.maxSteps, 'step') : plural(stage.numTrainEpochs, 'epoch');
      return `Learns the dataset's own answers for ${length} of ${plural(rows, 'row')}, rank ${stage.lora.r}, learning rate ${small(stage.optimizer.learningRate)}.`;
    }
    case 'merge':
      return 'Folds the adapter into the weights; what follows starts from there, and compares itself with it.';
    case 'rejection':
      return `Samples ${stage.numGenerations} answers to ${stage.limit > 0 ? `up to ${plural(stage.limit, 'prompt')}` : 'every training prompt'}; keeps those solved more than ${percent(stage.minSuccess)} and less than ${percent(stage.maxSuccess)} of the time.`;
    case 'grpo':
      return `${plural(stage.maxSteps, 'step')} of ${plural(stage.promptsPerStep, 'prompt')} × ${stage.numGenerations} completions, each scored by rules, rank ${stage.lora.r}, learning rate ${small(stage.optimizer.learningRate)}.`;
  }
}

/** Small rates as 2e-3, whose hyphen must not end a line. */
const small = (x: number) => (x > 0 && x < 0.01 ? x.toExponential().replace('-', '\u2011') : String(x));
const percent = (x: number) => `${Math.round(x * 100)} %`;

export interface Advice {
  readonly stage: number | null;
  readonly severity: 'error' | 'warning';
  readonly text: string;
}

export function advise(recipe: Recipe): Advice[] {
  const advice: Advice[] = [];
  const say = (stage: number | null, severity: Advice['severity'], text: string) =>
    void advice.push({ stage, severity, text });
  if (recipe.stages.length === 0) say(null, 'error', 'The plan is empty. Add a stage, or start from a preset.');
  let adapterOpen = false;
  recipe.stages.forEach((stage, i) => {
    if (stage.kind === 'merge') {
      if (!adapterOpen)
        say(i, 'error', 'There is no adapter to merge at this point. Put it after a supervised or GRPO stage.');
      adapterOpen = false;
    }
    if ((stage.kind === 'sft' || stage.kind === 'grpo') && adapterOpen)
      say(
        i,
        'error',
        stage.kind === 'grpo'
          ? 'An adapter is still open. Merge it first: otherwise the reference for KL is the untrained base, not the model you just taught.'
          : 'An adapter is still open. Merge it first: the next one learns on top of it.',
      );
    if (stage.kind === 'grpo') {
      if (stage.numGenerations < 2)
        say(i, 'error', 'A group needs at least 2 completions: an advantage compares them.');
      for (const fault of rewardFaults(stage, stage.sampling)) say(i, 'error', fault);
      if (stage.sampling.temperature === 0)
        say(i, 'error', 'At temperature 0 all completions of a group are the same, and every advantage is 0.');
      if (stage.lora.loraDropout > 0)
        say(
          i,
          'warning',
          'Dropout is switched off in reinforcement: completions share their prompt, and dropout would make that inexact.',
        );
      if (stage.lossType === 'grpo')
        say(
          i,
          'warning',
          'The grpo average favours short completions; lengths tend to shrink. dapo and dr_grpo do not.',
        );
    }
    if (stage.kind === 'rejection') {
      if (stage.minSuccess >= stage.maxSuccess)
        say(i, 'error', 'No success rate lies between these bounds; every prompt would be set aside.');
      if (stage.sampling.temperature === 0)
        say(i, 'warning', 'At temperature 0 all samples of a prompt are the same: success is all or nothing.');
    }
    if (stage.kind === 'sft' && stage.maxSteps === 0 && stage.numTrainEpochs === 0)
      say(i, 'error', 'Steps and epochs are both 0; one of them has to say how long to train.');
    if (stage.kind === 'sft' || stage.kind === 'grpo') adapterOpen = true;
  });
  return advice;
}
