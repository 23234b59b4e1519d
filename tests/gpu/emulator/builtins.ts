/**
 * WGSL's built-in functions on JavaScript values: scalars are numbers or booleans, vectors are arrays. f32 results
 * are rounded to f32 after each operation, as a driver without fused operations would.
 */
import { f16ToF32, f32ArrayToF16 } from '../../../src/formats/half.ts';

export type Scalar = number | boolean;
export type Value = Scalar | Value[];

const f = Math.fround;
const bits = new DataView(new ArrayBuffer(4));

const asBits = (v: number, float: boolean): number => {
  if (float) bits.setFloat32(0, v);
  else bits.setUint32(0, v >>> 0);
  return bits.getUint32(0);
};

/** The same 32 bits read as another type. */
export function bitcast(v: number, fromFloat: boolean, to: string): number {
  bits.setUint32(0, asBits(v, fromFloat));
  return to === 'f32' ? bits.getFloat32(0) : to === 'i32' ? bits.getInt32(0) : bits.getUint32(0);
}

/** Component by component; scalars spread over vectors. */
function spread(fn: (...args: never[]) => Value, ...args: Value[]): Value {
  const n = args.find((a) => Array.isArray(a)) as Value[] | undefined;
  if (n === undefined) return fn(...(args as never[]));
  return n.map((_, i) => fn(...(args.map((a) => (Array.isArray(a) ? a[i] : a)) as never[])));
}

/** From float to a 32-bit integer: towards zero, clamped (WGSL leaves the rest open). */
export const toU32 = (v: Scalar): number =>
  typeof v === 'boolean' ? Number(v) : Math.min(Math.max(Math.trunc(v), 0), 0xffffffff) >>> 0;
export const toI32 = (v: Scalar): number =>
  typeof v === 'boolean' ? Number(v) : Math.min(Math.max(Math.trunc(v), -0x80000000), 0x7fffffff) | 0;

const roundEven = (v: number) => {
  const r = Math.round(v);
  return Math.abs(v % 1) === 0.5 && r % 2 !== 0 ? r - 1 : r;
};

const byte = (word: number, i: number, signed: boolean) =>
  signed ? (word << (24 - 8 * i)) >> 24 : (word >>> (8 * i)) & 0xff;
const dotBytes = (a: number, b: number, signed: boolean) =>
  [0, 1, 2, 3].reduce((sum, i) => sum + byte(a, i, signed) * byte(b, i, signed), 0);

/** Functions of scalars, applied to each component; the result has the arguments' type. */
export const componentwise: Readonly<Record<string, (...args: number[]) => number>> = {
  abs: Math.abs,
  min: Math.min,
  max: Math.max,
  clamp: (v, low, high) => Math.min(Math.max(v, low), high),
  sign: Math.sign,
  floor: Math.floor,
  ceil: Math.ceil,
  trunc: Math.trunc,
  round: roundEven,
  fract: (v) => f(v - Math.floor(v)),
  sqrt: (v) => f(Math.sqrt(v)),
  inverseSqrt: (v) => f(1 / Math.sqrt(v)),
  exp: (v) => f(Math.exp(v)),
  exp2: (v) => f(2 ** v),
  log: (v) => f(Math.log(v)),
  log2: (v) => f(Math.log2(v)),
  pow: (a, b) => f(a ** b),
  sin: (v) => f(Math.sin(v)),
  cos: (v) => f(Math.cos(v)),
  tan: (v) => f(Math.tan(v)),
  tanh: (v) => f(Math.tanh(v)),
  fma: (a, b, c) => f(a * b + c),
  mix: (a, b, t) => f(f(a * f(1 - t)) + f(b * t)),
  step: (edge, v) => (v >= edge ? 1 : 0),
  countOneBits: (v) => (v >>> 0).toString(2).replaceAll('0', '').length,
  firstTrailingBit: (v) => (v === 0 ? 0xffffffff : 31 - Math.clz32(v & -v)),
  firstLeadingBit: (v) => (v === 0 ? 0xffffffff : 31 - Math.clz32(v)),
};

/** Functions of whole values, with the type of their result. */
export const whole: Readonly<Record<string, { type: string; fn: (...args: never[]) => Value }>> = {
  length: { type: 'f32', fn: (v: number[]) => f(Math.hypot(...v)) },
  any: { type: 'bool', fn: (v: boolean | boolean[]) => (Array.isArray(v) ? v.includes(true) : v) },
  all: { type: 'bool', fn: (v: boolean | boolean[]) => (Array.isArray(v) ? !v.includes(false) : v) },
  unpack2x16float: { type: 'vec2<f32>', fn: (v: number) => [f16ToF32(v & 0xffff), f16ToF32(v >>> 16)] },
  pack2x16float: {
    type: 'u32',
    fn: (v: number[]) => {
      const [low, high] = f32ArrayToF16(Float32Array.from(v)).bits;
      return (low! | (high! << 16)) >>> 0;
    },
  },
  dot4I8Packed: { type: 'i32', fn: (a: number, b: number) => dotBytes(a, b, true) | 0 },
  dot4U8Packed: { type: 'u32', fn: (a: number, b: number) => dotBytes(a, b, false) >>> 0 },
};

/** What a subgroup's lanes give each other: all lanes' values (first argument) and operands → each lane's result. */
export type Exchange = (values: Value[], operands: number[], float: boolean) => Value[];

export const subgroup: Readonly<Record<string, Exchange>> = {
  subgroupAdd: (v, _, float) => same(v, (a, b) => (float ? f(a + b) : a + b)),
  subgroupMul: (v, _, float) => same(v, (a, b) => (float ? f(a * b) : Math.imul(a, b))),
  subgroupMax: (v) => same(v, Math.max),
  subgroupMin: (v) => same(v, Math.min),
  subgroupAll: (v) => v.map(() => !v.includes(false)),
  subgroupAny: (v) => v.map(() => v.includes(true)),
  subgroupBroadcast: (v, at) => v.map((_, i) => v[at[i]!]!),
  subgroupBroadcastFirst: (v) => v.map(() => v[0]!),
  subgroupElect: (v) => v.map((_, i) => i === 0),
  subgroupShuffle: (v, at) => v.map((own, i) => v[at[i]!] ?? own),
  subgroupShuffleXor: (v, mask) => v.map((own, i) => v[i ^ mask[i]!] ?? own),
  subgroupShuffleDown: (v, by) => v.map((own, i) => v[i + by[i]!] ?? own),
  subgroupShuffleUp: (v, by) => v.map((own, i) => v[i - by[i]!] ?? own),
  // A quad is four neighbouring lanes.
  quadSwapX: (v) => v.map((own, i) => v[i ^ 1] ?? own),
  quadSwapY: (v) => v.map((own, i) => v[i ^ 2] ?? own),
  quadSwapDiagonal: (v) => v.map((own, i) => v[i ^ 3] ?? own),
  subgroupExclusiveAdd: (v, _, float) => {
    let sum = 0;
    return v.map((x) => [sum, (sum = float ? f(sum + Number(x)) : sum + Number(x))][0]!);
  },
  subgroupInclusiveAdd: (v, _, float) => {
    let sum = 0;
    return v.map((x) => (sum = float ? f(sum + Number(x)) : sum + Number(x)));
  },
};

function same(values: Value[], join: (a: number, b: number) => number): Value[] {
  const result = values.reduce((a, b) => spread(join as never, a, b));
  return values.map(() => result);
}
