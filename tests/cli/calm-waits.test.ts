import { expect, test } from 'vitest';
import { calmly } from '../../src/cli/calm-waits.ts';

/** An event loop whose clock goes on by a tenth of a millisecond a turn, or by what was slept. */
function loop() {
  let clock = 0;
  const waiting: { readonly callback: () => void; readonly ms: number }[] = [];
  const ask = calmly({
    soon: (callback) => waiting.push({ callback, ms: 0.1 }),
    later: (callback, ms) => waiting.push({ callback, ms }),
    now: () => clock,
  });
  const run = () => {
    let turns = 0;
    for (let next = waiting.shift(); next; next = waiting.shift(), turns++) {
      clock += next.ms;
      next.callback();
    }
    return turns;
  };
  return { ask, run, now: () => clock };
}

/** As Dawn asks: a native function that goes on asking until it is done. */
function waiter(ask: (callback: () => void) => unknown, done: () => boolean): () => void {
  const look: () => void = (() => {
    if (!done()) ask(look);
  }).bind(null);
  return look;
}

test('a long wait is busy at first and then looks once a millisecond; each wait anew', () => {
  const { ask, run, now } = loop();
  for (const wait of [1, 2]) {
    const begun = now();
    ask(waiter(ask, () => now() >= begun + 20));
    const turns = run();
    expect(turns, `wait ${wait}`).toBeGreaterThanOrEqual(24);
    expect(turns, `wait ${wait}`).toBeLessThanOrEqual(28);
  }
});

test('whoever else asks for a turn gets the next one, however often', () => {
  const { ask, run, now } = loop();
  const look = () => {
    if (now() < 20) ask(look);
  };
  ask(look);
  expect(run()).toBeGreaterThanOrEqual(200);
});
