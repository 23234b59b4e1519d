/** The teacher's client against a server on this machine that has the manners, and the troubles, of real ones. */
import { afterEach, describe, expect, it, test } from 'vitest';
import { GroundworkError } from '../../../src/base/error.ts';
import { memoryFiles } from '../../../src/store/memory-files.ts';
import { teacherAddress } from '../../../src/train/teacher/address.ts';
import { dataAddress, type ChatSettings } from '../../../src/train/teacher/chat.ts';
import { fetchCourier, Undelivered, type Courier } from '../../../src/train/teacher/courier.ts';
import { ReplyCache } from '../../../src/train/teacher/reply-cache.ts';
import { chosenModel, Teacher, type Question, type TeacherOptions } from '../../../src/train/teacher/teacher.ts';
import { MODEL, startTeacher, textOf, type Manner, type TeacherServer } from './teacher-server.ts';

const settings: ChatSettings = { model: MODEL, temperature: 0.7, topP: 1, maxTokens: 256 };
const never = new AbortController().signal;
const PNG = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 1, 2, 3]);

const question = (row: string, sample = 0): Question => ({
  row,
  turns: [
    {
      role: 'user',
      parts: [
        { type: 'text', text: 'Image-1: ' },
        { type: 'picture', path: 'a.png' },
        { type: 'text', text: 'Image-2: ' },
        { type: 'picture', path: 'b.png' },
        { type: 'text', text: `Where is the thing of ${row}?` },
      ],
    },
  ],
  pictures: async () => new Map(['a.png', 'b.png'].map((path) => [path, dataAddress(PNG)])),
  digests: new Map([
    ['a.png', 'aa'],
    ['b.png', 'bb'],
  ]),
  sample,
});

let server: TeacherServer;
let files = memoryFiles();
afterEach(async () => {
  await server.close();
  files = memoryFiles();
});

/** Waits pass at once, and are told. */
async function made(
  manner: Manner = 'vllm',
  options: Partial<TeacherOptions> & { key?: string; courier?: Courier } = {},
) {
  server = await startTeacher(manner);
  return over(options);
}
async function over({ key, ...options }: Partial<TeacherOptions> & { key?: string } = {}) {
  const waits: number[] = [];
  const address = teacherAddress(server.endpoint);
  let clock = Date.UTC(2026, 0, 1);
  const teacher = new Teacher({
    address,
    courier: fetchCourier(address, key ?? null),
    settings,
    cache: await ReplyCache.open(files, 'replies.jsonl'),
    concurrency: 4,
    seed: 5,
    now: () => clock,
    sleep: async (ms) => {
      waits.push(ms);
      clock += ms;
    },
    ...options,
  });
  return { teacher, waits };
}

/** Code of what a promise rejects with, and its words. */
const failure = async (work: Promise<unknown>): Promise<GroundworkError> =>
  work.then(
    () => {
      throw new Error('it succeeded');
    },
    (error: unknown) => {
      expect(error).toBeInstanceOf(GroundworkError);
      return error as GroundworkError;
    },
  );

describe('a thought and an answer', () => {
  it.each(['vllm', 'llama.cpp', 'ollama', 'lm-studio'] as const)('are read as %s writes them', async (manner) => {
    const { teacher } = await made(manner);
    server.answer = () => ({ thought: 'The second one is red.', content: '<answer>{"image": 2}</answer>' });
    expect(await teacher.models(never)).toEqual([MODEL]);
    const asked = await teacher.ask(question('r'), never);
    expect(asked).toMatchObject({
      ok: true,
      fromCache: false,
      reply: { thought: 'The second one is red.', finished: true, promptTokens: 100, completionTokens: 20 },
    });
    expect(asked.ok && asked.reply.content).toContain('{"image": 2}');
  });

  it('come of a question whose pictures stand between their names, as data', async () => {
    const { teacher } = await made();
    await teacher.ask(question('r'), never);
    const content = server.asked()[0]!.messages[0]!.content;
    expect(content).toMatchObject([
      { type: 'text', text: 'Image-1: ' },
      { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORwECAw==' } },
      { type: 'text', text: 'Image-2: ' },
      { type: 'image_url' },
      { type: 'text', text: 'Where is the thing of r?' },
    ]);
  });

  it('may be cut off by the length: it is told', async () => {
    const { teacher } = await made('ollama');
    server.answer = () => ({ thought: 'on and on', content: '', finish: 'length' });
    expect(await teacher.ask(question('r'), never)).toMatchObject({
      ok: true,
      reply: { finished: false, content: '' },
    });
  });

  it('keep the model’s own <think> apart, also an unfinished one', async () => {
    const { teacher } = await made('vllm');
    server.answer = () => ({ content: '<think>I wonder whether', finish: 'length' });
    expect(await teacher.ask(question('r'), never)).toMatchObject({
      reply: { thought: 'I wonder whether', content: '' },
    });
  });
});

describe('what was paid for', () => {
  test('is not asked again, also after a restart, and after a line that was cut off', async () => {
    const { teacher } = await made();
    server.answer = (body) => ({ thought: `seed ${body.seed}`, content: 'x' });
    await teacher.ask(question('r', 0), never);
    await teacher.ask(question('r', 1), never);
    // The process ended in the middle of a line.
    const before = await (await files.blob('replies.jsonl'))!.text();
    await files.writeText('replies.jsonl', `${before}{"v":1,"key":"ab`);
    const { teacher: second } = await over();
    expect(await second.ask(question('r', 0), never)).toMatchObject({ fromCache: true, reply: { thought: 'seed 5' } });
    await second.ask(question('r', 2), never);
    const { teacher: third } = await over();
    for (const sample of [0, 1, 2])
      expect(await third.ask(question('r', sample), never)).toMatchObject({ fromCache: true });
    expect(server.asked()).toHaveLength(3);
    expect(third.counts).toMatchObject({ requests: 0, fromCache: 3, completionTokens: 0 });
  });

  test('depends on row, words, pictures, model, temperature and sample', async () => {
    const { teacher } = await made();
    await teacher.ask(question('r'), never);
    const { teacher: warm } = await over({ settings: { ...settings, temperature: 0.8 } });
    await warm.ask(question('r'), never);
    await teacher.ask(
      {
        ...question('r'),
        digests: new Map([
          ['a.png', 'aa'],
          ['b.png', 'changed'],
        ]),
      },
      never,
    );
    await teacher.ask(question('s'), never);
    await teacher.ask(question('r', 1), never);
    expect(server.asked()).toHaveLength(5);
    await teacher.ask(question('r'), never);
    expect(server.asked()).toHaveLength(5);
  });

  test('is on disk before the answer is used', async () => {
    const { teacher } = await made();
    await teacher.ask(question('r'), never);
    expect(await (await files.blob('replies.jsonl'))!.text()).toMatch(/^\{"v":1,"key":"[0-9a-f]{64}","reply":.+\}\n$/);
  });
});

describe('what may pass', () => {
  it.each([
    ['429 with seconds', { status: 429, headers: { 'retry-after': '7' } }, [7000, 8000]],
    ['429 with a date', { status: 429, headers: { 'retry-after': 'Thu, 01 Jan 2026 00:00:30 GMT' } }, [30_000, 31_000]],
    [
      '503 with a date that is past',
      { status: 503, headers: { 'retry-after': 'Wed, 31 Dec 2025 00:00:00 GMT' } },
      [0, 0],
    ],
    ['429 without a word', { status: 429 }, [0, 1000]],
    ['503 of a full queue', { status: 503, body: '{"error":"server busy, please try again"}' }, [0, 1000]],
    ['an answer that breaks off', 'cut', [0, 1000]],
    ['half an answer', 'truncated', [0, 1000]],
    ['something else', 'malformed', [0, 1000]],
  ] as const)('%s: it is asked again after a while', async (_, trouble, [least, most]) => {
    const { teacher, waits } = await made();
    server.trouble = (count) => (count === 1 ? trouble : null);
    expect(await teacher.ask(question('r'), never)).toMatchObject({ ok: true });
    expect(server.asked()).toHaveLength(2);
    expect(waits[0]).toBeGreaterThanOrEqual(least);
    expect(waits[0]).toBeLessThanOrEqual(most);
    expect(teacher.counts).toMatchObject({ requests: 2, retries: 1, replies: 1 });
  });

  it('no answer in time: it is asked again', async () => {
    const { teacher } = await made('llama.cpp', { timeoutMs: 200 });
    server.trouble = (count) => (count === 1 ? 'silent' : null);
    expect(await teacher.ask(question('r'), never)).toMatchObject({ ok: true });
  });

  it('waits grow, each drawn anew, and end', async () => {
    const { teacher, waits } = await made();
    server.trouble = () => ({ status: 500 });
    expect((await failure(teacher.ask(question('r'), never))).code).toBe('teacher-busy');
    expect(waits).toHaveLength(6);
    waits.forEach((wait, i) => expect(wait).toBeLessThanOrEqual(1000 * 2 ** i));
    expect(new Set(waits).size).toBeGreaterThan(1);
  });

  it('“too many” makes the pool smaller, once for those that were under way together, and success larger again', async () => {
    const whole = JSON.stringify({ choices: [{ message: { content: 'x' }, finish_reason: 'stop' }] });
    const together: (() => void)[] = [];
    let count = 0;
    // The first eight are refused, all once the last of them has come.
    const courier: Courier = async () => {
      if (++count > 8) return { status: 200, retryAfter: null, text: whole };
      await new Promise<void>((resolve) => {
        together.push(resolve);
        if (together.length === 8) for (const go of together) go();
      });
      return { status: 429, retryAfter: null, text: '' };
    };
    const { teacher } = await made('vllm', { concurrency: 8, courier });
    const limits: number[] = [];
    const asked = async (row: string) => {
      await teacher.ask(question(row), never);
      limits.push(teacher.counts.limit);
    };
    await Promise.all(Array.from({ length: 8 }, (_, i) => asked(`r${i}`)));
    expect(limits[0]).toBe(4);
    await Promise.all(Array.from({ length: 60 }, (_, i) => asked(`s${i}`)));
    expect(teacher.counts.limit).toBe(8);
  });

  it('no more are under way than allowed', async () => {
    const { teacher } = await made('vllm', { concurrency: 3 });
    server.delayMs = 5;
    server.together = 3;
    await Promise.all(Array.from({ length: 12 }, (_, i) => teacher.ask(question(`r${i}`), never)));
    expect(server.most()).toBe(3);
  });
});

describe('what does not pass', () => {
  it.each([
    [401, 'teacher-key'],
    [403, 'teacher-key'],
    [404, 'teacher-missing'],
    [402, 'teacher-quota'],
  ])('status %i ends all with %s, at once', async (status, code) => {
    const { teacher } = await made();
    server.trouble = () => ({ status, body: '{"error":{"message":"No such thing."}}' });
    const error = await failure(teacher.ask(question('r'), never));
    expect(error.code).toBe(code);
    expect(error.message).toContain('No such thing');
    expect(error.hint).not.toBe('');
    expect(server.asked()).toHaveLength(1);
  });

  it('an unknown model is told with its name', async () => {
    const { teacher } = await made('ollama', { settings: { ...settings, model: 'llava' } });
    expect((await failure(teacher.ask(question('r'), never))).message).toContain('model “llava”');
  });

  it('pictures that are too large are that row’s fault alone', async () => {
    const { teacher } = await made();
    server.trouble = (_, body) => (textOf(body).includes('of big') ? { status: 413 } : null);
    expect(await teacher.ask(question('big'), never)).toMatchObject({
      ok: false,
      why: expect.stringContaining('too large'),
    });
    expect(await teacher.ask(question('small'), never)).toMatchObject({ ok: true });
  });

  it('four refusals before any answer are the model’s fault', async () => {
    const { teacher } = await made();
    server.trouble = () => ({ status: 400, body: '{"error":{"message":"At most 1 image(s) may be provided"}}' });
    for (const row of ['a', 'b', 'c']) expect(await teacher.ask(question(row), never)).toMatchObject({ ok: false });
    expect((await failure(teacher.ask(question('d'), never))).message).toContain('At most 1 image(s)');
  });

  it('an account that is used up is not waited for', async () => {
    const { teacher } = await made();
    server.trouble = () => ({
      status: 429,
      body: '{"error":{"message":"You exceeded your quota","code":"insufficient_quota"}}',
    });
    expect((await failure(teacher.ask(question('r'), never))).code).toBe('teacher-quota');
    expect(server.asked()).toHaveLength(1);
  });

  it('an hour is too long to wait', async () => {
    const { teacher } = await made();
    server.trouble = () => ({ status: 429, headers: { 'retry-after': '3600' } });
    expect((await failure(teacher.ask(question('r'), never))).message).toContain('60 minutes');
  });

  it('a server that is gone, or lets no page in, is told', async () => {
    const { teacher } = await made();
    await server.close();
    expect((await failure(teacher.models(never))).code).toBe('teacher-unreachable');
    const { teacher: refused } = await made('lm-studio', { courier: () => Promise.reject(new Undelivered('refused')) });
    const error = await failure(refused.ask(question('r'), never));
    expect(error.code).toBe('teacher-cors');
    expect(error.hint).toContain('docs/teacher.md');
  });

  it('a redirect is not followed: the pictures are for the address that was named', async () => {
    const { teacher } = await made();
    const other = await startTeacher();
    server.trouble = () => ({ status: 307, headers: { location: `${other.endpoint}/v1/chat/completions` } });
    expect((await failure(teacher.ask(question('r'), never))).code).toBe('teacher-unreachable');
    expect(other.seen).toEqual([]);
    await other.close();
  });

  it('LM Studio’s answer to a wrong path is no completion', async () => {
    await made('lm-studio');
    const wrong = teacherAddress(`${server.endpoint}/v2`);
    const { teacher: misled } = await over({ courier: fetchCourier(wrong, null) });
    const error = await failure(misled.ask(question('r'), never));
    expect(error.code).toBe('teacher-malformed');
    expect(error.message).toContain('Unexpected endpoint');
  });

  it('stopping ends what is under way, and keeps what was answered', async () => {
    const { teacher } = await made();
    await teacher.ask(question('r'), never);
    server.trouble = () => 'silent';
    const stop = new AbortController();
    const asked = teacher.ask(question('s'), stop.signal);
    setTimeout(() => stop.abort(new Error('stopped')), 50);
    await expect(asked).rejects.toThrow('stopped');
    server.trouble = () => null;
    expect(await teacher.ask(question('r'), never)).toMatchObject({ fromCache: true });
  });
});

describe('the key', () => {
  const key = 'sk-very-secret-1234';

  it('goes in a header, and where there is none, no header goes', async () => {
    const { teacher } = await made('vllm', { key });
    server.key = key;
    await teacher.ask(question('r'), never);
    expect(server.seen.at(-1)!.headers.authorization).toBe(`Bearer ${key}`);
    server.key = null;
    const { teacher: without } = await over();
    await without.ask(question('s'), never);
    expect(server.seen.at(-1)!.headers.authorization).toBeUndefined();
  });

  it('is in no message, though the server repeats it, and in nothing that is kept', async () => {
    const { teacher } = await made('vllm', { key });
    server.key = 'another';
    const error = await failure(teacher.ask(question('r'), never));
    expect(error.message).toContain('Incorrect API key provided: •••');
    expect(`${error.stack}${error.hint}`).not.toContain(key);
    server.key = key;
    server.answer = () => ({ thought: `I was asked with ${key}`, content: 'x' });
    await teacher.ask(question('r'), never);
    expect(await (await files.blob('replies.jsonl'))!.text()).not.toContain(key);
  });
});

describe('an address', () => {
  it.each([
    ['http://127.0.0.1:8000', 'http://127.0.0.1:8000/v1', 'loopback', true],
    ['localhost:1234/v1/', 'http://localhost:1234/v1', 'loopback', true],
    ['http://[::1]:8080/v1/chat/completions', 'http://[::1]:8080/v1', 'loopback', true],
    ['http://192.168.1.20:11434', 'http://192.168.1.20:11434/v1', 'local', false],
    ['http://172.20.0.3', 'http://172.20.0.3/v1', 'local', false],
    ['http://172.32.0.3', 'http://172.32.0.3/v1', 'public', false],
    ['http://gpu-box:8000', 'http://gpu-box:8000/v1', 'local', false],
    ['http://gpu-box.local:8000', 'http://gpu-box.local:8000/v1', 'local', false],
    ['https://api.example.com/openai/v1', 'https://api.example.com/openai/v1', 'public', true],
    ['http://127.0.0.1.example.com', 'http://127.0.0.1.example.com/v1', 'public', false],
    ['http://0x7f000001:8000', 'http://127.0.0.1:8000/v1', 'loopback', true],
  ])('%s is read', (given, base, place, encrypted) => {
    expect(teacherAddress(given)).toMatchObject({ base, place, private: encrypted });
  });

  it.each(['', 'ftp://a', 'http://', 'https://user:secret@host/v1', 'https://host/v1?key=secret'])(
    '%s is refused',
    (given) => {
      expect(() => teacherAddress(given)).toThrow(GroundworkError);
      try {
        teacherAddress(given);
      } catch (error) {
        expect((error as Error).message).not.toContain('secret');
      }
    },
  );
});

describe('the model', () => {
  it('is the one that is named, or the only one', () => {
    expect(chosenModel('x', null)).toBe('x');
    expect(chosenModel('', ['only'])).toBe('only');
    expect(chosenModel('qwen3-vl', ['qwen3-vl:latest', 'b'])).toBe('qwen3-vl:latest');
    expect(() => chosenModel('', ['a', 'b'])).toThrow('2 models: a, b');
    expect(() => chosenModel('', [])).toThrow('no model');
  });
});
