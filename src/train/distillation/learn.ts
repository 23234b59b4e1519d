/**
 * One update of self-distillation: the student's likeliest tokens at each place of its answers, what its teacher gives
 * them under a prompt that tells more, and a pass that moves the student. The last is a negative log-likelihood over the
 * support with the slopes of the divergence for weights, so its gradient is that of the loss. Completions of a group
 * share their prompt, the student's as the teacher's.
 */
import { pipelined } from '../../base/pipelined.ts';
import { pack, rowsOfEntries, scoredRows, withSupport, type Packed } from '../pack.ts';
import type { Sample } from '../samples.ts';
import { PASSES_AHEAD, type Scorer, type ScoreSettings } from '../scorer.ts';
import type { StageContext } from '../stage.ts';
import type { DistillStage } from '../stages/distill.ts';
import { divergence, importance } from './divergence.ts';

/** Answers to one prompt, and the prompts that its teachers are given. */
export interface DistilledGroup {
  readonly sample: Sample;
  readonly completions: readonly Uint32Array[];
  readonly teachers: readonly {
    readonly sample: Sample;
    /** Places of the completions that it teaches. */
    readonly completions: readonly number[];
  }[];
}

export type DistillSettings = Pick<
  DistillStage,
  | 'distillationMode'
  | 'distillationAlpha'
  | 'distillationAddTail'
  | 'distillationTopk'
  | 'distillationIsClip'
  | 'numLossTokensToSkip'
  | 'gradientCheckpointing'
  | 'sampling'
>;

export interface Distilled {
  /** The mean over completions of their means over tokens. */
  readonly loss: number;
  /** The mean over tokens. */
  readonly tokenLoss: number;
  readonly entropy: number;
  /** Log-probabilities of the sampled tokens by group, before the update. */
  readonly sampled: readonly Float32Array[];
}

/** Whose weights answer for the teacher. */
export interface Teacher {
  scorer(): Scorer;
  readonly adapter: boolean;
}

/** How many likeliest tokens of each row are compared; 0: the sampled one alone. */
export const supportOf = (
  { distillationMode, distillationTopk }: Pick<DistillSettings, 'distillationMode' | 'distillationTopk'>,
  vocabulary: number,
): number =>
  distillationMode === 'sampled_token'
    ? 0
    : distillationMode === 'full_logits'
      ? vocabulary
      : Math.min(distillationTopk, vocabulary);

/**
 * Leaves gradients in the adapter.
 * @param old log-probs by group as the tokens were sampled; null: the policy has not moved since
 */
export async function distil(
  stage: DistillSettings,
  context: Pick<StageContext, 'samples' | 'scorer' | 'policy'>,
  teacher: Teacher,
  groups: readonly DistilledGroup[],
  old: readonly Float32Array[] | null = null,
): Promise<Distilled> {
  const settings: Omit<ScoreSettings, 'mode' | 'adapter'> = {
    temperature: stage.sampling.temperature,
    checkpoint: stage.gradientCheckpointing,
  };
  const k = supportOf(stage, context.policy.model.vocabSize);
  const score = { kind: 'score' } as const;
  const all = groups.reduce((sum, { completions }) => sum + completions.length, 0);
  const totals = { loss: 0, token: 0, tokens: 0, entropy: 0, entries: 0 };
  const passes = await pipelined(groups.entries(), PASSES_AHEAD, async ([g, { sample, completions, teachers }]) => {
    const packed = pack([{ prompt: sample.prompt, completions }]);
    const features = context.samples.features([sample]);
    const mode = k > 0 ? { ...score, top: k } : score;
    const own = await context.scorer().run(packed, features, { ...settings, mode, adapter: true });
    const student = { logps: own.logps.slice(), entropy: own.entropy.slice() };
    const support = own.top && { ...own.top, tokens: own.top.tokens.slice(), logps: own.top.logps.slice() };
    const wide = support ? withSupport(packed, support.tokens, support.k) : packed;
    const rows = rowsOfEntries(packed);
    const place = new Map(packed.entries.map(({ completion, index }, e) => [`${completion} ${index}`, e]));
    const weight = new Float32Array(wide.entries.length);
    const lengths = completions.map(({ length }) => Math.max(1, length - stage.numLossTokensToSkip));
    for (const { sample: told, completions: taught } of teachers) {
      const theirs = pack([{ prompt: told.prompt, completions: taught.map((c) => completions[c]!) }]);
      // Where each of the teacher's entries is among the student's.
      const same = theirs.entries.map(({ completion, index }) => place.get(`${taught[completion]!} ${index}`)!);
      const asked = support ? withSupport(theirs, supportAt(theirs, same, rows, support), support.k) : theirs;
      const given = await teacher
        .scorer()
        .run(asked, context.samples.features([told]), { ...settings, mode: score, adapter: teacher.adapter });
      const taughtRows = rowsOfEntries(theirs);
      same.forEach((e, i) => {
        const { completion, index } = packed.entries[e]!;
        if (index < stage.numLossTokensToSkip) return;
        const at = support ? rows[e]! * support.k : e;
        const from = support ? taughtRows[i]! * support.k : i;
        const size = support?.k ?? 1;
        const { loss, slopes } = divergence(
          (support?.logps ?? student.logps).subarray(at, at + size),
          given.logps.subarray(from, from + size),
          stage,
        );
        const now = old ? importance(student.logps[e]!, old[g]![e]!, stage.distillationIsClip) : 1;
        const share = now / (all * lengths[completion]!);
        totals.loss += share * loss;
        totals.token += now * loss;
        totals.tokens++;
        for (let j = 0; j < size; j++) weight[at + j]! -= share * slopes[j]!;
      });
    }
    for (const value of student.entropy) totals.entropy += value;
    totals.entries += student.entropy.length;
    return { wide, features, weight, sampled: student.logps };
  });
  await pipelined(passes, PASSES_AHEAD, async ({ wide, features, weight }) => {
    if (weight.every((w) => w === 0)) return null;
    return context.scorer().run(wide, features, { ...settings, mode: { kind: 'nll' }, adapter: true }, { weight });
  });
  return {
    loss: totals.loss,
    tokenLoss: totals.token / Math.max(1, totals.tokens),
    entropy: totals.entropy / Math.max(1, totals.entries),
    sampled: passes.map(({ sampled }) => sampled),
  };
}

/** The student's support at each scored row of the teacher's sequence, [rows, k]. */
function supportAt(
  theirs: Packed,
  same: readonly number[],
  rows: Uint32Array,
  { tokens, k }: { readonly tokens: Float32Array; readonly k: number },
): Float32Array {
  const count = scoredRows(theirs);
  const all = new Float32Array(count * k);
  for (let row = 0; row < count; row++) {
    const student = rows[same[theirs.start[row]!]!]!;
    all.set(tokens.subarray(student * k, (student + 1) * k), row * k);
  }
  return all;
}
