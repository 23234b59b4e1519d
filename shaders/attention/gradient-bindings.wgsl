// What every backward attention kernel binds.
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> q: array<${ELEMENT}>;
@group(0) @binding(2) var<storage, read> k: array<${ELEMENT}>;
@group(0) @binding(3) var<storage, read> v: array<${ELEMENT}>;
@group(0) @binding(4) var<storage, read> dO: array<${ELEMENT}>;
#if QUERY_GRADIENT
@group(0) @binding(5) var<storage, read> rows: array<vec2<u32>>;
@group(0) @binding(6) var<storage, read_write> dq: array<${ELEMENT}>;
#else
@group(0) @binding(5) var<storage, read> rows: array<vec4<u32>>;
@group(0) @binding(6) var<storage, read> keyRanges: array<vec2<u32>>;
@group(0) @binding(7) var<storage, read_write> dk: array<${ELEMENT}>;
#if DV_APART
@group(0) @binding(8) var<storage, read_write> dv: array<${ELEMENT}>;
#endif
#endif
