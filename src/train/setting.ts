/** A number that a reward or a loss can be set by, beside its weight or name. */
export interface Setting {
  readonly label: string;
  readonly help: string;
  readonly integer: boolean;
  readonly min: number;
  readonly max: number;
  readonly default: number;
  /** What it counts: tokens, a share. */
  readonly unit?: string;
  /** TRL's name for it, whose default is the same. */
  readonly trl?: string;
}

export type Settings = Readonly<Record<string, Setting>>;
export type SettingValues<S> = { readonly [K in keyof S]: number };

export const defaultValues = (settings: Settings = {}): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(settings).map(([key, setting]) => [key, setting.default]));
