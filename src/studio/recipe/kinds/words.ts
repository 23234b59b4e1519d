/** What the studio says of a kind of stage and of its settings. What a setting may be is said by the stage's schema. */
import type { ReactNode } from 'react';
import type { RequiredPath, StageBase } from '../../../engine/presets.ts';
import type { Run } from '../../state/run.ts';
import type { WhatIf } from '../../rooms/run/rescore.ts';

/** A setting in words. */
export interface Words {
  /** Settings of one title stand together. */
  readonly group: string;
  readonly label: string;
  readonly help: string;
  /** In view; the others are one step away. */
  readonly essential?: boolean;
  /** What it counts: tokens, steps, a share. */
  readonly unit?: string;
}

export type WordsBy<P extends string> = { readonly [K in P]: Words };

/** What the views of a run share. */
export interface RunViewState {
  /** A group's key; null: the newest. */
  readonly pinned: number | null;
  readonly whatIf: WhatIf | null;
  pin(key: number | null): void;
  suppose(whatIf: WhatIf | null): void;
  /** Opens a view by its key. */
  open(view: string): void;
}

/** A tab of the run room. */
export interface RunView {
  readonly key: string;
  readonly title: string;
  /** How many things it shows; absent: it says no number. */
  readonly count?: (run: Run) => number;
  readonly body: (state: RunViewState) => ReactNode;
}

export interface KindWords<S extends StageBase> {
  readonly name: string;
  /** The stage in one plain sentence. */
  sentence(stage: S): string;
  /** A setting that is left out does not compile; those that may be absent from a stage need no words. */
  readonly settings: WordsBy<RequiredPath<Omit<S, keyof StageBase>>>;
  /** Said where there are no settings. */
  readonly without?: string;
  /** What a run shows of it. */
  readonly views: readonly RunView[];
}

type Ungrouped = Omit<Words, 'group'>;

/** Settings that stand together under a title. */
export const group = <P extends string>(title: string, settings: { readonly [K in P]: Ungrouped }): WordsBy<P> =>
  Object.fromEntries(
    Object.entries<Ungrouped>(settings).map(([path, words]) => [path, { group: title, ...words }]),
  ) as WordsBy<P>;

/** Small rates as 2e-3, whose hyphen must not end a line. */
export const small = (x: number): string => (x > 0 && x < 0.01 ? x.toExponential().replace('-', '\u2011') : String(x));
