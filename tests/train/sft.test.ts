/** What supervised fine-tuning does before its first step: every row is encoded, told of, and none is held. */
import { expect, test } from 'vitest';
import type { Row } from '../../src/data/row.ts';
import type { RowList } from '../../src/data/row-list.ts';
import { PROMPT, Prompting } from '../../src/train/prompt.ts';
import { runSft } from '../../src/train/sft.ts';
import type { StageContext, StageEvent } from '../../src/train/stage.ts';
import { sftStage } from '../../src/train/stages/index.ts';

/** Row i has a prompt of 10 tokens, and a target of i % 5 tokens: none at every fifth. */
function world(count: number, turns = Infinity) {
  const events: StageEvent[] = [];
  const batches: number[] = [];
  const train: RowList = {
    length: count,
    id: String,
    task: () => '',
    file: () => 'rows.jsonl',
    hasSolution: () => true,
    pictures: () => [],
    read: async (places) => places.map((i) => ({ id: String(i) }) as Row),
  };
  let attached = 0;
  const context = {
    train,
    resume: null,
    seed: 1,
    emit: (event: StageEvent) => void events.push(event),
    turn: async () => turns-- > 0,
    policy: {
      attach() {
        attached++;
        throw new Error('the first step comes');
      },
    },
    samples: {
      encode: async (rows: readonly Row[]) => {
        batches.push(rows.length);
        return rows.map(({ id }) => ({
          prompt: { tokens: { length: 10 } },
          completion: { length: Number(id) % 5 },
        }));
      },
    },
  } as unknown as StageContext;
  const progress = () => events.filter((event) => event.type === 'progress');
  const notices = () => events.flatMap((event) => (event.type === 'notice' ? [event.message] : []));
  return { context, batches, progress, notices, attached: () => attached };
}

test('all rows are encoded a few at a time, and each hundredth of them is told', async () => {
  const { context, batches, progress, notices } = world(10_007);
  await expect(runSft(sftStage({ maxLength: 13 }), context)).rejects.toThrow('the first step comes');
  expect(batches.reduce((a, b) => a + b)).toBe(10_007);
  expect(Math.max(...batches)).toBe(32);
  expect(progress().length).toBeGreaterThan(90);
  expect(progress().length).toBeLessThanOrEqual(100);
  expect(progress().at(-1)).toMatchObject({ done: 10_007, total: 10_007, unit: 'rows encoded', preparing: true });
  expect(notices()).toEqual([
    '2,001 rows are longer than 13 tokens and were left out.',
    '2,002 rows have no target and were left out.',
  ]);
});

test('between two lots of rows that need no waiting for, everything else has its turn', async () => {
  const { context, batches } = world(10_000);
  const encodedBefore = new Promise<number>((resolve) => void setImmediate(() => resolve(batches.length)));
  await expect(runSft(sftStage(), context)).rejects.toThrow('the first step comes');
  expect(await encodedBefore).toBeLessThan(batches.length);
});

test('a few rows are told of, too', async () => {
  const { context, progress } = world(3);
  await expect(runSft(sftStage(), context)).rejects.toThrow('the first step comes');
  expect(progress()).toMatchObject([{ done: 3, total: 3 }]);
});

test('stopped while rows are encoded, it ends there and attaches nothing', async () => {
  const { context, batches, attached } = world(10_000, 5);
  await runSft(sftStage(), context);
  expect([batches.length, attached()]).toEqual([5, 0]);
});

/** Every third row has a thought. */
function thinking(prompting: Prompting | null) {
  const told = world(30);
  const encode = async (rows: readonly Row[]) =>
    rows.map(({ id }) => {
      const row = { id, task: '', ...(Number(id) % 3 === 0 && { think: 'so' }) } as Row;
      const form = prompting?.formOf(row, true) ?? 'as-written';
      return { row, form, prompt: { tokens: { length: 10 } }, completion: { length: 4 } };
    });
  const samples = { encode, prompting };
  return { ...told, context: { ...told.context, samples } as unknown as StageContext };
}

test('rows without a thought are left out where only thoughts are to be learned, with a count', async () => {
  const { context, notices } = thinking(null);
  await expect(runSft(sftStage({ onlyThoughts: true }), context)).rejects.toThrow('the first step comes');
  expect(notices()).toEqual(['20 rows have no thought and were left out.']);
});

test('rows without a thought that are asked for the answer alone are counted', async () => {
  const think = new Prompting({ ...PROMPT, answerForm: 'think' }, 1);
  const all = thinking(think);
  await expect(runSft(sftStage(), all.context)).rejects.toThrow('the first step comes');
  expect(all.notices()).toEqual([
    expect.stringMatching(/^20 rows have no thought. They are asked for the answer alone/),
  ]);
  const some = thinking(think);
  await expect(runSft(sftStage({ onlyThoughts: true }), some.context)).rejects.toThrow('the first step comes');
  expect(some.notices()).toEqual(['20 rows have no thought and were left out.']);
});
