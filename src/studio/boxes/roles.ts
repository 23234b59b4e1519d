/**
 * How each kind of box looks: Okabe and Ito's colours, told apart in every kind of colour vision, and a dash pattern
 * for who sees no colour at all.
 */
import type { GroundedBox } from '../../grounding/box.ts';

export type Role = 'truth' | 'base' | 'tuned' | 'other' | 'rollout';

export interface RoleStyle {
  readonly name: string;
  readonly color: string;
  /** Dashes in CSS pixels; none: solid. */
  readonly dash: readonly number[];
  readonly width: number;
}

export const ROLES: Record<Role, RoleStyle> = {
  truth: { name: 'Ground truth', color: '#00a878', dash: [], width: 2 },
  base: { name: 'Base', color: '#e69f00', dash: [7, 4], width: 2 },
  tuned: { name: 'Tuned', color: '#56b4e9', dash: [], width: 3 },
  other: { name: 'Another model', color: '#f0e442', dash: [2, 3], width: 3 },
  rollout: { name: 'Rollout', color: '#d98cb8', dash: [3, 2], width: 2 },
};

/** Ink for words on any of the colours above. */
export const LABEL_INK = '#12130f';
/** Drawn under every line, so that a box shows on any picture. */
export const CASING = 'rgba(12, 13, 10, 0.72)';

export interface Layer {
  readonly role: Role;
  readonly boxes: readonly GroundedBox[];
  /** Written on every box without a label of its own. */
  readonly label?: string;
  /** Marked with a cross: the colour, the dashes and the width say whose it is. */
  readonly missed?: boolean;
  /** Per box, the colours of its left, upper, right and lower edge, each in equal parts, instead of the role's. */
  readonly edges?: readonly (readonly (readonly string[])[])[];
}
