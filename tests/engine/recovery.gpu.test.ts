/** A run that was interrupted, however and wherever, ends as if it had not been: to the last bit. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Random } from '../../src/base/random.ts';
import { registerDecoder } from '../../src/image/decode.ts';
import { nodeDecode } from '../../src/image/node-decode.ts';
import type { RowEdit } from '../../src/engine/protocol/index.ts';
import type { RunRecord } from '../../src/engine/protocol/records.ts';
import { memoryFiles } from '../../src/store/memory-files.ts';
import { storageInFiles } from '../../src/store/storage.ts';
import { fewRows } from './few-rows.ts';
import { isUnit } from '../../tools/torture/timeless.ts';
import { Attempt, UNITS, WHOLE } from './interrupted.ts';
import { severed } from './severed.ts';

registerDecoder(nodeDecode);

/** More kill points for a night: GROUNDWORK_SOAK=20 */
const SOAK = Number(process.env['GROUNDWORK_SOAK'] ?? 1);

let whole: Awaited<ReturnType<Attempt['outcome']>>;
let reference: Attempt;
/** Room on the reference's disk. */
let room = Infinity;
const disk = memoryFiles(() => room);

beforeAll(async () => {
  reference = new Attempt(storageInFiles(disk));
  await reference.open();
  await reference.start();
  await reference.session.running;
  whole = await reference.outcome();
});
afterAll(() => reference.session.destroy());

/** Calls at the k-th unit of work that is done, counting over attempts. */
function atUnit(attempt: Attempt, k: number, then: () => void): void {
  let units = 0;
  attempt.onEvent = (event) => {
    if (isUnit(event) && ++units === k) then();
  };
}

test('the run to compare with did all kinds of work', () => {
  const kinds = new Set(whole.told.map((event) => (event as { type: string }).type));
  expect([...kinds].sort()).toEqual(['evaluation', 'group', 'metrics', 'rejection']);
  expect(reference.events.filter(isUnit)).toHaveLength(UNITS);
  const deviations = reference.events.map((e) => (e.type === 'metrics' ? (e.values['reward_std'] ?? 0) : 0));
  expect(Math.max(...deviations), 'GRPO had something to learn').toBeGreaterThan(0);
});

test('the same run again is the same run', async () => {
  reference.events.length = 0;
  await reference.start();
  await reference.session.running;
  expect(await reference.outcome()).toEqual(whole);
});

describe('a loop that throws', () => {
  test.each(Array.from({ length: UNITS }, (_, i) => [i + 1]))('at unit %i is gone on with', async (k) => {
    reference.events.length = 0;
    atUnit(reference, k, () => {
      throw new Error('something broke');
    });
    const id = await reference.start(WHOLE, 1 + (k % 2));
    await reference.session.running;
    expect(reference.session.state).toBe('failed');
    reference.onEvent = () => undefined;
    await reference.continue(id);
    await reference.session.running;
    expect(reference.session.state).toBe('finished');
    expect(await reference.outcome()).toEqual(whole);
  });
});

test('a disk that is full holds the run; with room made it goes on', async () => {
  reference.events.length = 0;
  const failed: string[] = [];
  atUnit(reference, 3, () => void (room = 0));
  const resume = (event: { type: string; code?: string; hint?: string }) => {
    if (event.type !== 'failure') return;
    failed.push(event.code!, event.hint!);
    room = Infinity;
    expect(reference.session.state).toBe('paused');
    void reference.session.handle({ type: 'control', action: 'resume' });
  };
  const watch = reference.onEvent;
  reference.onEvent = (event) => {
    watch(event);
    resume(event);
  };
  const id = await reference.start();
  await reference.session.running;
  reference.onEvent = () => undefined;
  expect(failed).toEqual(['storage-full', expect.stringMatching(/last checkpoint \(step 2\) is safe.*Delete runs/)]);
  expect(await reference.outcome()).toEqual(whole);

  // What lies there was damaged since: the one before is used, and it is said.
  const record = (await storageInFiles(disk).records.get<RunRecord>('runs', id))!;
  const newest = (await disk.list())
    .map(({ path }) => path)
    .filter((path) => path.startsWith(`runs/${record.id}/`) && path.endsWith('.bin'))
    .sort()
    .at(-1)!;
  const writer = await disk.open(newest);
  await writer.write(300, Uint8Array.of(1, 2, 3));
  await reference.continue(id);
  await reference.session.running;
  expect(reference.events).toContainEqual({ type: 'notice', message: expect.stringContaining('damaged') });
  expect(await reference.outcome()).toEqual(whole);
});

test('a run goes on with its own rows only', async () => {
  const id = await reference.start(WHOLE, 1);
  await reference.session.handle({ type: 'control', action: 'stop' });
  await reference.session.running;
  const files = (await fewRows()).map(({ path, file }) =>
    path === 'train.jsonl' ? { path, file: file.slice(0, Math.floor(file.size / 2)) } : { path, file },
  );
  const other = await reference.session.handle({
    type: 'open-dataset',
    name: 'half',
    files,
    options: { skipped: { rows: 1, list: [] } },
  });
  await expect(
    reference.session.handle({ type: 'continue-run', runId: id, dataset: other.id, go: true }),
  ).rejects.toMatchObject({ code: 'run-mismatch', message: expect.stringContaining('dataset (few)') });
  expect(reference.session.state).not.toBe('running');
});

test('a run resumes on the rows as it saw them, whatever was edited since', async () => {
  const { session, dataset } = reference;
  const edit = (edits: readonly RowEdit[]) => session.handle({ type: 'edit-rows', dataset, project: null, edits });
  const { rows } = await session.handle({ type: 'rows', dataset, split: 'train', offset: 0, count: 12 });
  const out = (row: string): RowEdit => ({ kind: 'change', row, change: { kind: 'exclude', reason: 'a trial' } });
  await edit(rows.slice(0, 2).map(({ id }) => out(id)));
  const id = await reference.start(WHOLE, 1);
  await session.handle({ type: 'control', action: 'stop' });
  await session.running;
  const record = (await storageInFiles(disk).records.get<RunRecord>('runs', id))!;
  expect(record.edits).toMatchObject({ changes: 2, rows: 2, excluded: 2, entries: 2 });
  await edit([out(rows[5]!.id), { kind: 'undo' }, { kind: 'undo' }]);
  await session.handle({ type: 'continue-run', runId: id, dataset, go: true, paused: true });
  expect(session.bench!.dataset.report.edits).toMatchObject({ digest: record.edits!.digest });
  await session.handle({ type: 'control', action: 'stop' });
  await session.running;
  await edit([{ kind: 'undo' }]);
  expect((await session.handle({ type: 'rows', dataset, split: 'train', offset: 0, count: 1 })).total).toBe(12);
});

test('answers asked for while a run goes on change nothing of it', async () => {
  reference.events.length = 0;
  const { rows } = await reference.session.handle({
    type: 'rows',
    dataset: reference.dataset,
    split: 'heldout',
    offset: 0,
    count: 3,
  });
  let asked = 0;
  reference.onEvent = (event) => {
    if (isUnit(event))
      void reference.session.handle({
        type: 'answer',
        dataset: reference.dataset,
        rowId: rows[asked++ % rows.length]!.id,
        policies: ['base', 'tuned'],
      });
  };
  await reference.start();
  await reference.session.running;
  expect(asked).toBe(UNITS);
  expect(await reference.outcome()).toEqual(whole);
});

test('a device that is destroyed is opened again, and the run goes on by itself', async () => {
  const attempt = new Attempt(storageInFiles(memoryFiles()));
  await attempt.open();
  const random = new Random(5);
  for (let round = 0; round < SOAK; round++) {
    attempt.events.length = 0;
    const kills = new Set([1 + random.below(UNITS - 1), 1 + random.below(UNITS - 1)]);
    const killed: Promise<unknown>[] = [];
    let units = 0;
    attempt.onEvent = (event) => {
      if (!isUnit(event) || !kills.delete(++units)) return;
      // In the middle of the step that follows, wherever that is.
      const later = new Promise((resolve) => setTimeout(resolve, random.below(400)));
      killed.push(
        later.then(() => {
          const { device } = attempt.gpu!;
          device.destroy();
          return device.lost;
        }),
      );
    };
    await attempt.start(WHOLE, 1 + random.below(3));
    await attempt.session.running;
    expect(attempt.events.filter(({ type }) => type === 'failure')).toEqual([]);
    expect(attempt.session.state).toBe('finished');
    // One that came after the end is brought back, too: the export below waits for it.
    await Promise.all(killed);
    expect(await attempt.session.handle({ type: 'export', what: 'adapter' })).toBeTruthy();
    expect(await attempt.outcome()).toEqual(whole);
  }
  await attempt.session.destroy();
});

test('who is asked while the device goes is told so, and not of a defect; asked again, the answer is there', async () => {
  const attempt = new Attempt(storageInFiles(memoryFiles()));
  await attempt.open();
  const { session, dataset } = attempt;
  const { rows } = await session.handle({ type: 'rows', dataset, split: 'heldout', offset: 0, count: 1 });
  const ask = () => session.handle({ type: 'answer', dataset, rowId: rows[0]!.id, policies: ['base'] });
  const said = await ask();
  const device = attempt.gpu!.device;
  const { mapAsync } = GPUBuffer.prototype;
  GPUBuffer.prototype.mapAsync = function (...range) {
    GPUBuffer.prototype.mapAsync = mapAsync;
    device.destroy();
    return mapAsync.apply(this, range);
  };
  await expect(ask()).rejects.toMatchObject({ code: 'device-lost', hint: expect.stringContaining('try again') });
  expect(await ask()).toEqual(said);
  await session.destroy();
});

test('a process that is killed between or within any two writes loses no more than what came after its last checkpoint', async () => {
  const random = new Random(9);
  for (let round = 0; round < SOAK; round++) {
    const files = memoryFiles();
    let id: string | null = null;
    let interruptions = 0;
    for (;;) {
      // Few enough that it takes several lives to end.
      const storage = severed(files, interruptions < 3 ? 20 + random.below(40) : Infinity);
      const attempt = new Attempt(storage);
      await attempt.open();
      const stored: RunRecord[] = await storage.records.all<RunRecord>('runs');
      id = stored[0]?.id ?? null;
      if (id) await attempt.continue(id);
      else await attempt.start(WHOLE, 1);
      const ended = attempt.session.running.then(() => true);
      const killed = (async () => {
        while (!storage.dead) await new Promise((resolve) => setTimeout(resolve, 20));
        return false;
      })();
      const finished = await Promise.race([ended, killed]);
      if (finished) {
        expect(attempt.session.state).toBe('finished');
        expect(await attempt.outcome()).toEqual(whole);
        await attempt.session.destroy();
        break;
      }
      interruptions++;
    }
    expect(interruptions).toBeGreaterThan(0);
  }
});
