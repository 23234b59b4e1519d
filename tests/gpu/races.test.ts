import { describe, expect, test } from 'vitest';
import { checkRaces, type RaceCheck } from './race-check.ts';

/** A sum over a row by a tree in workgroup memory; `first` and `second` are its barriers. */
const tree = (first = 'workgroupBarrier();', second = 'workgroupBarrier();') => `
  @group(0) @binding(0) var<storage, read> x: array<f32>;
  @group(0) @binding(1) var<storage, read_write> y: array<f32>;
  var<workgroup> parts: array<f32, 8>;
  var<private> lane: u32;
  fn sum(v: f32) -> f32 {
    parts[lane] = v;
    ${first}
    for (var step = 4u; step > 0u; step /= 2u) {
      if (lane < step) { parts[lane] += parts[lane + step]; }
      ${second}
    }
    return parts[0];
  }
  @compute @workgroup_size(8)
  fn main(@builtin(local_invocation_index) local: u32, @builtin(workgroup_id) group: vec3<u32>) {
    lane = local;
    let total = sum(x[group.x * 8u + lane]);
    y[group.x * 8u + lane] = total;
  }`;

const rows = Float32Array.from({ length: 16 }, (_, i) => i);
const twoRows: RaceCheck = { groups: [2], bind: { x: rows, y: 64 } };

/** A kernel of one line over x and y, 8 invocations a workgroup. */
const line = (body: string, more = '') => `
  ${more}
  @group(0) @binding(0) var<storage, read_write> x: array<f32>;
  @group(0) @binding(1) var<storage, read_write> y: array<f32>;
  var<workgroup> shared_: array<f32, 8>;
  @compute @workgroup_size(8)
  fn main(@builtin(local_invocation_index) i: u32, @builtin(global_invocation_id) id: vec3<u32>) { ${body} }`;

const kinds = (source: string, check: RaceCheck = twoRows) => checkRaces(source, check).map((f) => f.kind);

describe('the emulator finds nothing in', () => {
  test('a tree reduction with its barriers', () => expect(checkRaces(tree(), twoRows)).toEqual([]));
  test('each invocation on its own words', () =>
    expect(kinds(line('y[id.x] = x[id.x] * 2.0; y[id.x] += 1.0;'))).toEqual([]));
  test('all reading one word', () => expect(kinds(line('y[id.x] = x[0] + x[id.x];'))).toEqual([]));
  test('a row shared within a subgroup', () =>
    expect(
      kinds(line('let s = subgroupAdd(x[id.x]); y[id.x] = s + subgroupShuffle(x[id.x], i ^ 1u);', 'enable subgroups;')),
    ).toEqual([]));
  test('a name whose number makes it look like another', () => {
    // What the compiler calls the nth `a` must not be what it calls an earlier `a1`.
    const inner = Array.from({ length: 30 }, () => '{ let a = 99u; if (a1 != id.x || a != 99u) { y[99] = 0.0; } }');
    expect(checkRaces(line(`let a1 = id.x; ${inner.join(' ')}`), twoRows)).toEqual([]);
  });
  test('writes handed over by a storage barrier', () =>
    expect(kinds(line('y[id.x] = x[id.x]; storageBarrier(); x[id.x] = y[id.x ^ 1u];'))).toEqual([]));
});

describe('the emulator finds', () => {
  test('a missing barrier before a tree', () => expect(kinds(tree(''))).toContain('race'));
  test('a missing barrier inside a tree', () => expect(kinds(tree(undefined, ''))).toContain('race'));
  test('a barrier of the wrong memory', () => {
    expect(kinds(line('y[id.x] = x[id.x]; workgroupBarrier(); x[id.x] = y[id.x ^ 1u];'))).toContain('race');
  });
  test('a rotation in place: each half reads what the other writes', () => {
    expect(kinds(line('x[id.x] = select(x[id.x] + x[id.x ^ 4u], 0.0, i > 8u);'))).toContain('race');
  });
  test('two workgroups that write one word, whatever their barriers', () => {
    expect(kinds(line('storageBarrier(); y[i] = x[id.x]; storageBarrier();'))).toEqual(['race']);
  });
  test('a workgroup that reads what another writes, in either order', () => {
    expect(kinds(line('if (id.x < 8u) { y[i] = 1.0; } else { y[id.x] = y[i]; }'))).toEqual(['race']);
    expect(kinds(line('if (id.x >= 8u) { x[i] = 1.0; } else { y[id.x] = x[i]; }'))).toEqual(['race']);
  });
  test('an index past the end, read or written', () => {
    expect(kinds(line('y[id.x] = x[id.x + 1u];'))).toEqual(['out of bounds']);
    expect(kinds(line('y[id.x + 1u] = x[id.x];'))).toEqual(['out of bounds']);
  });
  test('an eager select that reads past the end', () => {
    expect(kinds(line('y[id.x] = select(0.0, x[id.x + 1u], id.x < 15u);'))).toEqual(['out of bounds']);
  });
  test('a component that a vector lacks', () => {
    expect(kinds(line('var v = vec4<f32>(); v[i] = 1.0; y[id.x] = v.x;'))).toEqual(['out of bounds']);
  });
  test('memory that nobody has written', () => {
    expect(kinds(line('x[id.x] = y[id.x];'))).toEqual(['undefined']);
    expect(kinds(line('shared_[0] = 1.0; if (i == 0u) { y[0] = shared_[1]; }'))).toContain('undefined');
  });
  test('a barrier that some never reach', () => {
    expect(kinds(line('if (i < 4u) { workgroupBarrier(); } y[id.x] = 0.0;'))).toEqual(['divergence']);
    expect(kinds(line('if (i < 4u) { workgroupBarrier(); } else { workgroupBarrier(); }'))).toEqual(['divergence']);
  });
  test('a subgroup operation in divergent flow', () => {
    expect(kinds(line('if (i < 4u) { y[id.x] = subgroupAdd(x[id.x]); }', 'enable subgroups;'))).toEqual(['divergence']);
  });
});

test('what the emulator does not know it refuses, by name', () => {
  expect(() => checkRaces(line('y[id.x] = ldexp(x[id.x], 2);'), twoRows)).toThrow('ldexp');
});
