/**
 * What a policy-gradient loss does with a token's probability ratio: kernels and what they need. To add an objective:
 * its WGSL (shaders/loss), a line here, and its definition in f64 (policy-reference.ts), which the compiler asks for.
 */
import cispo from '../../shaders/loss/cispo.wgsl';
import clipped from '../../shaders/loss/clipped.wgsl';
import gmpo from '../../shaders/loss/gmpo.wgsl';
import sapo from '../../shaders/loss/sapo.wgsl';
import vespo from '../../shaders/loss/vespo.wgsl';

export interface ObjectiveKernel {
  /** `objective`, and `tokenShare` where it has a sequence of its own. */
  readonly source: string;
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
  clipped: { source: clipped },
  cispo: { source: cispo, likelihood: true },
  sapo: { source: sapo, constants: ['TEMPERATURE_POS', 'TEMPERATURE_NEG'] },
  vespo: {
    source: vespo,
    likelihood: true,
    sequence: 'sum',
    constants: ['K_POS', 'LAMBDA_POS', 'K_NEG', 'LAMBDA_NEG'],
  },
  gmpo: { source: gmpo, sequence: 'geometric', plainKl: true },
} as const satisfies Readonly<Record<string, ObjectiveKernel>>;

export type ObjectiveName = keyof typeof OBJECTIVES;

export const kernelOf = (name: ObjectiveName): ObjectiveKernel => OBJECTIVES[name];
