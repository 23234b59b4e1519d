/**
 * Chat completions as vLLM, llama.cpp's server, Ollama and LM Studio speak them: the body of a request, and what an
 * answer says. One completion a request: not all of them know `n`.
 */
import { isObject } from '../../base/json.ts';
import { splitTags } from '../../grounding/parse.ts';

export type ChatPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'picture'; readonly path: string };

export interface ChatTurn {
  readonly role: 'system' | 'user' | 'assistant';
  readonly parts: readonly ChatPart[];
}

export interface ChatSettings {
  readonly model: string;
  readonly temperature: number;
  /** 1 is off. */
  readonly topP: number;
  readonly maxTokens: number;
}

/** Pictures as `data:` addresses, in their places. */
export function chatBody(
  turns: readonly ChatTurn[],
  pictures: ReadonlyMap<string, string>,
  { model, temperature, topP, maxTokens }: ChatSettings,
  seed: number,
): string {
  return JSON.stringify({
    ...(model !== '' && { model }),
    messages: turns.map(({ role, parts }) => ({
      role,
      content: parts.every(({ type }) => type === 'text')
        ? parts.map((part) => (part.type === 'text' ? part.text : '')).join('')
        : parts.map((part) =>
            part.type === 'text' ? part : { type: 'image_url', image_url: { url: pictures.get(part.path)! } },
          ),
    })),
    temperature,
    ...(topP < 1 && { top_p: topP }),
    max_tokens: maxTokens,
    seed,
    stream: false,
  });
}

const MIMES: readonly (readonly [mime: string, first: string, at?: number])[] = [
  ['image/jpeg', 'ffd8ff'],
  ['image/png', '89504e47'],
  ['image/webp', '57454250', 8],
  ['image/gif', '47494638'],
  ['image/bmp', '424d'],
];

/** A picture's file as it is, with whatever it says beside the pixels. */
export function dataAddress(bytes: Uint8Array): string {
  const hex = (from: number, n: number) =>
    Array.from(bytes.subarray(from, from + n), (byte) => byte.toString(16).padStart(2, '0')).join('');
  const known = MIMES.find(([, first, at = 0]) => hex(at, first.length / 2) === first);
  let binary = '';
  // As many arguments as a call may safely have.
  for (let i = 0; i < bytes.length; i += 8192) binary += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return `data:${known?.[0] ?? 'application/octet-stream'};base64,${btoa(binary)}`;
}

export interface TeacherReply {
  /** Null: it did not think, or did not say what. */
  readonly thought: string | null;
  /** What it said after thinking. */
  readonly content: string;
  /** It came to its own end. */
  readonly finished: boolean;
  /** As the server counts them; 0 where it does not. */
  readonly promptTokens: number;
  readonly completionTokens: number;
}

type Json = Readonly<Record<string, unknown>>;

const words = (value: unknown): string => (typeof value === 'string' ? value.trim() : '');
const count = (value: unknown): number =>
  typeof value === 'number' && value >= 0 && Number.isFinite(value) ? value : 0;

/** What an answer of status 200 says; null: it is no chat completion, or not a whole one. */
export function readChat(text: string): TeacherReply | null {
  const answer = parsed(text);
  const choice = Array.isArray(answer?.['choices']) ? (answer['choices'][0] as unknown) : null;
  const message = isObject(choice) ? choice['message'] : null;
  if (!answer || !isObject(choice) || !isObject(message)) return null;
  const { content } = message;
  if (content !== null && content !== undefined && typeof content !== 'string' && !Array.isArray(content)) return null;
  const said = Array.isArray(content)
    ? content.map((part: unknown) => (isObject(part) ? words(part['text']) : '')).join('')
    : words(content);
  const apart = words(message['reasoning_content']) || words(message['reasoning']);
  const split = splitTags(said);
  const usage = isObject(answer['usage']) ? answer['usage'] : {};
  const end = choice['finish_reason'];
  return {
    thought: apart || split.think || null,
    content: apart || split.think === null ? said : split.answer,
    // Ollama's older versions say nothing; an answer that says nothing of its end is taken for whole.
    finished: end === 'stop' || end === 'eos' || end === null || end === undefined,
    promptTokens: count(usage['prompt_tokens']),
    completionTokens: count(usage['completion_tokens']),
  };
}

function parsed(text: string): Json | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

const LONGEST_SAID = 300;

/** What a server says of its refusal, in any of the usual shapes, and its code; the first line of a page of HTML is none. */
export function refusalOf(text: string): { readonly said: string; readonly code: string } {
  const answer = parsed(text);
  const error = answer?.['error'] ?? answer;
  const inner = isObject(error) ? error : {};
  const said = words(error) || words(inner['message']) || words(inner['detail']) || words(inner['error']);
  const plain = said || (answer || /^\s*</.test(text) ? '' : text.trim());
  return {
    said: plain.replace(/\s+/g, ' ').slice(0, LONGEST_SAID),
    code: words(inner['code']) || words(inner['type']),
  };
}

/** Names of `GET /models`, in its order; null: it is no list of them. */
export function readModels(text: string): string[] | null {
  const data = parsed(text)?.['data'];
  if (!Array.isArray(data)) return null;
  return data.map((entry: unknown) => (isObject(entry) ? words(entry['id']) : '')).filter(Boolean);
}
