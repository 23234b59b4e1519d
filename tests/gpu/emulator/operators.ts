/** What WGSL's operators are in JavaScript. */

export const comparisons = new Set(['==', '!=', '<', '>', '<=', '>=']);

/** One scalar operation, rounded or wrapped to its type. */
export function scalarOperation(operator: string, a: string, b: string, type: string): string {
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

/** Of integers, by zero too; compiled code knows it as `runtimeDivide`. */
export const divide = (a: number, b: number, remainder: boolean): number =>
  b === 0 ? (remainder ? 0 : a) : remainder ? a % b : Math.trunc(a / b);

/** Rounded after each operation, from the first component to the last. */
export const dotOf = (n: number): string =>
  Array.from({ length: n }, (_, c) => `Math.fround(a0[${c}] * a1[${c}])`).reduce(
    (sum, product) => `Math.fround(${sum} + ${product})`,
  );
