// The step counter: a dispatch of its own, because every row reads it.
struct Params { stepAt: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> state: array<u32>;

@compute @workgroup_size(1)
fn main() { state[p.stepAt] += 1u; }
