/** How each kind of stage runs: one handler a kind. */
import type { Stage, StageKind, StageOf } from '../../../train/stages/index.ts';
import { back } from './back.ts';
import { distill } from './distill.ts';
import { dpo } from './dpo.ts';
import { evaluate } from './evaluate.ts';
import { grpo } from './grpo.ts';
import type { StageHandler } from './handler.ts';
import { kto } from './kto.ts';
import { merge } from './merge.ts';
import { rejection } from './rejection.ts';
import { repeat } from './repeat.ts';
import { sft } from './sft.ts';
import { synthesise } from './synthesise.ts';

const HANDLERS: { readonly [K in StageKind]: StageHandler<StageOf<K>> } = {
  sft,
  merge,
  back,
  rejection,
  grpo,
  distill,
  dpo,
  kto,
  synthesise,
  evaluate,
  repeat,
};

export const handlerOf = <S extends Stage>(stage: S): StageHandler<S> =>
  HANDLERS[stage.kind] as unknown as StageHandler<S>;
