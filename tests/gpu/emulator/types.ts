/** What types are called in a kernel, and how their values lie in memory and in JavaScript. */

/** A node of wgsl_reflect's tree. Its classes are minified; `astNodeType` tells nodes apart. */
export interface Node {
  readonly astNodeType?: string;
  readonly line?: number;
  readonly [key: string]: unknown;
}

export interface Expression {
  readonly js: string;
  readonly type: string;
}

const vector = /^vec([234])<(\w+)>$/;
const array = /^array<(.+?)(?:,(\d+))?>$/;
export const componentsOf = (type: string): number => Number(vector.exec(type)?.[1] ?? 0);
export const scalarOf = (type: string): string => vector.exec(type)?.[2] ?? type;
/** Words from one element to the next: vec3 takes four. */
export const strideOf = (type: string): number => [1, 1, 2, 4, 4][componentsOf(type)]!;
export const elementOf = (type: string): { element: string; count: number } | null => {
  const m = array.exec(type);
  return m && { element: m[1]!, count: Number(m[2] ?? 0) };
};

const short: Readonly<Record<string, string>> = { f: 'f32', u: 'u32', i: 'i32', h: 'f16' };

export function typeName(type: Node | null): string {
  if (type === null) return 'void';
  const name = String(type.name);
  const format = type.format as Node | undefined;
  if (name === 'array') return `array<${typeName(format!)}${type.count ? `,${String(type.count)}` : ''}>`;
  const alias = /^vec([234])([fuih])$/.exec(name);
  if (alias) return `vec${alias[1]}<${short[alias[2]!]}>`;
  return format ? `${name}<${typeName(format)}>` : name;
}

export const zero = (type: string): string => {
  const inner = elementOf(type);
  if (inner) return `Array.from({ length: ${inner.count} }, () => ${zero(inner.element)})`;
  const n = componentsOf(type);
  const scalar = scalarOf(type) === 'bool' ? 'false' : '0';
  return n > 0 ? `[${Array.from({ length: n }, () => scalar).join(', ')}]` : scalar;
};

/** Arrays are values; vectors are never changed in place, so that they need no copies. */
export const copied = ({ js, type }: Expression): string => {
  const inner = elementOf(type);
  if (!inner) return js;
  return elementOf(inner.element) ? `${js}.map((e) => ${copied({ js: 'e', type: inner.element })})` : `${js}.slice()`;
};
