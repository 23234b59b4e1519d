/**
 * What a kind of stage is, as pure data and pure functions: everything that can be said of it without running it. The
 * training code, the engine and the studio read it; how it runs is its handler (engine/run/stages).
 */
import type { RowList } from '../../data/row-list.ts';
import type { AdvantageSettings } from '../advantage.ts';
import type { Longest } from '../memory-plan.ts';
import type { RewardWeights } from '../rewards/index.ts';
import type { ScoreSettings } from '../scorer.ts';
import type { Schema } from './schema.ts';
import type { LoraSettings, OptimizerSettings } from './settings.ts';

/** What every stage has. */
export interface StageBase {
  readonly kind: string;
  readonly name: string;
}

/** Something that speaks against a plan. */
export interface Objection {
  /** An error keeps the plan from being run. */
  readonly severity: 'error' | 'warning';
  /** What is wrong. */
  readonly text: string;
  /** What to do about it. */
  readonly hint: string;
}

/** The rows that a run can read. */
export interface Splits {
  readonly train: RowList;
  readonly heldout: RowList;
}

/** Ways to make a stage smaller, from what changes nothing in its result to what changes most. */
export type Easing = 'recompute' | 'one-row' | 'one-prompt' | 'fewer-completions' | 'half-rank';

/** Prepares what a stage needs of the GPU, with the longest row, and runs nothing (memory-plan.ts). */
export interface StagePlanner {
  readonly longest: Longest;
  /** Caches and programs to sample so many answers to each of so many prompts. */
  generate(prompts: number, numGenerations: number, maxCompletionLength: number): void;
  /** A new adapter with its optimizer, and the passes that `compile` asks for. */
  train(
    stage: {
      readonly lora: LoraSettings;
      readonly optimizer: OptimizerSettings;
      /** A moving average of the adapter is kept beside it. */
      readonly averaged?: boolean;
    },
    compile: (pass: (shape: PassShape, settings: ScoreSettings) => void) => void,
  ): void;
  /** Folds the adapter into the weights. */
  merge(): void;
  /** Lets go of the adapter. Room for weights that were folded stays planned. */
  back(): void;
}

/** One forward pass: groups of completions that share a prompt. */
export interface PassShape {
  readonly groups: number;
  readonly completions: number;
  /** Tokens of each completion. */
  readonly tokens: number;
  /** Tokens of the prompt beyond those of the longest row. */
  readonly promptTokens?: number;
  /** Likeliest tokens that each scored row is compared by; more than the vocabulary is all of it. */
  readonly support?: number;
}

export interface StageDescriptor<S extends StageBase> {
  readonly kind: S['kind'];
  /** A new stage: TRL's, PEFT's and transformers' defaults where they have one. */
  readonly defaults: S;
  readonly schema: Schema<Omit<S, keyof StageBase>>;
  /** Optimizer steps are taken: rows watched are answered between them, and an adapter is left to keep. */
  readonly trains: boolean;
  /** It learns the rows' own targets, thoughts included. */
  readonly teaches?: true;
  /** It writes thoughts for rows. */
  readonly writesThoughts?: true;
  /** Rows that stages have written before it no longer count: it writes them anew. */
  startsAnew?(stage: S): boolean;
  /** What it needs of the adapter that the stages before have left, and what it leaves; absent: it is all the same. */
  readonly adapter?: {
    readonly needs: 'open' | 'none' | 'any';
    readonly leaves: 'open' | 'none';
    /** Merges of the plan that hold after it, of so many before; absent: as many. */
    merges?(stage: S, before: number): number;
    /** Said where the need is not met. */
    readonly otherwise: Pick<Objection, 'text' | 'hint'>;
  };
  /** Judged answers: whether it cannot do without them, and whether it hands them on; absent: neither. */
  readonly answers?: { readonly needs: boolean; gives(stage: S): boolean };
  /** Rows it reads. `kept`: those training rows that a stage before has kept, or all with a solution. null: none. */
  readonly reads: 'train' | 'kept' | 'heldout' | null;
  /** Rows whose pictures are looked at together; 0: none. */
  rowsAtOnce(stage: S): number;
  /** Rows that are in the decoder together. */
  rowsAPass(stage: S): number;
  /** Rows that a run of it will read, of a dataset; as many at least, where the order is only drawn in the run. */
  rows(stage: S, splits: Splits, seed: number): RowList | null;
  /** How many units of its own work it has, and what one is called in the singular. */
  units(stage: S, splits: Splits, seed: number): { readonly count: number; readonly unit: string };
  /** As much of the stage as so many units of its work, with at most `rows` rows at once; null: it cannot be cut short. */
  brief(stage: S, units: number, rows?: number): S | null;
  /** Takes the GPU's memory planner through what the stage prepares. */
  plan(stage: S, planner: StagePlanner): void;
  /** How it is made smaller; what is absent changes nothing here. */
  readonly eased: { readonly [E in Easing]?: (stage: S) => S };
  /** The rules by which completions of one prompt are compared; absent: it compares none. */
  readonly compares?: (stage: S) => {
    readonly rewardWeights: RewardWeights;
    readonly scaleRewards: AdvantageSettings['scaleRewards'];
  };
  /** What speaks against its own settings, one against the other. */
  objections(stage: S): readonly Objection[];
}

export const error = (text: string, hint: string): Objection => ({ severity: 'error', text, hint });
export const warning = (text: string, hint = ''): Objection => ({ severity: 'warning', text, hint });
