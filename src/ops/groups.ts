import type { Groups } from '../gpu/recorder.ts';

/** Invocations per workgroup of the flat kernels. */
export const FLAT = 64;

const MAX = 65535;

/** Workgroups for `n` invocations of 64, folded into two dimensions past WebGPU's limit of 65,535. */
export function flatGroups(n: number): Groups {
  return rowGroups(Math.ceil(n / FLAT));
}

/** Workgroups for one group a row, folded the same way: index = y · num_workgroups.x + x. */
export function rowGroups(rows: number): Groups {
  return rows <= MAX ? [rows, 1] : [MAX, Math.ceil(rows / MAX)];
}

export const ceilDiv = (a: number, b: number): number => Math.ceil(a / b);
