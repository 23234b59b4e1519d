/**
 * What a policy-gradient loss does with a token's probability ratio. To add an objective: a line here, its WGSL
 * (shaders/loss, objective-kernels.ts) and its definition in f64 (policy-reference.ts), both of which the compiler asks for.
 */

/** What a loss needs to know of an objective; its kernel is in objective-kernels.ts. */
export interface Objective {
  /** Its gradient is that of the token's own log-probability, whatever the level of its ratio. */
  readonly likelihood?: true;
  /** It always looks at whole completions: at the sum of what tokens share, or at their mean over the kept ones. */
  readonly sequence?: 'sum' | 'geometric';
  /** A KL term is never multiplied by its ratio. */
  readonly plainKl?: true;
  /** Template constants of the source, which a loss gives values. */
  readonly constants?: readonly string[];
}

export const OBJECTIVES = {
  clipped: {},
  cispo: { likelihood: true },
  sapo: { constants: ['TEMPERATURE_POS', 'TEMPERATURE_NEG'] },
  vespo: {
    likelihood: true,
    sequence: 'sum',
    constants: ['K_POS', 'LAMBDA_POS', 'K_NEG', 'LAMBDA_NEG'],
  },
  gmpo: { sequence: 'geometric', plainKl: true },
} as const satisfies Readonly<Record<string, Objective>>;

export type ObjectiveName = keyof typeof OBJECTIVES;

/** At which the ratio is taken: TRL's importance_sampling_level, with that of GSPO-token. */
export const RATIO_LEVELS = ['token', 'sequence', 'sequence_token'] as const;
