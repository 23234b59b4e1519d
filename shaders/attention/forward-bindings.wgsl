// What every forward attention kernel binds.
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> q: array<${ELEMENT}>;
@group(0) @binding(2) var<storage, read> k: array<${ELEMENT}>;
@group(0) @binding(3) var<storage, read> v: array<${ELEMENT}>;
@group(0) @binding(4) var<storage, read> ranges: array<vec2<u32>>;
@group(0) @binding(5) var<storage, read_write> o: array<${ELEMENT}>;
#if SAVE || SPLIT
@group(0) @binding(6) var<storage, read_write> lse2: array<f32>;
#endif
