import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tokenizer as HubTokenizer } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { ChatTemplate, findTemplate, type ChatMessage, type ChatPart } from '../../src/text/chat-template.ts';
import { Tokenizer } from '../../src/text/tokenizer.ts';
import { checkpointText } from './checkpoint-text.ts';

const { tokenizer } = checkpointText(join(import.meta.dirname, '../golden/qwen2_5_vl/two-images/checkpoint'));

// Composed text only: the tokenizer normalises to NFC.
const text = fc
  .array(
    fc.constantFrom('the', ' image', '\n', '  ', 'é', '你好', '🐱', '<|im_end|>', "'s", '12', '{"', ' ', 'x', '👩‍🚀'),
    { maxLength: 30 },
  )
  .map((parts) => parts.join('').normalize('NFC'));

test('text survives encoding and decoding', () => {
  fc.assert(fc.property(text, (s) => tokenizer.decode(tokenizer.encode(s)) === s));
});

test('special tokens in the text are one id each', () => {
  const ids = tokenizer.encode('a<|image_pad|><|im_end|>b');
  expect(ids.slice(1, 3)).toEqual([tokenizer.requireId('<|image_pad|>'), tokenizer.requireId('<|im_end|>')]);
  expect(ids.map((id) => tokenizer.isSpecial(id))).toEqual([false, true, true, false]);
  expect(tokenizer.decode(ids, { skipSpecial: true })).toBe('ab');
  expect(tokenizer.named('eos_token')).toBe('<|im_end|>');
});

describe('text that was partly encoded before', () => {
  const file = join(import.meta.dirname, '../golden/qwen2_5_vl/two-images/checkpoint/tokenizer.json');
  const json = JSON.parse(readFileSync(file, 'utf8')) as { readonly added_tokens: readonly { content: string }[] };
  const spoken = fc
    .array(fc.oneof(text, fc.constantFrom(...json.added_tokens.map(({ content }) => content))), { maxLength: 12 })
    .map((parts) => parts.join(''));
  /** Both of one file, whose added tokens and way of splitting may be changed. */
  function both(token: object, splitting: object = {}) {
    const changed = { ...json, ...splitting, added_tokens: json.added_tokens.map((t) => ({ ...t, ...token })) };
    const hub = new HubTokenizer(changed, {});
    return { ours: new Tokenizer(changed), whole: (s: string) => hub.encode(s, { add_special_tokens: false }).ids };
  }

  const splitBy = (pattern: string) => ({
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
      ],
    },
  });

  test.each([
    ['added tokens stand alone', both({})],
    ['they take the blanks before them', both({ lstrip: true })],
    ['and behind them', both({ rstrip: true })],
    ['they are looked for in normalised text', both({ normalized: true })],
    ['the beginning is marked', both({}, { pre_tokenizer: { type: 'Metaspace', prepend_scheme: 'first' } })],
    ['letters are made small', both({}, { normalizer: { type: 'Lowercase' } })],
    ['there is no splitting', both({}, { pre_tokenizer: null })],
    // “the” standing alone would be cut into letters.
    ['words are told by what follows', both({}, splitBy('the(?= )|\\p{L}|\\s+|[^\\s\\p{L}]+'))],
  ])('has the ids of the whole: %s', (_, { ours, whole }) => {
    fc.assert(
      fc.property(spoken, spoken, (a, b) => {
        for (const s of [a, b, a + b, b + a, a]) expect(ours.encode(s)).toEqual(whole(s));
      }),
    );
  });

  test('is not changed by what is done to the ids', () => {
    const ids = tokenizer.encode('the image');
    tokenizer.encode('the image').push(1);
    expect(tokenizer.encode('the image')).toEqual(ids);
  });
});

test('ids beyond the vocabulary decode to nothing', () => {
  expect(tokenizer.decode([...tokenizer.encode('a'), 351, 10 ** 6])).toBe('a');
  expect(tokenizer.decode([])).toBe('');
  expect(tokenizer.idOf('no such token')).toBeNull();
  expect(() => tokenizer.requireId('<image>')).toThrow(expect.objectContaining({ code: 'tokenizer-token' }) as Error);
});

describe('streaming', () => {
  test('pieces join to the whole and never contain half a character', () => {
    fc.assert(
      fc.property(text, fc.boolean(), (s, skipSpecial) => {
        const ids = tokenizer.encode(s);
        const stream = tokenizer.stream({ skipSpecial });
        const pieces = ids.map((id) => stream.push(id));
        expect(pieces.some((piece) => piece.includes('\uFFFD'))).toBe(false);
        expect(pieces.join('') + stream.flush()).toBe(tokenizer.decode(ids, { skipSpecial }));
      }),
    );
  });

  test('an unfinished character comes out at the end as a replacement', () => {
    const stream = tokenizer.stream();
    const [first] = tokenizer.encode('😀'); // four bytes, several tokens
    expect(tokenizer.encode('😀').length).toBeGreaterThan(1);
    expect(stream.push(first!)).toBe('');
    expect(stream.flush()).toBe('\uFFFD');
  });
});

test('a file that is no tokenizer gives an error with a code', () => {
  expect(() => new Tokenizer({ model: { type: 'none' } })).toThrow(
    expect.objectContaining({ code: 'tokenizer-invalid' }) as Error,
  );
});

test('the template is found in each of its three places', () => {
  expect(findTemplate({ jinja: 'a', json: { chat_template: 'b' } })).toBe('a');
  expect(findTemplate({ json: { chat_template: 'b' }, tokenizerConfig: { chat_template: 'c' } })).toBe('b');
  expect(
    findTemplate({
      tokenizerConfig: {
        chat_template: [
          { name: 'tool', template: 't' },
          { name: 'default', template: 'd' },
        ],
      },
    }),
  ).toBe('d');
  expect(() => findTemplate({})).toThrow(expect.objectContaining({ code: 'chat-template-missing' }) as Error);
  expect(() => new ChatTemplate('{% if %}')).toThrow(
    expect.objectContaining({ code: 'chat-template-invalid' }) as Error,
  );
});

test('what a template asks for is undefined unless it is given, and what the interpreter has is there', () => {
  const asks = ['tools', 'bos_token', 'range', 'namespace', 'messages']
    .map((name) => `{% if ${name} is defined %}${name} {% endif %}`)
    .join('');
  const template = new ChatTemplate(`${asks}{% for m in messages if m.name is not defined %}{{ m.role }}{% endfor %}`, {
    bos_token: '<s>',
  });
  const messages = [{ role: 'user', content: 'x' }] as const;
  expect(template.render(messages)).toBe('bos_token range namespace messages user');
  expect(template.render(messages, { tools: [] })).toBe('tools bos_token range namespace messages user');
});

test('a conversation is rendered anew when anything of it differs, or the clock is asked', () => {
  const user = (...content: ChatPart[]): ChatMessage[] => [{ role: 'user', content }];
  const template = new ChatTemplate(
    '{% for m in messages %}{{ m.role }}:{% for c in m.content %}{{ c.type }}{{ c.text }}{{ c.image }};{% endfor %}{% endfor %}{{ add_generation_prompt }}{{ more }}',
  );
  const [first, second] = [{ type: 'image', image: 0 } as const, { type: 'image', image: 1 } as const];
  const written = [user(first, second), user(second, first), user({ type: 'text', text: 'x' }), user()];
  const texts = written.map((messages) => template.render(messages));
  expect(new Set(texts).size).toBe(written.length);
  expect(written.map((messages) => template.render(structuredClone(messages)))).toEqual(texts);
  expect(template.render(user(), { addGenerationPrompt: false })).toBe('user:false');
  expect(template.render(user(), { more: 1 })).toBe('user:true1');
  expect(template.render(user())).toBe('user:true');

  const clock = new ChatTemplate("{{ strftime_now('%Y') }}");
  vi.useFakeTimers({ now: new Date(2025, 5, 1) });
  try {
    expect(clock.render(user())).toBe('2025');
    vi.setSystemTime(new Date(2026, 5, 1));
    expect(clock.render(user())).toBe('2026');
  } finally {
    vi.useRealTimers();
  }
});
