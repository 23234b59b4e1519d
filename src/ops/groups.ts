/** How many workgroups a kernel takes, and how they are folded into rows past WebGPU's limit. */
import type { Groups, Session } from '../gpu/recorder.ts';
import type { Constants } from '../gpu/template.ts';
import { tuningOf } from '../gpu/tuning.ts';

/** Invocations per workgroup of the flat kernels. */
export const FLAT = 64;

const MAX = 65535;

/** Workgroups of a row, where there are more than go into one: rows are what such a dispatch can be cut between. */
const FOLD = 1024;

/**
 * Workgroups for `n` invocations of 64, folded into rows past WebGPU's limit of 65,535: index = y · num_workgroups.x + x,
 * of which the last may be beyond `n`.
 */
export function flatGroups(n: number): Groups {
  const groups = Math.ceil(n / FLAT);
  if (groups <= MAX) return [groups];
  const rows = Math.ceil(groups / FOLD);
  return [Math.ceil(groups / rows), rows];
}

/** Workgroups for one group a row, folded to the limit's width. */
export function rowGroups(rows: number): Groups {
  return rows <= MAX ? [rows, 1] : [MAX, Math.ceil(rows / MAX)];
}

export const ceilDiv = (a: number, b: number): number => Math.ceil(a / b);

/** Columns from which a row is worth more invocations than a subgroup has. */
const LONG_ROW = 4096;

/** Constants of a kernel with a workgroup a row of so many logits: who shares the row, and how they meet. */
export function rowConstants({ gpu }: Session, columns: number): Constants {
  const { rowInvocations } = tuningOf(gpu);
  return rowInvocations > 0 && columns > LONG_ROW ? { LANES: rowInvocations, SUBGROUPS: false } : {};
}
