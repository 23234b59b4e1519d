/** What a run would have reported: events in order, made up from a seed. */
import { Random } from '../../../src/base/random.ts';
import { wilsonInterval } from '../../../src/base/wilson.ts';
import type {
  Answer,
  EngineEvent,
  EvaluatedRow,
  Evaluation,
  GroupCompletion,
  Recipe,
  Row,
  Watch,
} from '../../../src/engine/protocol/index.ts';
import { weightOf, type RewardWeights } from '../../../src/engine/presets.ts';
import { iou } from '../../../src/grounding/box.ts';
import { near, type FakeData } from './scenes.ts';

/** Optimizer steps shown for a stage, whatever the recipe says: the fake is for looking at. */
export const LONGEST = 400;

/** @param talent how much better than usual the run answers */
export function* script(recipe: Recipe, data: FakeData, talent = 0): Generator<EngineEvent> {
  const random = new Random(7);
  let step = 0;
  let skill = 0.22;
  for (const [stageIndex, stage] of recipe.stages.entries()) {
    yield { type: 'stage', index: stageIndex, stage, status: 'started', seconds: 0 };
    const progress = (done: number, total: number, unit: string): EngineEvent => ({
      type: 'progress',
      stageIndex,
      done,
      total,
      unit,
      etaSeconds: done === 0 ? null : (total - done) * 1.7,
      gpuBytes: 1_288_490_189,
    });
    if (stage.kind === 'evaluate') {
      const n = Math.min(stage.limit || Infinity, data.heldout.length);
      for (let i = 0; i <= n; i += 4) yield progress(Math.min(i, n), n, 'rows');
      const rows = evaluated(data.heldout.slice(0, n), skill + talent);
      yield { type: 'evaluated', stageIndex, rows };
      const share = rows.filter(({ value }) => value >= 0.5).length / n;
      yield { type: 'evaluation', stageIndex, name: stage.name, evaluation: evaluation(n, share, random) };
    } else if (stage.kind === 'sft') {
      const total = Math.min(stage.maxSteps || LONGEST, LONGEST);
      for (let i = 0; i < total; i++) {
        step++;
        const t = i / total;
        const loss = 0.25 + 2.2 * Math.exp(-4 * t) + random.normal() * 0.06 + (i === 31 ? 1.9 : 0);
        yield {
          type: 'metrics',
          stageIndex,
          step,
          values: {
            loss: i === 12 ? NaN : loss,
            mean_token_accuracy: 1 - 0.62 * Math.exp(-3 * t) - random.uniform() * 0.03,
            grad_norm: 0.4 + random.uniform() * 0.5 + (i === 31 ? 6 : 0),
            learning_rate: stage.optimizer.learningRate * Math.min(1, (i + 1) / 5) * (1 + Math.cos(Math.PI * t)) * 0.5,
            step_time: 1.6 + random.uniform() * 0.2,
            num_tokens: step * 3000,
          },
        };
        yield progress(i + 1, total, 'steps');
      }
      skill = 0.55;
    } else if (stage.kind === 'merge') yield progress(1, 1, 'weights');
    else if (stage.kind === 'rejection') {
      const rows = data.rows.slice(0, stage.limit || data.rows.length);
      for (const [i, row] of rows.entries()) {
        const successRate =
          Math.round(Math.min(1, Math.max(0, skill + random.normal() * 0.45)) * stage.numGenerations) /
          stage.numGenerations;
        yield {
          type: 'rejection',
          stageIndex,
          rowId: row.id,
          successRate,
          verdict: successRate >= stage.maxSuccess ? 'too-easy' : successRate <= stage.minSuccess ? 'too-hard' : 'kept',
        };
        yield progress(i + 1, rows.length, 'prompts');
      }
    } else if (stage.kind === 'grpo') {
      const total = Math.min(stage.maxSteps, LONGEST);
      for (let i = 0; i < total; i++) {
        step++;
        skill = 0.55 + 0.35 * (i / total);
        const row = data.rows[random.below(data.rows.length)]!;
        const completions = group(row, stage.numGenerations, skill, stage.rewardWeights, random);
        yield { type: 'group', stageIndex, step, rowId: row.id, completions };
        const mean = (f: (c: GroupCompletion) => number) =>
          completions.reduce((sum, c) => sum + f(c), 0) / completions.length;
        yield {
          type: 'metrics',
          stageIndex,
          step,
          values: {
            loss: random.normal() * 0.01,
            reward: mean((c) => c.reward),
            reward_std: 0.2 + random.uniform() * 0.2,
            'rewards/format/mean': mean((c) => c.rewards.format!),
            'rewards/iou/mean': mean((c) => c.rewards.iou!),
            'rewards/imageIndex/mean': mean((c) => c.rewards.imageIndex!),
            kl: 0.0004 * i + random.uniform() * 0.0006,
            entropy: 0.9 * Math.exp(-i / total) + random.uniform() * 0.05,
            'completions/mean_length': mean((c) => c.tokens),
            'completions/min_length': Math.min(...completions.map((c) => c.tokens)),
            'completions/max_length': Math.max(...completions.map((c) => c.tokens)),
            'completions/clipped_ratio': mean((c) => Number(c.truncated)),
            frac_reward_zero_std: random.uniform() < 0.1 ? 0.5 : 0,
            grad_norm: 0.2 + random.uniform() * 0.1,
            learning_rate: stage.optimizer.learningRate,
            step_time: 4 + random.uniform(),
          },
        };
        yield progress(i + 1, total, 'steps');
      }
    }
    yield {
      type: 'stage',
      index: stageIndex,
      stage,
      status: 'finished',
      seconds: stage.kind === 'merge' ? 0.6 : 40 + random.below(200),
    };
  }
  yield { type: 'state', state: 'finished' };
}

/** The same events, with the watched rows' answers after every so many steps. */
export function* watched(
  events: Iterable<EngineEvent>,
  watch: Watch | undefined,
  guess: (rowId: string, step: number) => Answer,
): Generator<EngineEvent> {
  for (const event of events) {
    yield event;
    if (event.type !== 'metrics' || !watch || event.step % watch.everySteps !== 0) continue;
    for (const rowId of watch.rowIds)
      yield {
        type: 'snapshot',
        stageIndex: event.stageIndex,
        step: event.step,
        rowId,
        answer: guess(rowId, event.step),
      };
  }
}

export function group(
  row: Row,
  size: number,
  skill: number,
  weights: RewardWeights,
  random: Random,
): GroupCompletion[] {
  const truth = row.solution[0]!;
  const drafts = Array.from({ length: size }, (_, i) => {
    const right = random.uniform() < skill;
    const readable = i !== size - 1 || random.uniform() < 0.5;
    const image = right ? truth.image : random.below(row.images.length);
    const box = near(truth.box, random, right ? 0.03 : 0.12);
    const rewards = {
      format: readable ? 1 : 0,
      iou: readable && image === truth.image ? iou(box, truth.box) : 0,
      imageIndex: readable && image === truth.image ? 1 : 0,
    };
    const reward = Object.entries(rewards).reduce((sum, [name, value]) => sum + weightOf(weights, name) * value, 0);
    const numbers = box.map((v) => Math.round(v * 1000));
    const think = `The ${truth.label} should stand out. Image-${image + 1} shows one near ${numbers[0]! < 500 ? 'the left' : 'the right'}; the others do not.`;
    const text = readable
      ? `<think>${think}</think><answer>Image-${image + 1}: (${numbers[0]},${numbers[1]}),(${numbers[2]},${numbers[3]})</answer>`
      : `<think>${think} So I look again, and again, at each picture`;
    return {
      text,
      think,
      boxes: readable ? [{ image, box }] : [],
      rewards,
      reward,
      advantage: 0,
      tokens: 40 + random.below(40),
      truncated: !readable,
    };
  });
  const mean = drafts.reduce((sum, d) => sum + d.reward, 0) / size;
  const std = Math.sqrt(drafts.reduce((sum, d) => sum + (d.reward - mean) ** 2, 0) / (size - 1));
  return drafts.map((draft) => ({ ...draft, advantage: (draft.reward - mean) / (std + 1e-4) }));
}

/** Answers that are better the more skill there is; a row is as hard for every run. */
function evaluated(rows: readonly Row[], skill: number): EvaluatedRow[] {
  return rows.map((row, i) => {
    const random = new Random([...row.id].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7) % 2 ** 31);
    const truth = row.solution[0]!;
    const box = near(truth.box, random, ((i * 37) % rows.length) / rows.length < skill ? 0.02 : 0.25);
    const numbers = box.map((v) => Math.round(v * 1000));
    return {
      rowId: row.id,
      task: row.task,
      value: iou(box, truth.box),
      parsed: true,
      text: `<answer>Image-${truth.image + 1}: (${numbers[0]},${numbers[1]}),(${numbers[2]},${numbers[3]})</answer>`,
      boxes: [{ image: truth.image, box }],
      same: row.id,
    };
  });
}

function evaluation(n: number, skill: number, random: Random): Evaluation {
  const part = (k: number) => ({
    n: Math.floor(n / 5),
    accAt50: Math.min(1, Math.max(0, skill + k)),
    meanIoU: skill * 0.9,
    parseFailures: 0,
  });
  return {
    n,
    accAt30: Math.min(1, skill + 0.1),
    accAt50: skill,
    accAt70: skill * 0.7,
    accAt50Interval: wilsonInterval(Math.round(skill * n), n),
    meanIoU: skill * 0.92,
    imageAccuracy: Math.min(1, skill + 0.15),
    parseFailures: skill < 0.3 ? 5 : random.below(2),
    tasks: { common_object: part(0.05), diff: part(-0.1), region: part(0.02), refer: part(-0.02), group: part(0.08) },
  };
}
