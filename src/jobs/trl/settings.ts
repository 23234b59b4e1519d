/** Stages in TRL's, PEFT's and transformers' own settings, and where these mean something else. */
import { lossOf } from '../../train/losses/index.ts';
import { defaultValues } from '../../train/setting.ts';
import { VISION_MODULES } from '../../train/peft-targets.ts';
import type {
  BackStage,
  DpoStage,
  EvaluateStage,
  GrpoStage,
  KtoStage,
  LoraSettings,
  OptimizerSettings,
  RejectionStage,
  SftStage,
} from '../../train/recipe.ts';
import type { JobStage, StagePlace } from '../job.ts';
import { unable } from '../refusal.ts';

type Settings = Readonly<Record<string, unknown>>;

/** PEFT's LoraConfig. */
const loraOf = ({ r, loraAlpha, loraDropout, useRslora, targetModules, excludeModules }: LoraSettings): Settings => ({
  r,
  lora_alpha: loraAlpha,
  lora_dropout: loraDropout,
  use_rslora: useRslora,
  target_modules: targetModules,
  exclude_modules: excludeModules ?? VISION_MODULES,
  task_type: 'CAUSAL_LM',
});

const optimizerOf = (o: OptimizerSettings): Settings => ({
  learning_rate: o.learningRate,
  lr_scheduler_type: o.lrSchedulerType,
  // Below 1 it is a share of all steps.
  warmup_steps: o.warmupRatio,
  weight_decay: o.weightDecay,
  max_grad_norm: o.maxGradNorm,
  adam_beta1: o.adamBeta1,
  adam_beta2: o.adamBeta2,
  adam_epsilon: o.adamEpsilon,
});

const lengthOf = ({ maxSteps, numTrainEpochs }: Pick<SftStage, 'maxSteps' | 'numTrainEpochs'>): Settings => ({
  max_steps: maxSteps > 0 ? maxSteps : -1,
  num_train_epochs: numTrainEpochs,
});

const SHARED = [
  'The adapter begins with other random values (PEFT draws them), so curves agree in kind, not digit for digit.',
];
const ORDER =
  'Rows come in the order of the job’s own file, which is drawn once; the studio draws a new order for every pass. A pass whose rows are no multiple of the batch ends in a short batch here and there alike.';
const heldoutWords = ({ heldout, evalSteps = 0 }: { heldout: SftStage['heldout']; evalSteps?: number }): string[] =>
  heldout.every > 0 || evalSteps > 0
    ? ['Held-out rows are not measured while it trains. The evaluation stages measure them before and after.']
    : [];

export function sftSettings(stage: SftStage, { name }: StagePlace): JobStage {
  if (stage.onlyThoughts)
    throw unable(
      `${name} learns only from thoughts that the run itself wrote, and TRL writes none.`,
      'Take the setting out, or write the thoughts before (npm run demo), and give the rows with them.',
    );
  return {
    script: 'sft.py',
    settings: {
      rows_a_step: stage.perDeviceTrainBatchSize * stage.gradientAccumulationSteps,
      rows_a_pass: stage.perDeviceTrainBatchSize,
      max_length: stage.maxLength > 0 ? stage.maxLength : null,
      lora: loraOf(stage.lora),
      trainer: {
        ...optimizerOf(stage.optimizer),
        ...lengthOf(stage),
        gradient_checkpointing: stage.gradientCheckpointing,
        completion_only_loss: true,
        packing: false,
        max_length: null,
        train_sampling_strategy: 'sequential',
      },
    },
    differences: [
      ...SHARED,
      ORDER,
      ...heldoutWords(stage),
      `${name}: only the last answer of a conversation is learned. TRL takes prompt and completion for models with pictures; the studio also learns earlier answers.`,
      'TRL cuts rows at max_length, through pictures if it must. Here it is off, and sft.py leaves longer rows out and counts them, as the studio does.',
    ],
  };
}

/** What TRL has no counterpart for, in order; null where all is well. */
function grpoFault(stage: GrpoStage): string | null {
  if (stage.lossType === 'gmpo') return 'the loss gmpo';
  if ((stage.importanceSamplingLevel ?? 'token') === 'sequence_token') return 'a ratio of whole completions by token';
  if ((stage.advantageEstimator ?? 'grpo') !== 'grpo')
    return `the advantage ${stage.advantageEstimator} with the GRPO loss`;
  if ((stage.difficultyWeight ?? 'none') !== 'none') return 'weights for hard prompts';
  if ((stage.maxResamples ?? 0) > 0) return 'groups that are sampled again';
  if ((stage.replayBufferSize ?? 0) > 0) return 'a replay buffer (its own is experimental)';
  return null;
}

function lossSettingsOf({ lossType, lossSettings }: GrpoStage): Settings {
  const { settings } = lossOf(lossType);
  if (!settings) return {};
  const given = (lossSettings as Readonly<Record<string, object | undefined>> | undefined)?.[lossType];
  const values = { ...defaultValues(settings), ...given } as Readonly<Record<string, number>>;
  return Object.fromEntries(Object.entries(settings).flatMap(([key, { trl }]) => (trl ? [[trl, values[key]]] : [])));
}

export function grpoSettings(stage: GrpoStage, { name }: StagePlace): JobStage {
  const fault = grpoFault(stage);
  if (fault !== null)
    throw unable(`TRL’s GRPOTrainer has no counterpart for ${fault} (${name}).`, 'Change the setting in the plan.');
  const { sampling, numIterations } = stage;
  const adaptive = stage.useAdaptiveEntropy ?? false;
  return {
    script: 'grpo.py',
    settings: {
      prompts_a_step: stage.promptsPerStep,
      lora: { ...loraOf(stage.lora), lora_dropout: 0 },
      trainer: {
        ...optimizerOf(stage.optimizer),
        max_steps: stage.maxSteps * numIterations,
        num_generations: stage.numGenerations,
        num_iterations: numIterations,
        temperature: sampling.temperature,
        top_p: sampling.topP,
        top_k: sampling.topK,
        max_completion_length: sampling.maxCompletionLength,
        loss_type: stage.lossType,
        epsilon: stage.epsilon,
        epsilon_high: stage.epsilonHigh,
        beta: stage.beta,
        use_bias_correction_kl: stage.useBiasCorrectionKl,
        delta: stage.delta ? stage.delta : null,
        importance_sampling_level: stage.importanceSamplingLevel ?? 'token',
        top_entropy_quantile: stage.topEntropyQuantile ?? 1,
        off_policy_mask_threshold: stage.offPolicyMaskThreshold ? stage.offPolicyMaskThreshold : null,
        scale_rewards: stage.scaleRewards,
        multi_objective_aggregation: stage.multiObjectiveAggregation ?? 'sum_then_normalize',
        mask_truncated_completions: stage.maskTruncatedCompletions,
        entropy_coef: stage.entropyCoef,
        use_adaptive_entropy: adaptive,
        ...(adaptive && {
          entropy_coef_min: stage.entropyCoefMin,
          entropy_coef_max: stage.entropyCoefMax,
          entropy_coef_delta: stage.entropyCoefDelta,
          entropy_target: stage.entropyTarget,
        }),
        ...lossSettingsOf(stage),
        gradient_checkpointing: stage.gradientCheckpointing,
        shuffle_dataset: false,
      },
    },
    differences: [
      ...SHARED,
      'Prompts come in a new order for every pass, here and there; the orders are others.',
      ...heldoutWords(stage),
      'The reference policy is the model with its adapter off, here and there: the job merges the adapter of the stage before, so beta means the same.',
      ...(stage.lossType === 'bnpo'
        ? [
            'bnpo averages over a micro-batch in TRL and over the whole step in the studio. They agree where one pass holds the step: prompts_a_step · num_generations rows a device.',
          ]
        : []),
      ...(stage.lora.loraDropout > 0
        ? ['lora_dropout is 0 here, as it is in the studio’s reinforcement learning whatever the plan says.']
        : []),
      'With vLLM (--vllm) TRL corrects for the sampler’s own probabilities (vllm_importance_sampling_correction, mode sequence_mask, cap 3). The studio samples with the weights that it trains. Without --vllm they mean the same.',
      'TRL hands completions to rewards without special tokens. rewards.py decodes them anew, with box tokens, as the studio reads them.',
    ],
  };
}

const preference = (stage: DpoStage | KtoStage): Settings => ({
  rows_a_step: stage.perDeviceTrainBatchSize,
  rows_a_pass: 1,
  max_completion_length: stage.maxCompletionLength,
  lora: { ...loraOf(stage.lora), lora_dropout: 0 },
});

const preferenceTrainer = (stage: DpoStage | KtoStage): Settings => ({
  ...optimizerOf(stage.optimizer),
  ...lengthOf(stage),
  beta: stage.beta,
  max_length: null,
  gradient_checkpointing: stage.gradientCheckpointing,
  train_sampling_strategy: 'sequential',
});

export function dpoSettings(stage: DpoStage): JobStage {
  const losses = Object.entries(stage.lossWeights).filter(([, weight]) => weight !== 0);
  return {
    script: 'dpo.py',
    settings: {
      ...preference(stage),
      trainer: {
        ...preferenceTrainer(stage),
        loss_type: losses.map(([loss]) => loss),
        loss_weights: losses.map(([, weight]) => weight),
      },
    },
    differences: [...SHARED, ORDER, ...heldoutWords(stage)],
  };
}

export function ktoSettings(stage: KtoStage): JobStage {
  return {
    script: 'kto.py',
    settings: {
      ...preference(stage),
      trainer: {
        ...preferenceTrainer(stage),
        loss_type: stage.lossType,
        desirable_weight: stage.desirableWeight,
        undesirable_weight: stage.undesirableWeight,
      },
    },
    differences: [
      ...SHARED,
      ORDER,
      ...heldoutWords(stage),
      'TRL measures how far the policy has moved on the answers of one device’s pass, so several answers must be in it: kto.py keeps at least two together. The studio measures it on the whole step.',
    ],
  };
}

const SAMPLER = 'Random draws are those of PyTorch or vLLM: other answers than the studio’s, of the same distribution.';

export const rejectionSettings = (stage: RejectionStage): JobStage => ({
  script: 'reject.py',
  settings: {
    samples: stage.numGenerations,
    temperature: stage.sampling.temperature,
    top_p: stage.sampling.topP,
    top_k: stage.sampling.topK,
    max_completion_length: stage.sampling.maxCompletionLength,
    batch: stage.batchSize,
    threshold: stage.iouThreshold,
    min_success: stage.minSuccess,
    max_success: stage.maxSuccess,
    answers_kept: stage.answersKept ?? 0,
  },
  differences: [SAMPLER],
});

export function evaluateSettings(stage: EvaluateStage, { name }: StagePlace): JobStage {
  if (stage.answerForm === 'think' || stage.answerForm === 'answer')
    throw unable(
      `${name} asks for a form of its own.`,
      'Set it to the plan’s form. Words may be added as its instruction.',
    );
  return {
    script: 'evaluate.py',
    settings: {
      samples: 1,
      temperature: 0,
      top_p: 1,
      top_k: 0,
      max_completion_length: stage.maxCompletionLength,
      batch: stage.batchSize,
      threshold: 0.5,
      instruction: stage.instruction,
    },
    differences: [
      'report.json of this stage counts right answers at IoU 0.5 by the rule of rejection sampling. For intervals and the rules of benchmarks, open its predictions under Scores in the studio.',
    ],
  };
}

export const mergeSettings = (): JobStage => ({
  script: 'merge.py',
  settings: {},
  differences: [
    'Merged weights are rounded to the type that the job trains in (bfloat16 on a GPU that has it). The studio keeps the precision that it holds the model in.',
  ],
});

export const backSettings = ({ merges }: BackStage): JobStage => ({
  script: 'back.py',
  settings: { merges },
  differences: [],
});
