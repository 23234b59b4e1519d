/** Patterns from outside: the platform's answers, in bounded time. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BoundedRegex } from '../../src/base/bounded-regex.ts';

const anchored = (source: string) => `^(?:${source})`;

describe('agrees with the platform’s engine', () => {
  const name = 'model.language_model.layers.12.self_attn.q_proj';
  test.each([
    '.*\\.(q|v)_proj$',
    '(?!.*visual).*(?:q_proj|v_proj).*$',
    '(?=.*layers\\.(\\d+)\\.).*$',
    '(?<!a)model.*?\\.layers\\.[0-9]{2}\\..*$',
    '.*(?<=self_attn)\\.q_proj$',
    '.*(?<!self_attn)\\.q_proj$',
    'model\\b.*\\bq_proj\\b$',
    'mod(?:el)?(?:\\.\\w+){2,5}\\.q_proj$',
    '[^.]+(?:\\.[^.]+)*$',
    'x*?model',
    '',
  ])('%s', (source) =>
    expect(new BoundedRegex(anchored(source)).test(name)).toBe(new RegExp(anchored(source)).test(name)),
  );

  test('on small patterns and texts made at random', () => {
    const atom = fc.constantFrom(
      'a',
      'b',
      '.',
      '[ab]',
      '[^a]',
      '\\w',
      '(?:ab|a)',
      '(?=a)',
      '(?!b)',
      '(?<=a)',
      '(?<!b)',
      '\\b',
    );
    const pattern = fc
      .array(fc.tuple(atom, fc.constantFrom('', '', '*', '+', '?', '*?', '{1,2}')), { maxLength: 6 })
      .map((parts) => parts.map(([a, q]) => (/^\(\?[=!<]|^\\b/.test(a) ? a : a + q)).join(''));
    fc.assert(
      fc.property(
        pattern,
        fc.boolean(),
        fc.array(fc.constantFrom('a', 'b', '.'), { maxLength: 7 }).map((cs) => cs.join('')),
        (p, end, text) => {
          const source = `${anchored(p)}${end ? '$' : ''}`;
          expect(new BoundedRegex(source).test(text)).toBe(new RegExp(source).test(text));
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('in what a named group holds', () => {
    const source = '^(?:^|.*?\\.)layers\\.(?<idx>\\d+)\\.';
    expect(new BoundedRegex(source).match(name)).toEqual({ idx: '12' });
    expect(new BoundedRegex('^(?:a(?<x>b)|a(?<y>c))').match('ac')).toEqual({ y: 'c' });
  });

  test('without regard to case, if asked', () => {
    expect(new BoundedRegex('^MODEL', 'i').test(name)).toBe(true);
    expect(new BoundedRegex('^MODEL').test(name)).toBe(false);
  });
});

test.each(['^(?:(.*\\.?)*z)$', '^(?:(a|a)*b)$', '^(?:(a+)+b)$', '^(?:(.*)(.*)(.*)(.*)(.*)(.*)z)$', '^(?:((a*)*)*b)$'])(
  '%s, on which the platform’s engine would be busy for ages, is answered at once',
  (source) => expect(new BoundedRegex(source).test('a'.repeat(120))).toBe(false),
);

test.each(['(?:a{1000}){1000}', 'a{1,1000000000}', '(?:(?:){99999}){99999}'])('%s is refused as too long', (source) =>
  expect(() => new BoundedRegex(source)).toThrow(expect.objectContaining({ code: 'regex-costly' }) as Error),
);

test('look-arounds inside each other have a budget, too', () => {
  const nested = '(?=.*(?=.*(?=.*(?=.*(?=.*z)))))';
  expect(() => new BoundedRegex(`^${nested}`).test('a'.repeat(400))).toThrow(
    expect.objectContaining({ code: 'regex-costly' }) as Error,
  );
});
