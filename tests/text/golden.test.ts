import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ChatTemplate, type ChatMessage } from '../../src/text/chat-template.ts';
import { Tokenizer } from '../../src/text/tokenizer.ts';

const golden = (name: string): unknown =>
  JSON.parse(readFileSync(join(import.meta.dirname, '../golden', name), 'utf8'));

describe('the chat template renders as transformers renders it', () => {
  const { template, cases } = golden('chat-template.json') as {
    template: string;
    cases: { name: string; messages: ChatMessage[]; options: { add_generation_prompt?: boolean }; text: string }[];
  };
  const ours = new ChatTemplate(template);
  test.each(cases.map((item, i) => ({ ...item, i })))('$i $name', ({ messages, options, text }) => {
    const { add_generation_prompt: addGenerationPrompt = false, ...variables } = options;
    expect(ours.render(messages, { addGenerationPrompt, ...variables })).toBe(text);
  });
});

interface FamilyCase {
  readonly family: string;
  readonly name: string;
  readonly messages: ChatMessage[];
  readonly options: { add_generation_prompt?: boolean };
  /** null where Jinja refuses: only contents of SmolVLM that are not given to it. */
  readonly text: string | null;
}

describe('templates of the other families render as transformers renders them', () => {
  const { templates, cases } = golden('chat-template-families.json') as {
    templates: Record<string, string>;
    cases: FamilyCase[];
  };
  const ours = new Map(Object.entries(templates).map(([family, text]) => [family, new ChatTemplate(text)]));
  test('every family is here', () => {
    expect([...ours.keys()].sort()).toEqual(['idefics3', 'qwen2_vl', 'qwen3_vl', 'smolvlm']);
  });
  // A content that is a string or empty is never given to SmolVLM's template (models/encode.ts): in Python it drops the
  // first and refuses the second, and JavaScript's Jinja need not do the same with a broken index.
  const whole = cases.filter(
    ({ family, messages }) =>
      !['smolvlm', 'idefics3'].includes(family) ||
      messages.every(({ content }) => typeof content !== 'string' && content.length > 0),
  );
  test('enough of them are left', () => expect(whole.length).toBeGreaterThan(100));
  test.each(whole.map((item, i) => ({ ...item, i })))('$i $family $name', ({ family, messages, options, text }) => {
    const { add_generation_prompt: addGenerationPrompt = false, ...variables } = options;
    expect(ours.get(family)!.render(messages, { addGenerationPrompt, ...variables })).toBe(text);
  });
});

test('ids and texts agree with the Rust tokenizer', () => {
  const tokenizer = new Tokenizer(golden('tokenizer.json') as object);
  const { cases } = golden('tokenizer-cases.json') as {
    cases: { text: string | null; ids: number[]; decoded: string; shown: string }[];
  };
  for (const { text, ids, decoded, shown } of cases) {
    if (text !== null) expect(tokenizer.encode(text), JSON.stringify(text)).toEqual(ids);
    expect(tokenizer.decode(ids), JSON.stringify(ids)).toBe(decoded);
    expect(tokenizer.decode(ids, { skipSpecial: true }), JSON.stringify(ids)).toBe(shown);
    const stream = tokenizer.stream();
    expect(ids.map((id) => stream.push(id)).join('') + stream.flush()).toBe(decoded);
  }
});
