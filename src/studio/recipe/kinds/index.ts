/** What the studio says of each kind of stage: one file a kind. */
import type { Stage, StageKind, StageOf } from '../../../engine/presets.ts';
import { back } from './back.ts';
import { distill } from './distill.ts';
import { dpo } from './dpo.ts';
import { evaluate } from './evaluate.tsx';
import { grpo } from './grpo.tsx';
import { kto } from './kto.ts';
import { merge } from './merge.ts';
import { rejection } from './rejection.tsx';
import { repeat } from './repeat.ts';
import { sft } from './sft.ts';
import { synthesise } from './synthesise.ts';
import type { KindWords, RunView } from './words.ts';

/** In the order of their views. */
const WORDS: { readonly [K in StageKind]: KindWords<StageOf<K>> } = {
  sft,
  merge,
  back,
  grpo,
  distill,
  dpo,
  kto,
  rejection,
  synthesise,
  evaluate,
  repeat,
};

export const wordsOf = (kind: StageKind): KindWords<Stage> => WORDS[kind] as unknown as KindWords<Stage>;

/** A stage in one plain sentence. */
export const describeStage = (stage: Stage): string => wordsOf(stage.kind).sentence(stage);

export const KIND_NAMES = Object.fromEntries(Object.entries(WORDS).map(([kind, { name }]) => [kind, name])) as {
  readonly [K in StageKind]: string;
};

/** What a run shows, of all kinds. */
export const RUN_VIEWS: readonly RunView[] = Object.values(WORDS).flatMap(({ views }) => views);
