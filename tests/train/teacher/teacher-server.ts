/**
 * A teacher on this machine, with the manners of four servers: where the thought stands, whom they let in from a page,
 * and how they say no. What it answers, and what goes wrong, is the test's to say.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Manner = 'vllm' | 'llama.cpp' | 'ollama' | 'lm-studio';

export interface Said {
  readonly thought?: string;
  readonly content: string;
  readonly finish?: string;
}

export interface AskedBody {
  readonly model: string;
  readonly messages: readonly { readonly role: string; readonly content: string | readonly Part[] }[];
  readonly temperature: number;
  readonly seed: number;
}
type Part =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image_url'; readonly image_url: { readonly url: string } };

export type Trouble =
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }
  /** `cut`: the connection breaks in the answer. `truncated`: half of the JSON. `malformed`: another thing altogether. */
  | 'cut'
  | 'truncated'
  | 'malformed'
  /** Never answers. */
  | 'silent'
  | null;

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: AskedBody | null;
}

export interface TeacherServer {
  readonly endpoint: string;
  readonly seen: Seen[];
  /** Chat completions asked for. */
  asked(): AskedBody[];
  /** Most requests that were open at once. */
  most(): number;
  answer: (body: AskedBody) => Said;
  trouble: (count: number, body: AskedBody) => Trouble;
  /** Milliseconds before each answer. */
  delayMs: number;
  /** Answers are held until so many are asked for at once, however slowly they come. */
  together: number;
  /** Null: none is wanted. */
  key: string | null;
  /** Origins that Ollama lets in beside those of this machine; whether LM Studio’s switch is on. */
  letsIn: (origin: string) => boolean;
  close(): Promise<void>;
}

export const MODEL = 'teacher-72b';

/** All text of a request. */
export const textOf = (body: AskedBody): string =>
  body.messages
    .flatMap(({ content }) =>
      typeof content === 'string' ? [content] : content.map((part) => (part.type === 'text' ? part.text : '<picture>')),
    )
    .join('\n');

export async function startTeacher(manner: Manner = 'vllm'): Promise<TeacherServer> {
  const seen: Seen[] = [];
  let count = 0;
  let open = 0;
  let most = 0;
  let held: (() => void)[] = [];
  const teacher: TeacherServer = {
    endpoint: '',
    seen,
    asked: () => seen.flatMap(({ path, body }) => (path.endsWith('/chat/completions') && body ? [body] : [])),
    most: () => most,
    answer: () => ({ thought: 'I look at the pictures one by one.', content: '<answer>nothing</answer>' }),
    trouble: () => null,
    delayMs: 0,
    together: 1,
    key: null,
    letsIn: () => false,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const text = Buffer.concat(chunks).toString();
      const path = request.url!;
      const body = text === '' ? null : (JSON.parse(text) as AskedBody);
      seen.push({ method: request.method!, path, headers: request.headers, body });
      if (!letIn(request, response, manner, teacher)) return;
      if (request.method === 'OPTIONS') return void response.writeHead(204).end();
      if (teacher.key !== null && request.headers.authorization !== `Bearer ${teacher.key}`)
        return json(response, 401, {
          error: {
            message: `Incorrect API key provided: ${request.headers.authorization?.slice(7) ?? ''}.`,
            code: 'invalid_api_key',
          },
        });
      if (path === '/v1/models') return json(response, 200, { object: 'list', data: [{ id: MODEL, object: 'model' }] });
      if (path !== '/v1/chat/completions')
        return manner === 'lm-studio'
          ? json(response, 200, { error: `Unexpected endpoint ${path}` })
          : json(response, 404, { detail: 'Not Found' });
      if (body!.model !== MODEL) return json(response, 404, unknownModel(manner, body!.model));
      open++;
      most = Math.max(most, open);
      try {
        await new Promise<void>((resolve) => {
          held.push(resolve);
          if (held.length < teacher.together) return;
          for (const release of held) release();
          held = [];
        });
        await new Promise((resolve) => setTimeout(resolve, teacher.delayMs));
        give(response, body!, teacher.trouble(++count, body!));
      } finally {
        open--;
      }
    })().catch(() => response.destroy());
  });
  const give = (response: ServerResponse, body: AskedBody, trouble: Trouble): void => {
    if (trouble === 'silent') return;
    if (trouble === 'malformed') return json(response, 200, ['this', 'is', 'no', 'completion']);
    const whole = JSON.stringify(completion(manner, body, teacher.answer(body)));
    if (trouble === 'truncated')
      return void response.writeHead(200, { 'content-type': 'application/json' }).end(whole.slice(0, whole.length / 2));
    if (trouble === 'cut') {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': whole.length });
      response.write(whole.slice(0, 20), () => response.destroy());
      return;
    }
    if (trouble) return void response.writeHead(trouble.status, trouble.headers ?? {}).end(trouble.body ?? '');
    response.writeHead(200, { 'content-type': 'application/json' }).end(whole);
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(teacher, { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

const json = (response: ServerResponse, status: number, value: unknown): void =>
  void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));

const unknownModel = (manner: Manner, model: string) =>
  manner === 'ollama'
    ? { error: { message: `model '${model}' not found`, type: 'not_found_error' } }
    : { object: 'error', message: `The model \`${model}\` does not exist.`, type: 'NotFoundError', code: 404 };

/** Headers for pages of other origins; false: the request was answered with a refusal. */
function letIn(request: IncomingMessage, response: ServerResponse, manner: Manner, teacher: TeacherServer): boolean {
  const { origin } = request.headers;
  if (origin === undefined) return true;
  const here = /^https?:\/\/(?:localhost|127\.0\.0\.1)(?::\d+)?$/.test(origin);
  if (manner === 'ollama' && !here && !teacher.letsIn(origin)) {
    response.writeHead(403).end();
    return false;
  }
  if (manner === 'lm-studio' && !teacher.letsIn(origin)) return true;
  response.setHeader('access-control-allow-origin', manner === 'vllm' || manner === 'lm-studio' ? '*' : origin);
  response.setHeader('access-control-allow-methods', 'GET, POST, OPTIONS');
  response.setHeader(
    'access-control-allow-headers',
    manner === 'vllm' ? '*, authorization' : 'authorization, content-type',
  );
  if (manner === 'llama.cpp') response.setHeader('access-control-allow-credentials', 'true');
  return true;
}

function completion(manner: Manner, body: AskedBody, { thought = '', content, finish = 'stop' }: Said) {
  const message =
    manner === 'lm-studio'
      ? { role: 'assistant', content: thought === '' ? content : `<think>\n${thought}\n</think>\n\n${content}` }
      : manner === 'ollama'
        ? { role: 'assistant', content, reasoning: thought }
        : { role: 'assistant', content, reasoning_content: thought || null };
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    model: body.model,
    choices: [{ index: 0, message, finish_reason: finish }],
    usage: { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 },
  };
}
