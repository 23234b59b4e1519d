import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { readImageHeader } from '../../src/image/size.ts';
import { smartResize } from '../../src/image/smart-resize.ts';
import { ChatTemplate, type ChatMessage } from '../../src/text/chat-template.ts';
import { encodePrompt, encodeSample, type ImagePlaceholder } from '../../src/text/prompt-segments.ts';
import { expectedTensors, goldenCases, picturesOf, preprocessorOf } from '../image/golden-cases.ts';
import { checkpointText } from './checkpoint-text.ts';

describe('token ids agree with transformers', () => {
  test.each(goldenCases().filter((golden) => golden.json.completion !== undefined))('$name', async (golden) => {
    const expected = await expectedTensors(golden);
    if (!expected.tensors.has('input_ids')) return;
    const { limits } = preprocessorOf(golden);
    const counts = await Promise.all(
      picturesOf(golden).map(async (path) => {
        const { width, height } = smartResize((await readImageHeader(new Blob([readFileSync(path)])))!.size, limits);
        return (width * height) / limits.factor ** 2;
      }),
    );
    const { tokenizer, template } = checkpointText(join(golden.folder, 'checkpoint'));
    const pad = tokenizer.requireId('<|image_pad|>');
    let picture = 0;
    const messages = golden.json.messages.map(({ role, content }) => ({
      role,
      content:
        typeof content === 'string'
          ? content
          : content.map((part) =>
              part.type === 'image' ? { type: 'image', image: picture++ } : { type: 'text', text: part.text! },
            ),
    })) as ChatMessage[];
    const placeholder: ImagePlaceholder = {
      token: '<|image_pad|>',
      expansion: (image) => Array<number>(counts[image]!).fill(pad),
    };
    const sample = encodeSample(tokenizer, template, messages, golden.json.completion!, placeholder, '<|im_end|>');
    if (!sample.ok) throw new Error(sample.reason);

    const info = expected.tensors.get('input_ids')!;
    const bytes = await expected.read('input_ids');
    const want =
      info.dtype === 'I64'
        ? [...new BigInt64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8)].map(Number)
        : [...new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)];
    expect([...sample.ids]).toEqual(want);
    expect(sample.images.map(({ image, length }) => [image, length])).toEqual(counts.map((count, i) => [i, count]));
    // Earlier answers are learnt as well: earlier-answers.test.ts.
    const learnt = sample.ids.filter((_, i) => i >= sample.promptLength && sample.inLoss[i]);
    expect(tokenizer.decode(learnt)).toBe(`${golden.json.completion}<|im_end|>`);
    expect(learnt.length).toBe(sample.ids.length - sample.promptLength);
  });
});

const { tokenizer, template } = checkpointText(join(import.meta.dirname, '../golden/qwen2_5_vl/two-images/checkpoint'));
const placeholder: ImagePlaceholder = { token: '<|image_pad|>', expansion: () => [1, 2, 3] };
const messages: ChatMessage[] = [
  {
    role: 'user',
    content: [
      { type: 'image', image: 1 },
      { type: 'text', text: 'and' },
      { type: 'image', image: 0 },
    ],
  },
];

test('pictures are placed by their number, not by their turn', () => {
  const prompt = encodePrompt(tokenizer, template, messages, placeholder);
  expect(prompt).toMatchObject({
    ok: true,
    images: [
      { image: 1, length: 3 },
      { image: 0, length: 3 },
    ],
  });
});

test('a placeholder in the text is reported, not trained on', () => {
  const talks: ChatMessage[] = [
    { role: 'user', content: [{ type: 'image' }, { type: 'text', text: 'what is <|image_pad|>?' }] },
  ];
  expect(encodePrompt(tokenizer, template, talks, placeholder)).toMatchObject({ ok: false, code: 'placeholder-count' });
  expect(encodeSample(tokenizer, template, messages, 'It is <|image_pad|>', placeholder, '<|im_end|>')).toMatchObject({
    ok: false,
    code: 'placeholder-in-completion',
  });
});

test('an answer that merges with the prompt is reported', () => {
  // The prompt ends with a newline, and this tokenizer has a token for two.
  expect(tokenizer.encode('\n\n')).toHaveLength(1);
  expect(encodeSample(tokenizer, template, messages, '\nBox', placeholder, '<|im_end|>')).toMatchObject({
    ok: false,
    code: 'merged-border',
  });
});

test('an empty answer leaves the end of the turn to learn', () => {
  const sample = encodeSample(tokenizer, template, messages, '', placeholder, '<|im_end|>');
  expect(sample.ok && [...sample.inLoss].filter(Boolean)).toHaveLength(1);
});

test('a template that takes only text fails with a code', () => {
  const strict = new ChatTemplate("{{ raise_exception('no pictures') }}");
  expect(() => strict.render(messages)).toThrow(expect.objectContaining({ code: 'chat-template-refused' }) as Error);
});

test('only the last turn is encoded a second time to see whether it merges with the answer', () => {
  const encode = vi.spyOn(tokenizer, 'encode');
  const sample = encodeSample(tokenizer, template, messages, 'Box 1', placeholder, '<|im_end|>');
  if (!sample.ok) throw new Error(sample.reason);
  const texts = encode.mock.calls.map(([text]) => text);
  encode.mockRestore();
  expect(texts).toEqual([
    sample.text,
    'Box 1',
    `${sample.text.slice(sample.text.lastIndexOf('<|im_start|>'))}Box 1<|im_end|>`,
  ]);
  expect(sample.plain).toEqual(tokenizer.encode(sample.text));
});
