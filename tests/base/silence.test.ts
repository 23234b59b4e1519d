/** An answer that stays out is told once, and taken back when it comes. */
import { expect, test } from 'vitest';
import { Silence } from '../../src/base/silence.ts';

function listening() {
  const told: boolean[] = [];
  const silence = new Silence((silent) => told.push(silent));
  const seconds = (n: number) => Array.from({ length: n }).forEach(() => silence.tick());
  return { told, silence, seconds };
}

test('nothing is told while nothing is asked', () => {
  const { told, seconds } = listening();
  seconds(100);
  expect(told).toEqual([]);
});

test('ten seconds without an answer are told once, and the answer takes it back', () => {
  const { told, silence, seconds } = listening();
  silence.asked();
  seconds(9);
  expect(told).toEqual([]);
  seconds(30);
  expect(told).toEqual([true]);
  silence.answered();
  expect(told).toEqual([true, false]);
  seconds(30);
  expect(told).toEqual([true, false]);
});

test('an answer to something else shows that it lives: the count begins anew', () => {
  const { told, silence, seconds } = listening();
  silence.asked();
  silence.asked();
  for (let i = 0; i < 20; i++) {
    seconds(9);
    silence.asked();
    silence.answered();
  }
  expect(told).toEqual([]);
  silence.answered();
  seconds(10);
  expect(told).toEqual([true]);
});

test('a sign of life answers nothing, but is heard', () => {
  const { told, silence, seconds } = listening();
  silence.asked();
  seconds(9);
  silence.heard();
  seconds(9);
  expect(told).toEqual([]);
  expect(silence.waiting).toBe(true);
});
