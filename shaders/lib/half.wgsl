// Frozen weights: f32, or halves packed two to a u32 (readable without shader-f16). WEIGHT_F16 chooses.
#if WEIGHT_F16
fn weight4(word: vec2<u32>) -> vec4<f32> { return vec4<f32>(unpack2x16float(word.x), unpack2x16float(word.y)); }
#else
fn weight4(word: vec4<f32>) -> vec4<f32> { return word; }
#endif
