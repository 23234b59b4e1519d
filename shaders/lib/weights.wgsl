// Frozen weights `w` [rows, columns], four neighbours of a row at a time: element 4·at … 4·at + 3 in row order.
// BITS 32: f32. BITS 16: halves packed two to a u32 (readable without shader-f16).
#if BITS == 16
fn weightAt(at: u32) -> vec4<f32> {
  let word = w[at];
  return vec4<f32>(unpack2x16float(word.x), unpack2x16float(word.y));
}
#else
fn weightAt(at: u32) -> vec4<f32> { return w[at]; }
#endif
