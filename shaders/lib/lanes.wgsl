// Reductions over the LANES invocations of a workgroup that share one row.
// With a fixed subgroup size the workgroup is one subgroup; otherwise a tree in workgroup memory. Every lane must
// reach every call.
var<private> laneIndex: u32;

#if SUBGROUPS
fn lanesAdd(v: f32) -> f32 { return subgroupAdd(v); }
fn lanesMax(v: f32) -> f32 { return subgroupMax(v); }
#else
var<workgroup> laneScratch: array<f32, ${LANES}>;

fn lanesAdd(v: f32) -> f32 {
  let lane = laneIndex;
  workgroupBarrier();
  laneScratch[lane] = v;
  workgroupBarrier();
  for (var step = ${LANES}u / 2u; step > 0u; step /= 2u) {
    if (lane < step) { laneScratch[lane] += laneScratch[lane + step]; }
    workgroupBarrier();
  }
  return laneScratch[0];
}

fn lanesMax(v: f32) -> f32 {
  let lane = laneIndex;
  workgroupBarrier();
  laneScratch[lane] = v;
  workgroupBarrier();
  for (var step = ${LANES}u / 2u; step > 0u; step /= 2u) {
    if (lane < step) { laneScratch[lane] = max(laneScratch[lane], laneScratch[lane + step]); }
    workgroupBarrier();
  }
  return laneScratch[0];
}
#endif
