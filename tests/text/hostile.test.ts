/** Templates and tokenizers from outside that would hold the engine for good, or are not what they should be. */
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { ChatTemplate, findTemplate } from '../../src/text/chat-template.ts';
import { reasonAgainst } from '../../src/text/tokenizer-patterns.ts';
import { Tokenizer } from '../../src/text/tokenizer.ts';

const messages = [{ role: 'user', content: 'hi' }] as const;
const refused = expect.objectContaining({
  code: 'chat-template-refused',
  hint: expect.stringMatching(/./) as string,
}) as Error;

describe('a template that would not end is refused at once', () => {
  test.each([
    ['a range of 300 million', '{% for i in range(300000000) %}{% endfor %}x'],
    ['a range backwards', '{% for i in range(0, -300000000, -1) %}{% endfor %}x'],
    ['loops inside each other', '{% for i in range(9000) %}{% for j in range(9000) %}{% endfor %}{% endfor %}x'],
    [
      'a text that doubles',
      "{% set ns = namespace(t='ab') %}{% for i in range(60) %}{% set ns.t = ns.t ~ ns.t %}{% endfor %}{{ ns.t }}",
    ],
    [
      'a list that doubles',
      '{% set ns = namespace(t=[1]) %}{% for i in range(60) %}{% set ns.t = ns.t + ns.t %}{% endfor %}{{ ns.t }}',
    ],
    ['a macro that calls itself', '{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}'],
    ['a huge indentation', '{{ "a" | indent(99999999999) }}'],
  ])('%s', (_, text) => expect(() => new ChatTemplate(text).render(messages)).toThrow(refused));
});

test('names that a template has from the interpreter are still there', () => {
  const text =
    "{% for i in range(1, 7, 2) %}{{ i }}{% endfor %} {{ true and not false }} {{ none is none }} {{ strftime_now('%Y') | length }}";
  expect(new ChatTemplate(text).render(messages)).toBe('135 true true 4');
  expect(() => new ChatTemplate("{{ raise_exception('no system role') }}").render(messages)).toThrow(/no system role/);
});

test('templates by name are read from a list or an object, and nothing else is taken for one', () => {
  expect(findTemplate({ tokenizerConfig: { chat_template: { tool: 't', default: 'x' } as never } })).toBe('x');
  expect(findTemplate({ tokenizerConfig: { chat_template: [{ name: 'default', template: 'y' }] } })).toBe('y');
  expect(findTemplate({ tokenizerConfig: { chat_template: { only: 'z' } as never } })).toBe('z');
  expect(() => findTemplate({ tokenizerConfig: { chat_template: { tool: 't', rag: 'r' } as never } })).toThrow(
    'several chat templates (tool, rag), and none is named default',
  );
  for (const odd of [7, [3, null], { default: 3 }, true, []])
    expect(() => findTemplate({ tokenizerConfig: { chat_template: odd as never } })).toThrow(
      expect.objectContaining({ code: 'chat-template-missing' }) as Error,
    );
});

describe('patterns of tokenizers', () => {
  const golden = fileURLToPath(new URL('../golden/', import.meta.url));
  const files = readdirSync(golden, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('checkpoint/tokenizer.json'),
  );

  test('of all checkpoints here are taken', () => {
    expect(files.length).toBeGreaterThan(10);
    for (const file of files) new Tokenizer(JSON.parse(readFileSync(golden + file, 'utf8')) as object);
  });

  test.each([
    ["GPT-2's", "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"],
    [
      "Qwen's",
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    ],
    [
      "Llama 3's",
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    ],
    [
      'that of o200k',
      "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    ],
    [
      'with possessive quantifiers',
      "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+",
    ],
  ])('%s is taken', (_, pattern) => expect(reasonAgainst(pattern)).toBeNull());

  test.each([
    '(.*\\.?)*z',
    '(a+)+',
    '(?:a|aa)*b',
    '(x?){40}y',
    '(?:\\s|\\n)+$',
    '.*.*z',
    '.*a.*b',
    '\\s*\\s*\\s*',
    '(?:a*){9,}',
    '('.repeat(500),
  ])('%s is refused', (pattern) => expect(reasonAgainst(pattern)).toMatch(/./));

  test('one that could be matched for ever is refused by name, wherever it stands', () => {
    const of = (place: object) => () => new Tokenizer({ model: { type: 'BPE', vocab: {}, merges: [] }, ...place });
    const bad = { type: 'Split', pattern: { Regex: '(\\w*,?)*!' }, behavior: 'Isolated' };
    for (const place of [
      { pre_tokenizer: bad },
      { pre_tokenizer: { type: 'Sequence', pretokenizers: [bad] } },
      { normalizer: { ...bad, type: 'Replace' } },
    ])
      expect(of(place)).toThrow(expect.objectContaining({ code: 'tokenizer-costly' }) as Error);
  });
});

test('values that break a tokenizer only when it is used are called the fault of its file', () => {
  const model = { type: 'BPE', vocab: { h: 0, i: 1 }, merges: [] };
  const split = { type: 'Split', pattern: { String: 'h' }, behavior: { a: 1 }, invert: false };
  const suffix = JSON.parse('{"toString": 1}') as object;
  for (const json of [{ model, pre_tokenizer: split }, { model: { ...model, end_of_word_suffix: suffix } }])
    expect(() => new Tokenizer(json).encode('hi')).toThrow(
      expect.objectContaining({ code: 'tokenizer-invalid' }) as Error,
    );
});
