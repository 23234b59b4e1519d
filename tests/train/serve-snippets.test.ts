/** Snippets run as they stand: the conversation that was taught, the picture budget, and what a box means, in each. */
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { picturesUnder, serveSnippets, type ServedModel, type SnippetKind } from '../../src/train/serve-snippets.ts';

const model: ServedModel = {
  modelType: 'qwen2_5_vl',
  boxConvention: 'JSON, in pixels',
  boxExample: '[{"image": 1, "bbox_2d": [1, 2, 3, 4]}]',
  pictures: { minPixels: 3136, maxPixels: 1_003_520, pixelsPerToken: 784, limitedBy: { by: 'area', factor: 28 } },
  prompt: null,
};
const of = (kind: SnippetKind, change: Partial<ServedModel> = {}) =>
  new Map(
    serveSnippets(kind, { ...model, ...change }, { precision: 'q8_0', tower: 'f16' }).map(({ title, text }) => [
      title,
      text,
    ]),
  );

test('each kind has its programs, and each program is told of boxes and pictures', () => {
  const kinds = (['adapter', 'merged', 'gguf', 'gguf-adapter'] as const).map((kind) => [...of(kind).keys()]);
  expect(kinds).toEqual([
    ['transformers and PEFT', 'vLLM'],
    ['transformers', 'vLLM'],
    ['llama.cpp', 'Ollama', 'LM Studio'],
    ['llama.cpp'],
  ]);
  for (const kind of ['adapter', 'merged', 'gguf', 'gguf-adapter'] as const)
    for (const text of of(kind).values()) {
      expect(text).toContain('# Boxes: JSON, in pixels');
      expect(text).toContain('# Pictures: 3136 to 1003520 pixels');
      expect(text).toContain('"text": question');
    }
});

test('the budget is in each program’s own unit', () => {
  expect(of('merged').get('transformers')).toContain('min_pixels=3136, max_pixels=1003520');
  expect(of('merged').get('vLLM')).toContain(`--mm-processor-kwargs '{"min_pixels": 3136, "max_pixels": 1003520}'`);
  expect(of('gguf').get('llama.cpp')).toContain('--image-min-tokens 4 --image-max-tokens 1280');
  const smol = {
    modelType: 'smolvlm',
    pictures: {
      minPixels: 512 ** 2,
      maxPixels: 2048 ** 2,
      longestEdge: 2048,
      imageSplitting: true,
      pixelsPerToken: 4096,
      limitedBy: { by: 'tiles', tile: 512 },
    },
  } as const;
  expect(of('merged', smol).get('transformers')).toContain('size={"longest_edge": 2048}');
  expect(of('gguf', smol).get('llama.cpp')).not.toContain('image-max-tokens');
});

test('the budget of a plan stands in the place of the checkpoint’s', () => {
  const small = { pictures: picturesUnder(model.pictures, { maxPixels: 50_176 }) };
  expect(of('merged', small).get('transformers')).toContain('min_pixels=3136, max_pixels=50176');
  expect(of('merged', small).get('transformers')).toContain('# Pictures: 3136 to 50176 pixels');
  expect(of('gguf', small).get('llama.cpp')).toContain('--image-max-tokens 64');
  const tiles = {
    minPixels: 512 ** 2,
    maxPixels: 2048 ** 2,
    longestEdge: 2048,
    imageSplitting: true,
    pixelsPerToken: 4096,
    limitedBy: { by: 'tiles', tile: 512 },
  } as const;
  const whole = { modelType: 'smolvlm', pictures: picturesUnder(tiles, { longestEdge: 512, imageSplitting: false }) };
  expect(of('merged', whole).get('transformers')).toContain('size={"longest_edge": 512}, do_image_splitting=False');
  expect(of('merged', whole).get('vLLM')).toContain('{"size": {"longest_edge": 512}, "do_image_splitting": false}');
});

test('tokens around Qwen2-VL’s boxes are asked for, and pictures are kept apart for llama.cpp alone', () => {
  expect(of('gguf', { modelType: 'qwen2_vl' }).get('llama.cpp')).toContain(' --special');
  expect(of('gguf').get('llama.cpp')).not.toContain(' --special');
  expect(of('gguf').get('Ollama')).toContain('A line break between pictures');
  expect(of('merged').get('vLLM')).not.toContain('A line break between pictures');
});

const python = (() => {
  try {
    execFileSync('python3', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

test.skipIf(!python)('the Python of every snippet is Python', () => {
  for (const kind of ['adapter', 'merged', 'gguf', 'gguf-adapter'] as const)
    for (const [title, text] of of(kind)) {
      const code = title.startsWith('transformers') ? text : text.slice(text.indexOf('# client.py'));
      const parse = () =>
        execFileSync('python3', ['-c', 'import ast, sys; ast.parse(sys.stdin.read())'], { input: code });
      expect(parse, title).not.toThrow();
    }
});

test.skipIf(!python)('the client asks with pictures in their order, a line break between two of them', () => {
  const text = of('gguf').get('llama.cpp')!;
  const code = text
    .slice(text.indexOf('# client.py'))
    .replace('from openai import OpenAI', '')
    .replace('question = "…"', 'question = "Where?"')
    .replace(/client = OpenAI[\s\S]*$/, 'import json; print(json.dumps(messages))');
  const run = `import pathlib\npathlib.Path.read_bytes = lambda path: str(path).encode()\n${code}`;
  const [message] = JSON.parse(execFileSync('python3', ['-c', run]).toString()) as [
    { content: { type: string; text?: string; image_url?: { url: string } }[] },
  ];
  expect(message.content.map((part) => part.text ?? atob(part.image_url!.url.split(',')[1]!))).toEqual([
    'first.png',
    '\n',
    'second.png',
    'Where?',
  ]);
});
