/**
 * Turns a kernel into JavaScript, so that it can be run invocation by invocation with every access to memory seen.
 * Covers the WGSL that our shaders use; anything else is refused by name, never ignored. wgsl_reflect parses.
 *
 * Types are strings as WGSL writes them ('f32', 'vec4<u32>', 'array<f32,64>'); 'x32' is an integer literal without a
 * suffix. Functions that may wait (for a barrier or a subgroup) become generators and yield what they wait for.
 */
import { WgslParser } from 'wgsl_reflect/wgsl_reflect.module.js';
import * as builtins from './builtins.ts';

/** A node of wgsl_reflect's tree. Its classes are minified; `astNodeType` tells nodes apart. */
interface Node {
  readonly astNodeType?: string;
  readonly line?: number;
  readonly [key: string]: unknown;
}

export interface Buffer {
  readonly name: string;
  readonly space: 'storage' | 'workgroup' | 'uniform';
  readonly binding: number;
  readonly writable: boolean;
  readonly type: string;
}

export interface CompiledKernel {
  readonly workgroupSize: readonly [number, number, number];
  readonly buffers: readonly Buffer[];
  /** Makes one invocation: private variables of its own, the given memory shared. */
  readonly start: (
    runtime: Runtime,
    memory: Readonly<Record<string, unknown>>,
    builtin: Readonly<Record<string, builtins.Value>>,
  ) => Generator<Wait, void, builtins.Value>;
}

/** What an invocation waits for; `site` tells call sites apart. */
export interface Wait {
  readonly kind: string;
  readonly site: number;
  readonly line: number;
  readonly value: builtins.Value;
  readonly operand: number;
  readonly float: boolean;
}

/** Called by the compiled code. `at` counts components (words); `n` is the number of components, 0 for a scalar. */
export interface Runtime {
  load(memory: unknown, at: number, n: number, line: number): builtins.Value;
  store(memory: unknown, at: number, n: number, value: builtins.Value, line: number): void;
  /** A component or element index of a local value. */
  index(i: number, size: number, line: number): number;
  readonly b: typeof builtins;
}

export class UnsupportedWgsl extends Error {}
const refuse = (what: string, line: number): never => {
  throw new UnsupportedWgsl(`line ${line}: the emulator does not know ${what}`);
};

interface Expression {
  readonly js: string;
  readonly type: string;
}
interface Variable {
  readonly js: string;
  readonly type: string;
  readonly memory: boolean;
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

const zero = (type: string): string => {
  const inner = elementOf(type);
  if (inner) return `Array.from({ length: ${inner.count} }, () => ${zero(inner.element)})`;
  const n = componentsOf(type);
  const scalar = scalarOf(type) === 'bool' ? 'false' : '0';
  return n > 0 ? `[${Array.from({ length: n }, () => scalar).join(', ')}]` : scalar;
};

const copied = ({ js, type }: Expression): string =>
  elementOf(type) ? `structuredClone(${js})` : componentsOf(type) > 0 ? `${js}.slice()` : js;

const comparisons = new Set(['==', '!=', '<', '>', '<=', '>=']);

/** One scalar operation, rounded or wrapped to its type. */
function scalarOperation(operator: string, a: string, b: string, type: string): string {
  if (comparisons.has(operator))
    return `(${a} ${operator === '==' ? '===' : operator === '!=' ? '!==' : operator} ${b})`;
  if (type === 'bool') return operator.length === 2 ? `(${a} ${operator} ${b})` : `Boolean(${a} ${operator} ${b})`;
  if (type === 'f32') return `Math.fround(${a} ${operator} ${b})`;
  const wrap = type === 'u32' ? '>>> 0' : '| 0';
  if (operator === '*') return `(Math.imul(${a}, ${b}) ${wrap})`;
  if (operator === '/' || operator === '%') return `(runtimeDivide(${a}, ${b}, ${operator === '%'}) ${wrap})`;
  if (operator === '>>' && type === 'u32') return `(${a} >>> ${b})`;
  return `((${a} ${operator} ${b}) ${wrap})`;
}

class Compiler {
  readonly buffers: Buffer[] = [];
  readonly functions = new Map<string, Node>();
  /** Functions that may wait. */
  readonly waiting = new Set<string>();
  readonly params = new Map<string, string>();
  readonly structs = new Map<string, Node>();
  #names = 0;
  #sites = 0;
  #line = 0;
  #scopes: Map<string, Variable>[] = [new Map()];

  declare(name: string, type: string, memory = false): string {
    const js = memory ? `memory.${name}` : `$${name}_${this.#names++}`;
    this.#scopes.at(-1)!.set(name, { js, type, memory });
    return js;
  }

  #find(name: string): Variable {
    for (let i = this.#scopes.length - 1; i >= 0; i--) {
      const found = this.#scopes[i]!.get(name);
      if (found) return found;
    }
    return refuse(`the name ${name}`, this.#line);
  }

  scoped<T>(body: () => T): T {
    this.#scopes.push(new Map());
    try {
      return body();
    } finally {
      this.#scopes.pop();
    }
  }

  block(statements: readonly Node[]): string {
    return this.scoped(() => `{\n${statements.map((s) => this.statement(s)).join('\n')}\n}`);
  }

  statement(node: Node): string {
    if (Array.isArray(node)) return this.block(node as Node[]); // a bare { … }
    if (typeof node.line === 'number') this.#line = node.line;
    const text = this.#statement(node, String(node.astNodeType));
    return text.endsWith('}') ? text : `${text};`;
  }

  #statement(node: Node, kind: string): string {
    switch (kind) {
      case 'let':
      case 'const':
      case 'var': {
        const declared = node.type === null ? null : typeName(node.type as Node);
        const value = node.value === null ? null : this.expression(node.value as Node, declared);
        const type = declared ?? (value!.type === 'x32' ? 'i32' : value!.type);
        const js = value === null ? zero(type) : copied(value);
        return `let ${this.declare(String(node.name), type)} = ${js}`;
      }
      case 'assign': {
        const target = node.variable as Node;
        if (target.name === '_') return this.expression(node.value as Node).js;
        return this.#assign(target, String(node.operator), node.value as Node);
      }
      case 'increment':
        return this.#assign(node.variable as Node, node.operator === '++' ? '+=' : '-=', null);
      case 'if': {
        const branch = (n: Node, word: string) =>
          `${word} (${this.expression(n.condition as Node).js}) ${this.block(n.body as Node[])}`;
        const others = ((node.elseif ?? []) as Node[]).map((n) => branch(n, ' else if')).join('');
        return `${branch(node, 'if')}${others}${node.else ? ` else ${this.block(node.else as Node[])}` : ''}`;
      }
      case 'for':
        return this.scoped(() => {
          const init = node.init ? this.#statement(node.init as Node, String((node.init as Node).astNodeType)) : '';
          const condition = node.condition ? this.expression(node.condition as Node).js : '';
          const next = node.increment
            ? this.#statement(node.increment as Node, String((node.increment as Node).astNodeType))
            : '';
          return `for (${init}; ${condition}; ${next}) ${this.block(node.body as Node[])}`;
        });
      case 'while':
        return `while (${this.expression(node.condition as Node).js}) ${this.block(node.body as Node[])}`;
      case 'loop':
        if (((node.continuing as Node | null)?.body as Node[] | undefined)?.length) refuse('continuing', this.#line);
        return `while (true) ${this.block((node.body as Node[]).filter((n) => n.astNodeType !== 'continuing'))}`;
      case 'break':
        return node.condition ? refuse('break if', this.#line) : 'break';
      case 'continue':
        return 'continue';
      case 'return': {
        const value = node.value as Node | null;
        // wgsl_reflect gives an empty constructor for a bare return.
        return value === null || (value.astNodeType === 'createExpr' && value.type === null)
          ? 'return'
          : `return ${copied(this.expression(value))}`;
      }
      case 'call':
        return this.#call(String(node.name), (node.args ?? []) as Node[]).js;
      default:
        return refuse(`the statement ${kind}`, this.#line);
    }
  }

  #assign(target: Node, operator: string, value: Node | null): string {
    const place = this.#place(target);
    const right = value === null ? { js: '1', type: place.type } : this.expression(value, place.type);
    if (operator === '=') return place.write(copied(right));
    return place.write(this.#binary(operator.slice(0, -1), { js: place.read, type: place.type }, right).js);
  }

  /** Where an assignment goes: `read` and `write` evaluate the path again, so paths must not wait. */
  #place(node: Node): { type: string; read: string; write: (js: string) => string } {
    const variable = this.#find(String(node.name));
    const access = this.#path(variable, node.postfix as Node | null);
    if (access.memory) {
      const [base, at, n] = access.memory;
      const place = `${base}, ${at}, ${n}`;
      return {
        type: access.type,
        read: `rt.load(${place}, ${this.#line})`,
        write: (js) => `rt.store(${place}, ${js}, ${this.#line})`,
      };
    }
    return { type: access.type, read: access.js, write: (js) => `${access.js} = ${js}` };
  }

  /** Follows .x, [i] and .member from a variable. */
  #path(
    variable: Variable,
    postfix: Node | null,
  ): { js: string; type: string; memory: [string, string, number] | null } {
    let { js, type } = variable;
    const uniform = this.structs.get(type);
    if (uniform && postfix) {
      const member = String(postfix.value);
      const field = (uniform.members as Node[]).find((m) => m.name === member);
      if (!field) refuse(`the member ${member}`, this.#line);
      return { js: `${js}.${member}`, type: typeName(field!.type as Node), memory: null };
    }
    let memory: [string, string, number] | null = variable.memory ? [js, '0', componentsOf(type)] : null;
    for (let step = postfix; step; step = step.postfix as Node | null) {
      const inner = elementOf(type);
      const n = componentsOf(type);
      const swizzle = step.astNodeType === 'stringExpr' ? String(step.value) : null;
      const index = swizzle === null ? this.expression(step.index as Node).js : null;
      if (inner && index !== null) {
        if (memory) memory = [memory[0], `(${index}) * ${strideOf(inner.element)}`, componentsOf(inner.element)];
        else js = `${js}[rt.index(${index}, ${inner.count}, ${this.#line})]`;
        type = inner.element;
      } else if (n > 0 && (index !== null || swizzle!.length === 1)) {
        const component = index ?? String(componentNumber(swizzle!));
        const checked = index === null ? component : `rt.index(${component}, ${n}, ${this.#line})`;
        if (memory) memory = [memory[0], `${memory[1]} + ${checked}`, 0];
        else js = `${js}[${checked}]`;
        type = scalarOf(type);
      } else if (n > 0 && swizzle) {
        if (memory) js = `rt.load(${memory.join(', ')}, ${this.#line})`;
        memory = null;
        js = `rt.b.swizzle(${js}, ${JSON.stringify([...swizzle].map(componentNumber))})`;
        type = `vec${swizzle.length}<${scalarOf(type)}>`;
      } else refuse(`access to ${type}`, this.#line);
    }
    return { js, type, memory };
  }

  #value(variable: Variable, postfix: Node | null): Expression {
    const access = this.#path(variable, postfix);
    if (!access.memory) return access;
    if (elementOf(access.type)) refuse('a whole array as a value', this.#line);
    return { js: `rt.load(${access.memory.join(', ')}, ${this.#line})`, type: access.type };
  }

  /** `wanted` gives a literal without a suffix its type. */
  expression(node: Node, wanted: string | null = null): Expression {
    const result = this.#expression(node);
    return wanted !== null && result.type === 'x32' ? { js: result.js, type: scalarOf(wanted) } : result;
  }

  #expression(node: Node): Expression {
    const postfix = (node.postfix ?? null) as Node | null;
    const after = (value: Expression) => (postfix === null ? value : this.#value({ ...value, memory: false }, postfix));
    switch (String(node.astNodeType)) {
      case 'literalExpr': {
        const type = typeName(node.type as Node);
        // wgsl_reflect computes a constant array itself and keeps its bytes.
        const { buffer } = node.value as { readonly buffer?: ArrayBuffer };
        if (buffer && elementOf(type)?.element === 'f32')
          return { js: `[${[...new Float32Array(buffer)].join(', ')}]`, type };
        const value = Number(((node.value as Node).data as ArrayLike<number>)[0]);
        return { js: type === 'bool' ? String(value !== 0) : Object.is(value, -0) ? '-0' : String(value), type };
      }
      case 'varExpr':
      case 'constExpr':
        return this.#value(this.#find(String(node.name)), postfix);
      case 'callExpr':
        return after(this.#call(String(node.name), (node.args ?? []) as Node[]));
      case 'createExpr':
        return after(this.#create(typeName(node.type as Node), (node.args ?? []) as Node[]));
      case 'bitcastExpr': {
        const value = this.expression(node.value as Node);
        const to = typeName(node.type as Node);
        const float = scalarOf(value.type) === 'f32';
        return after({ js: `rt.b.spread((v) => rt.b.bitcast(v, ${float}, '${scalarOf(to)}'), ${value.js})`, type: to });
      }
      case 'unaryOp': {
        const value = this.expression(node.right as Node);
        if (node.operator === '-' && value.type === 'x32') return { js: `-${value.js}`, type: 'x32' };
        const scalar = scalarOf(value.type);
        const one: Readonly<Record<string, string>> = {
          '-': scalar === 'f32' ? '-v' : '(-v | 0)',
          '!': '!v',
          '~': scalar === 'u32' ? '(~v >>> 0)' : '~v',
        };
        const body = one[String(node.operator)] ?? refuse(`the operator ${String(node.operator)}`, this.#line);
        return after({ js: `rt.b.spread((v) => ${body}, ${value.js})`, type: value.type });
      }
      case 'binaryOp':
        return after(
          this.#binary(String(node.operator), this.expression(node.left as Node), this.expression(node.right as Node)),
        );
      default:
        return refuse(`the expression ${String(node.astNodeType)}`, this.#line);
    }
  }

  #binary(operator: string, left: Expression, right: Expression): Expression {
    const types = [left.type, right.type];
    const shape = types.find((t) => componentsOf(t) > 0);
    const scalar = types.map(scalarOf).find((t) => t !== 'x32') ?? 'x32';
    const n = shape ? componentsOf(shape) : 0;
    const resultScalar = comparisons.has(operator) ? 'bool' : scalar;
    const type = n > 0 ? `vec${n}<${resultScalar}>` : resultScalar;
    // Shifts take their count as u32, whatever is shifted.
    const working = operator === '<<' || operator === '>>' ? scalarOf(left.type) : scalar === 'x32' ? 'i32' : scalar;
    if (n === 0) return { js: scalarOperation(operator, left.js, right.js, working), type };
    return {
      js: `rt.b.spread((a, b) => ${scalarOperation(operator, 'a', 'b', working)}, ${left.js}, ${right.js})`,
      type,
    };
  }

  #create(type: string, args: readonly Node[]): Expression {
    const inner = elementOf(type);
    const values = args.map((a) => this.expression(a, inner?.element ?? scalarOf(type)));
    if (values.length === 0) return { js: zero(type), type };
    if (inner) return { js: `[${values.map(copied).join(', ')}]`, type };
    const scalar = scalarOf(type);
    const convert: Readonly<Record<string, string>> = {
      f32: 'Math.fround(Number(v))',
      u32: 'rt.b.toU32(v)',
      i32: 'rt.b.toI32(v)',
      bool: 'Boolean(v)',
    };
    const body = convert[scalar] ?? refuse(`the type ${type}`, this.#line);
    // Between integers the bits stay; from anything else the value does.
    const as = (v: Expression) => {
      const from = scalarOf(v.type);
      if (from === scalar) return v.js;
      const integers = ['u32', 'i32'].includes(from) && ['u32', 'i32'].includes(scalar);
      return `rt.b.spread((v) => ${integers ? (scalar === 'u32' ? 'v >>> 0' : 'v | 0') : body}, ${v.js})`;
    };
    const n = componentsOf(type);
    if (n === 0) return { js: as(values[0]!), type };
    if (values.length === 1 && componentsOf(values[0]!.type) === 0)
      return { js: `Array.from({ length: ${n} }, () => ${as(values[0]!)})`, type };
    return { js: `[${values.map((v) => (componentsOf(v.type) > 0 ? `...${as(v)}` : as(v))).join(', ')}]`, type };
  }

  #call(name: string, args: readonly Node[]): Expression {
    const constructor = /^vec[234][fuih]$/.test(name)
      ? typeName({ name } as unknown as Node)
      : ['f32', 'u32', 'i32', 'bool'].includes(name)
        ? name
        : null;
    if (constructor) return this.#create(constructor, args);
    const own = this.functions.get(name);
    if (own) {
      const parameters = own.args as Node[];
      const values = args.map((a, i) => copied(this.expression(a, typeName(parameters[i]!.type as Node))));
      const call = `fn_${name}(${values.join(', ')})`;
      return { js: this.waiting.has(name) ? `(yield* ${call})` : call, type: typeName(own.returnType as Node | null) };
    }
    if (name.endsWith('Barrier')) return { js: this.#wait(name, '0', '0', false), type: 'void' };
    const values = args.map((a) => this.expression(a));
    if (name in builtins.subgroup) {
      const [value = { js: 'true', type: 'bool' }, operand = { js: '0', type: 'u32' }] = values;
      const type = value.type === 'x32' ? 'i32' : value.type;
      return { js: this.#wait(name, value.js, operand.js, scalarOf(type) === 'f32'), type };
    }
    const js = values.map((v) => v.js).join(', ');
    const scalar = values.map((v) => scalarOf(v.type)).find((t) => t !== 'x32' && t !== 'bool') ?? 'i32';
    const n = Math.max(0, ...values.map((v) => componentsOf(v.type)));
    const type = n > 0 ? `vec${n}<${scalar}>` : scalar;
    if (name === 'select') return { js: `rt.b.spread((no, yes, c) => (c ? yes : no), ${js})`, type };
    if (name === 'dot') return { js: `rt.b.dot(${js})`, type: scalar };
    if (name in builtins.componentwise) {
      const one = `rt.b.componentwise.${name}`;
      return { js: n > 0 ? `rt.b.spread(${one}, ${js})` : `${one}(${js})`, type };
    }
    const whole = builtins.whole[name] ?? refuse(`the function ${name}`, this.#line);
    return { js: `rt.b.whole.${name}.fn(${js})`, type: whole.type };
  }

  #wait(kind: string, value: string, operand: string, float: boolean): string {
    return `(yield { kind: '${kind}', site: ${this.#sites++}, line: ${this.#line}, value: ${value}, operand: ${operand}, float: ${float} })`;
  }
}

const componentNumber = (c: string): number => ('xyzw'.includes(c) ? 'xyzw' : 'rgba').indexOf(c);

/** Names of everything a body calls, however deep in its tree. */
function calls(node: unknown, found = new Set<string>(), seen = new Set<unknown>()): Set<string> {
  if (node === null || typeof node !== 'object' || ArrayBuffer.isView(node) || seen.has(node)) return found;
  seen.add(node);
  const { astNodeType, name } = node as Node;
  if (astNodeType === 'call' || astNodeType === 'callExpr') found.add(String(name));
  for (const [key, value] of Object.entries(node)) if (key !== 'parent') calls(value, found, seen);
  return found;
}

const divide = (a: number, b: number, remainder: boolean): number =>
  b === 0 ? (remainder ? 0 : a) : remainder ? a % b : Math.trunc(a / b);

/** The source with what its aliases stand for. */
function withoutAliases(source: string): string {
  const declared = /^alias (\w+) = ([^;]+);$/gm;
  const types = new Map([...source.matchAll(declared)].map(([, name, type]) => [name!, type!]));
  return source.replace(declared, '').replace(/\b[A-Z]\w+\b/g, (word) => types.get(word) ?? word);
}

/** Compiles the kernel `main` of a source whose directives are expanded. */
export function compileKernel(source: string): CompiledKernel {
  const tree = new WgslParser().parse(withoutAliases(source)) as unknown as readonly Node[];
  const compiler = new Compiler();
  const head: string[] = [];
  const functions = tree.filter((node) => node.astNodeType === 'function');
  for (const node of functions) compiler.functions.set(String(node.name), node);
  const waits = (name: string) => name.endsWith('Barrier') || name in builtins.subgroup || compiler.waiting.has(name);
  for (let size = -1; size !== compiler.waiting.size;) {
    size = compiler.waiting.size;
    for (const node of functions) if ([...calls(node.body)].some(waits)) compiler.waiting.add(String(node.name));
  }
  for (const node of tree) {
    if (node.astNodeType === 'struct') compiler.structs.set(String(node.name), node);
    if (node.astNodeType === 'const') head.push(compiler.statement(node));
    if (node.astNodeType !== 'var') continue;
    const [name, type] = [String(node.name), typeName(node.type as Node)];
    if (node.storage === 'private') {
      head.push(compiler.statement(node));
      continue;
    }
    const binding = ((node.attributes ?? []) as Node[]).find((a) => a.name === 'binding');
    compiler.buffers.push({
      name,
      type,
      space: node.storage as Buffer['space'],
      binding: Number(binding?.value ?? -1),
      writable: node.access === 'read_write' || node.storage === 'workgroup',
    });
    compiler.declare(name, type, true);
  }
  const bodies = functions.map((node) =>
    compiler.scoped(() => {
      const entry = node.name === 'main';
      const parameters = (node.args as Node[]).map((arg) => {
        const js = compiler.declare(String(arg.name), typeName(arg.type as Node));
        const builtin = ((arg.attributes ?? []) as Node[]).find((a) => a.name === 'builtin');
        return entry ? `${js} = builtin.${String(builtin!.value)}` : js;
      });
      const star = entry || compiler.waiting.has(String(node.name)) ? '*' : '';
      return `function${star} fn_${String(node.name)}(${parameters.join(', ')}) ${compiler.block(node.body as Node[])}`;
    }),
  );
  const main = functions.find((node) => node.name === 'main') ?? refuse('a kernel without main', 0);
  const size = ((main.attributes as Node[]).find((a) => a.name === 'workgroup_size')!.value ?? []) as string | string[];
  const sizes = (Array.isArray(size) ? size : [size]).map(Number);
  const text = `"use strict"; return (rt, memory, builtin) => {\n${head.join('\n')}\n${bodies.join('\n')}\nreturn fn_main();\n}`;
  const start = new Function('runtimeDivide', text)(divide) as CompiledKernel['start'];
  return { workgroupSize: [sizes[0] ?? 1, sizes[1] ?? 1, sizes[2] ?? 1], buffers: compiler.buffers, start };
}
