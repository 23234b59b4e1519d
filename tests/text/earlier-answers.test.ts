/** Every answer of a conversation is learnt, as TRL's assistant_only_loss learns it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ChatTemplate, type ChatMessage } from '../../src/text/chat-template.ts';
import { earlierAnswers } from '../../src/text/earlier-answers.ts';
import { encodeSample, type ImagePlaceholder } from '../../src/text/prompt-segments.ts';
import { checkpointText } from './checkpoint-text.ts';

interface Case {
  readonly messages: readonly { readonly role: ChatMessage['role']; readonly content: string }[];
  readonly ids: readonly number[];
  readonly mask: readonly number[];
}

const golden = join(import.meta.dirname, '../golden');
const cases = JSON.parse(readFileSync(join(golden, 'assistant-masks.json'), 'utf8')) as Record<string, Case[]>;
const ENDS: Readonly<Record<string, string>> = { 'smolvlm/nine': '<end_of_utterance>' };
const IMAGES: Readonly<Record<string, string>> = { 'smolvlm/nine': '<image>' };

describe.each(Object.entries(cases))('%s', (name, conversations) => {
  const { tokenizer, template } = checkpointText(join(golden, name, 'checkpoint'));
  const end = ENDS[name] ?? '<|im_end|>';
  const placeholder: ImagePlaceholder = { token: IMAGES[name] ?? '<|image_pad|>', expansion: () => [1, 2, 3] };
  const pad = tokenizer.requireId(placeholder.token);
  const inParts = (messages: Case['messages']): ChatMessage[] =>
    messages.map(({ role, content }) => ({ role, content: [{ type: 'text', text: content }] }));

  test.each(conversations)('ids and mask of earlier answers agree with transformers', ({ messages, ids, mask }) => {
    const sample = encodeSample(
      tokenizer,
      template,
      inParts(messages.slice(0, -1)),
      messages.at(-1)!.content,
      placeholder,
      end,
    );
    if (!sample.ok) throw new Error(sample.reason);
    expect(sample.unlearnt).toBe(0);
    expect([...sample.ids.subarray(0, sample.promptLength)]).toEqual(ids.slice(0, sample.promptLength));
    expect([...sample.inLoss.subarray(0, sample.promptLength)]).toEqual(mask.slice(0, sample.promptLength));
    expect(mask.slice(0, sample.promptLength)).toContain(1);
  });

  test('a picture in the first question moves the mask along with the text', () => {
    const [{ messages }] = conversations as [Case];
    const plain = inParts(messages.slice(0, -1));
    const first = plain.findIndex(({ role }) => role === 'user');
    const shown = plain.map((message, i): ChatMessage =>
      i === first
        ? {
            ...message,
            content: [{ type: 'image', image: 0 }, ...(message.content as { type: 'text'; text: string }[])],
          }
        : message,
    );
    const learnt = (conversation: ChatMessage[]) => {
      const sample = encodeSample(tokenizer, template, conversation, messages.at(-1)!.content, placeholder, end);
      if (!sample.ok) throw new Error(sample.reason);
      return sample.ids.filter((_, i) => sample.inLoss[i]);
    };
    expect([...learnt(shown)]).toEqual([...learnt(plain)]);
    expect(pad).toBeGreaterThanOrEqual(0);
  });
});

describe('templates that rewrite what was said', () => {
  const said: ChatMessage[] = [
    { role: 'user', content: 'one' },
    { role: 'assistant', content: '<think>long</think>\nfirst' },
    { role: 'user', content: 'two' },
  ];
  const spans = (source: string) => {
    const template = new ChatTemplate(source);
    const text = template.render(said);
    const { spans: found, missing } = earlierAnswers(template, said, text, '<end>');
    return { learnt: found.map(({ start, end }) => text.slice(start, end)), missing };
  };
  const turn = (content: string) =>
    `{% for m in messages %}<{{ m.role }}>${content}<end>\n{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}`;

  test('thinking that is left out is not learnt, the rest is', () => {
    expect(spans(turn("{{ m.content.split('</think>')[-1] | trim }}"))).toEqual({ learnt: ['first<end>'], missing: 0 });
  });

  test('an answer that is not found is counted, not guessed', () => {
    expect(spans(turn("{{ 'gone' if m.role == 'assistant' else m.content }}"))).toEqual({ learnt: [], missing: 1 });
  });

  test('words of a question are not taken for the answer that repeats them', () => {
    const template = new ChatTemplate(turn('{{ m.content }}'));
    const talk: ChatMessage[] = [
      { role: 'user', content: 'yes' },
      { role: 'assistant', content: 'yes' },
      { role: 'user', content: 'yes' },
    ];
    const text = template.render(talk);
    const [span] = earlierAnswers(template, talk, text, '<end>').spans;
    expect(text.slice(0, span!.start)).toBe('<user>yes<end>\n<assistant>');
  });
});
