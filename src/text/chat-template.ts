/**
 * A checkpoint's chat template, rendered by `@huggingface/jinja` with the settings of transformers
 * (trim_blocks, lstrip_blocks).
 */
import { Template } from '@huggingface/jinja';
import { GroundworkError } from '../base/error.ts';
import { Lru } from '../base/lru.ts';
import { parseTemplate, renderBounded } from './template-interpreter.ts';
import type { TokenizerConfig } from './tokenizer.ts';

export type ChatPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image'; readonly image?: number };

/** A turn of a conversation, as transformers' templates take it. */
export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string | readonly ChatPart[];
}

/** Where published checkpoints keep their template, in the order in which transformers looks. */
export interface TemplateFiles {
  /** Text of chat_template.jinja. */
  readonly jinja?: string;
  /** Parsed chat_template.json. */
  readonly json?: unknown;
  readonly tokenizerConfig?: TokenizerConfig;
}

interface RenderOptions {
  readonly addGenerationPrompt?: boolean;
  readonly [name: string]: unknown;
}

const missing = () =>
  new GroundworkError(
    'chat-template-missing',
    'The model has no chat template.',
    'Add its chat_template.jinja (or chat_template.json) to the folder.',
  );

/** Text of the template. Throws `chat-template-missing`. */
export function findTemplate({ jinja, json, tokenizerConfig }: TemplateFiles): string {
  if (jinja) return jinja;
  const inJson = (json as { chat_template?: unknown } | null | undefined)?.chat_template;
  if (typeof inJson === 'string') return inJson;
  const inConfig: unknown = tokenizerConfig?.chat_template;
  if (typeof inConfig === 'string') return inConfig;
  // A list of named ones, or as an object by name.
  const named: readonly unknown[] = Array.isArray(inConfig)
    ? inConfig
    : Object.entries(inConfig ?? {}).map(([name, template]) => ({ name, template }));
  const usable = named.filter(isNamedTemplate);
  // Of two by one name transformers keeps the last.
  const chosen = usable.findLast(({ name }) => name === 'default') ?? (usable.length === 1 ? usable[0] : undefined);
  if (!chosen && usable.length)
    throw new GroundworkError(
      'chat-template-missing',
      `The model has several chat templates (${usable
        .map(({ name }) => name.slice(0, 40))
        .join(', ')
        .slice(0, 200)}), and none is named default.`,
      'Save the one that is meant as chat_template.jinja in the folder.',
    );
  if (!chosen) throw missing();
  return chosen.template;
}

const isNamedTemplate = (value: unknown): value is { readonly name: string; readonly template: string } =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as { name?: unknown }).name === 'string' &&
  typeof (value as { template?: unknown }).template === 'string';

/** Characters of rendered conversations that are kept: many rows ask the same, and differ in their pictures. */
const CHARACTERS_KEPT = 2 ** 20;

export class ChatTemplate {
  #template: Template;
  #variables: Record<string, unknown>;
  readonly #rendered = new Lru<string, string>(CHARACTERS_KEPT, (text) => text.length);
  /** A template that looks at the clock does not write the same every time. */
  readonly #repeats: boolean;

  /** Throws `chat-template-invalid` if the text is no template. `variables` are what templates may name, such as bos_token. */
  constructor(text: string, variables: Readonly<Record<string, unknown>> = {}) {
    try {
      this.#template = parseTemplate(text);
    } catch (cause) {
      throw new GroundworkError(
        'chat-template-invalid',
        'The chat template could not be read.',
        'Download it from the same place as the weights.',
        { cause },
      );
    }
    this.#variables = { ...asked(text), ...variables };
    this.#repeats = !text.includes('strftime_now');
  }

  /** The conversation as text, with one placeholder a picture. Throws `chat-template-refused` where the template does. */
  render(messages: readonly ChatMessage[], options?: RenderOptions): string {
    if (options || !this.#repeats) return this.#render(messages, options);
    const key = JSON.stringify(messages);
    const known = this.#rendered.get(key);
    if (known !== undefined) return known;
    const text = this.#render(messages);
    this.#rendered.set(key, text);
    return text;
  }

  #render(messages: readonly ChatMessage[], { addGenerationPrompt = true, ...variables }: RenderOptions = {}): string {
    try {
      return renderBounded(this.#template, {
        ...this.#variables,
        ...variables,
        messages,
        add_generation_prompt: addGenerationPrompt,
      });
    } catch (cause) {
      throw new GroundworkError(
        'chat-template-refused',
        `The chat template refuses this conversation: ${(cause as Error).message}`,
        'Check the order of roles in the row, and that the template is the model’s own.',
        { cause },
      );
    }
  }
}

/**
 * Names that the template asks whether they are defined, all undefined. For the interpreter that is the same as a name
 * nobody gave; but it looks that up by throwing an exception, and templates ask at every picture.
 */
function asked(template: string): Record<string, undefined> {
  const names = new Set(
    [...template.matchAll(/(?<![.\w])([A-Za-z_]\w*) is (?:not )?defined/g)].map(([, name]) => name!),
  );
  return Object.fromEntries([...names].filter(mayBeGiven).map((name) => [name, undefined]));
}

/** Whether it is none of the interpreter's own names, which it refuses to be given. */
function mayBeGiven(name: string): boolean {
  try {
    new Template('').render({ [name]: undefined });
    return true;
  } catch {
    return false;
  }
}
