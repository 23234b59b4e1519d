import { describe, expect, it } from 'vitest';
import { EngineClient } from '../../src/engine/client.ts';
import type { EngineEvent, FromEngine, Recipe } from '../../src/engine/protocol/index.ts';
import { SeriesBook } from '../../src/studio/charts/series-book.ts';
import {
  evaluateStage,
  grpoStage,
  mergeStage,
  rejectionStage,
  repeatStage,
  sftStage,
} from '../../src/engine/presets.ts';
import { alarmLog, alarmsOf } from '../../src/studio/state/alarms.ts';
import { BATCH, EventPump } from '../../src/studio/state/event-pump.ts';
import { phaseOf, wordsOf } from '../../src/studio/state/run-words.ts';
import { createRun, GROUPS_KEPT } from '../../src/studio/state/run.ts';
import { fakeData } from './fake/scenes.ts';
import { script } from './fake/script.ts';

const recipe = {
  name: 'Short',
  seed: 42,
  stages: [
    evaluateStage({ name: 'Before', limit: 32 }),
    sftStage({ maxSteps: 40 }),
    mergeStage(),
    rejectionStage({ limit: 64, numGenerations: 4 }),
    grpoStage({ maxSteps: 20, promptsPerStep: 2 }),
    evaluateStage({ name: 'After', limit: 32 }),
  ],
};

function setUp(reply: (type: string) => unknown = () => ({ runId: 'r1' })) {
  let send!: (message: FromEngine) => void;
  const client = new EngineClient({
    open: (receive) => void (send = receive),
    post: ({ id, request }) => queueMicrotask(() => send({ kind: 'reply', id, value: reply(request.type) })),
    close: () => undefined,
  });
  const book = new SeriesBook();
  return { run: createRun(client, book), book };
}

describe('the run', () => {
  it('follows a whole scripted run', async () => {
    const { run, book } = setUp();
    await run.getState().start('d', recipe);
    const events = [...script(recipe, fakeData(1, 80, 40))];
    for (let i = 0; i < events.length; i += 100) run.getState().receive(events.slice(i, i + 100));
    const { state, stages, evaluations, rejection, groups, runId } = run.getState();
    expect(runId).toBe('r1');
    expect(state).toBe('finished');
    expect(stages.map(({ status }) => status)).toEqual(recipe.stages.map(() => 'finished'));
    expect(stages.map(({ firstStep }) => firstStep)).toEqual([null, 1, null, null, 41, null]);
    expect(evaluations.map(({ name }) => name)).toEqual(['Before', 'After']);
    expect(rejection.kept.length + rejection['too-easy'].length + rejection['too-hard'].length).toBe(64);
    expect(groups).toHaveLength(20);
    expect(book.lastStep).toBe(60);
  });

  it('says the same whether events come one by one or all at once', async () => {
    const events = [...script(recipe, fakeData(1, 80, 40))];
    const [one, all] = [setUp(), setUp()];
    await one.run.getState().start('d', recipe);
    await all.run.getState().start('d', recipe);
    for (const event of events) one.run.getState().receive([event]);
    all.run.getState().receive(events);
    expect(JSON.stringify(one.run.getState())).toBe(JSON.stringify(all.run.getState()));
    expect(JSON.stringify(one.book)).toBe(JSON.stringify(all.book));
  });

  it('has stages that were stopped where they were, or not run, once it has ended', () => {
    const progress = {
      type: 'progress' as const,
      stageIndex: 0,
      done: 12,
      total: 40,
      unit: 'rows',
      etaSeconds: 9,
    };
    const once = { rounds: 1, roundsDone: 0 };
    const view = {
      stage: recipe.stages[0]!,
      status: 'running' as const,
      seconds: 1,
      ...once,
      firstStep: null,
      progress,
    };
    expect(wordsOf(view, false)).toBe('12 of 40 rows, 9 s left');
    expect(wordsOf(view, true)).toBe('stopped at 12 of 40 rows');
    expect(wordsOf({ ...view, progress: null }, true)).toBe('stopped');
    expect(wordsOf({ ...view, status: 'waiting', progress: null }, true)).toBe('not run');
    expect(wordsOf({ ...view, status: 'waiting', progress: null }, false)).toBe('waiting');
  });

  it('says what it prepares while nothing moves yet, and what it has done beside that', () => {
    const { run } = setUp();
    const told = (unit: string, done: number, total: number, preparing?: true) => {
      run
        .getState()
        .receive([
          { type: 'progress', stageIndex: 0, unit, done, total, etaSeconds: null, ...(preparing && { preparing }) },
        ]);
      return wordsOf(run.getState().stages[0]!, false);
    };
    run.setState({
      stages: [
        {
          stage: recipe.stages[0]!,
          status: 'running',
          seconds: 0,
          rounds: 1,
          roundsDone: 0,
          firstStep: null,
          progress: null,
        },
      ],
    });
    expect(wordsOf(run.getState().stages[0]!, false)).toBe('preparing');
    expect(told('kernels compiled', 3, 90, true)).toBe('compiling, 3 of 90 kernels');
    expect(told('rows encoded', 64, 400, true)).toBe('encoding, 64 of 400 rows');
    expect(told('rows encoded', 400, 400, true)).toBe('first step');
    expect(told('rows', 0, 40)).toBe('0 of 40 rows');
    expect(told('pictures read', 2, 12, true)).toBe('0 of 40 rows · reading pictures, 2 of 12');
    expect(told('pictures read', 12, 12, true)).toBe('0 of 40 rows');
    expect(told('rows', 16, 40)).toBe('16 of 40 rows');
    expect(wordsOf(run.getState().stages[0]!, true)).toBe('stopped at 16 of 40 rows');
  });

  it('tells the round of a stage that is repeated, and which stages a new round will run again', () => {
    const { run } = setUp();
    const repeated: Recipe = {
      name: 'r',
      seed: 1,
      stages: [mergeStage(), evaluateStage(), repeatStage({ numStages: 2, numRounds: 3 })],
    };
    run.getState().receive([{ type: 'restored', runId: 'a', recipe: repeated, events: [] }]);
    const tell = (index: number, status: 'started' | 'finished', round: number, seconds = 0) =>
      run.getState().receive([{ type: 'stage', index, stage: repeated.stages[index]!, status, round, seconds }]);
    const words = () => run.getState().stages.map((view) => wordsOf(view, false));
    expect(words()).toEqual(['waiting', 'waiting', 'waiting']);
    for (const index of [0, 1, 2]) {
      tell(index, 'started', 0);
      tell(index, 'finished', 0, 2);
    }
    tell(0, 'started', 1);
    expect(words()).toEqual(['round 2 of 3, preparing', 'round 2 of 3, waiting', 'round 2 of 3, waiting']);
    tell(0, 'finished', 1, 3);
    expect(run.getState().stages[0]).toMatchObject({ seconds: 5, roundsDone: 2, rounds: 3 });
    for (const index of [0, 1, 2]) {
      tell(index, 'started', 2);
      tell(index, 'finished', 2, 1);
    }
    expect(words()[0]).toBe('3 rounds, 6 s');
  });

  it('is finishing between its last step and its end, and says what for', () => {
    const stages = recipe.stages.map((stage) => ({
      stage,
      status: 'finished' as const,
      seconds: 1,
      rounds: 1,
      roundsDone: 1,
      firstStep: 1,
      progress: null,
    }));
    expect(phaseOf('running', stages)).toBe('Saving what was learned');
    expect(phaseOf('running', [{ ...stages[0]!, status: 'running' }, ...stages])).toBe('Running');
    expect(phaseOf('stopping', [{ ...stages[0]!, status: 'running' }])).toBe('Stopping after this step');
    expect(phaseOf('stopping', [{ ...stages[0]!, status: 'stopped' }])).toBe('Stopped. What was learned is saved');
    expect(phaseOf('finished', stages)).toBe('Finished');
    // One that was stopped is not called finished, whatever of it was told before.
    expect(phaseOf('finished', [...stages, { ...stages[0]!, status: 'stopped' }])).toMatch(/^Stopped/);
    expect(phaseOf('finished', [...stages, { ...stages[0]!, status: 'waiting' }])).toMatch(/^Stopped/);
    expect(phaseOf('running', [])).toBe('Running');
  });

  it('tells tokens a second from the running count, which a new stage begins anew', () => {
    const { run, book } = setUp();
    const counts = [
      [100, 2],
      [300, 1],
      [50, 0.5],
    ];
    run.getState().receive(
      counts.map(([tokens, seconds], i) => ({
        type: 'metrics',
        stageIndex: i < 2 ? 0 : 1,
        step: i + 1,
        values: { num_tokens: tokens!, step_time: seconds! },
      })),
    );
    expect([...book.curve('tokens_per_second').values]).toEqual([50, 200, 100]);
  });

  it('makes room for new groups', () => {
    const { run } = setUp();
    const group = (step: number): EngineEvent => ({ type: 'group', stageIndex: 0, step, rowId: 'x', completions: [] });
    run.getState().receive(Array.from({ length: GROUPS_KEPT + 5 }, (_, i) => group(i)));
    run.getState().receive([group(9999)]);
    const { groups } = run.getState();
    expect(groups).toHaveLength(GROUPS_KEPT);
    expect(groups.at(-1)!.step).toBe(9999);
    expect(new Set(groups.map(({ key }) => key)).size).toBe(GROUPS_KEPT);
  });

  it('forgets the last run when a new one starts', async () => {
    const { run, book } = setUp();
    run.getState().receive([{ type: 'failure', code: 'device-lost', message: 'm', hint: 'All is safe.' }]);
    book.push(1, { loss: 1 });
    expect(run.getState().failure).toEqual({ code: 'device-lost', what: 'm', hint: 'All is safe.' });
    void run.getState().start('d', recipe);
    expect(run.getState().failure).toBeNull();
    expect(book.names()).toEqual([]);
  });
});

describe('the event pump', () => {
  const notice = (message: string): EngineEvent => ({ type: 'notice', message });

  it('hands on every event once, in order, in batches', () => {
    const seen: string[] = [];
    const flushes: (() => void)[] = [];
    let batches = 0;
    const pump = new EventPump(
      (events) => {
        batches++;
        for (const event of events) seen.push((event as { message: string }).message);
      },
      (flush) => flushes.push(flush),
      () => 0,
    );
    const sent = Array.from({ length: BATCH * 2 + 3 }, (_, i) => String(i));
    for (const message of sent) pump.push(notice(message));
    expect(flushes).toHaveLength(1);
    flushes[0]!();
    expect(seen).toEqual(sent);
    expect(batches).toBe(3);
  });

  it('stops when its time is up and goes on in the next frame', () => {
    const flushes: (() => void)[] = [];
    let clock = 0;
    let handed = 0;
    const pump = new EventPump(
      (events) => {
        handed += events.length;
        clock += 10;
      },
      (flush) => flushes.push(flush),
      () => clock,
    );
    for (let i = 0; i < BATCH * 2; i++) pump.push(notice(String(i)));
    flushes.shift()!();
    expect(handed).toBe(BATCH);
    flushes.shift()!();
    expect(handed).toBe(BATCH * 2);
    expect(flushes).toEqual([]);
  });
});

describe('alarms', () => {
  it('are silent on a healthy run', () => {
    const book = new SeriesBook();
    for (let step = 0; step < 30; step++)
      book.push(step, {
        loss: 1,
        'completions/clipped_ratio': 0.1,
        frac_reward_zero_std: 0.2,
        entropy: 0.5,
        'completions/mean_length': 50,
        frac_groups_dropped: 0.2,
        'thoughts/agreement': 0.9,
        'answers/refused': 0.1,
        'boxes/area_ratio': 1.1,
      });
    expect(alarmsOf(book)).toEqual([]);
  });

  it.each([
    ['nan', { loss: NaN }],
    ['nan', { loss: Infinity }],
    ['clipped', { 'completions/clipped_ratio': 0.9 }],
    ['idle', { frac_reward_zero_std: 1 }],
    ['entropy', { entropy: 0.001 }],
    ['kl', { kl: 3 }],
    ['dropped', { frac_groups_dropped: 0.9 }],
    ['disagreeing', { 'thoughts/agreement': 0.1 }],
    ['refusing', { 'answers/refused': 0.7 }],
    ['large-boxes', { 'boxes/area_ratio': 2 }],
    ['small-boxes', { 'boxes/area_ratio': 0.5 }],
  ])('tell of %s', (key, values) => {
    const book = new SeriesBook();
    for (let step = 0; step < 5; step++) book.push(step, values);
    expect(alarmsOf(book).map((alarm) => alarm.key)).toEqual([key]);
  });

  it.each([
    ['shrinking', (step: number) => 100 - 2 * step],
    ['growing', (step: number) => 20 + 2 * step],
  ])('tell of completions that are %s', (key, length) => {
    const book = new SeriesBook();
    for (let step = 0; step < 40; step++) book.push(step, { 'completions/mean_length': length(step) });
    expect(alarmsOf(book).map((alarm) => alarm.key)).toEqual([key]);
  });

  it('tell of a gradient spike while it is news, and where it was', () => {
    const book = new SeriesBook();
    const spike = (until: number) => {
      for (let step = book.lastStep + 1; step <= until; step++) book.push(step, { grad_norm: step === 20 ? 9 : 1 });
      return alarmsOf(book).map(({ key, steps }) => [key, ...steps]);
    };
    expect(spike(21)).toEqual([['gradient', 20]]);
    expect(spike(60)).toEqual([]);
  });

  it('are logged from the first step on, those that are over too, by stage, the newest first', () => {
    const book = new SeriesBook();
    for (let step = 1; step <= 60; step++)
      book.push(step, {
        loss: step === 13 || step === 14 ? NaN : 1,
        grad_norm: step === 20 ? 9 : 1,
        entropy: step > 50 ? 0.001 : 1,
        'completions/clipped_ratio': step >= 30 && step < 40 ? 0.9 : 0,
      });
    const stages = [
      { step: 1, name: 'one' },
      { step: 25, name: 'two' },
    ];
    expect(alarmLog(book, stages).map(({ title, from, to, stage, lasts }) => [title, from, to, stage, lasts])).toEqual([
      ['Entropy collapsed', 55, 60, 'two', true],
      ['Completions are truncated', 34, 39, 'two', false],
      ['Gradient spike', 20, 20, 'one', false],
      ['Not a number', 13, 14, 'one', false],
    ]);
  });

  it('tell at every point of a run what the log has there', () => {
    const random = (step: number) => Math.abs(Math.sin(step * 12.9898) * 43758.5453) % 1;
    const whole = new SeriesBook();
    const growing = new SeriesBook();
    const held = new Map<string, Set<number>>();
    for (let step = 1; step <= 300; step++) {
      const values = { kl: random(step) < 0.9 ? 2 : 0, grad_norm: random(step + 0.5) > 0.97 ? 30 : 1 };
      whole.push(step, values);
      growing.push(step, values);
      for (const { title, steps } of alarmsOf(growing))
        if (steps.includes(step)) held.set(title, (held.get(title) ?? new Set()).add(step));
    }
    const logged = new Map<string, Set<number>>();
    for (const { title, from, to } of alarmLog(whole, [{ step: 1, name: 's' }]))
      for (let step = from; step <= to; step++) logged.set(title, (logged.get(title) ?? new Set()).add(step));
    expect([...logged.keys()].sort()).toEqual(['Far from the reference', 'Gradient spike']);
    for (const [title, steps] of logged) expect([...steps].sort()).toEqual([...held.get(title)!].sort());
  });

  it('come with the gravest first', () => {
    const book = new SeriesBook();
    for (let step = 1; step <= 30; step++)
      book.push(step, {
        loss: step > 25 ? NaN : 1,
        grad_norm: step === 28 ? 9 : 1,
        entropy: 0.001,
        'completions/clipped_ratio': 0.9,
        kl: 4,
      });
    expect(alarmsOf(book).map(({ key }) => key)).toEqual(['nan', 'kl', 'entropy', 'clipped', 'gradient']);
  });

  it('tell where a curve stopped being a number, and only of the stage under way', () => {
    const book = new SeriesBook();
    for (let step = 1; step <= 30; step++) book.push(step, { loss: step > 12 ? NaN : 1, kl: step > 20 ? NaN : 0 });
    expect(alarmsOf(book)).toMatchObject([{ key: 'nan', curves: ['loss', 'kl'], steps: [13] }]);
    for (let step = 31; step <= 40; step++) book.push(step, { loss: 1, kl: 0 });
    expect(alarmsOf(book, 31)).toEqual([]);
  });
});
