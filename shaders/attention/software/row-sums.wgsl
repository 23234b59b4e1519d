enable subgroups;
diagnostic(off, subgroup_uniformity);
// First in each kernel of this folder. These kernels are for software drivers, where a load costs as much as a dozen
// multiplications and a lane is a slot of a CPU's vector; what they compute is told in the files of the same name one
// folder up. Every loaded value serves all ROWS at once: lanes own columns of the matrices. The partial dot products of
// PER rows are then summed over the lanes and transposed in one go, after which a lane owns a row, so that one
// exponential serves PER rows. PER is a power of two up to LANES, which is 4 or 8.
//
// With four lanes (SWAP) register r of lane l holds row r ^ l: what lanes give each other then goes by exchanges in pairs.
// Else it holds row r in all lanes.
#if SWAP
#include exchange
var<private> laneOfRows: u32;
fn prepareLanes(lane: u32) { laneOfRows = lane; }
// The row that register r holds.
fn rowHeld(r: u32) -> u32 { return r ^ laneOfRows; }
// Of what lanes keep for their rows, that for the row of register r (of r % 4).
#for r in 0..4
fn keptFor${r}(v: f32) -> f32 { return exchanged${r}(v); }
#end

// A lane gets the sum over all lanes of what they have for its row.
fn rowSums(v0: f32, v1: f32, v2: f32, v3: f32) -> f32 {
  return (v0 + exchanged1(v1)) + (exchanged2(v2) + exchanged3(v3));
}
#else
var<private> odd: bool;
var<private> odd2: bool;
var<private> odd4: bool;

fn prepareLanes(lane: u32) {
  odd = (lane & 1u) != 0u;
  odd2 = (lane & 2u) != 0u;
  odd4 = (lane & 4u) != 0u;
}

fn rowHeld(r: u32) -> u32 { return r; }
#for r in 0..PER
fn keptFor${r}(v: f32) -> f32 { return subgroupBroadcast(v, ${r}u); }
#end

fn swap1(v: f32) -> f32 { return subgroupShuffleXor(v, 1u); }
fn swap2(v: f32) -> f32 { return subgroupShuffleXor(v, 2u); }
fn swap4(v: f32) -> f32 { return subgroupShuffleXor(v, 4u); }

// Lane l gets the sum over all lanes of v[l % PER].
fn rowSums(
#for r in 0..PER
  v${r}: f32,
#end
) -> f32 {
#for r in 0..PER
  var x${r} = v${r};
#end
#if PER == 8
#for i in 0..4
  x${i} = select(x${i}, x${i + 4}, odd4) + swap4(select(x${i + 4}, x${i}, odd4));
#end
#endif
#if PER >= 4
#for i in 0..2
  x${i} = select(x${i}, x${i + 2}, odd2) + swap2(select(x${i + 2}, x${i}, odd2));
#end
#endif
#if PER >= 2
  x0 = select(x0, x1, odd) + swap1(select(x1, x0, odd));
#else
  x0 += swap1(x0);
#endif
#if PER < 4
  x0 += swap2(x0);
#endif
#if PER < 8 && LANES == 8
  x0 += swap4(x0);
#endif
  return x0;
}
#endif
