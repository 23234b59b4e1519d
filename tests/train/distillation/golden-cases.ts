/** TRL's losses of self-distillation, and what `distil` is given to compute the same from logits alone. */
import { readFileSync } from 'node:fs';
import { distil, type DistillSettings, type Teacher } from '../../../src/train/distillation/learn.ts';
import type { EncodedPrompt, Packed } from '../../../src/train/pack.ts';
import type { Sample } from '../../../src/train/samples.ts';
import type { ScoreInputs, Scorer, ScoreSettings, Scores } from '../../../src/train/scorer.ts';
import { distillStage } from '../../../src/train/stages/index.ts';
import { sampling } from '../../../src/train/stages/settings.ts';

export interface GoldenCase {
  readonly mode: DistillSettings['distillationMode'];
  readonly alpha: number;
  readonly topk?: number;
  readonly tail?: boolean;
  readonly skip?: number;
  readonly clip?: number;
  readonly taught?: readonly boolean[];
  /** By completion. */
  readonly ids: readonly (readonly number[])[];
  /** By completion and token, logits. */
  readonly student: readonly (readonly (readonly number[])[])[];
  readonly teacher: readonly (readonly (readonly number[])[])[];
  readonly old?: readonly (readonly number[])[];
  readonly loss: number;
  readonly tokenLoss: number;
  readonly gradient: readonly (readonly (readonly number[])[])[];
}

export const CASES = (
  JSON.parse(readFileSync(new URL('../../golden/distillation.json', import.meta.url), 'utf8')) as {
    readonly cases: readonly GoldenCase[];
  }
).cases.map((c) => {
  const more = [c.topk, c.tail && 'with the rest', c.skip && 'skipping', c.old && 'moved', c.taught && 'some taught'];
  return [[c.mode, c.alpha, ...more.filter(Boolean)].join(' '), c] as const;
});

export const VOCABULARY = CASES[0]![1].student[0]![0]!.length;

/** Scores the rows of a packed sequence, whose logits are given; with weights, d loss / d logits of each row. */
export type Head = (
  logits: readonly (readonly number[])[],
  packed: Packed,
  settings: ScoreSettings,
  inputs: ScoreInputs,
) => Promise<{ readonly scores: Scores; readonly gradient: ArrayLike<number> | null }>;

const prompt = (id: number): EncodedPrompt => ({
  id: String(id),
  tokens: Uint32Array.of(id),
  axes: Int32Array.of(0),
  next: 1,
  featureIndex: Int32Array.of(-1),
  featureRows: 0,
});

/** Of teachers' prompts. */
const TOLD = 100;

/** Every completion is a group of its own, as its first token has logits of its own. */
export async function distilled(c: GoldenCase, head: Head) {
  const gradient: number[][][] = c.student.map((rows) => rows.map(() => new Array<number>(VOCABULARY).fill(0)));
  const scorer = {
    async run(packed: Packed, _features: unknown, settings: ScoreSettings, inputs: ScoreInputs = {}) {
      const id = packed.tokens[0]!;
      const of = (id >= TOLD ? c.teacher : c.student)[id % TOLD]!;
      const { scores, gradient: rows } = await head(of, packed, settings, inputs);
      if (rows)
        of.forEach(
          (_, t) =>
            (gradient[id % TOLD]![t] = Array.from({ length: VOCABULARY }, (__, v) => rows[t * VOCABULARY + v]!)),
        );
      return scores;
    },
  } as unknown as Scorer;
  const teacher: Teacher = { scorer: () => scorer, adapter: false };
  const context = {
    scorer: () => scorer,
    samples: { features: () => new Float32Array() },
    policy: { model: { vocabSize: VOCABULARY } },
  } as unknown as Parameters<typeof distil>[1];
  const stage = distillStage({
    distillationMode: c.mode,
    distillationAlpha: c.alpha,
    distillationTopk: c.topk ?? 1,
    distillationAddTail: c.tail ?? false,
    distillationIsClip: c.clip ?? 2,
    numLossTokensToSkip: c.skip ?? 0,
    sampling: { ...sampling(), temperature: 1 },
  });
  const sample = (id: number) => ({ prompt: prompt(id) }) as unknown as Sample;
  const groups = c.ids.map((ids, g) => ({
    sample: sample(g),
    completions: [Uint32Array.from(ids)],
    teachers: c.taught?.[g] === false ? [] : [{ sample: sample(TOLD + g), completions: [0] }],
  }));
  const old = c.old?.map((logps) => Float32Array.from(logps)) ?? null;
  return { ...(await distil(stage, context, teacher, groups, old)), gradient };
}
