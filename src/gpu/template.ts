/**
 * Expands the few directives our WGSL files use. A shader stays readable WGSL; what the directives add is what WGSL
 * lacks: shared pieces, compile-time branches, and loops unrolled into named registers (software drivers spill a
 * register tile held in a private array, see docs/decisions/0002-shader-templates.md).
 *
 *     #include NAME            a piece of gpu/library.ts, by name, or of the op's own (`withPieces`)
 *     #if EXPR  #elif EXPR  #else  #endif
 *     #for NAME in EXPR..EXPR  #end      body repeated, NAME a constant (upper bound excluded)
 *     ${EXPR}                  the value of an expression, anywhere in a line
 *
 * Expressions: integers, constants, + - * / % and comparisons, && || !, parentheses. `/` truncates. No `eval`, so
 * that a strict content security policy can stay strict.
 */
import { DEFECT } from '../base/error-codes.ts';
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

/** The source with an op's own pieces in place of their `#include`s; a piece may include another. */
export const withPieces = (source: string, pieces: Readonly<Record<string, string>>): string =>
  source.replace(/^[ \t]*#include[ \t]+(\S+)[ \t]*$/gm, (line, name: string) =>
    Object.hasOwn(pieces, name) ? withPieces(pieces[name]!, pieces) : line,
  );

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
    const kind = wordOf(line);
    if (kind === undefined) {
      out.push(line.includes('${') ? substitute(line, scope) : line);
      continue;
    }
    if (kind !== 'include' && kind !== 'if' && kind !== 'for')
      throw templateError('directive without its opening', line);
    const rest = line.slice(line.indexOf('#') + 1 + kind.length).trim();
    if (kind === 'include') {
      const text = library[rest];
      if (text === undefined)
        throw templateError(`nothing named "${rest}" in gpu/library.ts, nor among the op's own pieces`, line);
      expandLines(text.split('\n'), scope, library, out, depth + 1);
    } else if (kind === 'for') {
      const loop = /^(\w+)\s+in\s+(.+)\.\.(.+)$/.exec(rest);
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

const WORDS = new Set(['include', 'if', 'elif', 'else', 'endif', 'for', 'end']);

/** The word of a directive; nothing where the line is text, as most are. */
function wordOf(line: string): string | undefined {
  const word = line.includes('#') ? /^\s*#(\w+)/.exec(line)?.[1] : undefined;
  return word !== undefined && WORDS.has(word) ? word : undefined;
}

/** Index of the line that closes the directive opened at `start`. */
function matching(lines: readonly string[], start: number, open: string, close: string): number {
  let level = 0;
  for (let i = start; i < lines.length; i++) {
    const word = wordOf(lines[i]!);
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
    const word = wordOf(lines[i]!);
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
    return typeof value === 'string'
      ? value
      : String(value === undefined ? evaluate(expression, scope) : Number(value));
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

/** An expression as far as it has been read. */
interface Reading {
  readonly expression: string;
  readonly tokens: readonly string[];
  readonly scope: Scope;
  at: number;
}

/** Value of an expression; booleans are 1 and 0. */
export function evaluate(expression: string, scope: Scope): number {
  const tokens = expression.match(/\d+|\w+|==|!=|<=|>=|&&|\|\||[-+*/%<>!()]|\S/g) ?? [];
  const reading: Reading = { expression, tokens, scope, at: 0 };
  const value = readBinary(reading, 0);
  if (reading.at !== tokens.length) throw templateError(`unexpected "${tokens[reading.at]!}"`, expression);
  return value;
}

function readUnary(reading: Reading): number {
  const token = reading.tokens[reading.at++];
  if (token === '!') return readUnary(reading) === 0 ? 1 : 0;
  if (token === '-') return -readUnary(reading);
  if (token === '(') {
    const value = readBinary(reading, 0);
    if (reading.tokens[reading.at++] !== ')') throw templateError('missing )', reading.expression);
    return value;
  }
  if (token !== undefined && /^\d+$/.test(token)) return Number(token);
  const value = token === undefined ? undefined : reading.scope[token];
  if (value === undefined || typeof value === 'string')
    throw templateError(`unknown constant "${token ?? ''}"`, reading.expression);
  return Number(value);
}

function readBinary(reading: Reading, level: number): number {
  if (level === LEVELS.length) return readUnary(reading);
  let left = readBinary(reading, level + 1);
  while (reading.at < reading.tokens.length && LEVELS[level]!.includes(reading.tokens[reading.at]!)) {
    const operator = reading.tokens[reading.at++]!;
    left = apply(operator, left, readBinary(reading, level + 1));
  }
  return left;
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
  new GroundworkError('shader-template', `${reason}: ${where.trim()}`, `A shader file is malformed. ${DEFECT}`);
