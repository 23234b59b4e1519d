/**
 * An exported model asked by other programs: a server's command each, with the picture budget, and the conversation that
 * the model was taught to answer, by Python. What a box means stands above each.
 */
import { conversationSnippet, promptSnippet } from './prompt-snippet.ts';
import type { LimitedBy, PictureBudget } from '../models/picture-budget.ts';
import type { PixelLimits } from '../models/processor.ts';
import type { PromptSettings } from './prompt.ts';

export interface ServedPictures extends PixelLimits {
  readonly pixelsPerToken: number;
  readonly limitedBy: LimitedBy;
}

/** What a model sees of pictures under a budget. */
export function picturesUnder(pictures: ServedPictures, budget: PictureBudget | undefined): ServedPictures {
  const edge = budget?.longestEdge;
  return { ...pictures, ...budget, ...(edge !== undefined && { maxPixels: edge ** 2 }) };
}

export interface ServedModel {
  readonly modelType: string;
  /** How it writes boxes, in words, and a box in an answer about two pictures. */
  readonly boxConvention: string;
  readonly boxExample: string;
  /** Pixels of a picture as the model sees it, and of one token of it. */
  readonly pictures: ServedPictures;
  readonly prompt: PromptSettings | null;
}

export interface Snippet {
  /** Which program it is for. */
  readonly title: string;
  readonly text: string;
}

export type SnippetKind = 'adapter' | 'merged' | 'gguf' | 'gguf-adapter';

/** @param precision of the GGUF, as in its file's name; @param tower that of the mmproj */
export function serveSnippets(
  kind: SnippetKind,
  model: ServedModel,
  { precision, tower }: { readonly precision: string; readonly tower: string },
): Snippet[] {
  const head = boxWords(model);
  const [weights, mmproj] = [`gguf/model-${precision}.gguf`, `gguf/mmproj-${tower}.gguf`];
  const server = (title: string, command: string, port: number, name: string, apart: boolean): Snippet => ({
    title,
    text: `${head}\n${command}\n\n# client.py (pip install openai)\n${client(model, port, name, apart)}`,
  });
  switch (kind) {
    case 'adapter':
      return [
        { title: 'transformers and PEFT', text: `${head}\n${transformers(model, true)}` },
        server(
          'vLLM',
          `# With BASE, the id or the folder of the model that the adapter was trained on:\nvllm serve BASE --enable-lora --max-lora-rank 64 --lora-modules tuned=./adapter ${vllmBudget(model)}`,
          8000,
          'tuned',
          false,
        ),
      ];
    case 'merged':
      return [
        { title: 'transformers', text: `${head}\n${transformers(model, false)}` },
        server('vLLM', `vllm serve ./merged --served-model-name tuned ${vllmBudget(model)}`, 8000, 'tuned', false),
      ];
    case 'gguf':
      return [
        server('llama.cpp', llamaServer(model, weights, mmproj), 8080, 'tuned', true),
        server('Ollama', ollama(weights, mmproj), 11_434, 'tuned', true),
        server('LM Studio', lmStudio(weights, mmproj), 1234, 'tuned', true),
      ];
    case 'gguf-adapter':
      return [
        server(
          'llama.cpp',
          `# With the base model as GGUF and its mmproj:\n${llamaServer(model, 'BASE.gguf', 'BASE-mmproj.gguf')} --lora gguf/adapter-f32.gguf`,
          8080,
          'tuned',
          true,
        ),
      ];
  }
}

const boxWords = ({ boxConvention, boxExample, pictures }: ServedModel): string =>
  [
    `# Boxes: ${boxConvention}`,
    `# An answer about two pictures: ${boxExample}`,
    `# Pictures: ${pictures.minPixels} to ${pictures.maxPixels} pixels each as the model sees them.`,
  ].join('\n');

/** SmolVLM's files count by the longest edge, Qwen's by pixels. */
const byEdge = ({ modelType }: ServedModel): boolean => modelType === 'smolvlm' || modelType === 'idefics3';
const edge = ({ pictures }: ServedModel): number => pictures.longestEdge ?? Math.round(Math.sqrt(pictures.maxPixels));
const whole = ({ pictures }: ServedModel): boolean => pictures.imageSplitting === false;

const processorSettings = (model: ServedModel): string =>
  byEdge(model)
    ? `size={"longest_edge": ${edge(model)}}${whole(model) ? ', do_image_splitting=False' : ''}`
    : `min_pixels=${model.pictures.minPixels}, max_pixels=${model.pictures.maxPixels}`;

const vllmBudget = (model: ServedModel): string =>
  byEdge(model)
    ? `--mm-processor-kwargs '{"size": {"longest_edge": ${edge(model)}}${whole(model) ? ', "do_image_splitting": false' : ''}}'`
    : `--mm-processor-kwargs '{"min_pixels": ${model.pictures.minPixels}, "max_pixels": ${model.pictures.maxPixels}}'`;

function transformers(model: ServedModel, adapter: boolean): string {
  const from = adapter ? 'base' : '"merged"';
  return [
    'from transformers import AutoModelForImageTextToText, AutoProcessor',
    ...(adapter
      ? ['from peft import PeftModel', '', 'base = "…"  # the id or the folder of the model that was trained']
      : ['']),
    `model = AutoModelForImageTextToText.from_pretrained(${from}, dtype="auto", device_map="auto")`,
    ...(adapter ? ['model = PeftModel.from_pretrained(model, "adapter")'] : []),
    `processor = AutoProcessor.from_pretrained(${from}, ${processorSettings(model)})`,
    promptSnippet(model.prompt, () => model.boxExample),
    'output = model.generate(**inputs.to(model.device), max_new_tokens=512, do_sample=False)',
    'print(processor.decode(output[0, inputs["input_ids"].shape[1]:], skip_special_tokens=False))',
  ].join('\n');
}

/** Qwen2-VL writes boxes between tokens that servers leave out unless told. */
function llamaServer(model: ServedModel, weights: string, mmproj: string): string {
  const { minPixels, maxPixels, pixelsPerToken } = model.pictures;
  const tokens = byEdge(model)
    ? ''
    : ` --image-min-tokens ${Math.ceil(minPixels / pixelsPerToken)} --image-max-tokens ${Math.floor(maxPixels / pixelsPerToken)}`;
  return `llama-server -m ${weights} --mmproj ${mmproj} --alias tuned -c 8192 --jinja${model.modelType === 'qwen2_vl' ? ' --special' : ''}${tokens}`;
}

const ollama = (weights: string, mmproj: string): string =>
  `cat > Modelfile <<'END'\nFROM ./${weights}\nFROM ./${mmproj}\nPARAMETER temperature 0\nPARAMETER num_ctx 8192\nEND\nollama create tuned -f Modelfile\n# Ollama has no option for the size of pictures: it takes what the mmproj says, as far as its engine reads it.`;

const lmStudio = (weights: string, mmproj: string): string =>
  `mkdir -p ~/.lmstudio/models/groundwork/tuned\ncp ${weights} ${mmproj} ~/.lmstudio/models/groundwork/tuned/\nlms load groundwork/tuned --identifier tuned --context-length 8192\nlms server start\n# LM Studio may make pictures smaller before the model sees them: set its limit to the pixels above.`;

/** The same conversation for any of them. `apart`: a word between pictures, which llama.cpp takes for a video else. */
function client(model: ServedModel, port: number, name: string, apart: boolean): string {
  return [
    'import base64, mimetypes, pathlib',
    'from openai import OpenAI',
    '',
    'def part(each):',
    '    if each["type"] == "text":',
    '        return each',
    '    path = each["path"]',
    '    data = base64.b64encode(pathlib.Path(path).read_bytes()).decode()',
    '    return {"type": "image_url", "image_url": {"url": f"data:{mimetypes.guess_type(path)[0]};base64,{data}"}}',
    '',
    conversationSnippet(model.prompt, () => model.boxExample),
    'for message in messages:',
    ...(apart
      ? [
          '    # A line break between pictures: side by side, llama.cpp may take them for frames of a video.',
          '    pairs = zip(message["content"], [{"type": "text"}, *message["content"]])',
          '    message["content"] = [',
          '        piece',
          '        for each, before in pairs',
          '        for piece in (',
          '            [{"type": "text", "text": "\\n"}] if each["type"] == before["type"] == "image" else []',
          '        )',
          '        + [part(each)]',
          '    ]',
        ]
      : ['    message["content"] = [part(each) for each in message["content"]]']),
    `client = OpenAI(base_url="http://127.0.0.1:${port}/v1", api_key="none")`,
    `reply = client.chat.completions.create(model="${name}", messages=messages, temperature=0, max_tokens=512)`,
    'print(reply.choices[0].message.content)',
  ].join('\n');
}
