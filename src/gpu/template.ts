/**
 * Expands the few directives our WGSL files use. A shader stays readable WGSL; what the directives add is what WGSL
 * lacks: shared pieces, compile-time branches, and loops unrolled into named registers (software drivers spill a
 * register tile held in a private array, see docs/decisions/0002-shader-templates.md).
 *
 *     #include NAME            a piece of gpu/library.ts, by name
 *     #if EXPR  #elif EXPR  #else  #endif
 *     #for NAME in EXPR..EXPR  #end      body repeated, NAME a constant (upper bound excluded)
 *     ${EXPR}                  the value of an expression, anywhere in a line
 *
 * Expressions: integers, constants, + - * / % and comparisons, && || !, parentheses. `/` truncates. No `eval`, so
 * that a strict content security policy can stay strict.
 */
import { GroundworkError } from '../base/error.ts';

export type Constants = Readonly<Record<string, number | boolean | string>>;

export function expandTemplate(
  source: string,
  constants: Constants,
  library: Readonly<Record<string, string>> = {},
): string {
  const out: string[] = [];
  expandLines(source.split('\n'), { ...constants }, library, out, 0);
  return out.join('\n');
}

type Scope = Record<string, number | boolean | string>;

function expandLines(
  lines: readonly string[],
  scope: Scope,
  library: Readonly<Record<string, string>>,
  out: string[],
  depth: number,
): void {
  if (depth > 16) throw templateError('includes or loops nested too deeply', '');
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    const directive = /^\s*#(include|if|for)\b\s*(.*)$/.exec(line);
    if (!directive) {
      if (/^\s*#(elif|else|endif|end)\b/.test(line)) throw templateError('directive without its opening', line);
      out.push(substitute(line, scope));
      continue;
    }
    const [, kind, rest] = directive as unknown as [string, string, string];
    if (kind === 'include') {
      const text = library[rest.trim()];
      if (text === undefined) throw templateError(`nothing named "${rest.trim()}" in gpu/library.ts`, line);
      expandLines(text.split('\n'), scope, library, out, depth + 1);
    } else if (kind === 'for') {
      const loop = /^(\w+)\s+in\s+(.+)\.\.(.+)$/.exec(rest.trim());
      if (!loop) throw templateError('expected "#for NAME in A..B"', line);
      const end = matching(lines, i, 'for', 'end');
      const [from, to] = [evaluate(loop[2]!, scope), evaluate(loop[3]!, scope)];
      const body = lines.slice(i + 1, end);
      for (let v = from; v < to; v++) expandLines(body, { ...scope, [loop[1]!]: v }, library, out, depth + 1);
      i = end;
    } else {
      const end = matching(lines, i, 'if', 'endif');
      const branches = splitBranches(lines, i, end);
      const taken = branches.find((b) => b.condition === null || evaluate(b.condition, scope) !== 0);
      if (taken) expandLines(lines.slice(taken.from, taken.to), scope, library, out, depth + 1);
      i = end;
    }
  }
}

/** Index of the line that closes the directive opened at `start`. */
function matching(lines: readonly string[], start: number, open: string, close: string): number {
  let level = 0;
  for (let i = start; i < lines.length; i++) {
    const word = /^\s*#(\w+)/.exec(lines[i]!)?.[1];
    if (word === open) level++;
    else if (word === close && --level === 0) return i;
  }
  throw templateError(`#${open} without #${close}`, lines[start]!);
}

interface Branch {
  readonly condition: string | null;
  readonly from: number;
  readonly to: number;
}

function splitBranches(lines: readonly string[], start: number, end: number): Branch[] {
  const marks: { at: number; condition: string | null }[] = [
    { at: start, condition: lines[start]!.replace(/^\s*#if\b/, '') },
  ];
  let level = 0;
  for (let i = start + 1; i < end; i++) {
    const word = /^\s*#(\w+)/.exec(lines[i]!)?.[1];
    if (word === 'if') level++;
    else if (word === 'endif') level--;
    else if (level === 0 && word === 'elif') marks.push({ at: i, condition: lines[i]!.replace(/^\s*#elif\b/, '') });
    else if (level === 0 && word === 'else') marks.push({ at: i, condition: null });
  }
  return marks.map((m, k) => ({ condition: m.condition, from: m.at + 1, to: marks[k + 1]?.at ?? end }));
}

function substitute(line: string, scope: Scope): string {
  return line.replace(/\$\{([^}]*)\}/g, (_, expression: string) => {
    const value = scope[expression.trim()];
    return typeof value === 'string' ? value : String(evaluate(expression, scope));
  });
}

const LEVELS: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['==', '!='],
  ['<=', '>=', '<', '>'],
  ['+', '-'],
  ['*', '/', '%'],
];

/** Value of an expression; booleans are 1 and 0. */
export function evaluate(expression: string, scope: Scope): number {
  const tokens = expression.match(/\d+|\w+|==|!=|<=|>=|&&|\|\||[-+*/%<>!()]|\S/g) ?? [];
  let at = 0;
  const unary = (): number => {
    const token = tokens[at++];
    if (token === '!') return unary() === 0 ? 1 : 0;
    if (token === '-') return -unary();
    if (token === '(') {
      const value = binary(0);
      if (tokens[at++] !== ')') throw templateError('missing )', expression);
      return value;
    }
    if (token !== undefined && /^\d+$/.test(token)) return Number(token);
    const value = token === undefined ? undefined : scope[token];
    if (value === undefined || typeof value === 'string')
      throw templateError(`unknown constant "${token ?? ''}"`, expression);
    return Number(value);
  };
  const binary = (level: number): number => {
    if (level === LEVELS.length) return unary();
    let left = binary(level + 1);
    while (at < tokens.length && LEVELS[level]!.includes(tokens[at]!)) {
      const operator = tokens[at++]!;
      left = apply(operator, left, binary(level + 1));
    }
    return left;
  };
  const value = binary(0);
  if (at !== tokens.length) throw templateError(`unexpected "${tokens[at]!}"`, expression);
  return value;
}

function apply(operator: string, a: number, b: number): number {
  switch (operator) {
    case '||':
      return a || b ? 1 : 0;
    case '&&':
      return a && b ? 1 : 0;
    case '==':
      return a === b ? 1 : 0;
    case '!=':
      return a !== b ? 1 : 0;
    case '<=':
      return a <= b ? 1 : 0;
    case '>=':
      return a >= b ? 1 : 0;
    case '<':
      return a < b ? 1 : 0;
    case '>':
      return a > b ? 1 : 0;
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return Math.trunc(a / b);
    default:
      return a % b;
  }
}

const templateError = (reason: string, where: string) =>
  new GroundworkError(
    'shader-template',
    `${reason}: ${where.trim()}`,
    'A shader file is malformed; this is a defect in Groundwork.',
  );
