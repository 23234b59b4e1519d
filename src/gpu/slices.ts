/**
 * Dispatches that can be run a slice of their workgroups at a time, where a whole one would hold the GPU for too long.
 * WebGPU counts the workgroups of each dispatch from 0, so a kernel is told where its slice begins, in words of `Params`
 * that are added here and not in every shader. Workgroups of one dispatch know nothing of each other: results are the
 * same to the last bit.
 */
import type { Groups } from './recorder.ts';

/** `longest`: whichever has the most workgroups; `outermost`: the last of several, which leaves num_workgroups.x as it is. */
export type SliceAxis = 'longest' | 'outermost';

export type Axis = 0 | 1 | 2;

const WORKGROUP = /@builtin\(workgroup_id\)\s*(\w+)\s*:\s*vec3<u32>/;
const PARAMS = /(struct\s+Params\s*\{[^}]*?),?\s*\}/;
const MAIN = /(\bfn\s+main\s*\([^{]*\{)/;

/** Fields behind those of the source, one a dimension. */
const SLICE_PARAMS = ['sliceX', 'sliceY', 'sliceZ'] as const;

/** The kernel as it is compiled, and how it may be sliced. */
export function sliceable(code: string): { readonly code: string; readonly axis: SliceAxis | null } {
  const name = WORKGROUP.exec(code)?.[1];
  if (!name || !PARAMS.test(code) || code.includes('global_invocation_id')) return { code, axis: null };
  const fields = SLICE_PARAMS.map((field) => `${field}: u32`).join(', ');
  const begin = SLICE_PARAMS.map((field) => `p.${field}`).join(', ');
  return {
    code: code
      .replace(WORKGROUP, `@builtin(workgroup_id) ${name}_of_slice: vec3<u32>`)
      .replace(PARAMS, `$1, ${fields} }`)
      .replace(MAIN, `$1\n  let ${name} = ${name}_of_slice + vec3<u32>(${begin});`),
    axis: code.includes('num_workgroups') ? 'outermost' : 'longest',
  };
}

/** The dimension along which so many workgroups are sliced. */
export function axisOf(groups: Groups, along: SliceAxis): Axis {
  const [x, y = 1, z = 1] = groups;
  if (along === 'outermost') return z > 1 ? 2 : y > 1 ? 1 : 0;
  return [x, y, z].indexOf(Math.max(x, y, z)) as Axis;
}
