import { describe, expect, test } from 'vitest';
import { Gate } from '../../src/engine/run/gate.ts';
import type { RunState } from '../../src/engine/protocol/index.ts';

/** Lets everything that can go on go on. */
const settle = () => new Promise((resolve) => setTimeout(resolve));

function opened({ paused = false } = {}) {
  const states: RunState[] = [];
  const gate = new Gate((state) => states.push(state));
  const log: string[] = [];
  gate.begin(paused);
  /** A run of up to `steps` steps that does as the engine's loops do. */
  const run = async (steps = 100) => {
    for (let i = 0; i < steps; i++) {
      if (!(await gate.pass())) break;
      log.push(`step ${i}`);
      await settle();
      log.push(`done ${i}`);
    }
    gate.end('finished');
  };
  return { gate, states, log, run };
}

describe('the gate', () => {
  test('lets a run through that nobody holds', async () => {
    const { states, log, run } = opened();
    await run(2);
    expect(log).toEqual(['step 0', 'done 0', 'step 1', 'done 1']);
    expect(states).toEqual(['running', 'finished']);
  });

  test('holds a paused run before its next step, and lets it go on', async () => {
    const { gate, states, log, run } = opened();
    const running = run(2);
    await Promise.resolve();
    expect(gate.control('pause')).toBe('paused');
    await settle();
    await settle();
    const held = [...log];
    expect(held).not.toContain('step 1');
    await settle();
    expect(log).toEqual(held);
    gate.control('resume');
    await running;
    expect(log.slice(-2)).toEqual(['step 1', 'done 1']);
    expect(states).toEqual(['running', 'paused', 'running', 'finished']);
  });

  test('gives a turn to what waits before the first step, and keeps the single step asked for', async () => {
    const { gate, log, run } = opened({ paused: true });
    gate.control('step');
    const answered = gate.aside(async () => void log.push('answered'));
    expect(await gate.turn()).toBe(true);
    await answered;
    const running = run();
    await settle();
    await settle();
    expect(log).toEqual(['answered', 'step 0', 'done 0']);
    gate.stop();
    expect(await gate.turn()).toBe(false);
    await running;
  });

  test('holds in work before the first step, and ends there', async () => {
    const { gate } = opened();
    const passed: string[] = [];
    const turn = async (name: string) => void passed.push(`${name} ${await gate.turn()}`);
    await turn('running');
    gate.control('pause');
    const held = turn('held');
    await settle();
    // What wants a turn of its own has it, and the run still waits.
    await gate.aside(async () => void passed.push('answered'));
    await settle();
    expect(passed).toEqual(['running true', 'answered']);
    gate.control('resume');
    await held;
    gate.control('pause');
    const ended = turn('ended');
    await settle();
    gate.stop();
    await ended;
    expect(passed).toEqual(['running true', 'answered', 'held true', 'ended false']);
  });

  test('can hold before the first step', async () => {
    const { gate, states, log, run } = opened({ paused: true });
    const running = run(1);
    await settle();
    expect(log).toEqual([]);
    gate.control('resume');
    await running;
    expect(states).toEqual(['paused', 'running', 'finished']);
  });

  test('lets exactly one step through at a time', async () => {
    const { gate, log, run } = opened({ paused: true });
    const running = run();
    for (const wanted of [1, 2, 3]) {
      expect(gate.control('step')).toBe('paused');
      for (let i = 0; i < 5; i++) await settle();
      expect(log.filter((line) => line.startsWith('done'))).toHaveLength(wanted);
    }
    gate.stop();
    await running;
    expect(log).toHaveLength(6);
  });

  test.each(['running', 'paused'] as const)('ends a %s run at its next step', async (from) => {
    const { gate, states, log, run } = opened({ paused: from === 'paused' });
    const running = run();
    await settle();
    expect(gate.control('stop')).toBe('stopping');
    // Nothing takes the stop back.
    expect(gate.control('resume')).toBe('stopping');
    expect(gate.control('pause')).toBe('stopping');
    await running;
    expect(log.length).toBeLessThanOrEqual(4);
    expect(states).toEqual([from, 'stopping', 'finished']);
  });

  test('has nothing to control when no run is on', () => {
    const states: RunState[] = [];
    const gate = new Gate((state) => states.push(state));
    for (const action of ['pause', 'resume', 'step', 'stop'] as const) expect(gate.control(action)).toBe('idle');
    expect(states).toEqual([]);
    expect(gate.active).toBe(false);
  });

  test('begins anew after an end, without a step left over', async () => {
    const { gate, log, run } = opened({ paused: true });
    const first = run();
    await settle();
    gate.control('step');
    gate.stop();
    await first;
    log.length = 0;
    gate.begin(true);
    const second = run();
    await settle();
    expect(log).toEqual([]);
    gate.stop();
    await second;
  });
});

describe('work aside', () => {
  test('runs between steps, never during one', async () => {
    const { gate, log, run } = opened();
    const running = run(3);
    await settle();
    const aside = gate.aside(async () => {
      log.push('aside begins');
      await settle();
      log.push('aside ends');
      return 42;
    });
    expect(await aside).toBe(42);
    await running;
    const at = log.indexOf('aside begins');
    expect(log[at + 1]).toBe('aside ends');
    expect(log[at - 1]).toMatch(/^done/);
    expect(log.filter((line) => line.startsWith('done'))).toHaveLength(3);
  });

  test('runs while the run is paused, and leaves it paused', async () => {
    const { gate, log, run } = opened({ paused: true });
    const running = run();
    await settle();
    expect(await gate.aside(async () => 'answer')).toBe('answer');
    await settle();
    expect(log).toEqual([]);
    expect(gate.state).toBe('paused');
    gate.stop();
    await running;
  });

  test('runs at once when no run is on, one piece after another', async () => {
    const gate = new Gate(() => {});
    const log: string[] = [];
    const piece = (name: string) =>
      gate.aside(async () => {
        log.push(`${name} begins`);
        await settle();
        log.push(`${name} ends`);
      });
    await Promise.all([piece('a'), piece('b')]);
    expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
  });

  test('that fails tells only whoever asked', async () => {
    const { gate, run, log } = opened();
    const running = run(2);
    await expect(gate.aside(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await expect(
      gate.aside(() => {
        throw new Error('at once');
      }),
    ).rejects.toThrow('at once');
    await running;
    expect(log.filter((line) => line.startsWith('done'))).toHaveLength(2);
    expect(await gate.aside(async () => 'still here')).toBe('still here');
  });

  test('asked for during the last step is done after the end', async () => {
    const { gate, run } = opened();
    const running = run(1);
    await Promise.resolve();
    const aside = gate.aside(async () => gate.state);
    await running;
    expect(await aside).toMatch(/running|finished/);
  });
});
