/** Thoughts of a teacher by the engine's requests, with letters carried to a server on this machine. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EngineEvent, ThoughtFilter } from '../../src/engine/protocol/index.ts';
import { EngineSession } from '../../src/engine/session.ts';
import { memoryStorage } from '../../src/store/storage.ts';
import { TEACH_DEFAULTS, type TeachSettings } from '../../src/train/synthesis/teach-settings.ts';
import { teacherAddress } from '../../src/train/teacher/address.ts';
import { fetchCourier, Undelivered } from '../../src/train/teacher/courier.ts';
import { llava, named, pngHeader } from '../data/make-dataset.ts';
import { MODEL, startTeacher, textOf, type AskedBody, type TeacherServer } from '../train/teacher/teacher-server.ts';

const files = named({
  'images/a.png': pngHeader(200, 100),
  'images/b.png': pngHeader(200, 100),
  'images/c.png': pngHeader(200, 100),
  'train.json': [
    llava('<image><image>Where is the cup?', 'It is in Image-2: <|box_start|>(100,100),(300,300)<|box_end|>', 2, {
      id: 'cup',
    }),
    llava('<image>Where is the dog?', '<|box_start|>(200,200),(600,700)<|box_end|>', 1, { id: 'dog' }),
    llava('<image>Where is the cat?', '<|box_start|>(400,200),(600,900)<|box_end|>', 1, { id: 'cat' }),
    llava(
      '<image>Where is the hat?',
      '<think>It is red.</think><answer><|box_start|>(400,200),(600,900)<|box_end|></answer>',
      1,
      { id: 'hat' },
    ),
  ],
});

const RIGHT: Readonly<Record<string, string>> = {
  cup: '<answer>[{"image": 2, "bbox_2d": [101, 99, 300, 301]}]</answer>',
  dog: '<answer>[{"bbox_2d": [200, 200, 600, 700]}]</answer>',
  cat: '<answer>[{"bbox_2d": [400, 200, 600, 900]}]</answer>',
};
const WRONG = '<answer>[{"image": 1, "bbox_2d": [0, 0, 50, 50]}]</answer>';
const thing = (body: AskedBody) => /Where is the (\w+)\?/.exec(textOf(body))![1]!;
const hinted = (body: AskedBody) => textOf(body).includes('The right answer is');

let server: TeacherServer;
beforeEach(async () => {
  server = await startTeacher('llama.cpp');
  // The cup is found at once, the dog only with the hint, and of the cat nothing but the hint is said.
  server.answer = (body) => {
    const name = thing(body);
    const words = `I look for the ${name} and find it, try ${body.seed}, near the middle.`;
    if (name === 'cup' || (name === 'dog' && hinted(body))) return { thought: words, content: RIGHT[name]! };
    if (name === 'cat' && hinted(body))
      return { thought: `As the hint says, the ${name} is there.`, content: RIGHT[name]! };
    return { thought: words, content: WRONG };
  };
});
afterEach(() => server.close());

const settings: TeachSettings = { ...TEACH_DEFAULTS, model: MODEL, samples: 2, system: 'You find things.' };

async function world(storage = memoryStorage()) {
  const events: EngineEvent[] = [];
  const courier = fetchCourier(teacherAddress(server.endpoint), null);
  const under = new Map<number, AbortController>();
  const engine: EngineSession = new EngineSession({
    openGpu: () => Promise.reject(new Error('there is none')),
    fetchFile: () => Promise.reject(new Error('there is none')),
    storage,
    emit: (event) => {
      events.push(event);
      if (event.type === 'teacher-recall') under.get(event.id)?.abort();
      if (event.type !== 'teacher-letter') return;
      under.set(event.id, new AbortController());
      void courier(event.letter, under.get(event.id)!.signal)
        .catch((error: unknown) => ({ undelivered: error instanceof Undelivered ? error.why : ('broken' as const) }))
        .then((carried) => engine.handle({ type: 'teacher-carried', letter: event.id, carried }));
    },
  });
  const options = { readings: [{ file: 'train.json', way: 'pairs', space: 'thousand', layout: 'xyxy' }] } as const;
  const { id: dataset } = await engine.handle({ type: 'open-dataset', name: 'small', files, options });
  const endpoint = server.endpoint;
  const start = (more: Partial<TeachSettings> = {}) =>
    engine.handle({ type: 'thoughts-start', dataset, endpoint, settings: { ...settings, ...more }, concurrency: 2 });
  const page = (filter: ThoughtFilter) => engine.handle({ type: 'thoughts', dataset, filter, offset: 0, count: 100 });
  const row = (rowId: string) => engine.handle({ type: 'row', dataset, rowId });
  return { engine, dataset, events, endpoint, start, page, row };
}
const ids = (list: readonly { readonly id: string }[]) => list.map(({ id }) => id).sort();

describe('what would leave', () => {
  test('is told before anything does', async () => {
    const { engine, dataset, endpoint } = await world();
    const plan = await engine.handle({ type: 'thoughts-plan', dataset, endpoint, settings });
    expect(plan).toMatchObject({ rows: 3, withThought: 1, questions: [6, 12], pictures: 1 + 1, spaceChecked: false });
    expect(plan.address).toMatchObject({ origin: server.endpoint, place: 'loopback' });
    expect(plan.bytesPerQuestion).toBeGreaterThan(0);
    const { turns, hint } = plan.example!;
    expect(turns[0]).toEqual({ role: 'system', parts: [{ type: 'text', text: 'You find things.' }] });
    expect(JSON.stringify(turns)).toContain('0 to 1000');
    expect(hint).toContain('The right answer is');
    expect(server.seen).toEqual([]);
  });
});

describe('thoughts of a teacher', () => {
  test('are kept where they lead to the true boxes, after a hint if need be, and never where they give it away', async () => {
    const { start, page } = await world();
    expect(await start()).toEqual({ rows: 3, taught: 2, stopped: false });
    const kept = await page('kept');
    expect(ids(kept.candidates)).toEqual(['cup/0', 'dog/hinted-0']);
    expect(kept.candidates.find(({ row }) => row === 'dog')!.by).toEqual({
      who: 'teacher',
      hinted: true,
      model: MODEL,
      endpoint: `${server.endpoint}/v1`,
      temperature: 0.7,
      sample: 0,
    });
    expect(ids((await page('leak')).candidates)).toEqual(['cat/hinted-0', 'cat/hinted-1']);
    expect(ids((await page('wrong')).candidates)).toEqual(['cat/0', 'cat/1', 'dog/0', 'dog/1']);
    expect(ids((await page('surplus')).candidates)).toEqual(['cup/1', 'dog/hinted-1']);
    const counts = Object.fromEntries(kept.counts.map(({ filter, count }) => [filter, count]));
    expect(counts).toMatchObject({ kept: 2, wrong: 4, leak: 2, surplus: 2, all: 10, rejected: 0 });
    expect(server.asked()).toHaveLength(10);
  });

  test('see the pictures between their names, in the order of the row', async () => {
    const { start } = await world();
    await start();
    const cup = server.asked().find((body) => thing(body) === 'cup')!;
    expect(textOf(cup)).toMatch(/Image-1: \n<picture>\nImage-2: \n<picture>\nWhere is the cup\?/);
  });

  test('become the rows’ own as edits, without the hint, and say where they come from', async () => {
    const { start, engine, dataset, row } = await world();
    await start();
    const { report, taken } = await engine.handle({ type: 'thoughts-take', dataset, project: null });
    expect(taken).toBe(2);
    expect(report.edits).toMatchObject({ changes: 2, rows: 2 });
    const dog = await row('dog');
    expect(dog).toMatchObject({
      think: 'I look for the dog and find it, try 0, near the middle.',
      thoughtBy: { who: 'teacher', hinted: true },
    });
    expect(JSON.stringify(dog.prompt)).not.toContain('right answer');
    expect((await row('hat')).think).toBe('It is red.');
    expect((await row('cat')).think).toBeUndefined();
    // Undone as any edit is.
    await engine.handle({ type: 'edit-rows', dataset, project: null, edits: [{ kind: 'undo' }, { kind: 'undo' }] });
    expect((await row('dog')).think).toBeUndefined();
    expect((await row('dog')).thoughtBy).toBeUndefined();
  });

  test('are accepted, rejected and rewritten by a person, and that is remembered', async () => {
    const storage = memoryStorage();
    const { start, engine, dataset, page, row } = await world(storage);
    await start();
    const judge = (id: string, verdict: 'accepted' | 'rejected' | null, words?: string) =>
      engine.handle({
        type: 'thoughts-judge',
        dataset,
        project: null,
        id,
        verdict,
        ...(words !== undefined && { words }),
      });
    await judge('cat/hinted-0', 'accepted', 'The cat sits in the middle.');
    expect(await row('cat')).toMatchObject({
      think: 'The cat sits in the middle.',
      thoughtBy: { edited: true, hinted: true },
    });
    await judge('cup/0', 'rejected');
    expect(ids((await page('kept')).candidates)).toEqual(['cat/hinted-0', 'dog/hinted-0']);
    await judge('cat/hinted-0', 'rejected');
    expect((await row('cat')).think).toBeUndefined();
    await judge('cat/hinted-0', 'accepted');

    const asked = server.asked().length;
    const next = await world(storage);
    await next.start();
    expect(server.asked()).toHaveLength(asked);
    expect(ids((await next.page('rejected')).candidates)).toEqual(['cup/0']);
    expect((await next.page('accepted')).candidates[0]!.thought).toBe('The cat sits in the middle.');
    const { stream } = await next.engine.handle({ type: 'thoughts-file', dataset: next.dataset });
    const written = (await new Response(stream).text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: string; thought_by: { edited?: true } });
    expect(written.map(({ id, thought_by }) => [id, thought_by.edited])).toEqual(
      expect.arrayContaining([
        ['cat', true],
        ['dog', undefined],
      ]),
    );
  });

  test('several of a row are rows of their own in the file, which is read as a dataset', async () => {
    const { start, engine, dataset } = await world();
    await start({ thoughtsPerRow: 2 });
    const { fileName, stream } = await engine.handle({ type: 'thoughts-file', dataset });
    const text = await new Response(stream).text();
    const again = await engine.handle({
      type: 'open-dataset',
      name: 'taught',
      files: [...files.filter(({ path }) => path.endsWith('.png')), { path: fileName, file: new Blob([text]) }],
    });
    expect(again).toMatchObject({ train: 4, leftOut: 0 });
    const { rows } = await engine.handle({ type: 'rows', dataset: again.id, split: 'train', offset: 0, count: 10 });
    expect(ids(rows)).toEqual(['cup', 'cup#2', 'dog', 'dog#2']);
    expect(new Set(rows.map(({ think }) => think)).size).toBe(4);
  });

  test('stopped, they go on where they stood, and nothing is asked twice', async () => {
    const storage = memoryStorage();
    const first = await world(storage);
    server.trouble = (count) => (count > 3 ? 'silent' : null);
    const started = first.start();
    // Both that may be under way are never answered: the three before them were.
    await expect.poll(() => server.asked().length).toBe(5);
    await first.engine.handle({ type: 'thoughts-stop' });
    expect(await started).toMatchObject({ stopped: true });
    server.trouble = () => null;
    const before = server.asked().length;
    const second = await world(storage);
    await second.start();
    expect(ids((await second.page('kept')).candidates)).toEqual(['cup/0', 'dog/hinted-0']);
    expect(server.asked().length - before).toBe(10 - 3);
    await second.engine.handle({ type: 'thoughts-forget' });
    await second.start();
    expect(server.asked().length - before).toBe(10 - 3 + 10);
  });

  test('progress counts rows and tokens; what the cache gave costs none', async () => {
    const storage = memoryStorage();
    const first = await world(storage);
    await first.start();
    const progress = (events: readonly EngineEvent[]) =>
      events.flatMap((event) => (event.type === 'thoughts-progress' ? [event] : []));
    const rows = progress(first.events).map((event) => event.rows);
    expect(rows).toEqual([0, 1, 2, 3]);
    expect(progress(first.events).at(-1)).toMatchObject({
      total: 3,
      taught: 2,
      tokens: 1200,
      counts: { requests: 10 },
    });
    const second = await world(storage);
    await second.start();
    expect(progress(second.events).at(-1)).toMatchObject({
      rows: 3,
      tokens: 0,
      counts: { requests: 0, fromCache: 10 },
    });
  });

  test('what concerns all questions ends them, and what was answered stays', async () => {
    const { start, page } = await world();
    server.trouble = (count) => (count > 2 ? { status: 401 } : null);
    await expect(start()).rejects.toMatchObject({ code: 'teacher-key' });
    expect((await page('all')).candidates.length).toBeLessThanOrEqual(2);
    server.trouble = () => null;
    await start();
    expect(server.asked().filter((body) => thing(body) === 'cup').length).toBeLessThanOrEqual(5);
  });

  test('questions that one row’s pictures make impossible are counted, and the others go on', async () => {
    const { start, page } = await world();
    server.trouble = (_, body) => (thing(body) === 'dog' ? { status: 413 } : null);
    expect(await start()).toMatchObject({ rows: 3, taught: 1 });
    expect((await page('all')).unanswered).toEqual([{ why: expect.stringContaining('too large'), count: 4 }]);
  });

  test('rows whose boxes are not certain are not asked', async () => {
    const { engine, endpoint } = await world();
    const loose = named({
      'a.png': pngHeader(200, 100),
      'train.json': [llava('<image>Where?', '[10, 20, 90, 80]', 1, { id: 'x', image: 'a.png' })],
    });
    const { id, questions } = await engine.handle({ type: 'open-dataset', name: 'loose', files: loose });
    expect(questions.length).toBeGreaterThan(0);
    await expect(engine.handle({ type: 'thoughts-plan', dataset: id, endpoint, settings })).rejects.toMatchObject({
      code: 'dataset-unsettled',
    });
  });
});
