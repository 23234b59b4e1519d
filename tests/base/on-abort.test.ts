import { expect, test } from 'vitest';
import { onAbort } from '../../src/base/on-abort.ts';

test('everyone who waits is told once, whoever left is not, and the signal has one listener', () => {
  const controller = new AbortController();
  let listeners = 0;
  const { signal } = controller;
  const add = signal.addEventListener.bind(signal);
  signal.addEventListener = ((...given: Parameters<typeof add>) => {
    listeners++;
    add(...given);
  }) as typeof signal.addEventListener;
  const told: string[] = [];
  const same = () => void told.push('same');
  onAbort(signal, same);
  onAbort(signal, same);
  const leave = onAbort(signal, () => void told.push('left'));
  for (let i = 0; i < 20; i++) onAbort(signal, () => void told.push(`${i}`));
  leave();
  controller.abort();
  expect(told).toHaveLength(22);
  expect(told).not.toContain('left');
  expect(listeners).toBe(1);
});
