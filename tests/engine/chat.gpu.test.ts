/** Conversations with pictures: streamed, stopped, and the same answers that rows get. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Writing } from '../../src/engine/answers/chat.ts';
import type { EngineEvent, Message, Row } from '../../src/engine/protocol/index.ts';
import { registerDecoder } from '../../src/image/decode.ts';
import { nodeDecode } from '../../src/image/node-decode.ts';
import { PROMPT } from '../../src/train/prompt.ts';
import { fewRows, starter } from './few-rows.ts';
import { openEngine } from './open-engine.ts';

registerDecoder(nodeDecode);

const greedy = (maxCompletionLength: number) => ({ temperature: 0, topK: 0, topP: 1, maxCompletionLength });

describe('a conversation on the starter', () => {
  const engine = openEngine();
  const { session, of } = engine;
  let dataset = '';
  let row: Row;
  let pictures: { id: string; file: Blob }[] = [];
  const ask = (chatId: string, more: object = {}) =>
    session.handle({
      type: 'chat',
      chatId,
      policy: 'base',
      messages: row.prompt,
      pictures,
      sampling: greedy(128),
      seed: 0,
      ...more,
    });
  const written = (chatId: string) =>
    of('chat')
      .filter((e) => e.chatId === chatId)
      .map((e) => e.delta)
      .join('');

  beforeAll(async () => {
    await session.handle({ type: 'load-starter', baseUrl: starter });
    dataset = (await session.handle({ type: 'open-dataset', name: 'few', files: await fewRows() })).id;
    row = (await session.handle({ type: 'rows', dataset, split: 'train', offset: 0, count: 1 })).rows[0]!;
    const files = await Promise.all(row.images.map((path) => session.handle({ type: 'image', dataset, path })));
    pictures = files.map((file, i) => ({ id: `picture ${i}`, file }));
  });
  afterAll(() => session.destroy());

  test('needs no dataset, streams, and answers as a row is answered', async () => {
    const [answer] = await session.handle({ type: 'answer', dataset, rowId: row.id, policies: ['base'] });
    const reply = await ask('a');
    expect(reply).toMatchObject({ text: answer!.text, boxes: answer!.boxes, finish: 'end' });
    expect(written('a')).toBe(reply.text);
    expect(of('chat').filter((e) => e.chatId === 'a').length).toBeGreaterThan(1);
    expect(reply.sizes).toHaveLength(row.images.length);
    expect(reply.boxes.length).toBeGreaterThan(0);
  });

  test('is asked with a recipe’s prompt as its rows are, and the form is told', async () => {
    const prompt = { ...PROMPT, system: 'Look closely.', answerForm: 'think', thinkWords: 'Think first.' } as const;
    const recipe = { prompt, seed: 3 };
    const [own, planned] = [await ask('own'), await ask('planned', { recipe })];
    expect([own.form, planned.form]).toEqual([null, 'think']);
    // As the row itself is answered, asked so.
    const known = await session.handle({
      type: 'predict-rows',
      dataset,
      rowIds: [row.id],
      policy: 'base',
      prompt: 'own',
      tokens: 128,
      recipe,
    });
    expect(planned.text).toBe(known.predictions[0]!.text);
    expect(planned.promptTokens).toBeGreaterThan(own.promptTokens);
    expect((await ask('mixed', { recipe: { prompt: { ...prompt, answerForm: 'mix' }, seed: 3 } })).form).toBe('think');
  });

  test('goes on over turns, with a picture shown earlier', async () => {
    const { text } = await ask('b');
    const turn = (role: Message['role'], said: string): Message => ({ role, content: [{ type: 'text', text: said }] });
    const reply = await ask('c', { messages: [...row.prompt, turn('assistant', text), turn('user', 'Sure?')] });
    expect(reply.promptTokens).toBeGreaterThan((await ask('d')).promptTokens);
    expect(reply.sizes).toHaveLength(row.images.length);
  });

  test('stops when told to, and keeps what was written', async () => {
    const whole = (await ask('e')).text;
    const fits = (event: EngineEvent) => event.type === 'chat' && event.chatId === 'f';
    engine.once(fits, () => void session.handle({ type: 'chat-stop', chatId: 'f' }));
    const reply = await ask('f');
    expect(reply.finish).toBe('stopped');
    expect(reply.text.length).toBeLessThan(whole.length);
    expect(whole.startsWith(reply.text)).toBe(true);
    expect(await session.handle({ type: 'chat-stop', chatId: 'f' })).toEqual({ stopped: false });
  });

  test('ends before a stop string and at the length limit', async () => {
    const whole = (await ask('g')).text;
    const stop = whole.slice(10, 14);
    const reply = await ask('h', { stop: [stop, 'never'] });
    expect(reply).toMatchObject({ text: whole.slice(0, whole.indexOf(stop)), finish: 'end' });
    expect(written('h')).toBe(reply.text);
    expect(await ask('i', { sampling: greedy(3) })).toMatchObject({ tokens: 3, finish: 'length' });
  });

  test('says what is wrong with a question', async () => {
    await expect(ask('j', { pictures: [] })).rejects.toMatchObject({ code: 'chat-invalid' });
    await expect(ask('k', { messages: [] })).rejects.toMatchObject({ code: 'chat-invalid' });
    const broken = [{ id: 'broken', file: new Blob(['no picture']) }, ...pictures.slice(1)];
    await expect(ask('l', { pictures: broken })).rejects.toMatchObject({ code: 'image-undecodable' });
    expect((await ask('m')).finish).toBe('end');
    expect(engine.errors).toEqual([]);
  });

  test('holds no memory of its own between answers', async () => {
    await ask('n');
    const before = engine.labels().length;
    await ask('o');
    expect(engine.labels()).toHaveLength(before);
  });
});

describe('stop strings in growing text', () => {
  const write = (stops: string[], pieces: string[]) => {
    const deltas: string[] = [];
    const writing = new Writing(stops, (delta) => deltas.push(delta));
    for (const piece of pieces) writing.add(piece);
    writing.finish();
    return { text: writing.text, ended: writing.ended, deltas };
  };

  test('are found across pieces, and never shown in part', () => {
    expect(write(['</answer>'], ['a </ans', 'wer> b'])).toEqual({ text: 'a ', ended: true, deltas: ['a '] });
    expect(write(['stop'], ['st', 'stop'])).toEqual({ text: 'st', ended: true, deltas: ['st'] });
    expect(write(['abc', 'b'], ['xab'])).toEqual({ text: 'xa', ended: true, deltas: ['xa'] });
  });

  test('what only looked like one is text in the end', () => {
    expect(write(['stop'], ['a sto', 'ry sto'])).toEqual({
      text: 'a story sto',
      ended: false,
      deltas: ['a ', 'story ', 'sto'],
    });
    expect(write([''], ['a', 'b']).text).toBe('ab');
  });
});
