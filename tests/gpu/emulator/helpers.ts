import { componentsOf, type Expression } from './types.ts';

/**
 * Functions that a kernel's code calls, each written out once: operations on vectors, component by component. Small
 * functions of fixed shape are what a JavaScript engine is fast at; a step on the emulator is millions of them.
 */
export class Helpers {
  readonly #names = new Map<string, string>();

  /** A call of `(a0, a1, …) => body`. */
  call(parameters: number, body: string, args: readonly string[]): string {
    const source = `(${argumentsOf(parameters).join(', ')}) => ${body}`;
    const name = this.#names.get(source) ?? `h${this.#names.size}`;
    this.#names.set(source, name);
    return `${name}(${args.join(', ')})`;
  }

  /** `one`, given the names of scalars, for each component of the arguments; scalars spread over vectors. */
  componentwise(args: readonly Expression[], one: (...names: string[]) => string): string {
    const n = Math.max(...args.map(({ type }) => componentsOf(type)));
    const names = argumentsOf(args.length);
    const component = (c: number) =>
      one(...names.map((name, i) => (componentsOf(args[i]!.type) > 0 ? `${name}[${c}]` : name)));
    const body = n === 0 ? one(...names) : `[${Array.from({ length: n }, (_, c) => component(c)).join(', ')}]`;
    return this.call(
      args.length,
      body,
      args.map(({ js }) => js),
    );
  }

  get text(): string {
    return [...this.#names].map(([source, name]) => `const ${name} = ${source};`).join('\n');
  }
}

const argumentsOf = (count: number): string[] => Array.from({ length: count }, (_, i) => `a${i}`);
