/** The kinds of stages: one module each, put together here. A new kind is a module and a line. */
import type { StageDescriptor } from './descriptor.ts';
import { back } from './back.ts';
import { distill } from './distill.ts';
import { dpo } from './dpo.ts';
import { evaluate } from './evaluate.ts';
import { grpo } from './grpo.ts';
import { kto } from './kto.ts';
import { merge } from './merge.ts';
import { rejection } from './rejection.ts';
import { repeat } from './repeat.ts';
import { sft } from './sft.ts';
import { synthesise } from './synthesise.ts';

/** In the order in which they are offered. */
const ALL = [sft, merge, back, synthesise, rejection, grpo, distill, dpo, kto, evaluate, repeat] as const;

type Descriptor = (typeof ALL)[number];
export type StageKind = Descriptor['kind'];
export type StageOf<K extends StageKind> = Extract<Descriptor, { readonly kind: K }>['defaults'];
export type Stage = StageOf<StageKind>;

export const KINDS: readonly StageKind[] = ALL.map(({ kind }) => kind);

export const STAGES = Object.fromEntries(ALL.map((descriptor) => [descriptor.kind, descriptor])) as unknown as {
  readonly [K in StageKind]: StageDescriptor<StageOf<K>>;
};

/** What is to be known of a stage's kind. */
export const descriptorOf = <S extends Stage>(stage: S): StageDescriptor<S> =>
  STAGES[stage.kind] as unknown as StageDescriptor<S>;

/** A stage with its defaults. */
export const newStage = <K extends StageKind>(kind: K): StageOf<K> =>
  structuredClone(STAGES[kind].defaults) as StageOf<K>;

export { backStage } from './back.ts';
export { distillStage } from './distill.ts';
export { dpoStage } from './dpo.ts';
export { evaluateStage } from './evaluate.ts';
export { grpoStage } from './grpo.ts';
export { ktoStage } from './kto.ts';
export { mergeStage } from './merge.ts';
export { rejectionStage } from './rejection.ts';
export { repeatStage } from './repeat.ts';
export { lora, optimizer, sampling } from './settings.ts';
export { sftStage } from './sft.ts';
export { synthesiseStage } from './synthesise.ts';
