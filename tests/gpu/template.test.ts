import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { evaluate, expandTemplate, withPieces, type Constants } from '../../src/gpu/template.ts';

const expand = (source: string, constants: Constants = {}, library: Record<string, string> = {}) =>
  expandTemplate(source, constants, library);

describe('substitution', () => {
  test('puts numbers, expressions and strings in place, several to a line', () => {
    expect(expand('array<${T}, ${N * 2}> // ${N}', { T: 'vec4<f32>', N: 8 })).toBe('array<vec4<f32>, 16> // 8');
  });

  test('booleans count as 1 and 0', () => {
    expect(expand('${A} ${B} ${A + A}', { A: true, B: false })).toBe('1 0 2');
  });

  test('leaves plain WGSL as it is, indentation and comments included', () => {
    const source = '@group(0) @binding(0) var<uniform> p: Params;\n\n  // a # in a comment\n  x = a % b;';
    expect(expand(source)).toBe(source);
  });
});

describe('#if', () => {
  const source = '#if A\na\n#elif B\nb\n#else\nc\n#endif';

  test('takes the first branch that holds', () => {
    expect(expand(source, { A: true, B: true })).toBe('a');
    expect(expand(source, { A: false, B: true })).toBe('b');
    expect(expand(source, { A: false, B: false })).toBe('c');
  });

  test('without #else may give nothing', () => {
    expect(expand('x\n#if A\na\n#endif\ny', { A: false })).toBe('x\ny');
  });

  test('does not look into branches it does not take', () => {
    expect(expand('#if A\n${UNKNOWN}\n#include nothing\n#else\nb\n#endif', { A: 0 })).toBe('b');
  });

  test('belongs to its own #endif when nested', () => {
    const nested = '#if A\n#if B\nab\n#else\na\n#endif\n#else\n#if B\nb\n#endif\n#endif';
    expect(expand(nested, { A: 1, B: 1 })).toBe('ab');
    expect(expand(nested, { A: 1, B: 0 })).toBe('a');
    expect(expand(nested, { A: 0, B: 1 })).toBe('b');
    expect(expand(nested, { A: 0, B: 0 })).toBe('');
  });

  test('takes comparisons and connectives', () => {
    expect(expand('#if V == 4 && !F || V > 8\nyes\n#endif', { V: 4, F: false })).toBe('yes');
    expect(expand('#if V == 4 && !F || V > 8\nyes\n#endif', { V: 4, F: true })).toBe('');
    expect(expand('#if V == 4 && !F || V > 8\nyes\n#endif', { V: 9, F: true })).toBe('yes');
  });
});

describe('#for', () => {
  test('repeats its body, upper bound excluded', () => {
    expect(expand('#for i in 0..3\nc${i}\n#end')).toBe('c0\nc1\nc2');
  });

  test('bounds are expressions, and may be empty', () => {
    expect(expand('#for i in N..N*2\n${i}\n#end', { N: 2 })).toBe('2\n3');
    expect(expand('a\n#for i in 0..N\n${i}\n#end\nb', { N: 0 })).toBe('a\nb');
  });

  test('nests, the inner bound may depend on the outer variable', () => {
    expect(expand('#for i in 0..3\n#for j in 0..i\n${i}${j}\n#end\n#end')).toBe('10\n20\n21');
  });

  test('holds an #if on its variable', () => {
    expect(expand('#for i in 0..3\n#if i == 1\none\n#else\n${i}\n#endif\n#end')).toBe('0\none\n2');
  });

  test('its variable does not outlive it', () => {
    expect(() => expand('#for i in 0..1\n#end\n${i}')).toThrow(/unknown constant "i"/);
  });

  test('unrolls as many lines as the product of its bounds', () => {
    fc.assert(
      fc.property(fc.nat({ max: 6 }), fc.nat({ max: 6 }), (a, b) => {
        const lines = expand('#for i in 0..A\n#for j in 0..B\nc${i}_${j}\n#end\n#end', { A: a, B: b });
        const expected = Array.from({ length: a * b }, (_, k) => `c${Math.floor(k / b)}_${k % b}`);
        expect(lines).toBe(expected.join('\n'));
      }),
    );
  });
});

describe('#include', () => {
  test('puts a library piece in place, with the constants of where it stands', () => {
    const library = { piece: '#if HALF\nhalf\n#else\nfull ${N}\n#endif' };
    expect(expand('a\n#include piece\nb', { HALF: false, N: 3 }, library)).toBe('a\nfull 3\nb');
    expect(expand('#for N in 0..2\n#include piece\n#end', { HALF: false }, library)).toBe('full 0\nfull 1');
  });

  test('an op puts its own pieces in place before, and leaves the rest to the library', () => {
    const own = { mine: '  #include deeper', deeper: 'own $& ${N}' };
    const source = withPieces('#if A\n#include mine\n#endif\n#include shared', own);
    expect(source).toBe('#if A\nown $& ${N}\n#endif\n#include shared');
    expect(expand(source, { A: true, N: 2 }, { shared: 'b' })).toBe('own $& 2\nb');
  });

  test('a piece may include another', () => {
    expect(expand('#include a', {}, { a: '#include b\na', b: 'b' })).toBe('b\na');
  });
});

describe('expressions', () => {
  test.each([
    ['1 + 2 * 3', 7],
    ['(1 + 2) * 3', 9],
    ['7 / 2', 3],
    ['-7 / 2', -3],
    ['7 % 4', 3],
    ['10 - 3 - 2', 5],
    ['2 * 3 == 6', 1],
    ['1 <= 0', 0],
    ['3 >= 3 && 2 < 3', 1],
    ['0 || !0', 1],
    ['!1', 0],
    ['--2', 2],
    ['1 - NT', 0],
  ])('%s is %i', (expression, value) => {
    expect(evaluate(expression, { NT: true })).toBe(value);
  });

  test('agree with JavaScript on sums, products and brackets', () => {
    interface Term {
      readonly text: string;
      readonly value: number;
    }
    const apply = {
      '+': (a: number, b: number) => a + b,
      '-': (a: number, b: number) => a - b,
      '*': (a: number, b: number) => a * b,
    };
    const { term } = fc.letrec<{ term: Term; leaf: Term; node: Term }>((tie) => ({
      leaf: fc.nat({ max: 20 }).map((value) => ({ text: String(value), value })),
      node: fc
        .tuple(tie('term'), fc.constantFrom('+', '-', '*'), tie('term'))
        .map(([a, op, b]) => ({ text: `(${a.text} ${op} ${b.text})`, value: apply[op](a.value, b.value) })),
      term: fc.oneof({ maxDepth: 4 }, tie('leaf'), tie('node')),
    }));
    fc.assert(
      fc.property(term, ({ text, value }) => {
        expect(evaluate(text, {}) - value).toBe(0); // -0 and 0 are one number here
      }),
    );
  });
});

describe('a malformed file is refused with its line', () => {
  test.each([
    ['#if A\na', /#if without #endif: #if A/],
    ['#for i in 0..2\na', /#for without #end/],
    ['#endif', /directive without its opening: #endif/],
    ['#end', /directive without its opening/],
    ['#else', /directive without its opening/],
    ['#include missing', /nothing named "missing"/],
    ['#for i = 0..2\n#end', /expected "#for NAME in A..B"/],
    ['${N}', /unknown constant "N"/],
    ['${1 +}', /unknown constant ""/],
    ['${(1}', /missing \)/],
    ['${1 2}', /unexpected "2"/],
    ['${1 $ 2}', /unexpected "\$"/],
    ['#if T == 1\n#endif', /unknown constant "T"/],
  ])('%j', (source, message) => {
    expect(() => expand(source, { A: 1, T: 'f32' })).toThrow(message);
  });

  test('an include that includes itself ends in an error', () => {
    expect(() => expand('#include a', {}, { a: '#include a' })).toThrow(/nested too deeply/);
  });

  test('the error has the code of its layer', () => {
    expect(() => expand('${N}')).toThrow(expect.objectContaining({ code: 'shader-template' }));
  });
});
