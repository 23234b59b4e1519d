/**
 * Turns a kernel into JavaScript, so that it can be run invocation by invocation with every access to memory seen.
 * Covers the WGSL that our shaders use; anything else is refused by name, never ignored. wgsl_reflect parses.
 *
 * Types are strings as WGSL writes them ('f32', 'vec4<u32>', 'array<f32,64>'); 'x32' is an integer literal without a
 * suffix. Functions that may wait (for a barrier or a subgroup) become generators and yield what they wait for.
 */
import { setFlagsFromString } from 'node:v8';
import { WgslParser } from 'wgsl_reflect/wgsl_reflect.module.js';
import * as builtins from './builtins.ts';
import { Helpers } from './helpers.ts';
import { comparisons, divide, dotOf, scalarOperation } from './operators.ts';
import {
  componentsOf,
  copied,
  elementOf,
  scalarOf,
  strideOf,
  typeName,
  zero,
  type Expression,
  type Node,
} from './types.ts';

// Unrolled kernels are functions of many kilobytes that run a few hundred times. To optimise one takes the engine longer
// than all its runs, so only the small functions that they call are optimised.
setFlagsFromString('--max-optimized-bytecode-size=2000');

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
  /** Puts the kernel on the given memory. There is one kernel for all dispatches: an engine gets fast at what it knows. */
  readonly bind: (runtime: Runtime, memory: Readonly<Record<string, unknown>>) => void;
  /** Begins an invocation, with private variables of its own; where the kernel never waits, runs it to its end. */
  readonly begin: (
    builtin: Readonly<Record<string, builtins.Value>>,
  ) => Generator<Site, void, builtins.Value> | undefined;
  /** The kernel has barriers or subgroup operations. */
  readonly waits: boolean;
}

/** A place in the code where an invocation waits, for a barrier or for its subgroup. */
export interface Site {
  readonly kind: string;
  readonly line: number;
  readonly float: boolean;
  /** What a subgroup's lanes then give each other; null for a barrier. */
  readonly exchange: builtins.Exchange | null;
}

/** Called by the compiled code. `at` counts components (words); vectors are loaded and stored whole. */
export interface Runtime {
  load(memory: unknown, at: number, line: number): number;
  loadVector(memory: unknown, at: number, n: number, line: number): number[];
  store(memory: unknown, at: number, value: builtins.Value, line: number): void;
  storeVector(memory: unknown, at: number, n: number, value: builtins.Value, line: number): void;
  /** A component or element index of a local value. */
  index(i: number, size: number, line: number): number;
  /** What an invocation that is about to wait brings along. */
  value: builtins.Value;
  operand: number;
}

export class UnsupportedWgsl extends Error {}
const refuse = (what: string, line: number): never => {
  throw new UnsupportedWgsl(`line ${line}: the emulator does not know ${what}`);
};

/** What a path reaches: a local value, or words of memory [base, at, components]. */
interface Access {
  readonly js: string;
  readonly type: string;
  readonly memory: [string, string, number] | null;
  /** Set where a local path ends in a vector's component. */
  readonly component: { readonly of: string; readonly at: string; readonly n: number } | null;
}
interface Variable {
  readonly js: string;
  readonly type: string;
  readonly memory: boolean;
}

class Compiler {
  readonly buffers: Buffer[] = [];
  readonly functions = new Map<string, Node>();
  /** Functions that may wait. */
  readonly waiting = new Set<string>();
  readonly params = new Map<string, string>();
  readonly structs = new Map<string, Node>();
  readonly helpers = new Helpers();
  readonly sites: Omit<Site, 'exchange'>[] = [];
  #names = 0;
  #line = 0;
  #scopes: Map<string, Variable>[] = [new Map()];

  declare(name: string, type: string, space: 'local' | 'private' | 'memory' = 'local'): string {
    const js = space === 'memory' ? `memory_${name}` : `${space === 'private' ? 'own.' : ''}$${name}_${this.#names++}`;
    this.#scopes.at(-1)!.set(name, { js, type, memory: space === 'memory' });
    return js;
  }

  /** Of a declaration: its JavaScript name, type, and value or zero. */
  initial(node: Node, space: 'local' | 'private' = 'local'): { js: string; value: string } {
    const declared = node.type === null ? null : typeName(node.type as Node);
    const value = node.value === null ? null : this.expression(node.value as Node, declared);
    const type = declared ?? (value!.type === 'x32' ? 'i32' : value!.type);
    return { value: value === null ? zero(type) : copied(value), js: this.declare(String(node.name), type, space) };
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
        const { js, value } = this.initial(node);
        return `let ${js} = ${value}`;
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
      const place = n > 0 ? `${base}, ${at}, ${n}` : `${base}, ${at}`;
      return {
        type: access.type,
        read: this.#load(access.memory),
        write: (js) => `rt.store${n > 0 ? 'Vector' : ''}(${place}, ${js}, ${this.#line})`,
      };
    }
    // A component of a vector: the variable gets another vector.
    const { component } = access;
    if (!component) return { type: access.type, read: access.js, write: (js) => `${access.js} = ${js}` };
    const changed = Array.from({ length: component.n }, (_, c) => `a1 === ${c} ? a2 : a0[${c}]`);
    const write = (js: string) =>
      `${component.of} = ${this.helpers.call(3, `[${changed.join(', ')}]`, [component.of, component.at, js])}`;
    return { type: access.type, read: access.js, write };
  }

  #load([base, at, n]: [string, string, number]): string {
    return n > 0 ? `rt.loadVector(${base}, ${at}, ${n}, ${this.#line})` : `rt.load(${base}, ${at}, ${this.#line})`;
  }

  /** Follows .x, [i] and .member from a variable. `component` is set where the path ends in a vector's component. */
  #path(variable: Variable, postfix: Node | null): Access {
    let { js, type } = variable;
    let component: Access['component'] = null;
    const uniform = this.structs.get(type);
    if (uniform && postfix) {
      const member = String(postfix.value);
      const field = (uniform.members as Node[]).find((m) => m.name === member);
      if (!field) refuse(`the member ${member}`, this.#line);
      return { js: `${js}.${member}`, type: typeName(field!.type as Node), memory: null, component };
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
        const which = index ?? String(componentNumber(swizzle!));
        const checked = index === null ? which : `rt.index(${which}, ${n}, ${this.#line})`;
        if (memory) memory = [memory[0], `${memory[1]} + ${checked}`, 0];
        else {
          component = { of: js, at: checked, n };
          js = `${js}[${checked}]`;
        }
        type = scalarOf(type);
      } else if (n > 0 && swizzle) {
        if (memory) js = this.#load(memory);
        memory = null;
        js = this.helpers.call(1, `[${[...swizzle].map((c) => `a0[${componentNumber(c)}]`).join(', ')}]`, [js]);
        type = `vec${swizzle.length}<${scalarOf(type)}>`;
      } else refuse(`access to ${type}`, this.#line);
    }
    return { js, type, memory, component };
  }

  #value(variable: Variable, postfix: Node | null): Expression {
    const access = this.#path(variable, postfix);
    if (!access.memory) return access;
    if (elementOf(access.type)) refuse('a whole array as a value', this.#line);
    return { js: this.#load(access.memory), type: access.type };
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
        const js = this.helpers.componentwise([value], (v) => `b.bitcast(${v}, ${float}, '${scalarOf(to)}')`);
        return after({ js, type: to });
      }
      case 'unaryOp': {
        const value = this.expression(node.right as Node);
        if (node.operator === '-' && value.type === 'x32') return { js: `-${value.js}`, type: 'x32' };
        const scalar = scalarOf(value.type);
        const one: Readonly<Record<string, (v: string) => string>> = {
          '-': (v) => (scalar === 'f32' ? `-${v}` : `(-${v} | 0)`),
          '!': (v) => `!${v}`,
          '~': (v) => (scalar === 'u32' ? `(~${v} >>> 0)` : `~${v}`),
        };
        const body = one[String(node.operator)] ?? refuse(`the operator ${String(node.operator)}`, this.#line);
        return after({ js: this.helpers.componentwise([value], body), type: value.type });
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
    return { js: this.helpers.componentwise([left, right], (x, y) => scalarOperation(operator, x, y, working)), type };
  }

  #create(type: string, args: readonly Node[]): Expression {
    const inner = elementOf(type);
    const values = args.map((a) => this.expression(a, inner?.element ?? scalarOf(type)));
    if (values.length === 0) return { js: zero(type), type };
    if (inner) return { js: `[${values.map(copied).join(', ')}]`, type };
    const scalar = scalarOf(type);
    const convert: Readonly<Record<string, (v: string) => string>> = {
      f32: (v) => `Math.fround(Number(${v}))`,
      u32: (v) => `b.toU32(${v})`,
      i32: (v) => `b.toI32(${v})`,
      bool: (v) => `Boolean(${v})`,
    };
    const body = convert[scalar] ?? refuse(`the type ${type}`, this.#line);
    // Between integers the bits stay; from anything else the value does.
    const as = (v: Expression) => {
      const from = scalarOf(v.type);
      if (from === scalar) return v.js;
      const integers = ['u32', 'i32'].includes(from) && ['u32', 'i32'].includes(scalar);
      return this.helpers.componentwise(
        [v],
        integers ? (one) => (scalar === 'u32' ? `${one} >>> 0` : `${one} | 0`) : body,
      );
    };
    const n = componentsOf(type);
    if (n === 0) return { js: as(values[0]!), type };
    if (values.length === 1 && componentsOf(values[0]!.type) === 0)
      return {
        js: this.helpers.call(1, `[${Array.from({ length: n }, () => 'a0').join(', ')}]`, [as(values[0]!)]),
        type,
      };
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
      const call = `fn_${name}(${['own', ...values].join(', ')})`;
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
    if (name === 'select')
      return { js: this.helpers.componentwise(values, (no, yes, c) => `(${c} ? ${yes} : ${no})`), type };
    if (name === 'dot')
      return {
        js: this.helpers.call(
          2,
          dotOf(n),
          values.map((v) => v.js),
        ),
        type: scalar,
      };
    if (name in builtins.componentwise) {
      const one = (...names: string[]) => `b.componentwise.${name}(${names.join(', ')})`;
      return { js: n > 0 ? this.helpers.componentwise(values, one) : one(js), type };
    }
    const whole = builtins.whole[name] ?? refuse(`the function ${name}`, this.#line);
    return { js: `b.whole.${name}.fn(${js})`, type: whole.type };
  }

  #wait(kind: string, value: string, operand: string, float: boolean): string {
    this.sites.push({ kind, line: this.#line, float });
    return `(${this.helpers.call(3, 'void ((a0.value = a1), (a0.operand = a2))', ['rt', value, operand])}, yield sites[${this.sites.length - 1}])`;
  }
}

const componentNumber = (c: string): number => ('xyzw'.includes(c) ? 'xyzw' : 'rgba').indexOf(c);

/** Names of everything a body calls, however deep in its tree. */
function calls(node: unknown, found = new Set<string>(), seen = new Set<unknown>()): Set<string> {
  if (node === null || typeof node !== 'object' || ArrayBuffer.isView(node) || seen.has(node)) return found;
  seen.add(node);
  const { astNodeType, name } = node as Node;
  if (astNodeType === 'call' || astNodeType === 'callExpr') found.add(String(name));
  // Literals hold no calls, and what they hold instead is large.
  if (astNodeType === 'literalExpr') return found;
  for (const key in node) if (key !== 'parent' && key !== 'type') calls((node as Node)[key], found, seen);
  return found;
}

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
  const own: string[] = [];
  const functions = tree.filter((node) => node.astNodeType === 'function');
  for (const node of functions) compiler.functions.set(String(node.name), node);
  const waits = (name: string) => name.endsWith('Barrier') || name in builtins.subgroup || compiler.waiting.has(name);
  const called = new Map(functions.map((node) => [String(node.name), [...calls(node.body)]]));
  for (let size = -1; size !== compiler.waiting.size;) {
    size = compiler.waiting.size;
    for (const [name, names] of called) if (names.some(waits)) compiler.waiting.add(name);
  }
  for (const node of tree) {
    if (node.astNodeType === 'struct') compiler.structs.set(String(node.name), node);
    if (node.astNodeType === 'const') head.push(compiler.statement(node));
    if (node.astNodeType !== 'var') continue;
    const [name, type] = [String(node.name), typeName(node.type as Node)];
    if (node.storage === 'private') {
      const { js, value } = compiler.initial(node, 'private');
      own.push(`${js.slice('own.'.length)}: ${value}`);
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
    compiler.declare(name, type, 'memory');
  }
  const bodies = functions.map((node) =>
    compiler.scoped(() => {
      const entry = node.name === 'main';
      const parameters = (node.args as Node[]).map((arg) => {
        const js = compiler.declare(String(arg.name), typeName(arg.type as Node));
        const builtin = ((arg.attributes ?? []) as Node[]).find((a) => a.name === 'builtin');
        return entry ? `${js} = builtin.${String(builtin!.value)}` : js;
      });
      const star = compiler.waiting.has(String(node.name)) ? '*' : '';
      return `function${star} fn_${String(node.name)}(${['own', ...(entry ? ['builtin'] : []), ...parameters].join(', ')}) ${compiler.block(node.body as Node[])}`;
    }),
  );
  const main = functions.find((node) => node.name === 'main') ?? refuse('a kernel without main', 0);
  const size = ((main.attributes as Node[]).find((a) => a.name === 'workgroup_size')!.value ?? []) as string | string[];
  const sizes = (Array.isArray(size) ? size : [size]).map(Number);
  const memories = compiler.buffers.map(({ name }) => name);
  const text = `"use strict";
${compiler.helpers.text}
let ${['rt', ...memories.map((name) => `memory_${name}`)].join(', ')};
${[...head, ...bodies].join('\n')}
return {
bind(runtime, memory) { rt = runtime; ${memories.map((name) => `memory_${name} = memory.${name};`).join(' ')} },
begin(builtin) { return fn_main({ ${own.join(', ')} }, builtin); },
};`;
  const sites = compiler.sites.map((site): Site => ({ ...site, exchange: builtins.subgroup[site.kind] ?? null }));
  const code = new Function('b', 'runtimeDivide', 'sites', text)(builtins, divide, sites) as Pick<
    CompiledKernel,
    'bind' | 'begin'
  >;
  return {
    ...code,
    workgroupSize: [sizes[0] ?? 1, sizes[1] ?? 1, sizes[2] ?? 1],
    buffers: compiler.buffers,
    waits: compiler.waiting.has('main'),
  };
}
