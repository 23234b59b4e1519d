// Lanes of a workgroup count within it; with subgroups, a workgroup is one.
@compute @workgroup_size(${LANES})
fn main(
  @builtin(workgroup_id) tile: vec3<u32>,
#if SUBGROUPS
  @builtin(subgroup_invocation_id) lane: u32,
#else
  @builtin(local_invocation_index) lane: u32,
#endif
) {
