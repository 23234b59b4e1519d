// Draws the next token of each row and moves the row's decoding state on. One workgroup a row.
//   control = (temperature, top-p) as f32 bits, top-k, seed; temperature 0 is greedy, top-k 0 and top-p 1 are off.
//   state: sections of one buffer, so that they can also be bound one by one (see ops/sample.ts)
// Order as transformers' warpers: suppression, temperature, top-k, top-p. Thresholds are found by bisection over the
// bits of the logits, which is exact; tokens tied with the threshold are kept. The draw is keyed by (seed, row, step)
// and made of integer operations up to its last multiplication.
// Beside the token its log-probability and the entropy are kept, as TRL defines them: under the softmax of logits / temperature over the
// whole vocabulary, before suppression and cuts (temperature 0 counts as 1).
#if SUBGROUPS
enable subgroups;
diagnostic(off, subgroup_uniformity);
#endif
struct Params { rows: u32, vocab: u32, eosCount: u32, pad: u32, maxLength: u32, tokensAt: u32, positionsAt: u32, slotsAt: u32, rangesAt: u32, finishedAt: u32, outputAt: u32, logProbsAt: u32, entropiesAt: u32, stepAt: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> suppressed: array<u32>;
@group(0) @binding(3) var<storage, read> eos: array<u32>;
@group(0) @binding(4) var<storage, read> control: array<u32>;
@group(0) @binding(5) var<storage, read_write> state: array<u32>;
#include lanes

var<workgroup> chunks: array<f32, ${LANES}>;
var<workgroup> chosen: u32;

// f32 bits in an order that compares like the numbers do.
fn ordered(v: f32) -> u32 {
  let bits = bitcast<u32>(v);
  return select(bits | 0x80000000u, ~bits, (bits >> 31u) == 1u);
}

fn allowed(v: u32) -> bool { return ((suppressed[v / 32u] >> (v % 32u)) & 1u) == 0u; }

fn hash(x: u32) -> u32 {
  let s = x * 747796405u + 2891336453u;
  let w = ((s >> ((s >> 28u) + 4u)) ^ s) * 277803737u;
  return (w >> 22u) ^ w;
}

@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  laneIndex = local;
  let row = group.x;
  let base = row * p.vocab;
  let temperature = bitcast<f32>(control[0]);
  let topP = bitcast<f32>(control[1]);
  let topK = control[2];
  let step = state[p.stepAt];

  // The largest logit, the largest that may be drawn, and the lowest index that has it.
  var peak = -1e30;
  var top = -1e30;
  for (var v = local; v < p.vocab; v += ${LANES}u) {
    let l = logits[base + v];
    peak = max(peak, l);
    if (allowed(v)) { top = max(top, l); }
  }
  peak = lanesMax(peak);
  top = lanesMax(top);
  let scale = select(1.0, 1.0 / temperature, temperature > 0.0);
  var best = p.vocab;
  var mass = 0.0;
  var moment = 0.0;
  for (var v = local; v < p.vocab; v += ${LANES}u) {
    let l = logits[base + v];
    let gap = (l - peak) * scale;
    let share = exp(gap);
    mass += share;
    moment += share * gap;
    if (v < best && allowed(v) && l >= top) { best = v; }
  }
  mass = lanesAdd(mass);
  moment = lanesAdd(moment);
  // Indices are exact in f32 up to 2²⁴, beyond any vocabulary.
  best = min(u32(-lanesMax(-f32(best))), p.vocab - 1u);

  if (local == 0u) { chosen = best; }
  if (temperature > 0.0) {
    var threshold = 0u;
    if (topK > 0u && topK < p.vocab) {
      for (var bit = 0u; bit < 32u; bit++) {
        let candidate = threshold | (0x80000000u >> bit);
        var count = 0.0;
        for (var v = local; v < p.vocab; v += ${LANES}u) {
          if (allowed(v) && ordered(logits[base + v]) >= candidate) { count += 1.0; }
        }
        if (lanesAdd(count) >= f32(topK)) { threshold = candidate; }
      }
    }
    if (topP < 1.0) {
      var all = 0.0;
      for (var v = local; v < p.vocab; v += ${LANES}u) {
        let l = logits[base + v];
        if (allowed(v) && ordered(l) >= threshold) { all += exp((l - top) * scale); }
      }
      let wanted = lanesAdd(all) * topP;
      let floor = threshold;
      var cut = 0u;
      for (var bit = 0u; bit < 32u; bit++) {
        let candidate = cut | (0x80000000u >> bit);
        var sum = 0.0;
        for (var v = local; v < p.vocab; v += ${LANES}u) {
          let l = logits[base + v];
          if (allowed(v) && ordered(l) >= max(candidate, floor)) { sum += exp((l - top) * scale); }
        }
        if (lanesAdd(sum) >= wanted) { cut = candidate; }
      }
      threshold = max(threshold, cut);
    }
    // Lanes own contiguous stretches; the one in which the running sum passes the draw looks through its own.
    let stretch = (p.vocab + ${LANES}u - 1u) / ${LANES}u;
    let start = local * stretch;
    let end = min(start + stretch, p.vocab);
    var own = 0.0;
    for (var v = start; v < end; v++) {
      let l = logits[base + v];
      if (allowed(v) && ordered(l) >= threshold) { own += exp((l - top) * scale); }
    }
    chunks[local] = own;
    workgroupBarrier();
    var before = 0.0;
    var total = 0.0;
    for (var i = 0u; i < ${LANES}u; i++) {
      if (i < local) { before += chunks[i]; }
      total += chunks[i];
    }
    let draw = f32(hash(control[3] ^ hash(row ^ hash(step))) >> 8u) / 16777216.0 * total;
    if (own > 0.0 && draw >= before && draw < before + own) {
      var sum = before;
      var last = best;
      for (var v = start; v < end; v++) {
        let l = logits[base + v];
        if (allowed(v) && ordered(l) >= threshold) {
          last = v;
          sum += exp((l - top) * scale);
          if (sum > draw) { break; }
        }
      }
      chosen = last;
    }
  }
  workgroupBarrier();

  if (local == 0u) {
    let done = state[p.finishedAt + row] != 0u;
    let token = select(chosen, p.pad, done);
    state[p.tokensAt + row] = token;
    if (step < p.maxLength) {
      let logProb = (logits[base + chosen] - peak) * scale - log(mass);
      state[p.outputAt + step * p.rows + row] = token;
      state[p.logProbsAt + step * p.rows + row] = bitcast<u32>(select(logProb, 0.0, done));
      state[p.entropiesAt + step * p.rows + row] = bitcast<u32>(select(log(mass) - moment / mass, 0.0, done));
    }
    if (!done) {
      state[p.positionsAt + row] += 1u;
      state[p.slotsAt + row] += 1u;
      state[p.rangesAt + 4u * row + 3u] += 1u;
      for (var i = 0u; i < p.eosCount; i++) {
        if (token == eos[i]) {
          state[p.finishedAt + row] = 1u;
          // A finished row sees nothing from here on, so attention spends nothing on it.
          for (var j = 0u; j < 4u; j++) { state[p.rangesAt + 4u * row + j] = 0u; }
        }
      }
    }
  }
}
